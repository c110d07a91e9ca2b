"""Reports of shards for `fateline merge`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fateline_oracle.cli import conform as conform_command
from fateline_oracle.cli import main
from tests.inputs.damage import damaged_bytes, damaged_data
from tests.inputs.harness import Misbehaved, Sandboxes, check, fuzz, lengths

TRIED = [
    [
        "conform",
        "zoo:quorum-off-by-one",
        "--seed",
        "1",
        "--instance",
        "barrier branches=2 policy=quorum:2 merge=nested",
    ],
    ["conform", "zoo:late-without-a-fate", "--seed", "1", "--instance", "untimed diamond policy=first*"],
    ["torture", "zoo:goes-on-in-the-visit-that-was-cut", "--family", "line"],
    ["verify", "--all", "2", "--jobs", "1"],
]


@cache
def reports() -> list[Any]:
    """A report of each of them, of one shard."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conform_command, "self_test", lambda progress: ())
        return [
            json.loads(CliRunner().invoke(main, [*words, "--scope", "small", "--shard", "1/1", "--json"]).stdout)
            for words in TRIED
        ]


@lengths(20, 1_000)
def test_reports_of_shards(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(shard: Any) -> None:
        folder = folders.next()
        (folder / "r.json").write_text(json.dumps({**reports()[0], "shard": shard}))
        check(folder, "merge", "r.json", "--cases", "cases", named="cases/.*")
        check(folder, "merge", "r.json", "--json", "--html", "p.html", named="p.html", text=False)

    fuzz(many, damaged_data([report["shard"] for report in reports()], ["pipeline", "read(0, valid)", "C3"]), tried)


@lengths(10, 500)
def test_the_bytes_of_a_report(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(content: bytes) -> None:
        folder = folders.next()
        (folder / "r.json").write_bytes(content)
        check(folder, "merge", "r.json", "--cases", "cases", named="cases/.*")

    fuzz(many, damaged_bytes([json.dumps(report).encode() for report in reports()]), tried)


def test_seeded_faults_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("seeded")

    monkeypatch.setattr("fateline_oracle.cli.merge.read_parts", fails)
    with pytest.raises(Misbehaved, match="traceback"):
        test_reports_of_shards(tmp_path, 2)
