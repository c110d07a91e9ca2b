"""The verdict kernel: the table of the law for small numbers, and its contracts for all."""

import itertools

import pytest

from fateline_engine.settings import Policy
from fateline_engine.verdict import Counts, Event, Ruling, decide, expired, well_formed

R, Q, B, F = Policy.REQUIRE_ALL, Policy.QUORUM, Policy.BEST_EFFORT, Policy.FIRST


def by_the_table(policy: Policy, n: int, a: int, lost: int, q: int, event: Event) -> str:
    """The table of the law, row by row as it is printed."""
    if event is Event.ARRIVAL:
        merges = {R: a == n, Q: a >= q, B: a + lost == n, F: True}[policy]
        return "merge" if merges else "wait"
    if event is Event.LOSS:
        return {
            R: "branch_lost",
            Q: "quorum_impossible" if n - lost < q else "wait",
            B: "wait" if a + lost < n else "merge" if a > 0 else "all_branches_lost",
            F: "all_branches_lost" if lost == n else "wait",
        }[policy]
    return {
        R: "incomplete_branches",
        Q: "quorum_not_met",
        B: "merge" if a > 0 else "no_arrivals",
        F: "no_arrivals" if a == 0 else "first_has_arrived",
    }[policy]


def cases() -> list[tuple[Policy, Counts, Event]]:
    found = []
    for n in range(2, 6):
        for policy, event, a, lost in itertools.product(Policy, Event, range(n + 1), range(n + 1)):
            for q in range(1, n + 1) if policy is Q else (0,):
                counts = Counts(n, a, lost, q)
                if well_formed(policy, counts, event):
                    found.append((policy, counts, event))
    return found


def test_the_kernel_is_the_table() -> None:
    assert len(cases()) > 500
    for policy, counts, event in cases():
        assert decide(policy, counts, event) == by_the_table(
            policy, counts.expected, counts.arrived, counts.lost, counts.quorum, event
        ), (policy, counts, event)


def test_every_ruling_is_given_somewhere() -> None:
    assert {decide(*case) for case in cases()} == set(Ruling)


@pytest.mark.parametrize("deadline, now, wanted", [(10, 9, False), (10, 10, True), (10, 11, True)])
def test_a_deadline_has_come_at_its_very_moment(deadline: int, now: int, wanted: bool) -> None:
    assert expired(deadline, now) is wanted


@pytest.mark.proof
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # CrossHair looks into every module there is
def test_the_contracts_of_the_kernel_are_confirmed_for_all_integers() -> None:
    crosshair = pytest.importorskip("crosshair.core_and_libs")
    options = pytest.importorskip("crosshair.options")
    settings = options.AnalysisOptionSet(
        analysis_kind=(options.AnalysisKind.PEP316,), per_condition_timeout=60, per_path_timeout=60, report_all=True
    )
    told = [
        m
        for kernel in (decide, expired)
        for m in crosshair.run_checkables(crosshair.analyze_function(kernel, settings))
    ]
    assert len(told) >= 6, "no contract was found"
    assert {message.state.name for message in told} == {"CONFIRMED"}, [str(message.message) for message in told]
