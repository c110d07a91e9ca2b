"""Vectors: they cover every transition, stay as they are unless the law changes, and an engine that fails one is told."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_model import Accepted, Refusal, Run, load, step
from fateline_model.records import as_json
from fateline_model.stimuli_json import from_json
from fateline_oracle.cli import main
from fateline_oracle.engines import engine_of
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.vectors import store
from fateline_oracle.vectors.make import Graph, all_published, document, hidden_of, vectors_of
from fateline_oracle.vectors.run import Score, gap, published_of, run
from fateline_oracle.vectors.store import BadVectors, folder_of, made, read, stale, write

FEW = (
    "line",
    "quarantine",
    "retries",
    "leaving policy=require_all",
    "two batches",
    "barrier branches=2 policy=first merge=nested",
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [instance for instance in all_published() if instance.name.startswith(FEW)]
    monkeypatch.setattr(store, "all_published", lambda: chosen)


def test_every_transition_of_every_published_instance_is_in_some_vector() -> None:
    for instance in all_published():
        if instance.name.startswith(FEW):
            graph = Graph(instance)
            steps = sum("records" in one for vector in vectors_of(instance, graph) for one in vector["steps"])
            taken = {
                json.dumps(v["steps"][: k + 1]) for v in vectors_of(instance, graph) for k in range(len(v["steps"]))
            }
            assert steps >= graph.transitions
            assert len(taken) >= graph.transitions


def test_what_a_vector_expects_is_what_the_law_says() -> None:
    count = 0
    for vector in read(folder_of()):
        if vector.machine in ("barrier", "lifecycle") or not str(vector.document["instance"]).startswith(FEW):
            continue
        pipeline, state = load(vector.pipeline), Run()
        for said in vector.document["steps"]:
            law = step(pipeline, state, from_json(said["stimulus"]))
            if isinstance(law, Refusal):
                assert said["refused"] == law
            else:
                assert isinstance(law, Accepted)
                assert said["records"] == json.loads(json.dumps([as_json(record) for record in law.records]))
                state = law.run
            count += 1
    assert count > 1_000


def test_ids_are_of_what_is_asked_and_no_two_are_alike() -> None:
    vectors = [vector.id for vector in read(folder_of())]
    assert len(vectors) == len(set(vectors)) == json.loads((folder_of() / "index.json").read_text())["vectors"]
    (instance,) = [one for one in all_published() if one.name == "quarantine"]
    first = next(vectors_of(instance, Graph(instance)))
    graph = Graph(instance)
    assert document(instance, list(graph.steps([0], set())))["id"] != first["id"]


@pytest.mark.usefixtures("few")
def test_they_are_made_the_same_and_what_was_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    files = made()
    assert files == made()
    write(tmp_path, files)
    assert stale(tmp_path, files) == []
    path = tmp_path / "line.jsonl.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b'"completed"', b'"failed"', 1)))
    (tmp_path / "retries.jsonl.gz").unlink()
    (tmp_path / "old.jsonl.gz").write_bytes(b"")
    assert stale(tmp_path, files) == [
        "line.jsonl.gz: stale",
        "retries.jsonl.gz: missing",
        "old.jsonl.gz: no longer made",
    ]
    assert CliRunner().invoke(main, ["vectors", "--check", "--folder", str(tmp_path)]).exit_code == 1
    assert CliRunner().invoke(main, ["vectors", "--folder", str(tmp_path)]).exit_code == 0
    assert stale(tmp_path, files) == []


@pytest.mark.slow
def test_the_published_vectors_are_fresh() -> None:
    found = CliRunner().invoke(main, ["vectors", "--check"])
    assert found.exit_code == 0, found.output


@pytest.mark.usefixtures("few")
def test_the_reference_engine_passes_and_a_bug_does_not(tmp_path: Path) -> None:
    write(tmp_path, made())
    good = CliRunner().invoke(main, ["vectors", "reference", "--folder", str(tmp_path), "--json"])
    assert good.exit_code == 0, good.output
    counts = json.loads(good.output)["counts"]
    assert counts["published"] == counts["published_passed"] > 200
    bad = CliRunner().invoke(main, ["vectors", "zoo:late-without-a-fate", "--folder", str(tmp_path)])
    assert bad.exit_code == 1, bad.output
    assert "C16" in bad.output


def test_a_hidden_set_is_drawn_by_its_seed_alone() -> None:
    (instance,) = [one for one in all_published() if one.name == "leaving policy=require_all"]
    graph = Graph(instance)
    mine, same, other = (list(hidden_of(instance, graph, seed)) for seed in (1, 1, 2))
    assert mine == same != other
    public = {vector["id"] for vector in vectors_of(instance, graph)}
    assert not public & {vector["id"] for vector in mine}


def test_a_gap_is_flagged() -> None:
    assert gap(Score(asked=100, passed=100), Score(asked=10, passed=8))
    assert not gap(Score(asked=100, passed=90), Score(asked=10, passed=9))
    assert not gap(Score(asked=100, passed=100), Score())


def test_an_engine_is_not_asked_what_it_does_not_declare() -> None:
    with engine_of("") as engine:
        hello = hello_of(engine)._replace(does=frozenset(), ports=frozenset({"pipeline"}))  # type: ignore[arg-type]
        (instance,) = [one for one in all_published() if one.name == "two batches"]
        score = run(engine, hello, published_of(instance))
    assert score.asked == 0
    assert "the engine does not declare batches" in score.skipped


@pytest.mark.parametrize(
    "lines, says",
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"id": "x", "steps": []}', "this line is not a vector"),
        (b'{"pipeline": {}, "machine": "m"}\n{"id": "x", "steps": []}', "this line is not a vector"),
        (b'{"pipeline": {}, "machine": "m"}\n' + 2 * b'{"id": "x", "instance": "i", "steps": []}\n', "occurs twice"),
    ],
)
def test_what_is_no_vector_is_said_with_its_line(tmp_path: Path, lines: bytes, says: str) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    with pytest.raises(BadVectors, match=says):
        list(read(tmp_path))


def test_a_folder_without_vectors_and_a_broken_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(BadVectors, match="no vectors"):
        list(read(tmp_path))
    (tmp_path / "a.jsonl.gz").write_bytes(b"nothing packed")
    with pytest.raises(BadVectors, match="cannot be read"):
        list(read(tmp_path))
