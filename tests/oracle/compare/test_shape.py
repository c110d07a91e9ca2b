"""The shape of a difference says what differs, and no name: two engines with one fault have one kind of finding."""

import pytest

from fateline_oracle.compare.records import RELATIONS, differences, keyed, shape

Record = dict[str, object]


def record(relation: str, name: str, **values: object) -> Record:
    """A record whose every column that is compared has a value with this name in it."""
    compared = RELATIONS[relation]
    return {"rec": relation, **{column: f"{name}.{column}" for column in (*compared.key, *compared.columns)}, **values}


def shapes(wanted: list[Record], found: list[Record]) -> list[str | None]:
    return [shape(line) for line in differences(keyed(wanted), keyed(found))]


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_record_too_few_or_too_many_is_named_by_its_relation(relation: str) -> None:
    outcome = {"outcome": "completed"} if relation == "outcomes" else {}
    said = "outcomes completed" if outcome else relation
    for name in ("a", "b"):
        only = [record(relation, name, **outcome)]
        assert (shapes(only, []), shapes([], only)) == ([f"missing: {said}"], [f"not in the law: {said}"])


@pytest.mark.parametrize("relation, column", [(one, column) for one in RELATIONS for column in RELATIONS[one].columns])
def test_a_value_is_named_by_its_column(relation: str, column: str) -> None:
    outcome = {"outcome": "completed"} if relation == "outcomes" else {}
    said = f"outcomes completed {column}" if outcome else f"{relation} {column}"
    for name in ("a", "b"):
        own = record(relation, name, **outcome)
        assert shapes([own], [{**own, column: "another"}]) == [said]


def test_other_lines_have_no_shape() -> None:
    assert shape("the engine refused: not now") is None
