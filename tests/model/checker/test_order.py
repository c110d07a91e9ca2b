"""What order can change at a barrier, as the checker finds it, and as the policies promise it."""

from functools import cache

import pytest

from fateline_model import merging
from fateline_model.barrier_machine import BarrierEvent
from fateline_model.checker import order
from fateline_model.checker.order import Change, changes, coalesce, played
from fateline_model.merging import Merged
from fateline_model.words import Collisions, Policy, Strategy


@cache
def found() -> dict[tuple[Policy, Strategy, Collisions, bool], set[str]]:
    return {(c.policy, c.strategy, c.collisions, c.deadline): set(c.examples) for c in changes()}


def test_every_policy_and_rule_is_played_without_and_with_a_deadline() -> None:
    assert len(found()) == 2 * len(Policy) * len(order.MERGES)


def test_without_a_deadline_no_policy_merges_or_fails_by_order_alone() -> None:
    for (policy, strategy, collisions, deadline), what in found().items():
        by_data = strategy is Strategy.SELECT or collisions is Collisions.FAIL
        if not deadline and not (by_data and policy in (Policy.QUORUM, Policy.FIRST)):
            assert "verdict" not in what, (policy, strategy, collisions)


@pytest.mark.parametrize("policy", [Policy.REQUIRE_ALL, Policy.BEST_EFFORT])
def test_a_policy_that_waits_for_all_merges_the_same_branches_and_data_in_every_order(policy: Policy) -> None:
    for strategy, collisions in order.MERGES:
        assert not {"branches", "data", "reason"} & found()[policy, strategy, collisions, False]


@pytest.mark.parametrize("policy", [Policy.QUORUM, Policy.FIRST])
def test_a_policy_that_does_not_wait_merges_what_comes_first(policy: Policy) -> None:
    for strategy, collisions in order.MERGES:
        assert {"branches", "data"} <= found()[policy, strategy, collisions, False]
    assert "verdict" in found()[policy, Strategy.SELECT, Collisions.LAST_WINS, False]
    fails = found()[policy, Strategy.UNION, Collisions.FAIL, False]
    assert ("verdict" in fails) == (policy is Policy.QUORUM), "one branch alone collides with nobody"


def test_a_deadline_can_change_the_verdict_of_every_policy_but_one_that_needs_one_branch() -> None:
    for policy in Policy:
        assert "verdict" in found()[policy, Strategy.NESTED, Collisions.LAST_WINS, True]


def test_the_same_branches_give_the_same_data_in_every_order_of_arrival() -> None:
    node = coalesce(Policy.REQUIRE_ALL, Strategy.UNION, Collisions.LAST_WINS)
    events = [(BarrierEvent.ARRIVE, branch) for branch in order.BRANCHES]
    forward, back = played(node, tuple(events), ("1", "2", "1")), played(node, tuple(reversed(events)), ("1", "2", "1"))
    assert forward.data == back.data == "{'x': '1'}"


def test_a_fold_in_order_of_arrival_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = merging.merge

    def by_arrival(strategy: Strategy, declared: object, arrived: dict[str, dict[str, str]], **more: object) -> Merged:
        return real(strategy, list(arrived), arrived, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "merge", by_arrival)
    assert any("data" in change.examples for change in changes() if is_patient(change))


def is_patient(change: Change) -> bool:
    return change.policy is Policy.REQUIRE_ALL and not change.deadline
