"""Crash tests of several machines: the merged report is that of a single run."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fateline_oracle.crash import kill
from fateline_oracle.crash.campaign import instances_to_crash, places_to_crash
from fateline_oracle.crash.kill import KillResult, Trial
from fateline_oracle.crash.shard_results import killed_in, killed_json
from fateline_oracle.ports.port import CommitPolicy
from fateline_oracle.reference.faulty_process import Fault, FaultKind
from fateline_oracle.shard import Shard
from tests.oracle.sharding import called, merged, shards, timeless, timeless_text

BUG = "zoo:goes-on-in-the-visit-that-was-cut"


def torture(engine: str, *more: object) -> list[object]:
    """Of two instances."""
    own = [engine] if engine else []
    return ["torture", *own, "--scope", "small", "--family", "untimed diamond", "--jobs", 1, *more]


@cache
def single(engine: str) -> dict[str, Any]:
    return timeless(json.loads(called(*torture(engine, "--json"))))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The reports of two shards of an engine that breaks a law in each."""
    return shards(tmp_path_factory.mktemp("broken"), torture, BUG, 2)


@pytest.mark.parametrize("of", [1, 2, 3, 50])
def test_each_instance_is_in_exactly_one_shard(of: int) -> None:
    places = [place for number in range(1, of + 1) for place in places_to_crash("small", shard=Shard(number, of))]
    assert sorted(places) == list(range(len(instances_to_crash("small"))))


def test_the_merged_report_is_that_of_one_run(tmp_path: Path) -> None:
    assert single("")["counts"]["leftovers_after_2"] > 0
    assert merged(shards(tmp_path, torture, "", 2)[::-1], "holds") == single("")


def test_the_merged_report_of_a_breach_is_that_of_one_run(broken: list[Path], tmp_path: Path) -> None:
    one = single(BUG)
    assert len({finding["message"].partition(":")[0] for finding in one["findings"]}) == 2, "a breach in each instance"
    assert merged(broken, "breached") == one
    together = called("merge", *broken, "--cases", tmp_path / "merged", "--html", tmp_path / "merged.html")
    alone = called(*torture(BUG, "--cases", tmp_path / "alone", "--html", tmp_path / "alone.html"))
    assert timeless_text(together).replace(f"{tmp_path}/merged", f"{tmp_path}/alone") == timeless_text(alone)
    pages = [timeless_text((tmp_path / f"{one}.html").read_text()) for one in ("merged", "alone")]
    assert pages[0] == pages[1]
    cases = [{path.name: path.read_text() for path in (tmp_path / one).iterdir()} for one in ("merged", "alone")]
    assert cases[0] == cases[1]
    assert len(cases[0]) == 2


def test_a_shard_says_that_it_is_one_and_a_missing_one_is_named(broken: list[Path]) -> None:
    report = json.loads(broken[0].read_text())
    assert report["reproduce"].startswith(f"fateline torture --shard 1/2 {BUG}")
    assert report["counts"]["instances"] == 1
    assert "shard 2/2 is missing" in called("merge", broken[0], status=(1,))


def test_a_shard_without_a_breach_holds_only_in_its_share(tmp_path: Path) -> None:
    def line(engine: str, *more: object) -> list[object]:
        return ["torture", "--scope", "small", "--family", "line", "--jobs", 1, *more]

    said = called(*line("", "--shard", "1/2"), status=(0,))
    assert "- only shard 1/2 was crash-tested" in said
    assert "\nholds in shard 1/2  " in said
    only = shards(tmp_path, line, "", 2)[:1]
    assert merged(only, "undetermined")["prevented"] == ["shard 2/2 is missing, and what it checks is not checked"]


KILLED = ("torture", "--scope", "small", "--family", "line", "--kill", 2, "--faults", 2, "--seed", 5, "--jobs", 1)


def test_real_processes_are_shared_out(tmp_path: Path) -> None:
    reports = shards(tmp_path, lambda engine, *more: [*KILLED, *more], "", 2)
    disturbed = [json.loads(path.read_text())["counts"]["processes_disturbed"] for path in reports]
    assert min(disturbed) >= 2
    assert merged(reports, "holds")["counts"]["processes_disturbed"] == sum(disturbed)
    document = json.loads(reports[0].read_text())
    del document["shard"]["results"]["processes of shard 1/2"]
    reports[0].write_text(json.dumps(document))
    assert "should have 'processes of shard 1/2'" in " ".join(called("merge", *reports, status=(3,)).split())


def test_the_first_trials_are_those_of_one_run_and_later_ones_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[list[Trial]] = []

    def too_late(work: object, todo: list[Trial], jobs: int) -> list[tuple[None, KillResult]]:
        rounds.append(todo)
        return [(None, KillResult(missed=1)) for _ in todo]

    monkeypatch.setattr(kill, "in_processes", too_late)
    pipelines = [Path("a", "pipeline.yaml"), Path("b", "pipeline.yaml")]
    for shard in (Shard(1, 3), Shard(2, 3), Shard(3, 3)):
        kill.disturb(pipelines, 5, 8, seed=7, jobs=1, shard=shard)
    assert len(rounds) == 12
    first = [trial for place in (0, 4, 8) for trial in rounds[place]]
    assert sorted(first) == sorted(kill.trials(pipelines, 5, 8, 7))
    later = [trial for place, todo in enumerate(rounds) for trial in todo if place % 4]
    assert len(set(later)) == len(later) == 39


def test_a_breach_of_a_real_process_is_read_as_it_was_written() -> None:
    killed = KillResult(3, Counter({FaultKind.RACED: 2}), Counter({"commit": 1}), 1, 4, 5, 6, Counter(R1=7))
    trial = Trial(Path("returns", "pipeline.yaml"), CommitPolicy.STEP, FaultKind.RACED, 14)
    killed.findings.append((trial, (Fault(FaultKind.RACED, 9),), (("R4", "lost"),)))
    assert killed_in(json.loads(json.dumps(msgspec.to_builtins(killed_json(killed))))) == killed


def test_a_skipped_process_is_named_once(tmp_path: Path) -> None:
    def asked(engine: str, *more: object) -> list[object]:
        return torture(engine, "--kill", 3, "--seed", 1, *more)

    report = merged(shards(tmp_path, asked, BUG, 2), "breached")
    assert [one["cases"] for one in report["skipped"] if one["what"] == "processes"] == [3]


@pytest.mark.parametrize(
    "more, what", [(("--kill", 1), "needs --seed"), (("--lock",), "leave out"), (("--start", "x"), "leave out")]
)
def test_what_cannot_be_split_is_refused(more: tuple[object, ...], what: str) -> None:
    assert what in " ".join(called("torture", "--shard", "1/2", *more, status=(3,)).split())
