"""Stimuli as JSON: what is written reads back the same, and what is not one is refused with a word on why."""

import json
from functools import cache

import pytest

from fateline_model.barrier_machine import BarrierEvent, BarrierStimulus
from fateline_model.checker.verify import stimulus_as_json
from fateline_model.lifecycle import Op, Operation, TokenRef
from fateline_model.stimuli import SHAPES, Do, Stimulus, count_of
from fateline_model.stimuli_json import as_json, from_json
from fateline_model.words import MergeData, Outcome

from .checker.explored import naive, system_of
from .schemas import validator

EVERY_KIND = (
    "line",
    "retries attempts=3",
    "hostile diamond policy=require_all merge=union:fail",
    "expand then fork policy=require_all",
    "batch mode=passthrough count=2 timeout=True condition=True",
    "batch in branch policy=require_all",
    "two batches",
)


@cache
def met() -> tuple[Stimulus, ...]:
    """Every lawful stimulus of some instances that between them have every kind there is."""
    found: dict[Stimulus, None] = {}
    for name in EVERY_KIND:
        for state in naive(name).states:
            for attempt in system_of(name).attempts(state):
                if isinstance(attempt.stimulus, Stimulus) and attempt.after is not None:
                    found[attempt.stimulus] = None
    return tuple(found)


def test_every_kind_of_stimulus_is_met_but_the_unreachable() -> None:
    assert {stimulus.do for stimulus in met()} == set(Do)
    assert len(met()) > 100


def test_every_stimulus_that_is_met_reads_back_the_same() -> None:
    for stimulus in met():
        assert from_json(json.loads(json.dumps(as_json(stimulus)))) == stimulus


def test_every_stimulus_that_is_met_is_one_by_the_schema() -> None:
    check = validator("stimulus")
    for stimulus in met():
        check.validate(json.loads(json.dumps(as_json(stimulus))))


def test_every_stimulus_that_is_met_carries_what_its_shape_says() -> None:
    for stimulus in met():
        carried = set(as_json(stimulus)) - {"do", "data"}
        assert carried == set(SHAPES[stimulus.do].must)
        assert SHAPES[stimulus.do].merges or not stimulus.data


@pytest.mark.parametrize(
    "document, told",
    [
        ({}, "do: found None"),
        ({"do": "explode"}, "do: found 'explode'; allowed: read, begin"),
        ({"do": ["read"]}, "do: found"),
        (None, "an object"),
        ([], "an object"),
        ("read", "an object"),
        ({"do": "crash", 1: 2}, "an object"),
        ({"do": "begin"}, "begin: found keys do; give do, token"),
        ({"do": "begin", "token": "0", "row": 0}, "begin: found keys"),
        ({"do": "begin", "token": "0", "data": []}, "begin: found keys"),
        ({"do": "crash", "token": "0"}, "crash: found keys"),
        ({"do": "begin", "token": 0}, "begin: token, verdict and hold are texts"),
        ({"do": "begin", "token": None}, "begin: token, verdict and hold are texts"),
        ({"do": "deadline", "hold": ["j@0"]}, "deadline: token, verdict and hold are texts"),
        ({"do": "read", "row": "0", "verdict": "valid"}, "read: row is '0'"),
        ({"do": "read", "row": True, "verdict": "valid"}, "read: row is True"),
        ({"do": "read", "row": -1, "verdict": "valid"}, "read: row is -1"),
        ({"do": "read", "row": 0.5, "verdict": "valid"}, "read: row is 0.5"),
        ({"do": "read", "row": None, "verdict": "valid"}, "read: row is None"),
        ({"do": "arrive", "token": "0/a", "data": "ok"}, "arrive: data is 'ok'"),
        ({"do": "arrive", "token": "0/a", "data": ["maybe"]}, "arrive: data is"),
        ({"do": "arrive", "token": "0/a", "data": [["ok"]]}, "arrive: data is"),
        ({"do": "arrive", "token": "0/a", "data": None}, "arrive: data is None"),
    ],
)
def test_what_is_no_stimulus_is_told_by_a_value_error(document: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        from_json(document)
    assert not validator("stimulus").is_valid(document)


def test_a_stimulus_says_itself_in_a_word() -> None:
    assert str(Stimulus(Do.READ, row=0, verdict="valid")) == "read(0, valid)"
    assert str(Stimulus(Do.ARRIVE, token="0/a", data=(MergeData.OK,))) == "arrive(0/a)"
    assert str(Stimulus(Do.ARRIVE, token="0/a", data=(MergeData.UNION_COLLISION,))) == "arrive(0/a) [union_collision]"


@pytest.mark.parametrize(
    "argument, count",
    [
        ("1", 1),
        ("42", 42),
        ("0", None),
        ("01", None),
        ("-1", None),
        ("1 ", None),
        ("٣", None),
        ("", None),
        ("9" * 99, None),
    ],
)
def test_a_count_is_a_plain_number_from_one(argument: str, count: int | None) -> None:
    assert count_of(argument) == count


@pytest.mark.parametrize(
    "operation",
    [
        Operation(Op.INITIAL, 0, 0, locked=False),
        Operation(Op.INITIAL, 1, 1),
        Operation(Op.EXPAND, 0, 0, (TokenRef(0, "0"),), number=0),
        Operation(Op.FORK, 0, 2, (TokenRef(1, "0"),), ("a", "b")),
        Operation(Op.RECORD, 0, tokens=(TokenRef(0, "0"),), outcome=Outcome.FAILED, fields=("error",)),
        Operation(Op.MERGE, 0, 0, node="j"),
    ],
)
def test_an_operation_as_json_tells_the_whole_call(operation: Operation) -> None:
    document = json.loads(json.dumps(stimulus_as_json(operation)))
    document["op"] = Op(document["op"])
    document["tokens"] = tuple(TokenRef(**ref) for ref in document["tokens"])
    for key in ("branches", "fields"):
        document[key] = tuple(document.get(key, ()))
    if document.get("outcome"):
        document["outcome"] = Outcome(document["outcome"])
    assert Operation(**document) == operation


def test_an_event_at_a_barrier_as_json_tells_the_whole_event() -> None:
    event = BarrierStimulus(BarrierEvent.ARRIVE, "a", (MergeData.OK,))
    assert stimulus_as_json(event) == {"do": "arrive", "branch": "a", "data": ("ok",)}
    assert stimulus_as_json(BarrierStimulus(BarrierEvent.FLUSH)) == {"do": "flush"}
