"""Shards: each member of a list is in exactly one, and the merged report is that of a single run.

Not here: damaged reports (`tests/inputs/test_shards.py`).
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fateline_oracle.cli import conform as conform_command
from fateline_oracle.compare.difference import Difference
from fateline_oracle.compare.whole_run import PlannedRow, WholeRun
from fateline_oracle.conform.campaign import every_instance, places_to_drive
from fateline_oracle.conform.instance import InstanceResult
from fateline_oracle.conform.result import SelfTest
from fateline_oracle.conform.shard_results import result_in, result_json
from fateline_oracle.shard import BadShard, Shard, shard_called
from tests.oracle.sharding import Words, called, merged, shards, timeless, timeless_text

SOME = (
    *("barrier branches=2 policy=quorum*", "untimed diamond policy=first*", "line", "memberships", "outcomes"),
    "diamond branches=2 policy=quorum:2 merge=union",
)
NOTICED = SelfTest("bug", "says", "L1", "L1", 3)


@given(st.lists(st.integers()), st.integers(1, 40))
def test_each_member_is_in_exactly_one_shard(members: list[int], of: int) -> None:
    numbered = list(enumerate(members))
    shares = [Shard(number, of).share(numbered) for number in range(1, of + 1)]
    assert sorted(one for share in shares for one in share) == numbered
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("of", [1, 2, 3, 7, 200])
def test_each_instance_is_in_exactly_one_shard(of: int) -> None:
    shares = [places_to_drive("small", shard=Shard(number, of)) for number in range(1, of + 1)]
    assert sorted(place for share in shares for place in share) == list(range(len(every_instance("small"))))


@pytest.mark.parametrize("name", ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "1/1001", "a/b", "١/٢x", "1 /2"])
def test_what_is_no_shard_is_refused(name: str) -> None:
    with pytest.raises(BadShard, match="K/N"):
        shard_called(name)
    assert shard_called("2/5") == Shard(2, 5)


# ------------------------------------------------------------------------------------------------------- whole reports


@pytest.fixture(autouse=True)
def no_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conform_command, "self_test", lambda progress: (NOTICED,))


def conform(engine: str, *more: object) -> list[object]:
    own = [engine] if engine else []
    some = [word for pattern in SOME for word in ("--instance", pattern)]
    return ["conform", *own, "--scope", "small", "--seed", 5, "--jobs", 1, *some, *more]


@cache
def single(command: Words, engine: str) -> dict[str, Any]:
    return timeless(json.loads(called(*command(engine, "--json"))))


ENGINES = ("", "zoo:late-without-a-fate", "zoo:siblings-share-data", "zoo:quorum-off-by-one")


@pytest.mark.parametrize("of", [1, 2, 3, 7])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_merged_report_of_conform_is_that_of_one_run(tmp_path: Path, engine: str, of: int) -> None:
    one = single(conform, engine)
    paths = shards(tmp_path, conform, engine, of)
    assert merged(paths[::-1], one["verdict"]) == one
    assert one["counts"]["steps"] > 0
    assert one["shard"] is None


# ------------------------------------------------------------------------------------------------ what does not fit

TINY = ("conform", "--scope", "small", "--jobs", 1, "--instance", "barrier branches=2 policy=quorum*")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The reports of three shards of an engine that breaks a law in one instance of each."""
    folder = tmp_path_factory.mktemp("three")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conform_command, "self_test", lambda progress: (NOTICED,))
        return shards(folder, lambda engine, *more: [*TINY, engine, "--seed", 1, *more], "zoo:quorum-off-by-one", 3)


def test_a_lifecycle_finding_keeps_its_operations(tmp_path: Path) -> None:
    def command(engine: str, *more: object) -> list[object]:
        return [
            "conform",
            engine,
            "--scope",
            "small",
            "--seed",
            1,
            "--jobs",
            1,
            "--instance",
            "lineage",
            *more,
        ]

    paths = shards(tmp_path, command, "zoo:believes-the-run", 1)
    together = json.loads(called("merge", *paths, "--json", "--cases", tmp_path / "cases"))
    assert timeless(together) == single(command, "zoo:believes-the-run")
    cases = [json.loads(path.read_text()) for path in sorted((tmp_path / "cases").iterdir())]
    assert [case["laws"][0][0] for case in cases] == [finding["law"] for finding in together["findings"]]
    assert {case["machine"] for case in cases} == {"lifecycle"}


def test_a_missing_shard_is_named_and_no_law_is_said_to_hold_in_it(three: list[Path], tmp_path: Path) -> None:
    sound = shards(tmp_path, lambda engine, *more: [*TINY, "--seed", 1, *more], "", 3)
    together = json.loads(called("merge", sound[0], sound[2], "--json", status=(2,)))
    assert together["verdict"] == "undetermined"
    assert together["prevented"] == ["shard 2/3 is missing, and what it checks is not checked"]
    assert "shard 2/3 is missing" in called("merge", sound[0], sound[2])
    broken = called("merge", three[0], status=(1,))
    assert "shard 2/3 is missing" in broken
    assert "shard 3/3 is missing" in broken


def test_the_same_shard_twice_is_refused_unless_it_found_the_same(three: list[Path], tmp_path: Path) -> None:
    whole = called("merge", *three, "--json")
    assert called("merge", three[1], *three, "--json") == whole
    document = json.loads(three[1].read_text())
    next(iter(document["shard"]["results"].values()))["counts"]["steps"] += 1
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document))
    said = called("merge", *three, other, status=(3,))
    assert all(text in said for text in (str(three[1]), str(other), "both shard 2/3"))


@pytest.mark.parametrize(
    "more, what",
    [
        (("zoo:quorum-off-by-one", "--seed", 2), "seed is 1 in the first, 2 in the second"),
        (("--seed", 1), "engine is 'zoo:quorum-off-by-one' in the first, '' in the second"),
        (("zoo:quorum-off-by-one", "--seed", 1, "--law", "C3"), "laws is [] in the first, ['C3'] in the second"),
        (
            ("zoo:quorum-off-by-one", "--seed", 1, "--stop-first"),
            "stop first is False in the first, True in the second",
        ),
    ],
)
def test_reports_that_do_not_belong_together_are_refused(
    three: list[Path], tmp_path: Path, more: tuple[object, ...], what: str
) -> None:
    (tmp_path / "2.json").write_text(called(*TINY, *more, "--shard", "2/3", "--json"))
    said = " ".join(called("merge", three[0], tmp_path / "2.json", status=(3,)).split())
    assert all(text in said for text in ("do not belong together", str(three[0]), str(tmp_path / "2.json"), what)), said


@pytest.mark.parametrize(
    "key, value, what",
    [
        ("law_version", "1", "made by Fateline .* with the law '1'"),
        ("judge", "0.0.1", "made by Fateline '0.0.1'"),
        ("number", 1, "shard 1/3 should"),
        ("number", 4, "there is no shard 4/3"),
        ("command", "spec", "cannot be merged"),
        ("of", 10**9, "not the report of a shard"),
    ],
)
def test_a_report_of_another_version_or_place_is_refused(
    three: list[Path], tmp_path: Path, key: str, value: object, what: str
) -> None:
    document = json.loads(three[1].read_text())
    document["shard"][key] = value
    (tmp_path / "2.json").write_text(json.dumps(document))
    said = called("merge", tmp_path / "2.json", status=(3,))
    assert re.search(what, " ".join(said.split())), said


def test_what_is_no_shard_is_named(three: list[Path], tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text(called("merge", *three, "--json"))
    assert "not the report of a shard" in called("merge", tmp_path / "whole.json", status=(3,))
    assert "needs --seed" in called("conform", "--shard", "1/2", status=(3,))
    assert "write K/N" in called("conform", "--shard", "3/2", status=(3,))


def test_a_ledger_and_a_profile_come_with_the_shards(tmp_path: Path) -> None:
    def command(engine: str, *more: object) -> list[object]:
        return [*TINY, engine, "--seed", 1, "--ledger", tmp_path / "known.toml", *more]

    report = tmp_path / "report.json"
    report.write_text(called(*TINY, "zoo:quorum-off-by-one", "--seed", 1, "--json"))
    (tmp_path / "known.toml").write_text(called("ledger", report, "--reason", "later"))
    together = json.loads(called("merge", *shards(tmp_path, command, "zoo:quorum-off-by-one", 2), "--json"))
    assert timeless(together) == single(command, "zoo:quorum-off-by-one")
    assert together["known"]
    assert together["verdict"] == "holds"


def test_the_merged_text_is_that_of_one_run(three: list[Path]) -> None:
    text = called(*TINY, "zoo:quorum-off-by-one", "--seed", 1)
    assert timeless_text(called("merge", *three)) == timeless_text(text)


def test_a_shard_holds_only_in_its_share() -> None:
    said = called(*TINY, "--seed", 1, "--shard", "1/3", status=(0,))
    assert "\nholds in shard 1/3  " in said
    assert "- only shard 1/3 was driven" in said


def test_the_page_and_the_cases_are_those_of_all_shards(three: list[Path], tmp_path: Path) -> None:
    called("merge", *three, "--html", tmp_path / "r.html", "--cases", tmp_path / "cases", "--junit", tmp_path / "j.xml")
    assert "reference engine: breached" in (tmp_path / "r.html").read_text()
    assert len(list((tmp_path / "cases").iterdir())) == len(json.loads(called("merge", *three, "--json"))["findings"])
    assert "<testsuite" in (tmp_path / "j.xml").read_text()


def test_a_whole_run_is_read_as_it_was_written() -> None:
    instance = next(one for one in every_instance("small") if one.name == "line")
    whole = WholeRun((PlannedRow(False, {"t": ("error", "pass")}), PlannedRow()), {"agg#0": "error"})
    found = Difference((whole,), (), "checked by itself", ("wrong",), (("D1", "wrong"),), ("a mark",))
    judged = InstanceResult(instance.family, instance.name, instance.machine, steps=3, fault="f", bound="b")
    judged.findings.note(found, closed=True, count=2)
    judged.checked["D1"], judged.skipped["why"] = 4, 5
    written = json.loads(json.dumps(msgspec.to_builtins(result_json(judged))))
    assert result_in(instance, written) == judged
