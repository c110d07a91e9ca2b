"""The law stands twice at rest: trails that are lawful are quiet in both, and damaged ones are found by both."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_model import Pipeline
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle.audit.connect import BadSource
from fateline_oracle.audit.import_records import copy_records
from fateline_oracle.audit.queries import judged_at_rest
from fateline_oracle.audit.source import OF_ROWS
from fateline_oracle.audit.whole import AuditResult, Wanted, audit
from fateline_oracle.cli import main
from fateline_oracle.trails.check import TrailResult, check_run
from fateline_oracle.trails.pipeline import pipeline_of
from fateline_oracle.trails.reader import runs_of

from ..trails.damages import DAMAGES, OTHERWISE
from .corpus import Record, pipelines, walks
from .damage import WAYS, drop_field
from .random_pipelines import random_trail

EXAMPLES = Path(__file__).parents[3] / "examples"
Trails = dict[str, tuple[Pipeline | None, list[Record]]]
WALKED = ("leaving policy=require_all", "batch mode=transform", "batch mode=passthrough", "expand then fork",
          "nested outer=require_all inner=first", "diamond branches=2 policy=quorum:2 merge=union:fail",
          "retries", "quarantine")  # fmt: skip


SILENT: dict[tuple[str, str], tuple[set[str], str]] = {
    ("stepping", "reorder"): ({"D2"}, "the order of the records within a step is not compared"),
    ("stepping", "forge"): (
        {"V3", "T2", "R1", "D2"},
        "a visit is named by its token, node and attempt, and not by its id",
    ),
    ("stepping", "delete"): ({"T1", "V4"}, "a trail without any hop counts as one that records none"),
    ("query", "reorder"): ({"D2"}, "a query does not know which step wrote a record"),
    ("query", "split_step"): (
        {"R1"},
        "a query does not know which records a step writes that only opens or cuts visits",
    ),
}
"""Where one of the two may be silent: about which laws, for which damage, and why."""


@pytest.fixture(scope="module")
def trails(example_trails: dict[str, list[Record]]) -> Trails:
    """The examples, and walks of some instances of the small scope."""
    found: Trails = {name: (None, records) for name, records in example_trails.items()}
    for instance in pipelines():
        if instance.name.startswith(WALKED):
            assert isinstance(instance.system, PipelineSystem)
            for number, records in enumerate(walks(instance.name)):
                found[f"{instance.name} {number}"] = (instance.system.pipeline, records)
    return found


def asked(records: Sequence[Record], folder: Path) -> AuditResult:
    copy = folder / "copy.db"
    copy.unlink(missing_ok=True)
    return audit(Wanted(copy, copy_records(records, copy, whole=True)))


def stepped(records: Sequence[Record], pipeline: Pipeline | None) -> TrailResult:
    found = TrailResult()
    for trail in runs_of(records):
        if trail.about.get("nodes"):
            check_run(trail, pipeline or pipeline_of(trail), found)
        else:
            found.breached["L6"] += 1
    return found


def test_a_lawful_trail_is_quiet_in_both(trails: Trails, tmp_path: Path) -> None:
    for name, (pipeline, records) in trails.items():
        found = asked(records, tmp_path)
        assert dict(found.breached) == {}, (name, found.judged.breaches[:3])
        assert dict(stepped(records, pipeline).breached) == {}, name


@pytest.mark.parametrize("name", DAMAGES)
def test_both_name_the_law_of_a_damage(example_trails: dict[str, list[Record]], tmp_path: Path, name: str) -> None:
    example, damage, law = DAMAGES[name]
    damaged = damage([dict(record) for record in example_trails[example]])
    assert law in stepped(damaged, None).breached
    assert law in asked(damaged, tmp_path).breached


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_query_names_the_law_and_stepping_what_follows(
    example_trails: dict[str, list[Record]], tmp_path: Path, name: str
) -> None:
    example, damage, law, other = OTHERWISE[name]
    damaged = damage([dict(record) for record in example_trails[example]])
    found = stepped(damaged, None).breached
    assert other in found
    assert law not in found, "stepping names it: it belongs into the first table"
    assert law in asked(damaged, tmp_path).breached


def test_every_law_that_has_a_query_has_a_damage() -> None:
    named = {law for _, _, law in DAMAGES.values()} | {law for _, _, law, _ in OTHERWISE.values()}
    assert judged_at_rest() - named == set()


@pytest.mark.parametrize("seed", range(6))
def test_what_stepping_does_not_accept_a_query_finds(trails: Trails, tmp_path: Path, seed: int) -> None:
    names = sorted(trails)
    found = 0
    for number in range(25):
        draw = random.Random(f"{seed}/{number}")
        name, way = draw.choice(names), draw.choice([way for way in WAYS if way is not drop_field])
        pipeline, records = trails[name]
        damaged = way(records, draw)
        try:
            refused = set(stepped(damaged, pipeline).breached) - SILENT.get(("query", way.__name__), (set(), ""))[0]
            noticed = bool(asked(damaged, tmp_path).breached)
        except BadSource:
            continue
        found += bool(refused)
        assert not refused or noticed, (
            name,
            way.__name__,
            number,
            json.dumps([r for r in damaged if r not in records]),
        )
    assert found >= 10, "the damage does no damage"


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 40))])
def test_the_two_agree_on_pipelines_that_nobody_chose(tmp_path: Path, seed: int) -> None:
    """Lawful runs of random pipelines are quiet in both. After damage both find something, or one has a stated reason."""
    found = 0
    for number in range(12):
        draw = random.Random(f"{seed}/{number}")
        pipeline, trail = random_trail(draw)
        assert dict(asked(trail, tmp_path).breached) == {}, number
        assert dict(stepped(trail, pipeline).breached) == {}, number
        way = draw.choice([way for way in WAYS if way is not drop_field])
        if not any(record["rec"] in OF_ROWS for record in trail):
            continue
        damaged = way(trail, draw)
        try:
            sides = {
                "query": set(asked(damaged, tmp_path).breached),
                "stepping": set(stepped(damaged, pipeline).breached),
            }
        except BadSource:
            continue
        found += all(sides.values())
        for silent, other in (("query", "stepping"), ("stepping", "query")):
            if sides[other] and not sides[silent]:
                may, why = SILENT.get((silent, way.__name__), (set(), "no reason"))
                assert sides[other] <= may, (number, way.__name__, silent, sides, why)
    assert found >= 6, "the damage does no damage"


def test_a_merge_that_a_limit_of_the_engine_refused_is_no_breach(tmp_path: Path) -> None:
    """A merged row is larger than `row_bytes` allows. That fails the barrier, and both encodings know the reason."""
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": "x" * 700}) + "\n")
    (tmp_path / "pipeline.yaml").write_text(TOO_LARGE)
    assert CliRunner().invoke(main, ["run", str(tmp_path / "pipeline.yaml")]).exit_code == 0
    asked_ = CliRunner().invoke(main, ["audit", str(tmp_path / "pipeline.db"), "--json"])
    assert json.loads(asked_.output)["verdict"] == "holds", asked_.output
    stepped_ = CliRunner().invoke(main, ["conform", "--trail", str(tmp_path / "pipeline.db")])
    assert stepped_.exit_code == 0, stepped_.output
    exported = CliRunner().invoke(main, ["export", str(tmp_path / "pipeline.db")])
    trail = [json.loads(line) for line in exported.output.splitlines()]
    forged = [{**one, "reason": "node_failed"} if one.get("reason") == "merged_row_too_large" else one for one in trail]
    assert forged != trail
    assert "C3" in asked(forged, tmp_path).breached
    assert stepped(forged, None).breached


TOO_LARGE = """
name: large
run: {row_bytes: 1000}
nodes:
  - {name: src, kind: source, plugin: jsonl, options: {path: rows.jsonl}, to: g}
  - {name: g, kind: gate, when: "true", routes: {true: fork, false: discard}, fork: {a: j, b: j}}
  - {name: j, kind: coalesce, branches: [a, b], merge: nested, to: out}
  - {name: out, kind: sink, plugin: jsonl, options: {path: out.jsonl}}
"""
