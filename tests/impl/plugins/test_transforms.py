"""The built-in transforms and the statistics of a batch."""

import pytest

from fateline_engine.plugins import BatchOutputs, BatchTransform, Drop, Expand, Failure, Pass, Row, Transform, process
from fateline_engine.plugins import process_batch as run_batch
from fateline_engine.plugins.builtin.hold import Hold
from fateline_engine.plugins.builtin.statistics import Statistics
from fateline_engine.plugins.builtin.transforms import Cast, Derive, Explode, Filter, Keep, Rename
from fateline_engine.plugins.builtin.values import convert, type_of

ROW: Row = {"a": "1", "b": 2.0, "c": [10, 20], "d": [{"x": 1}, {"x": 2}], "e": None}


@pytest.mark.parametrize(
    "transform, result",
    [
        (Rename({"a": "z"}), Pass({"z": "1", "b": 2.0, "c": [10, 20], "d": [{"x": 1}, {"x": 2}], "e": None})),
        (Keep(("b", "a")), Pass({"b": 2.0, "a": "1"})),
        (Keep(("q",)), Failure("no field q; there are a, b, c, d, e")),
        (Rename({"q": "z"}), Failure("no field q; there are a, b, c, d, e")),
        (Rename({"a": "b"}), Failure("the row has a field b already")),
        (Cast({"a": "int", "b": "int"}), Pass({**ROW, "a": 1, "b": 2})),
        (Cast({"a": "bool", "e": "int?"}), Pass({**ROW, "a": True})),
        (Cast({"c": "int"}), Failure("c: [10, 20] is not an int")),
        (Cast({"e": "int"}), Failure("e: null is not an int")),
        (Derive({"s": "b * 2", "t": "s + 1"}), Pass({**ROW, "s": 4.0, "t": 5.0})),
        (Derive({"s": "q"}), Failure("s: column 1: the row has no field q")),
        (Filter("b > 1"), Pass(ROW)),
        (Filter("b > 2"), Drop()),
        (Filter("b"), Failure("where: a condition must be true or false, and this is a number")),
    ],
)
def test_a_transform_says(transform: Transform, result: object) -> None:
    before = repr(ROW)
    assert process(transform, ROW) == result
    assert repr(ROW) == before, "the row it was given is as it was"


def test_two_fields_may_change_names() -> None:
    assert process(Rename({"a": "b", "b": "a"}), {"a": 1, "b": 2}) == Pass({"b": 1, "a": 2})


@pytest.mark.parametrize(
    "transform, result",
    [
        (Explode("c"), Expand(({"a": 1, "c": 10}, {"a": 1, "c": 20}))),
        (Explode("c", "item", True), Expand(({"a": 1, "item": 10, "c_index": 0}, {"a": 1, "item": 20, "c_index": 1}))),
        (Explode("c", "*"), Failure("item 0 of c is no mapping")),
        (Explode("a"), Failure("a is no list")),
        (Explode("none"), Failure("no field none; there are a, c")),
    ],
)
def test_explode_says(transform: Transform, result: object) -> None:
    assert process(transform, {"a": 1, "c": [10, 20]}, expands=True) == result


def test_explode_can_give_the_fields_of_its_items_and_drops_an_empty_list() -> None:
    assert process(Explode("d", "*"), {"a": 1, "d": [{"x": 1}]}, expands=True) == Expand(({"a": 1, "x": 1},))
    assert process(Explode("d"), {"d": []}, expands=True) == Drop()


ROWS: list[Row] = [{"k": "x", "n": 1}, {"k": "y", "n": 2.5}, {"k": "x", "n": 3}, {"k": True, "n": 4}, {"k": 1, "n": 5}]


@pytest.mark.parametrize(
    "transform, rows, result",
    [
        (Hold(), ROWS, BatchOutputs(tuple(ROWS))),
        (Statistics(), ROWS, BatchOutputs(({"count": 5},))),
        (Statistics("n"), ROWS, BatchOutputs(({"count": 5, "sum": 15.5, "mean": 3.1, "min": 1, "max": 5},))),
        (
            Statistics("n", "k"),
            ROWS[:3],
            BatchOutputs(
                (
                    {"k": "x", "count": 2, "sum": 4, "mean": 2.0, "min": 1, "max": 3},
                    {"k": "y", "count": 1, "sum": 2.5, "mean": 2.5, "min": 2.5, "max": 2.5},
                )
            ),
        ),
        (Statistics(None, "k"), ROWS[3:], BatchOutputs(({"k": True, "count": 1}, {"k": 1, "count": 1}))),
        (Statistics("k"), ROWS, Failure("k is no number in every row of the batch")),
        (Statistics("n", "q"), ROWS, Failure("a row has no field q to group by")),
        (Statistics("n", "l"), [{"n": 1, "l": []}], Failure("l is a list, and cannot be grouped by")),
    ],
)
def test_statistics_say(transform: BatchTransform, rows: list[Row], result: object) -> None:
    assert run_batch(transform, rows) == result


@pytest.mark.parametrize(
    "value, wanted, got",
    [
        ("", "str", ""),
        ("", "int?", None),
        (None, "float?", None),
        (" 7", "int", 7),
        ("-9223372036854775808", "int", -(2**63)),
        ("9223372036854775807", "int", 2**63 - 1),
        ("yes", "bool", True),
        ("NO", "bool", False),
        (True, "str", "true"),
        (1.5, "str", "1.5"),
        (3, "float", 3.0),
        (3.0, "int", 3),
    ],
)
def test_values_convert_without_losing_anything(value: object, wanted: str, got: object) -> None:
    converted = convert(value, wanted)
    assert (converted, type(converted)) == (got, type(got))


@pytest.mark.parametrize(
    "value, wanted",
    [
        (True, "int"),
        (True, "float"),
        (1, "bool"),
        (1.5, "int"),
        (2**53 + 1, "float"),
        ("maybe", "bool"),
        ("-9223372036854775809", "int"),
        ("9223372036854775808", "int"),
        ("inf", "float"),
        ("1_000", "float"),
        ([], "str"),
        (None, "str"),
        (float("inf"), "int"),
    ],
)
def test_what_does_not_fit_is_refused(value: object, wanted: str) -> None:
    with pytest.raises(ValueError, match=f"is not an? {wanted}"):
        convert(value, wanted)


def test_every_json_value_has_a_word() -> None:
    values = [True, 1, 1.0, "", [], {}, None]
    assert [type_of(value) for value in values] == ["bool", "int", "float", "str", "list", "dict", "any"]
