"""Two seeded bugs in one engine: both are found in one run, each with a case that shows it again.

The two bugs of a pair meet in the same instances, where the first would hide the second if a run ended at it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import pytest

from fateline_oracle.compare.difference import SEVERITIES
from fateline_oracle.conform.campaign import Campaign, Plan, drive_one
from fateline_oracle.conform.instance import InstanceResult, Strategy
from fateline_oracle.conform.replay import Case, replay
from fateline_oracle.conform.verdict import conclude
from fateline_oracle.mutants import MUTANTS
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.mutants.sandbox import sandboxed
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Engine
from fateline_oracle.ports.profile import Profile
from fateline_oracle.report.verdict import Verdict

ALL_OF_IT: Final = Plan(Strategy.REFUSALS, 0)
LINE: Final = "line"
RETRIES: Final = "retries attempts=3"
DIAMOND: Final = "diamond branches=2 policy=require_all merge=union"
COLLIDING: Final = "diamond branches=2 policy=require_all merge=union:fail"
BARRIER: Final = "barrier branches=2 policy=require_all merge=union:fail"
QUORUM: Final = "barrier branches=2 policy=quorum:2 merge=union:fail"
BEST: Final = "barrier branches=2 policy=best_effort merge=union:fail"
FIRST: Final = "barrier branches=2 policy=first merge=union:fail"

PAIRS: Final = (
    ("a-filter-fails", "names-another-sink", (LINE,)),
    ("best-effort-waits-for-the-clock", "one-held-token-survives", (BEST, BARRIER)),
    ("late-without-a-fate", "siblings-share-data", (DIAMOND,)),
    ("lets-strangers-in", "one-held-token-survives", (BARRIER,)),
    ("attempts-from-one-unguarded", "a-route-goes-on", (LINE,)),
    # The rest is driven with the slow tests.
    ("filtered-and-goes-on", "an-error-goes-on", (LINE, RETRIES)),
    ("filtered-and-goes-on", "a-route-goes-on", (LINE,)),
    ("an-error-goes-on", "a-crash-leaves-a-note", (RETRIES, LINE)),
    ("filtered-and-goes-on", "errors-lead-to-the-first-sink", (LINE,)),
    ("a-filter-fails", "a-crash-leaves-a-note", (LINE,)),
    ("an-error-goes-on", "errors-lead-to-the-first-sink", (RETRIES, LINE)),
    ("quorum-off-by-one", "best-effort-waits-for-the-clock", (QUORUM, BEST)),
    ("quorum-off-by-one", "collisions-are-ignored", (QUORUM, BARRIER)),
    ("best-effort-waits-for-the-clock", "a-failed-merge-leaves-visits-open", (BEST, BARRIER)),
    ("best-effort-waits-for-the-clock", "a-lost-branch-arrives", (BEST, BARRIER)),
    ("quorum-off-by-one", "a-lost-branch-arrives", (QUORUM, BARRIER)),
    ("a-loss-called-a-deadline", "one-held-token-survives", (BARRIER,)),
    ("one-held-token-survives", "collisions-are-ignored", (BARRIER,)),
    ("lets-strangers-in", "a-failed-merge-leaves-visits-open", (BARRIER,)),
    ("quorum-off-by-one", "lets-strangers-in", (QUORUM, BARRIER)),
    ("require-all-takes-what-came", "best-effort-waits-for-the-clock", (BARRIER, BEST)),
    ("a-loss-called-a-deadline", "lets-strangers-in", (BARRIER,)),
    ("lets-strangers-in", "a-lost-branch-arrives", (BARRIER,)),
    ("quorum-off-by-one", "late-for-the-wrong-reason", (QUORUM, BARRIER)),
    ("quorum-waits-in-vain", "collisions-are-ignored", (QUORUM, BARRIER)),
    ("require-all-takes-what-came", "first-ignores-its-deadline", (BARRIER, FIRST)),
    ("quorum-off-by-one", "held-tokens-fail-in-their-own-words", (QUORUM, BARRIER)),
    ("held-tokens-fail-in-their-own-words", "quorum-waits-in-vain", (BARRIER, QUORUM)),
    ("a-lost-branch-arrives", "a-failed-merge-leaves-visits-open", (BARRIER,)),
    ("require-all-takes-what-came", "lets-strangers-in", (BARRIER,)),
    ("parents-as-they-came", "says-the-first-was-kept", (COLLIDING, DIAMOND)),
    ("late-without-a-fate", "origins-are-not-kept", (DIAMOND,)),
    ("siblings-share-data", "origins-are-not-kept", (DIAMOND,)),
    ("names-another-sink", "siblings-share-data", (LINE, DIAMOND)),
    ("a-route-goes-on", "late-without-a-fate", (LINE, DIAMOND)),
    ("filtered-and-goes-on", "late-and-goes-on-alone", (LINE, DIAMOND)),
)
QUICK: Final = 5


@contextmanager
def with_both(first: str, second: str) -> Iterator[Engine]:
    """The reference engine with two seeded bugs."""
    one, other = MUTANTS[first], MUTANTS[second]
    patches = tuple(dict.fromkeys((*one.patches, *other.patches)))
    with sandboxed(msgspec.structs.replace(one, name=f"{first} and {second}", patches=patches)) as engine:
        yield engine


def driven(engine: Engine, places: tuple[str, ...], plan: Plan = ALL_OF_IT) -> list[InstanceResult]:
    hello = hello_of(engine)
    return [drive_one(engine, hello, place_called(place), plan) for place in places]


def laws_of(results: list[InstanceResult]) -> set[str]:
    return {law for judged in results for found in judged.findings for law, _ in found.shortest.laws}


def test_there_are_at_least_thirty_pairs() -> None:
    assert len({frozenset(pair[:2]) for pair in PAIRS}) == len(PAIRS) >= 30


@pytest.mark.parametrize(
    "first, second, places",
    [
        pytest.param(*pair, id=f"{pair[0]}, {pair[1]}", marks=[pytest.mark.slow] if place >= QUICK else [])
        for place, pair in enumerate(PAIRS)
    ],
)
def test_two_bugs_at_once_are_both_found_in_one_run(first: str, second: str, places: tuple[str, ...]) -> None:
    with with_both(first, second) as engine:
        results = driven(engine, places)
        assert {MUTANTS[first].law, MUTANTS[second].law} <= laws_of(results)
        assert [judged.bound for judged in results if judged.bound] == []


def test_a_run_that_ends_at_the_first_difference_finds_one_of_two_bugs() -> None:
    with with_both("late-without-a-fate", "siblings-share-data") as engine:
        results = driven(engine, (DIAMOND,), ALL_OF_IT._replace(stop_first=True))
    assert len({"C16", "K3"} & laws_of(results)) == 1


@pytest.mark.parametrize(
    "first, second, places", [PAIRS[1], PAIRS[2], PAIRS[3]], ids=["barriers", "a diamond", "strangers"]
)
def test_each_finding_has_a_short_case_that_shows_it_again(first: str, second: str, places: tuple[str, ...]) -> None:
    with with_both(first, second) as engine:
        hello = hello_of(engine)
        results = driven(engine, places)
        found = conclude(Campaign("x", "small", 0, hello, results), (), Profile(), "again")
        assert len(found.report.findings) == len([case for case in found.cases if case["laws"]])
        for case in found.cases:
            document: Any = case
            again = replay(Case(document, document["machine"], document["instance"], "x", ()), engine, hello)
            laws = [law for law, _ in document["laws"]]
            assert list(again.laws)[:1] == laws[:1], document["title"]
            assert (again.fault is not None) == (not laws)
            assert again.steps == len(document["steps"])


def test_a_finding_says_its_kind_count_instances_and_severity() -> None:
    with with_both("late-without-a-fate", "siblings-share-data") as engine:
        results = driven(engine, (DIAMOND,))
        found = conclude(Campaign("x", "small", 0, hello_of(engine), results), (), Profile(), "again")
    finding = next(one for one in found.report.findings if one.law == "C16")
    assert (finding.kind, finding.severity) == (
        "arrive() at coalesce, barrier that is failed: missing: outcomes failed",
        "choice: a record is missing or should not exist",
    )
    assert finding.instances == (DIAMOND,)
    assert finding.count >= finding.closed > 0
    assert found.report.counts["closed"] > 0
    assert found.report.counts["states"] < found.report.counts["states_total"]
    severities = [SEVERITIES.index(one.severity) for one in found.report.findings]
    assert severities == sorted(severities)


def test_a_declared_choice_costs_only_its_own_steps() -> None:
    with with_both("late-without-a-fate", "a-filter-fails") as engine:
        plan = ALL_OF_IT._replace(declared=frozenset({"C16"}))
        results = driven(engine, (DIAMOND, LINE), plan)
        profile = Profile({"C16": "late tokens get no fate at the barrier"})
        found = conclude(Campaign("x", "small", 0, hello_of(engine), results), (), profile, "again")
    assert found.report.verdict is Verdict.BREACHED
    assert found.report.laws["V4"].verdict is Verdict.BREACHED
    assert found.report.laws["C16"].verdict is None, (
        "a law that the engine was seen not to follow neither holds nor is breached"
    )
    assert [(one.law, one.count > 0) for one in found.declared] == [("C16", True)]
    diamond = results[0]
    with with_both("late-without-a-fate", "late-without-a-fate") as engine:
        (alone,) = driven(engine, (DIAMOND,), plan)
    assert (alone.states, alone.transitions) == (alone.states_total, alone.transitions_total)
    assert diamond.states_total >= alone.states_total


def test_what_a_pervasive_bug_hides_is_told_as_a_share() -> None:
    """A known limit: where every fork goes wrong, nothing behind a fork is reached, and the second bug is not seen."""
    with with_both("parents-as-they-came", "branches-crossed") as engine:
        (judged,) = driven(engine, (COLLIDING,))
    assert "C14" not in laws_of([judged])
    assert judged.states < judged.states_total / 4
