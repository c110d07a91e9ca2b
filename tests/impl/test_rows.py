"""Rows: immutable, shared, canonical."""

import math
import tracemalloc

import pytest

from fateline_engine.contracts import EMPTY, SchemaContract
from fateline_engine.rows import NotJson, PipelineRow, canonical


def test_equal_data_have_one_digest_whatever_the_order_of_the_fields() -> None:
    assert PipelineRow.of({"a": 1, "b": 2}).digest == PipelineRow.of({"b": 2, "a": 1}).digest


@pytest.mark.parametrize(
    "one, other", [(1, 1.0), (1, True), (0, False), ("1", 1), (None, "null"), (0.0, -0.0), ([], {})]
)
def test_values_that_json_tells_apart_have_different_digests(one: object, other: object) -> None:
    assert PipelineRow.of({"v": one}).digest != PipelineRow.of({"v": other}).digest


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, [math.nan], {"x": [-math.inf]}, {1: 2}, object(), {"x": {1}}, b"x"]
)
def test_what_json_does_not_have_is_refused_with_the_field(value: object) -> None:
    with pytest.raises(NotJson, match="field 'v'"):
        PipelineRow.of({"v": value})


@pytest.mark.parametrize("value", ["\ud800", ["\ud800"]])
def test_half_a_surrogate_pair_is_refused(value: object) -> None:
    with pytest.raises(NotJson):
        PipelineRow.of({"v": value})


@pytest.mark.parametrize("name", [1, None, ("v",), b"v"])
def test_a_field_is_named_by_a_text(name: object) -> None:
    with pytest.raises(NotJson, match="not named by a text"):
        PipelineRow.of({name: 1})  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**70), 10**40])
def test_large_integers_survive_the_trail(value: int) -> None:
    assert PipelineRow.from_json(PipelineRow.of({"v": value}).encoded, EMPTY)["v"] == value


def test_nothing_handed_out_can_change_a_row() -> None:
    given: dict[str, object] = {"list": [1], "map": {"x": [1]}}
    row = PipelineRow.of(given)
    before = row.digest
    given["list"].append(2)  # type: ignore[attr-defined]
    row["list"].append(3)  # type: ignore[attr-defined]
    row["map"]["x"].append(4)  # type: ignore[index]
    row.to_dict()["map"]["x"].append(5)
    with pytest.raises(TypeError):
        row["list"] = 1  # type: ignore[index]
    assert dict(row) == {"list": [1], "map": {"x": [1]}}
    assert canonical(dict(row)) == row.encoded
    assert PipelineRow.of(dict(row)).digest == before


def test_a_changed_row_is_another_row() -> None:
    row = PipelineRow.of({"v": 1, "w": 2})
    other = PipelineRow.of({**row, "v": 3}, row.contract)
    assert (row["v"], other["v"], other["w"]) == (1, 3, 2)


def test_another_contract_copies_no_data() -> None:
    row = PipelineRow.of({"v": "x" * 1_000_000})
    tracemalloc.start()
    rows = [row.under(SchemaContract.declared({"v": "str"})) for _ in range(10)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
    assert all(other.digest == row.digest for other in rows)
