"""Merged data: every strategy and collision rule by example, and for any data: no aliases, no order of arrival."""

from collections.abc import Mapping
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fateline_model.checker.domains import DOMAINS
from fateline_model.merging import FieldFold, Given, Merged, keep, merge
from fateline_model.words import Collisions, Strategy

DECLARED = ("c", "a", "b")
ARRIVED = {"a": {"x": "1", "y": "2"}, "b": {"y": "3", "z": "4"}}

data = st.dictionaries(st.sampled_from("wxyz"), st.sampled_from("123"), max_size=4)
arrivals = st.dictionaries(st.sampled_from(DECLARED), data, min_size=1, max_size=3)
strategies = st.sampled_from([Strategy.UNION, Strategy.NESTED])
rules = st.sampled_from(list(Collisions))


@pytest.mark.parametrize(
    "rule, kept, value",
    [(Collisions.LAST_WINS, "b", "3"), (Collisions.FIRST_WINS, "a", "2"), (Collisions.FAIL, "b", "3")],
)
def test_union_folds_in_declared_order_and_records_both_sides_of_a_collision(
    rule: Collisions, kept: str, value: str
) -> None:
    assert merge(Strategy.UNION, DECLARED, ARRIVED, collisions=rule) == Merged(
        {"x": "1", "y": value, "z": "4"},
        {"x": "a", "y": kept, "z": "b"},
        (Given("y", "a", "2", kept == "a"), Given("y", "b", "3", kept == "b")),
        True,
    )


def test_declared_order_decides_and_not_the_alphabet() -> None:
    merged = merge(Strategy.UNION, DECLARED, {"a": {"x": "1"}, "c": {"x": "2"}})
    assert (merged.data, merged.origins) == ({"x": "1"}, {"x": "a"})


def test_equal_values_collide_and_do_not_conflict() -> None:
    merged = merge(Strategy.UNION, DECLARED, {"a": {"x": "1"}, "b": {"x": "1"}}, collisions=Collisions.FAIL)
    assert merged.collisions == (Given("x", "a", "1", False), Given("x", "b", "1", True))
    assert merged.conflict is False


def test_two_of_three_that_agree_still_conflict_with_the_third() -> None:
    arrived = {"a": {"x": "1"}, "b": {"x": "1"}, "c": {"x": "2"}}
    merged = merge(Strategy.UNION, DECLARED, arrived)
    assert merged.conflict is True
    assert [given.kept for given in merged.collisions] == [False, False, True]


def test_nested_gives_one_key_for_each_arrived_branch_in_declared_order() -> None:
    merged = merge(Strategy.NESTED, DECLARED, {"b": {"x": "1"}, "c": {"x": "2"}})
    assert list(merged.data.items()) == [("c", {"x": "2"}), ("b", {"x": "1"})]
    assert (merged.origins, merged.collisions, merged.conflict) == ({"c": "c", "b": "b"}, (), False)


def test_select_takes_one_branch_whole() -> None:
    merged = merge(Strategy.SELECT, DECLARED, ARRIVED, select="b")
    assert merged == Merged({"y": "3", "z": "4"}, {"y": "b", "z": "b"}, (), False)


def test_select_of_a_branch_that_did_not_arrive_is_empty() -> None:
    assert merge(Strategy.SELECT, DECLARED, ARRIVED, select="c") == Merged({}, {}, (), False)


def test_one_branch_alone_is_itself() -> None:
    assert merge(Strategy.UNION, DECLARED, {"a": {"x": "1"}}, collisions=Collisions.FAIL).data == {"x": "1"}


def scribble(found: object) -> None:
    """Write into every dictionary that can be written to."""
    if isinstance(found, dict):
        for inner in list(found.values()):
            scribble(inner)
        found["scribbled"] = "over"


@given(strategies, arrivals, rules, st.sampled_from(DECLARED))
def test_the_result_shares_nothing_with_its_arguments(
    strategy: Strategy, arrived: dict[str, dict[str, str]], rule: Collisions, select: str
) -> None:
    before = deepcopy(arrived)
    for chosen in (strategy, Strategy.SELECT):
        merged = merge(chosen, DECLARED, arrived, collisions=rule, select=select)
        scribble(merged.data)
        scribble(merged.origins)
        assert arrived == before
        merged = merge(chosen, DECLARED, arrived, collisions=rule, select=select)
        kept = deepcopy(merged)
        scribble(arrived)
        assert merged == kept
        arrived = deepcopy(before)


@given(st.data(), arrivals, rules)
def test_the_result_does_not_depend_on_the_order_of_arrival(
    draw: st.DataObject, arrived: Mapping[str, Mapping[str, str]], rule: Collisions
) -> None:
    order = draw.draw(st.permutations(sorted(arrived)))
    other = {branch: arrived[branch] for branch in order}
    for strategy in (Strategy.UNION, Strategy.NESTED):
        one, two = (merge(strategy, DECLARED, some, collisions=rule) for some in (arrived, other))
        assert (list(one.data.items()), one[1:]) == (list(two.data.items()), two[1:])


@given(arrivals, rules)
def test_every_field_is_somebodys_and_every_somebody_gave_it(
    arrived: Mapping[str, Mapping[str, str]], rule: Collisions
) -> None:
    merged = merge(Strategy.UNION, DECLARED, arrived, collisions=rule)
    assert set(merged.data) == set(merged.origins) == {field for fields in arrived.values() for field in fields}
    assert all(arrived[branch][field] == merged.data[field] for field, branch in merged.origins.items())
    assert {given.field for given in merged.collisions if given.kept} == {given.field for given in merged.collisions}


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.booleans())
def test_the_fold_of_one_field_keeps_the_first_or_the_last_and_sees_every_difference(
    values: list[int], first_wins: bool
) -> None:
    fold = FieldFold()
    for branch, value in enumerate(values):
        fold = keep(fold, branch, value, first_wins)
    place = 0 if first_wins else len(values) - 1
    assert fold == FieldFold(place, values[place], len(values), len(set(values)) > 1)


def test_the_exhaustive_domains_ask_what_they_say_and_find_nothing() -> None:
    asked = {law: list(domain()) for law, domain in DOMAINS.items()}
    assert {law: len(checks) for law, checks in asked.items()} == {"C9": 6993, "C11": 216}
    assert [check for checks in asked.values() for check in checks if check is not None] == []
