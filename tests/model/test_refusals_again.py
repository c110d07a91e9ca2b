"""The order of refusals, stated a second time: for any call in any state, the first rule that applies is named."""

from itertools import product
from random import Random

import pytest

from fateline_model import Op, Operation, Outcome, Refusal, Run, Stimulus, TokenRef, World, load, operate
from fateline_model.checker.shapes import SHAPES
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.laws.refusals import rule_that_forbids
from fateline_model.lifecycle import NO_GRAPH
from fateline_model.stimuli import Do


def world_of(*operations: Operation) -> World:
    world: World = (Run("A"), Run("B"))
    for operation in operations:
        done = operate(world, operation)
        assert not isinstance(done, Refusal), f"{operation}: {done}"
        world = done.world
    return world


ROWS = (Operation(Op.INITIAL, 0, 0), Operation(Op.RECORD_ROW, 0, 1), Operation(Op.INITIAL, 1, 0))
FORK = Operation(Op.FORK, 0, 0, (TokenRef(0, "0"),), ("a", "b", "c"))
WORLDS = {
    "two rows": world_of(*ROWS),
    "a fork": world_of(*ROWS, FORK),
    "a fork, one branch at its end, one in a batch": world_of(
        *ROWS,
        FORK,
        Operation(Op.BUFFER, 0, tokens=(TokenRef(0, "0/b"),), node="agg"),
        Operation(Op.RECORD, 0, tokens=(TokenRef(0, "0/c"),), outcome=Outcome.FAILED, fields=("error",)),
    ),
    "a merge": world_of(
        *ROWS, FORK, Operation(Op.MERGE, 0, 0, (TokenRef(0, "0/a"), TokenRef(0, "0/b"), TokenRef(0, "0/c")), node="j")
    ),
    "a run that is over": world_of(Operation(Op.INITIAL, 1, 0), Operation(Op.COMPLETE, 0)),
}
REFS = [TokenRef(0, name) for name in ("0", "0/a", "0/b", "0/c", "0/j", "1", "x")] + [
    TokenRef(1, "0"),
    TokenRef(7, "0"),
]


@pytest.mark.parametrize("name", WORLDS)
def test_a_token_manager_names_the_first_rule_that_applies(name: str) -> None:
    """Whatever is wrong with a call at once: run, row, tokens, names, branches, numbers."""
    world, met = WORLDS[name], set()
    for op, run, row, node, number in product(Op, (0, 1, 9), (0, 1, 5), ("j", "0j", "fork"), (0, 1)):
        for tokens in ((), *((ref,) for ref in REFS), *product(REFS, REFS)):
            if len(tokens) == 2 and op is not Op.MERGE:
                continue
            call = Operation(op, run, row, tokens, ("a", node), number, bool(number), node, Outcome.FAILED, ("error",))
            done = operate(world, call)
            named = done if isinstance(done, Refusal) else None
            assert named is rule_that_forbids(NO_GRAPH, world, call), call
            met.add(named)
    assert len(met) >= 3


def test_of_two_parents_the_first_rule_counts_and_not_the_first_parent() -> None:
    world = WORLDS["a fork, one branch at its end, one in a batch"]
    for parents in (("0/b", "0/c"), ("0/c", "0/b")):
        call = Operation(Op.MERGE, 0, 0, tuple(TokenRef(0, parent) for parent in parents), node="no name")
        assert operate(world, call) is Refusal.HAS_FATE
    stranger = Operation(Op.MERGE, 0, 0, (TokenRef(0, "x"),), node="no name")
    assert operate(world, stranger) is Refusal.UNKNOWN_TOKEN


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_pipeline_names_the_first_rule_that_applies(shape: str) -> None:
    """Random walks; in each state everything is tried that a caller could try."""
    options, random = InstanceOptions(invalid_rows=True, hostile=True), Random(shape)
    system = PipelineSystem(load(SHAPES[shape]()), 2, 1, options)
    state, refused = system.first(), 0
    for _ in range(60):
        ways = []
        for attempt in system.attempts(state):
            assert isinstance(attempt.stimulus, Stimulus)
            if attempt.refusal is not Refusal.NO_SUCH_DATA:
                assert attempt.refusal is rule_that_forbids(system.pipeline, state.world, attempt.stimulus), (
                    attempt.stimulus
                )
            refused += attempt.refusal is not None
            if attempt.after is not None and (attempt.stimulus.do is not Do.CRASH or random.random() < 0.1):
                ways.append(attempt.after)
        state = random.choice(ways or [system.first()])
    assert refused > 500
