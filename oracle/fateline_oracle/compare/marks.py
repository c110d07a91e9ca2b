"""Says what a stimulus is without its names, and what it meets in the state of the law: node, barrier, batch, token.

Differences with the same stimulus that meet the same are one kind of finding (`difference.py`). Not here: the rules.
"""

from collections.abc import Iterator

from fateline_model import Operation, Pipeline, Stimulus, World
from fateline_model.barrier_machine import BarrierStimulus
from fateline_model.state import Barrier, Row, Run, Token, barrier_name, token_name
from fateline_model.stimuli import Do
from fateline_model.words import MergeData, NodeKind

from .whole_run import WholeRun

AnyStimulus = Stimulus | Operation | BarrierStimulus


def named_as(stimulus: AnyStimulus | WholeRun) -> str:
    """The stimulus without names of tokens, rows and branches."""
    if isinstance(stimulus, WholeRun):
        return "a whole run"
    if isinstance(stimulus, Operation):
        parts = [str(stimulus.outcome)] if stimulus.outcome else [] if stimulus.locked else ["contract not locked"]
    else:
        verdict = stimulus.verdict if isinstance(stimulus, Stimulus) else None
        parts = [verdict] if verdict else []
        parts += [word for word in stimulus.data if word is not MergeData.OK]
    return f"{stimulus.op if isinstance(stimulus, Operation) else stimulus.do}({', '.join(parts)})"


def marks_met(pipeline: Pipeline, world: World, stimulus: AnyStimulus) -> tuple[str, ...]:
    """What the stimulus meets."""
    if isinstance(stimulus, Operation):
        return tuple(sorted(set(_tokens_of(world, stimulus))))
    run = world[0]
    if isinstance(stimulus, BarrierStimulus):
        return tuple(_at_barrier(pipeline, run, stimulus))
    found = [] if run.status == "running" else [f"a run that is {run.status}"]
    if stimulus.do is Do.RUN_OVER:
        found += sorted(set(_left(run)))
    if stimulus.token is not None:
        found += next((_at_token(pipeline, row, token) for row, token in _named(run, stimulus.token)), ["no token"])
    if stimulus.hold is not None:
        barriers = ((row.number, one) for row in run.rows for one in row.barriers)
        found += [_barrier(one) for number, one in barriers if barrier_name(number, one) == stimulus.hold]
        found += [f"batch that is {batch.status}" for batch in run.batches if batch.name == stimulus.hold]
    return tuple(found)


def _tokens_of(world: World, operation: Operation) -> Iterator[str]:
    for ref in operation.tokens:
        run = world[ref.run] if ref.run < len(world) else None
        found = next(_named(run, ref.name), None) if run is not None else None
        if found is None:
            yield "no token"
            continue
        row, token = found
        yield "a live token" if token.fate is None else "a token with a fate"
        if ref.run != operation.run:
            yield "a token of another run"
        elif operation.row is not None and operation.row != row.number:
            yield "a token of another row"


def _named(run: Run, name: str) -> Iterator[tuple[Row, Token]]:
    return ((row, token) for row in run.rows for token in row.tokens if token_name(row.number, token.name) == name)


def _left(run: Run) -> Iterator[str]:
    """What has not ended."""
    yield from (f"a token that is {one.phase}" for row in run.rows for one in row.tokens if one.fate is None)
    yield from (_barrier(one) for row in run.rows for one in row.barriers if one.verdict is None)
    yield from (f"a batch that is {one.status}" for one in run.batches if one.members)


def _at_token(pipeline: Pipeline, row: Row, token: Token) -> list[str]:
    if token.fate is not None:
        return ["a token with a fate"]
    node = pipeline.nodes.get(token.node)
    found = [str(node.kind)] if node is not None else []
    owed = token.stack[-1].fork if token.stack else None
    return found + [_barrier(one) for one in row.barriers if one.fork == owed]


def _at_barrier(pipeline: Pipeline, run: Run, stimulus: BarrierStimulus) -> Iterator[str]:
    barrier = next((one for row in run.rows for one in row.barriers), None)
    yield _barrier(barrier) if barrier is not None else "no event yet"
    branches = next((node.branches for node in pipeline.nodes.values() if node.kind is NodeKind.COALESCE), ())
    if stimulus.branch is not None and stimulus.branch not in branches:
        yield "no such branch"
    elif stimulus.branch is not None and barrier is not None:
        yield f"branch that is {barrier.marks[branches.index(stimulus.branch)]}"


def _barrier(barrier: Barrier) -> str:
    return f"barrier that is {barrier.verdict or 'open'}"
