"""The scopes: what they name, what their counts are locked to, and that no hash seed changes a digest (law D1)."""

import json
import os
import subprocess
import sys

import pytest

from fateline_model.checker import scopes
from fateline_model.checker.scopes import NAMED, UnknownScope, instances
from fateline_model.laws import ALL, NOT_IN_LIFECYCLE
from fateline_oracle.law import verification
from fateline_oracle.law.verification import counted, read_lock, verify_scope

from .explored import SMALL, naive, small_report

LOCKED = [pytest.param(scope, marks=[pytest.mark.slow] if scope == "deep" else []) for scope in NAMED]
IN_A_MOMENT = (
    "quarantine",
    "diamond branches=2 policy=best_effort merge=union:fail",
    "nested outer=require_all inner=require_all",
    "leaving policy=require_all",
    "two batches",
    "batch in branch policy=require_all",
    "barrier branches=3 policy=quorum:2 merge=union:fail",
    "outcomes",
    "memberships",
)


def test_the_counts_and_checks_of_the_small_scope_are_the_locked_ones() -> None:
    """One whole scope as `fateline verify` runs it: it holds, everything was met, and the lock says the same."""
    report = small_report()
    locked = read_lock()["small"]
    assert report.findings == []
    assert report.gaps == []
    assert report.disproved == []
    assert counted(report) == locked["instances"]
    assert {law: count for law, count in report.checks.items() if count} == locked["laws"]
    assert len(report.verified) == len(SMALL) + 1


@pytest.mark.parametrize("scope", LOCKED)
def test_the_lock_has_every_instance_of_the_scope_in_its_order(scope: str) -> None:
    """The pipelines of a size have one line together."""
    assert list(read_lock()[scope]["instances"]) == list(dict.fromkeys(one.line for one in instances(scope)))


@pytest.mark.parametrize("scope", LOCKED)
def test_the_lock_of_a_scope_says_that_every_law_of_the_model_was_in_danger(scope: str) -> None:
    judged = {law.id for law in ALL if law.predicate is not None} | {"C9", "C11"}
    assert set(read_lock()[scope]["laws"]) == judged
    assert all(read_lock()[scope]["laws"].values())


def test_a_scope_contains_those_before_it_and_names_are_unique() -> None:
    names = [[instance.name for instance in instances(scope)] for scope in NAMED]
    assert names[1][: len(names[0])] == names[0]
    assert names[2][: len(names[1])] == names[1]
    assert len(set(names[2])) == len(names[2])


def test_an_unknown_scope_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(UnknownScope, match="unknown scope 'tiny'; there are: small, standard, deep"):
        instances("tiny")


def test_laws_that_need_a_graph_are_not_asked_of_the_lifecycle_machine() -> None:
    for instance in SMALL.values():
        asked = {law.id for law in instance.laws}
        lifecycle = instance.machine == "lifecycle"
        assert asked == {law.id for law in ALL} - (NOT_IN_LIFECYCLE if lifecycle else set()), instance.name


def test_rows_can_only_be_multiplied_where_there_are_any() -> None:
    assert SMALL["line"].with_rows(3).rows == 3
    with pytest.raises(TypeError, match="lineage: the lifecycle machine has no rows"):
        SMALL["lineage"].with_rows(2)


DIGESTS = """
import json, sys
from fateline_model.checker.scopes import instances
from fateline_model.checker.verify import verify_instance
wanted = json.loads(sys.argv[1])
print(json.dumps({one.name: verify_instance(one).digest for one in instances("small") if one.name in wanted}))
"""


def test_the_same_stimuli_give_the_same_records_under_any_hash_seed() -> None:
    """Law D1. Two interpreters that hash text differently digest every state and record alike, and as locked."""
    locked = read_lock()["small"]["instances"]
    path = os.pathsep.join(filter(None, sys.path))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", DIGESTS, json.dumps(IN_A_MOMENT)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "4242")
    ]
    one, other = (json.loads(process.communicate()[0]) for process in running)
    assert one == other == {name: locked[name][-1] for name in IN_A_MOMENT}


def test_a_digest_tells_two_behaviours_apart() -> None:
    digests = {name: row[-1] for name, row in read_lock()["small"]["instances"].items()}
    assert len({digests[name] for name in IN_A_MOMENT}) == len(IN_A_MOMENT)


def test_counts_that_moved_are_told_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scopes, "instances", lambda scope: (SMALL["quarantine"],))
    verification.instances_by_name.cache_clear()
    try:
        report = verify_scope("small")
    finally:
        verification.instances_by_name.cache_clear()
    missing = [line for line in report.drift if line.endswith("None now")]
    assert len(missing) == len({instance.line for instance in SMALL.values()}) - 1
    assert not any("quarantine" in line for line in report.drift)
    assert counted(report)["quarantine"][0] == len(naive("quarantine").states)
    assert "law K1 was never checked in a case to which it applies" in report.gaps
