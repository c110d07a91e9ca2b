"""The three machines behind one interface for the search: a first state, and what can happen in a state.

A system tries *every* stimulus that could be lawful and lets the machine refuse; it never decides itself what is lawful.
The refusals that it met are counted, so a rule that is never checked is noticed. Not here: how states are visited
(`search.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, combinations, permutations, product
from typing import Final, NamedTuple, Protocol, TypeVar

from ..barrier_machine import BarrierEvent, BarrierStimulus, barrier_step, initial
from ..kernels import Phase
from ..lifecycle import NO_GRAPH, Op, Operation, TokenRef, World, operate
from ..machine import Accepted, step
from ..records import Record
from ..state import Run, Token, barrier_name, token_name
from ..stimuli import Do, Stimulus, Validity
from ..wellformed import Pipeline
from ..words import (
    OUTCOME_FIELDS,
    OUTCOMES,
    RETRYABLE,
    VERDICTS_OF,
    BatchMode,
    BatchStatus,
    MergeData,
    NodeKind,
    Outcome,
    Refusal,
    RunStatus,
    Verdict,
)

S = TypeVar("S")
OF_DATA: Final = tuple(word for word in MergeData if word is not MergeData.MERGED_ROW_TOO_LARGE)
"""The outcomes of a merge that the data decide."""
AnyStimulus = Stimulus | Operation | BarrierStimulus


class Attempt(NamedTuple):
    """A stimulus tried in a state: refused, or accepted with what it writes and the state after it.

    A step that leaves the bounds of the instance (`out_of_bounds`) is judged like any other, but not followed.
    """

    stimulus: AnyStimulus
    refusal: Refusal | None
    records: tuple[Record, ...] = ()
    after: "State | None" = None
    out_of_bounds: bool = False


class State(NamedTuple):
    """One state of a search: the world, and how many crashes the instance has used up."""

    world: World
    crashes: int = 0


class System(Protocol):
    """A machine at one instance."""

    pipeline: Pipeline

    def first(self) -> State: ...

    def attempts(self, state: State) -> Iterator[Attempt]: ...

    def may_stop(self, state: State) -> bool:
        """Whether a run may stay in this state for ever."""
        ...


# ------------------------------------------------------------------------------------------------- the pipeline machine


class InstanceOptions(NamedTuple):
    """What an instance lets happen where the machine would allow more. This keeps small what the instance is not about."""

    verdicts: Mapping[str, tuple[str, ...]] = {}
    invalid_rows: bool = False
    hostile: bool = False


class PipelineSystem:
    """The pipeline machine over a number of rows, with a number of crashes."""

    def __init__(self, pipeline: Pipeline, rows: int, crashes: int, options: InstanceOptions) -> None:
        self.pipeline = pipeline
        self.rows = rows
        self.crashes = crashes
        self.options = options
        self.verdicts = {name: options.verdicts.get(name) or _verdicts(pipeline, name) for name in pipeline.nodes}

    def first(self) -> State:
        return State((Run(),))

    def may_stop(self, state: State) -> bool:
        return state.world[0].status is RunStatus.COMPLETED

    def attempts(self, state: State) -> Iterator[Attempt]:
        run = state.world[0]
        stimuli = self._stimuli(run, state.crashes)
        for stimulus in chain(stimuli, self._hostile(run)) if self.options.hostile else stimuli:
            crashes = state.crashes + (stimulus.do is Do.CRASH)
            words = [stimulus.data]
            while words:
                data = words.pop()
                prescribed = stimulus._replace(data=data)
                result = step(self.pipeline, run, prescribed)
                if isinstance(result, Refusal):
                    yield Attempt(prescribed, result)
                elif len(result.merges) > len(data):
                    possible = OF_DATA if self.options.hostile else result.merges[len(data)]
                    words.extend((*data, word) for word in possible)
                else:
                    yield Attempt(prescribed, None, result.records, State((result.run,), crashes))

    def _stimuli(self, run: Run, crashes: int) -> Iterator[Stimulus]:
        if run.status is not RunStatus.RUNNING:
            yield Stimulus(Do.RESUME)
            return
        known = {row.number for row in run.rows}
        for number in range(self.rows):
            if number not in known:
                yield Stimulus(Do.READ, row=number, verdict=Validity.VALID)
                if self.options.invalid_rows:
                    yield Stimulus(Do.READ, row=number, verdict=Validity.INVALID)
        for row in run.rows:
            for token in row.tokens:
                yield from self._about_token(token_name(row.number, token.name), token)
            for barrier in row.barriers:
                if barrier.verdict is None:
                    yield Stimulus(Do.DEADLINE, hold=barrier_name(row.number, barrier))
                    yield Stimulus(Do.FLUSH, hold=barrier_name(row.number, barrier))
        for batch in run.batches:
            if batch.status is BatchStatus.OPEN:
                yield from (Stimulus(do, hold=batch.name) for do in (Do.DEADLINE, Do.CONDITION, Do.FLUSH))
            elif batch.status is BatchStatus.TRIGGERED:
                yield from (Stimulus(Do.FLUSHED, hold=batch.name, verdict=v) for v in self.verdicts[batch.node])
        yield Stimulus(Do.END_OF_SOURCE)
        yield Stimulus(Do.RUN_OVER)
        if crashes < self.crashes:
            yield Stimulus(Do.CRASH)

    def _hostile(self, run: Run) -> Iterator[Stimulus]:
        """Everything else that a caller could try. Nearly all of it is refused, and the lawful rest leads to no new state."""
        names = [token_name(row.number, token.name) for row in run.rows for token in row.tokens]
        holds = [barrier_name(row.number, barrier) for row in run.rows for barrier in row.barriers]
        holds += [batch.name for batch in run.batches]
        known = dict.fromkeys(self._stimuli(run, self.crashes))
        verdicts = sorted({v for kind in NodeKind for v in VERDICTS_OF.get(kind, ())} | {"route nowhere 1", "expand 0"})
        tried = (
            *(Stimulus(Do.READ, row=row, verdict=v) for row in (-1, 0) for v in (*Validity, "nonsense")),
            *(Stimulus(do, token=t) for do in (Do.BEGIN, Do.ARRIVE, Do.ACCEPT) for t in (*names, "0/never", "x", "00")),
            *(
                Stimulus(Do.FINISH, token=name, verdict=v)
                for name in names
                for v in (*verdicts, "expand 2", "nonsense")
            ),
            *(Stimulus(do, hold=h) for do in (Do.DEADLINE, Do.CONDITION, Do.FLUSH) for h in (*holds, "j@9", "agg#9")),
            *(
                Stimulus(Do.FLUSHED, hold=h, verdict=v)
                for h in (*holds, "agg#9")
                for v in ("outputs 0", "passed", "nonsense")
            ),
            Stimulus(Do.RESUME),
            Stimulus(Do.END_OF_SOURCE, data=(MergeData.OK,)),
        )
        return (stimulus for stimulus in tried if stimulus not in known)

    def _about_token(self, name: str, token: Token) -> Iterator[Stimulus]:
        if token.phase is Phase.READY:
            kind = self.pipeline.nodes[token.node].kind
            yield Stimulus(_ENTERS.get(kind, Do.BEGIN), token=name)
        elif token.phase is Phase.VISITING:
            yield from (Stimulus(Do.FINISH, token=name, verdict=v) for v in self.verdicts[token.node])


_ENTERS: Final = {NodeKind.COALESCE: Do.ARRIVE, NodeKind.AGGREGATION: Do.ACCEPT}


_FLUSHES: Final = {
    BatchMode.PASSTHROUGH: ("passed", "outputs 1", "empty", "error"),
    BatchMode.TRANSFORM: ("outputs 1", "outputs 2", "empty", "error"),
}


def _verdicts(pipeline: Pipeline, name: str) -> tuple[str, ...]:
    """Every verdict of a node that makes a difference there."""
    node = pipeline.nodes[name]
    if node.kind is NodeKind.GATE:
        return (*(f"{Verdict.ROUTE} {label}" for label, _ in node.routes), Verdict.ERROR)
    if node.kind is NodeKind.AGGREGATION:
        return _FLUSHES[node.mode]
    if node.expands:
        own: tuple[str, ...] = (f"{Verdict.EXPAND} 1", f"{Verdict.EXPAND} 2", Verdict.DROP, Verdict.ERROR)
    else:
        own = tuple(v for v in VERDICTS_OF.get(node.kind, ()) if v is not Verdict.EXPAND and v not in RETRYABLE)
    return (*own, *(v for v in VERDICTS_OF.get(node.kind, ()) if v in RETRYABLE and node.attempts > 1))


# ------------------------------------------------------------------------------------------------- the single barrier


class BarrierSystem:
    """The barrier machine: any event in any state, also duplicates and branches that do not exist."""

    STRANGER: Final = "stranger"

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._branches = [b for node in pipeline.nodes.values() for b in node.branches]

    def first(self) -> State:
        return State((initial(self.pipeline),))

    def may_stop(self, state: State) -> bool:
        return all(token.fate is not None or token.name.count("/j") for token in state.world[0].rows[0].tokens)

    def attempts(self, state: State) -> Iterator[Attempt]:
        named = [
            BarrierStimulus(do, branch)
            for do in (BarrierEvent.ARRIVE, BarrierEvent.LOSE)
            for branch in (*self._branches, self.STRANGER)
        ]
        for stimulus in (*named, BarrierStimulus(BarrierEvent.DEADLINE), BarrierStimulus(BarrierEvent.FLUSH)):
            result = barrier_step(self.pipeline, state.world[0], stimulus)
            possible = result.merges[0] if isinstance(result, Accepted) and result.merges else (MergeData.OK,)
            for word in possible:
                if isinstance(result, Accepted) and result.merges:
                    stimulus = stimulus._replace(data=(word,))
                    result = barrier_step(self.pipeline, state.world[0], stimulus)
                if isinstance(result, Refusal):
                    yield Attempt(stimulus, result)
                else:
                    yield Attempt(stimulus, None, result.records, State((result.run,)))


# ------------------------------------------------------------------------------------------------- the lifecycle machine


class LifecycleSystem:
    """The lifecycle machine over runs of rows, each row with a bound on its tokens; every operation, every argument.

    `limits` has one tuple for each run, and in it one bound for each row. Each operation is tried with the existing tokens
    and also with an unknown run, an unknown row and a token that never existed.
    """

    def __init__(self, limits: Sequence[Sequence[int]], operations: Sequence[Op], *, fates: str = "few") -> None:
        self.pipeline = NO_GRAPH
        self.limits = limits
        self.operations = tuple(operations)
        self.fates = fates

    def first(self) -> State:
        return State(tuple(Run("AB"[number]) for number in range(len(self.limits))))

    def may_stop(self, state: State) -> bool:
        return True  # a caller may stop calling at any time

    def attempts(self, state: State, only: Callable[[Operation], bool] | None = None) -> Iterator[Attempt]:
        """`only` leaves out operations that the caller cannot express, before they are tried."""
        for operation in self._calls(state.world):
            if only is not None and not only(operation):
                continue
            result = operate(state.world, operation)
            if isinstance(result, Refusal):
                yield Attempt(operation, result)
            else:
                yield Attempt(operation, None, result.records, State(result.world), not self._within(result.world))

    def _within(self, world: World) -> bool:
        return all(
            row.number < len(limits) and len(row.tokens) <= limits[row.number]
            for run, limits in zip(world, self.limits, strict=True)
            for row in run.rows
        )

    def _calls(self, world: World) -> Iterator[Operation]:
        refs = [TokenRef(number, name) for number, run in enumerate(world) for name in token_names(run)]
        refs.append(TokenRef(0, "0/never"))
        for run, op in product(range(len(world) + 1), self.operations):
            rows = range(len(self.limits[run]) + 1) if run < len(world) else range(1)
            yield from _CALLS[op](self, op, run, rows, refs)

    def rows_only(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        return (Operation(op, run, row) for row in rows)

    def initials(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        return (Operation(op, run, row, locked=locked) for row, locked in product(rows, (True, False)))

    def forks(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        for row, ref, branches in product(rows, refs, ((), ("a",), ("a", "b"), ("a", "a"), ("a,b",))):
            yield Operation(op, run, row, (ref,), branches=branches)

    def expansions(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        for row, ref, (number, locked) in product(rows, refs, ((0, True), (1, True), (2, True), (1, False))):
            yield Operation(op, run, row, (ref,), number=number, locked=locked)

    def merges(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        pairs: Iterator[tuple[TokenRef, ...]] = chain(
            ((),), ((ref,) for ref in refs), permutations(refs, 2), ((ref, ref) for ref in refs)
        )
        return (Operation(op, run, row, parents, node="j") for row, parents in product(rows, list(pairs)))

    def on_token(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        return (Operation(op, run, tokens=(ref,), node="agg" if op is Op.BUFFER else "") for ref in refs)

    def recordings(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        for ref in refs:
            if self.fates == "few":
                yield Operation(op, run, tokens=(ref,), outcome=Outcome.FAILED, fields=("error",))
                yield Operation(op, run, tokens=(ref,), outcome=Outcome.FORKED, fields=("group", "promised"))
                continue
            for outcome in OUTCOMES:
                for size in range(len(OUTCOME_FIELDS) + 1):
                    for fields in combinations(OUTCOME_FIELDS, size):
                        yield Operation(op, run, tokens=(ref,), outcome=outcome, fields=fields)

    def batch_ends(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        return (Operation(op, run, number=number, node="agg") for number in (0, 1, 2))

    def completions(self, op: Op, run: int, rows: range, refs: list[TokenRef]) -> Iterator[Operation]:
        yield Operation(op, run)


def token_names(run: Run) -> list[str]:
    """The full names of all tokens of a run."""
    return [token_name(row.number, token.name) for row in run.rows for token in row.tokens]


_CALLS: Final = {
    Op.RECORD_ROW: LifecycleSystem.rows_only,
    Op.INITIAL: LifecycleSystem.initials,
    Op.QUARANTINE: LifecycleSystem.rows_only,
    Op.EXISTING: LifecycleSystem.rows_only,
    Op.FORK: LifecycleSystem.forks,
    Op.EXPAND: LifecycleSystem.expansions,
    Op.MERGE: LifecycleSystem.merges,
    Op.UPDATE: LifecycleSystem.on_token,
    Op.RECORD: LifecycleSystem.recordings,
    Op.BUFFER: LifecycleSystem.on_token,
    Op.CONSUME: LifecycleSystem.batch_ends,
    Op.COMPLETE: LifecycleSystem.completions,
}
