"""The trail and the other published schemas: what the machines write validates, and what is damaged does not."""

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fateline_model import IllFormed, load
from fateline_model.checker.mutants import MUTANTS
from fateline_model.checker.shapes import SHAPES
from fateline_model.records import COMMON_COLUMNS, RELATION_OF, RELATIONS, HopRecord, Record, RowRecord, as_json
from fateline_oracle.law.verification import judge_mutant
from fateline_oracle.render.counterexample import expected_last
from fateline_oracle.report.case import case_document

from .checker.explored import SMALL, naive, system_of
from .schemas import NAMES, schema, validator
from .test_stimuli import EVERY_KIND
from .test_wellformed import BAD_NODES, bad


@cache
def written() -> dict[str, list[dict[str, Any]]]:
    """By relation, every record that some instances ever write, as JSON."""
    found: dict[str, dict[Record, None]] = {name: {} for name in RELATIONS}
    for name in EVERY_KIND:
        for state in naive(name).states:
            for attempt in system_of(name).attempts(state):
                for record in attempt.records:
                    found[RELATION_OF[type(record)]][record] = None
    return {name: [json.loads(json.dumps(as_json(record))) for record in records] for name, records in found.items()}


DESCRIBED_ONLY = {"nodes", "edges", "merges"}
"""Relations that no step writes: two describe the pipeline, and the machines carry no data."""


@pytest.mark.parametrize("name", NAMES)
def test_every_published_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


def test_there_is_a_schema_for_everything_that_is_exchanged() -> None:
    assert {"trail", "pipeline", "stimulus", "case"} <= set(NAMES)


@pytest.mark.parametrize("relation", RELATIONS)
def test_every_record_that_is_written_validates(relation: str) -> None:
    assert bool(written()[relation]) == (relation not in DESCRIBED_ONLY)
    for record in written()[relation]:
        validator("trail").validate(record)


@pytest.mark.parametrize("relation", sorted(set(RELATIONS) - DESCRIBED_ONLY))
def test_a_damaged_record_does_not_validate(relation: str) -> None:
    record = written()[relation][0]
    check = validator("trail")
    for column in RELATIONS[relation]._fields:
        if column not in RELATIONS[relation]._field_defaults:
            assert not check.is_valid({key: value for key, value in record.items() if key != column}), column
        assert not check.is_valid({**record, column: {"not": "a value"}}), column
    assert not check.is_valid({**record, "surplus": 1})
    assert not check.is_valid({**record, "rec": "nonsense"})
    assert not check.is_valid({key: value for key, value in record.items() if key != "rec"})


@pytest.mark.parametrize(
    "relation, column", [("outcomes", "outcome"), ("visits", "status"), ("barriers", "verdict"), ("losses", "reason")]
)
def test_a_word_of_no_list_does_not_validate(relation: str, column: str) -> None:
    assert not validator("trail").is_valid({**written()[relation][0], column: "compleeted"})


def test_every_record_may_say_when_in_which_order_and_by_which_transaction_it_was_written() -> None:
    for relation in set(RELATIONS) - DESCRIBED_ONLY:
        validator("trail").validate({**written()[relation][0], **dict.fromkeys(COMMON_COLUMNS, 7)})


def test_what_is_not_recorded_is_left_out() -> None:
    assert as_json(RowRecord("r", "0")) == {"rec": "rows", "run": "r", "row": "0"}
    assert as_json(RowRecord("r", "0", idx=0))["idx"] == 0
    assert as_json(HopRecord("r", "0", None, "a", "continue", "b")) == {
        "rec": "hops",
        "run": "r",
        "token": "0",
        "src": "a",
        "label": "continue",
        "dst": "b",
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_the_scopes_is_a_pipeline_by_the_schema(shape: str) -> None:
    validator("pipeline").validate(SHAPES[shape]())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"nodes": {}},
        {"nodes": [], "x": 1},
        {"nodes": [{"kind": "sink"}]},
        {"nodes": [{"name": "x", "kind": "magic"}]},
        {"nodes": [{"name": "1x", "kind": "sink"}]},
        bad("policy", "all"),
        bad("branches", ["a"]),
        bad("branches", ["a", 2]),
        bad("quorum_count", True),
        bad("quorum_count", 0),
        bad("timeout_seconds", 0),
        bad("timeout_seconds", "60"),
        bad("attempts", 1001, "ta"),
        bad("expands", 1, "ta"),
        bad("to", "a b", "ta"),
        bad("to", None, "ta"),
        bad("fork", {"a": 1}, "g"),
        bad("fork", {"a": "ta", "b c": "tb"}, "g"),
        bad("policy", "first", "ta"),
        bad("to", "ta", "out"),
    ],
)
def test_what_has_not_the_shape_of_a_pipeline_is_refused_by_schema_and_model_alike(document: object) -> None:
    assert not validator("pipeline").is_valid(document)
    with pytest.raises(IllFormed):
        load(document)


def test_the_schema_speaks_of_shape_alone_and_leaves_the_graph_to_the_model() -> None:
    document, _, _ = BAD_NODES["a selected stranger"]
    validator("pipeline").validate(document)


@pytest.mark.parametrize(
    "name", ["late-without-a-fate", "resolved-twice", "row-read-twice", "second-root", "one-tick-late"]
)
def test_a_counterexample_is_a_case_by_the_schema(name: str) -> None:
    report = judge_mutant(next(mutant for mutant in MUTANTS if mutant.name == name))
    instance = SMALL.get(report.instance)
    document = case_document(
        name,
        instance.machine if instance is not None else "kernel",
        report.instance,
        instance.document if instance is not None else None,
        report.laws,
        report.steps,
        expected_last(report.instance, report.steps),
        f"fateline verify --mutant {name}",
    )
    case = json.loads(json.dumps(document))
    validator("case").validate(case)
    assert not validator("case").is_valid({**case, "surplus": 1})
    if case["steps"]:
        case["steps"][-1]["records"] = [{"no": "record"}]
        assert not validator("case").is_valid(case)
