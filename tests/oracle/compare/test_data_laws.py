"""Laws about data and time, each with a lawful step and the same step damaged."""

import pytest

from fateline_model.checker.shapes import diamond
from fateline_model.wellformed import load
from fateline_oracle.compare.data_laws import DataTrail

Record = dict[str, object]


def trail(merge: str = "union") -> DataTrail:
    return DataTrail(load(diamond(2, "require_all", merge)))


def read(digest: str = "d0") -> list[Record]:
    return [{"rec": "rows", "row": "0", "digest": digest}, {"rec": "tokens", "row": "0", "token": "0"}]


def visit(
    token: str, node: str, begun: str, ended: str | None = None, status: str = "completed", at: int = 0
) -> Record:
    return {
        "rec": "visits", "token": token, "node": node, "status": status, "digest_in": begun, "digest_out": ended, "at": at,
    }  # fmt: skip


def forked() -> list[Record]:
    made: list[Record] = []
    for branch in "ab":
        made.append({"rec": "tokens", "row": "0", "token": f"0/{branch}", "branch": branch, "group_kind": "fork"})
        made.append({"rec": "parents", "child": f"0/{branch}", "parent": "0"})
    return made


def barrier(trigger: str = "arrival", first: int = 0, decided: int = 0) -> Record:
    return {
        "rec": "barriers", "barrier": "j@0", "node": "j", "fork_group": "0", "trigger": trigger, "arrived": "a,b",
        "result": "0/j", "first_at": first, "decided_at": decided,
    }  # fmt: skip


def merged(kept: str, digests: str = "xy") -> list[Record]:
    return [
        {"rec": "merges", "token": "0/j", "field": "f", "branch": branch, "digest": digest, "kept": branch in kept}
        for branch, digest in zip("ab", digests, strict=True)
    ]


def test_a_visit_begins_with_what_the_one_before_ended_with() -> None:
    data = trail()
    data.see(read())
    assert data.see([visit("0", "t", "d0", "d1")]) == []
    assert data.see([visit("0", "g", "d1", "d1")]) == []
    (broken,) = data.see([visit("0", "out", "d0", "d0")])
    assert broken[0] == "K3"


def test_a_child_begins_with_what_its_parent_had_whatever_its_sibling_made() -> None:
    data = trail()
    data.see(read())
    data.see(forked())
    assert data.see([visit("0/a", "ta", "d0", "d1")]) == []
    assert [law for law, _ in data.see([visit("0/b", "tb", "d1", "d2")])] == ["K3"]


def test_a_failed_visit_changes_nothing() -> None:
    data = trail()
    data.see(read())
    data.see([visit("0", "t", "d0", "d9", "failed")])
    assert data.see([visit("0", "t", "d0", "d1")]) == []


@pytest.mark.parametrize(
    "merge, kept, right",
    [("union", "b", True), ("union", "a", False), ("union", "ab", False), ("union", "", False),
     ("union:first_wins", "a", True), ("union:first_wins", "b", False)],
)  # fmt: skip
def test_of_a_collision_the_value_that_the_strategy_keeps_is_kept(merge: str, kept: str, right: bool) -> None:
    broken = trail(merge).see([barrier(), *merged(kept)])
    assert [law for law, _ in broken] == ([] if right else ["C9"])


def test_equal_values_are_all_kept_and_no_conflict() -> None:
    assert trail("union:fail").see([barrier(), *merged("ab", "xx")]) == []
    assert [law for law, _ in trail("union:fail").see([barrier(), *merged("b", "xy")])] == ["C9"]


def test_a_union_that_says_nothing_of_its_origins_breaks_the_law() -> None:
    assert [law for law, _ in trail().see([barrier()])] == ["C9"]


def test_a_field_of_a_branch_that_had_not_arrived_breaks_the_law() -> None:
    alone = {**barrier(), "arrived": "a"}
    assert [law for law, _ in trail().see([alone, *merged("b")])] == ["C9"]


@pytest.mark.parametrize("first, decided, right", [(0, 60_000, True), (0, 59_999, False), (5, 60_005, True)])
def test_a_deadline_comes_no_sooner_than_its_timeout(first: int, decided: int, right: bool) -> None:
    broken = trail("nested").see([barrier("deadline", first, decided)])
    assert [law for law, _ in broken] == ([] if right else ["C11"])


def test_a_deadline_counts_from_the_first_event() -> None:
    data = trail("nested")
    data.see(forked())
    data.see([visit("0/a", "j", "d0", None, "held", at=100)])
    data.see([visit("0/b", "j", "d0", None, "held", at=900)])
    assert [law for law, _ in data.see([barrier("deadline", 900, 60_900)])] == ["C11"]


@pytest.mark.parametrize("outcome, law", [("forked", "K2"), ("expanded", "X3"), ("failed", "R1")])
def test_a_step_in_two_transactions_breaks_the_law(outcome: str, law: str) -> None:
    torn = [{"rec": "outcomes", "token": "0", "outcome": outcome, "tx": 7}, {"rec": "hops", "token": "0", "tx": 8}]
    assert [broken for broken, _ in trail().see(torn)] == [law]
