"""Cases for `fateline replay` and `explore`, and vectors."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fateline_oracle.vectors.store import folder_of, read
from tests.inputs.damage import damaged_bytes, damaged_data
from tests.inputs.harness import Misbehaved, Sandboxes, check, fuzz, lengths

ABOUT = {
    "schema": "fateline.case/1",
    "law_version": "2",
    "title": "t",
    "laws": [["L1", "x"]],
    "expected": None,
    "reproduce": "x",
}


@cache
def cases() -> list[Any]:
    """A case of each machine, made of the longest vector of each file."""
    longest: dict[tuple[str, str], Any] = {}
    for vector in read(folder_of()):
        place = (vector.machine, str(vector.document["instance"]).split(":")[0])
        if len(longest) < 8 or place in longest:
            known = longest.get(place)
            if known is None or len(known.document["steps"]) < len(vector.document["steps"]) < 14:
                longest[place] = vector
    made = [
        {**ABOUT, "machine": machine, "instance": vector.document["instance"], "pipeline": vector.pipeline,
         "steps": [{"says": str(step.get("says", "")), "stimulus": step.get("stimulus", {}), "records": step.get("records", [])}
                   for step in vector.document["steps"]]}
        for (machine, _), vector in longest.items()
    ]  # fmt: skip
    crashed = {
        **made[0],
        "machine": "torture",
        "policy": "step",
        "cuts": [{"boundary": 3, "write": "commit", "steps": 1}],
    }
    return [*made, crashed]


MORE: list[Any] = [
    "pipeline",
    "batch",
    "barrier",
    "lifecycle",
    "kernel",
    "torture",
    "zoo:late-without-a-fate",
    "nobody:x",
    "read(0, valid)",
    "a",
    "b",
]


@lengths(10, 500)
def test_cases(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(case: Any) -> None:
        folder = folders.next()
        (folder / "case.json").write_text(json.dumps(case))
        check(folder, "replay", "case.json")
        check(folder, "explore", "--case", "case.json", "--states", "20", "--output", "p.html", named="p.html")

    fuzz(many, damaged_data(cases(), MORE), tried)


@lengths(10, 1_000)
def test_the_bytes_of_a_case(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(content: bytes) -> None:
        folder = folders.next()
        (folder / "case.json").write_bytes(content)
        check(folder, "replay", "case.json")

    fuzz(many, damaged_bytes([json.dumps(case).encode() for case in cases()]), tried)


@cache
def vector_lines() -> list[Any]:
    """The first lines of two files of vectors, as data."""
    found = []
    for name in ("line.jsonl.gz", "barrier.jsonl.gz"):
        with gzip.open(folder_of() / name) as lines:
            found.append([json.loads(line) for line, _ in zip(lines, range(5), strict=False)])
    return found


@lengths(8, 400)
def test_vectors(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(lines: Any) -> None:
        folder = folders.next()
        (folder / "v").mkdir()
        with gzip.open(folder / "v" / "x.jsonl.gz", "wt") as packed:
            packed.writelines(json.dumps(line) + "\n" for line in lines)
        check(folder, "vectors", "reference", "--folder", "v")

    fuzz(many, damaged_data(vector_lines(), MORE), tried)


@lengths(10, 1_500)
def test_the_bytes_of_vectors(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)
    text = "".join(json.dumps(line) + "\n" for line in vector_lines()[0]).encode()

    def tried(content: bytes) -> None:
        folder = folders.next()
        (folder / "v").mkdir()
        (folder / "v" / "x.jsonl.gz").write_bytes(content)
        check(folder, "vectors", "reference", "--folder", "v")

    fuzz(many, damaged_bytes([gzip.compress(text, mtime=0), gzip.compress(b"", mtime=0) * 2]), tried)


def test_seeded_faults_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("seeded")

    with monkeypatch.context() as patched:
        patched.setattr("fateline_oracle.cli.replay.step_again", fails)
        with pytest.raises(Misbehaved, match="traceback"):
            test_cases(tmp_path, 40)
    with monkeypatch.context() as patched:
        patched.setattr("fateline_oracle.vectors.run.stepped", fails)
        with pytest.raises(Misbehaved, match="traceback"):
            test_vectors(tmp_path, 40)
