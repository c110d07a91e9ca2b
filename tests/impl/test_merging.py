"""The fold of a merge: declared order, origins, collisions."""

from typing import Any

import pytest

from fateline_engine.contracts import SchemaContract
from fateline_engine.merging import CannotMerge, Merged, merge
from fateline_engine.rows import PipelineRow
from fateline_engine.settings import CoalesceNode, Collisions, Merge
from fateline_engine.words import Reason


def node(**more: Any) -> CoalesceNode:
    return CoalesceNode(name="j", to="out", branches=("a", "b", "c"), **more)


def row(**data: object) -> PipelineRow:
    return PipelineRow.of(data, SchemaContract.observed_in([data]))


def merged(what: CoalesceNode, **branches: PipelineRow) -> Merged:
    result = merge(what, list(branches.items()))
    assert isinstance(result, Merged)
    return result


@pytest.mark.parametrize("collisions, wanted", [(Collisions.LAST_WINS, 2), (Collisions.FIRST_WINS, 1)])
def test_a_conflict_is_won_in_declared_order_and_both_sides_are_recorded(collisions: Collisions, wanted: int) -> None:
    result = merged(node(collisions=collisions), a=row(v=1, x=1), b=row(v=2, y=2))
    assert dict(result.data) == {"v": wanted, "x": 1, "y": 2}
    told = {(field, branch): kept for field, branch, _, kept in result.origins}
    assert told == {("v", "a"): wanted == 1, ("v", "b"): wanted == 2, ("x", "a"): True, ("y", "b"): True}


def test_a_collision_without_a_conflict_fails_nothing_and_keeps_both() -> None:
    result = merged(node(collisions=Collisions.FAIL), a=row(v=1), b=row(v=1, y=2))
    assert {(field, branch) for field, branch, _, kept in result.origins if kept} == {
        ("v", "a"),
        ("v", "b"),
        ("y", "b"),
    }


@pytest.mark.parametrize("branches", [{"a": 1, "b": 2}, {"a": 1, "b": 1, "c": 2}, {"a": 1, "b": 2, "c": 1}])
def test_any_conflict_fails_under_fail(branches: dict[str, int]) -> None:
    rows = [(branch, row(v=value)) for branch, value in branches.items()]
    result = merge(node(collisions=Collisions.FAIL), rows)
    assert isinstance(result, CannotMerge)
    assert result.reason is Reason.UNION_COLLISION


def test_contracts_are_asked_before_values_and_only_under_union() -> None:
    rows = [("a", row(v=1)), ("b", row(v="x"))]
    result = merge(node(collisions=Collisions.FAIL), rows)
    assert isinstance(result, CannotMerge)
    assert result.reason is Reason.CONTRACT_CONFLICT
    assert isinstance(merge(node(merge=Merge.NESTED), rows), Merged)
    assert isinstance(merge(node(merge=Merge.SELECT, select_branch="a"), rows), Merged)


def test_nested_has_a_key_for_each_arrived_branch() -> None:
    assert dict(merged(node(merge=Merge.NESTED), a=row(v=1), c=row(v=3)).data) == {"a": {"v": 1}, "c": {"v": 3}}


def test_select_takes_its_branch_or_cannot() -> None:
    what = node(merge=Merge.SELECT, select_branch="b")
    assert dict(merged(what, a=row(v=1), b=row(v=2)).data) == {"v": 2}
    result = merge(what, [("a", row(v=1))])
    assert isinstance(result, CannotMerge)
    assert result.reason is Reason.SELECT_BRANCH_NOT_ARRIVED


def test_the_result_shares_nothing_that_can_be_changed() -> None:
    parent = row(v=[1])
    result = merged(node(), a=parent, b=row(w=1))
    result.data["v"].append(2)  # type: ignore[attr-defined]
    assert parent["v"] == [1]
    assert result.data["v"] == [1]
