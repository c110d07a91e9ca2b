"""The law that ties the records to the state: the records of a step describe exactly what the step changed.

The fold reads the records one after another and makes the change that each record describes: lineage from parents, branch
and ordinal, debts from the edges of the graph, marks from visits, losses and resolutions. It shares no line with the step
builder that wrote them (`step_builder.py`), so a record that is missing or wrong shows as a difference. This is also why a
run can continue from its trail alone after a crash. Not here: whether the recorded changes are lawful.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Final

from ..kernels import Mark, Phase
from ..lifecycle import Operation
from ..records import (
    BarrierRecord,
    BatchRecord,
    HopRecord,
    LossRecord,
    MemberRecord,
    OutcomeRecord,
    ParentRecord,
    Record,
    RowRecord,
    RunRecord,
    TokenRecord,
    VisitRecord,
)
from ..state import Barrier, Batch, Frame, Row, Run, Token, Via, barrier_name, parse_token_name, token_name
from ..stimuli import Do, Stimulus
from ..words import (
    ON_ERROR,
    OUTCOMES,
    BarrierVerdict,
    BatchStatus,
    GroupKind,
    NodeKind,
    Outcome,
    VisitStatus,
)
from .graph_facts import can_be_paid, is_kept_by_a_fork
from .law import law
from .step_view import Check, StepView

_BY_NAME: Final = attrgetter("name")
_BY_NODE_AND_FORK: Final = attrgetter("node", "fork")


class _Fold:
    """One run, changed as its records describe. `wrong` collects contents of records that are impossible in themselves."""

    def __init__(self, view: StepView, run: Run) -> None:
        self.view, self.pipeline, self.run = view, view.pipeline, run
        self.has_graph = not isinstance(view.stimulus, Operation)
        self.status, self.source_ended = run.status, run.source_ended
        self.tokens = dict(view.tokens_before(run.name))
        self.barriers = {(b.node, token_name(row.number, b.fork)): b for row in run.rows for b in row.barriers}
        self.rows = {row.number for row in run.rows}
        self.batches = {batch.name: batch for batch in run.batches}
        self.closed: dict[str, VisitStatus | None] = {}
        self.buffered: set[tuple[str, str | None]] = set()
        self.wrong: list[str] = []

    def state(self) -> Run:
        tokens: dict[int, list[Token]] = {number: [] for number in sorted(self.rows)}
        barriers: dict[int, list[Barrier]] = {number: [] for number in tokens}
        for name, token in self.tokens.items():
            tokens.get(_row(name), []).append(token)
        for (_, fork), barrier in self.barriers.items():
            barriers.get(_row(fork), []).append(barrier)
        rows = (
            Row(number, tuple(sorted(own, key=_BY_NAME)), tuple(sorted(barriers[number], key=_BY_NODE_AND_FORK)))
            for number, own in tokens.items()
        )
        return Run(self.run.name, self.status, self.source_ended, tuple(rows), tuple(self.batches.values()))

    def describes(self, after: Run) -> bool:
        """Whether this is the state after the step. The order of tokens in a row is no fact of a record."""
        return (
            (self.status, self.source_ended) == (after.status, after.source_ended)
            and self.tokens == self.view.tokens_after(after.name)
            and self.barriers
            == {(b.node, token_name(row.number, b.fork)): b for row in after.rows for b in row.barriers}
            and self.rows == {row.number for row in after.rows}
            and tuple(self.batches.values()) == after.batches
        )

    def apply(self, record: Record) -> None:
        APPLY[type(record)](self, record)

    # ------------------------------------------------------------------------------------------------ run, rows, tokens

    def of_run(self, record: RunRecord) -> None:
        self.status = record.status or self.status
        self.source_ended = self.source_ended or record.rows is not None

    def of_row(self, record: RowRecord) -> None:
        self.rows.add(int(record.row))

    def of_token(self, record: TokenRecord) -> None:
        place = parse_token_name(record.token)
        self.tokens[record.token] = Token(place[1] if place else record.token, record.group_kind)

    def of_parent(self, record: ParentRecord) -> None:
        """The first parent link of a token decides what the token owes and what its name must be."""
        child = self.tokens[record.child]
        parent = self.view.token_before(record.run, record.parent) or self.tokens.get(record.parent)
        if parent is None or (child.made is GroupKind.JOIN and record.ordinal != 0):
            return
        made = next(token for token in self.view.tokens if token.token == record.child)
        stack: tuple[Frame, ...] = ()
        if child.made is GroupKind.FORK:
            stack = self._forked(parent, str(made.branch), _row(record.child))
            name = f"{parent.name}/{made.branch}"
        elif child.made is GroupKind.JOIN:
            fork = parent.stack[-1].fork if parent.stack else "?"
            below = self.tokens.get(token_name(_row(record.child), fork))
            stack = (below.stack if below is not None else ()) if self.has_graph else parent.stack[:-1]
            name = f"{fork}/{child.name.rpartition('/')[2]}"
        else:
            stack = parent.stack if child.made is GroupKind.EXPAND else ()
            name = f"{parent.name}.{record.ordinal}"
        if name != child.name:
            self.wrong.append(f"token {record.child} is, by its lineage, {token_name(_row(record.child), name)}")
        self.tokens[record.child] = child._replace(stack=stack)

    def _forked(self, parent: Token, branch: str, row: int) -> tuple[Frame, ...]:
        if not self.has_graph:
            return (*parent.stack, Frame(parent.name, branch))
        if (parent.node, branch) not in self.pipeline.joined:
            return ()
        kept = parent.stack if self._is_kept(parent, row) else ()
        return (*kept, Frame(parent.name, branch))

    def _is_kept(self, forked: Token, row: int) -> bool:
        """Whether the barriers of a fork hold what the forked token owed."""
        return bool(forked.stack) and is_kept_by_a_fork(self.pipeline, self._branch_of(forked, row), forked.node)

    def _branch_of(self, token: Token, row: int) -> tuple[str, str]:
        """The gate and the branch that a token owes."""
        frame = token.stack[-1]
        return self.tokens[token_name(row, frame.fork)].node, frame.branch

    # ------------------------------------------------------------------------------------------------ moving

    def of_visit(self, record: VisitRecord) -> None:
        token, kind = self.tokens[record.token], self.pipeline.nodes[record.node].kind
        if record.status is VisitStatus.OPEN:
            again = self.closed.get(record.token) is VisitStatus.FAILED
            tries = token.tries + 1 if again else token.tries
            self._change(record.token, phase=Phase.VISITING, attempt=record.attempt or 0, tries=tries)
        elif record.status is VisitStatus.HELD:
            held = Phase.HELD if kind is NodeKind.COALESCE else Phase.BUFFERED
            self._change(record.token, phase=held, attempt=record.attempt or 0)
            if kind is NodeKind.COALESCE:
                self._mark(record.node, record.token, Mark.HELD)
        elif kind is NodeKind.COALESCE and token.phase is Phase.READY:
            self._mark(record.node, record.token, Mark.LATE)
        elif record.status is VisitStatus.INTERRUPTED:
            self._change(record.token, phase=Phase.READY, attempt=token.attempt + 1)
        self.closed[record.token] = record.status

    def of_hop(self, record: HopRecord) -> None:
        token = self.tokens[record.token]
        at_sink = self.pipeline.nodes[record.dst].kind is NodeKind.SINK
        row = _row(record.token)
        kept = bool(token.stack) and can_be_paid(self.pipeline, *self._branch_of(token, row), record.dst)
        stack = token.stack if kept else ()
        via = self._via(record) if at_sink else Via.PLAIN
        self.tokens[record.token] = Token(token.name, token.made, record.dst, Phase.READY, via, stack=stack)

    def _via(self, record: HopRecord) -> Via:
        src = self.pipeline.nodes[record.src]
        if record.label == ON_ERROR:
            return Via.INVALID if src.kind is NodeKind.SOURCE else Via.ERROR
        return Via.ROUTE if (record.label, record.dst) in src.routes else Via.PLAIN

    def of_outcome(self, record: OutcomeRecord) -> None:
        if not OUTCOMES[record.outcome].terminal:
            self.buffered.add((record.token, record.batch))
            return
        token = self.tokens[record.token]
        ended = Token(token.name, token.made, phase=Phase.ENDED, fate=record.outcome)
        if record.outcome is Outcome.FORKED:
            kept = not self.has_graph or self._is_kept(token, _row(record.token))
            ended = ended._replace(node=token.node, via=token.via, stack=token.stack if kept else ())
        self.tokens[record.token] = ended

    # ------------------------------------------------------------------------------------------------ holding

    def of_loss(self, record: LossRecord) -> None:
        node, _, fork = record.barrier.partition("@")
        self._set_mark(node, fork, record.branch, Mark.LOST)

    def of_barrier(self, record: BarrierRecord) -> None:
        barrier = self._barrier(record.node, str(record.fork_group))
        branches = self.pipeline.nodes[record.node].branches
        for recorded, mark in ((record.arrived, Mark.HELD), (record.lost, Mark.LOST)):
            known = ",".join(branch for branch, own in zip(branches, barrier.marks, strict=True) if own is mark)
            if recorded != known:
                self.wrong.append(
                    f"barrier {record.barrier} records {mark}: {recorded or 'none'}; it was {known or 'none'}"
                )
        becomes = Mark.MERGED if record.verdict is BarrierVerdict.MERGED else Mark.FAILED
        marks = tuple(becomes if mark is Mark.HELD else mark for mark in barrier.marks)
        self.barriers[record.node, str(record.fork_group)] = barrier._replace(marks=marks, verdict=record.verdict)
        merged = f"{record.fork_group}/{record.node}" if record.verdict is BarrierVerdict.MERGED else None
        if record.result != merged:
            self.wrong.append(f"barrier {record.barrier} names its result {record.result}; it is {merged}")

    def of_batch(self, record: BatchRecord) -> None:
        number = sum(batch.node == record.node for batch in self.batches.values())
        known = self.batches.get(record.batch)
        if known is None:
            known = Batch(record.node, number)
            if known.name != record.batch:
                self.wrong.append(f"batch {record.batch} is, in order of opening, {known.name}")
        ended = record.status in (BatchStatus.COMPLETED, BatchStatus.FAILED)
        self.batches[record.batch] = known._replace(
            status=record.status or known.status,
            trigger=None if ended else record.trigger,
            members=() if ended else known.members,
        )

    def of_member(self, record: MemberRecord) -> None:
        batch = self.batches[record.batch]
        self.batches[record.batch] = batch._replace(members=(*batch.members, record.token))
        self._change(record.token, phase=Phase.BUFFERED, batch=record.batch)

    def compare_members(self) -> None:
        """A token that becomes a member of a batch is recorded as buffered in it."""
        for member in self.view.members:
            if member.run == self.run.name and (member.token, member.batch) not in self.buffered:
                self.wrong.append(
                    f"token {member.token} becomes a member of batch {member.batch}, and is not recorded as buffered"
                )

    def _change(self, name: str, **changes: object) -> None:
        self.tokens[name] = self.tokens[name]._replace(**changes)  # type: ignore[arg-type]

    def _mark(self, node: str, token: str, mark: Mark) -> None:
        stack = self.tokens[token].stack
        if stack:
            self._set_mark(node, token_name(_row(token), stack[-1].fork), stack[-1].branch, mark)

    def _set_mark(self, node: str, fork: str, branch: str, mark: Mark) -> None:
        barrier, branches = self._barrier(node, fork), self.pipeline.nodes[node].branches
        marks = tuple(mark if own == branch else old for own, old in zip(branches, barrier.marks, strict=True))
        self.barriers[node, fork] = barrier._replace(marks=marks)

    def _barrier(self, node: str, fork: str) -> Barrier:
        place = parse_token_name(fork)
        fresh = Barrier(node, place[1] if place else fork, (Mark.AWAITED,) * len(self.pipeline.nodes[node].branches))
        return self.barriers.get((node, fork), fresh)


def _row(name: str) -> int:
    place = parse_token_name(name)
    return place[0] if place else -1


APPLY: Final[dict[type, Callable[[_Fold, Any], None]]] = {
    RunRecord: _Fold.of_run,
    RowRecord: _Fold.of_row,
    TokenRecord: _Fold.of_token,
    ParentRecord: _Fold.of_parent,
    VisitRecord: _Fold.of_visit,
    HopRecord: _Fold.of_hop,
    OutcomeRecord: _Fold.of_outcome,
    LossRecord: _Fold.of_loss,
    BarrierRecord: _Fold.of_barrier,
    BatchRecord: _Fold.of_batch,
    MemberRecord: _Fold.of_member,
}


def recorded_run(view: StepView) -> tuple[Run, list[str]]:
    """The first run of a step as its records alone describe it, and what is impossible in the records themselves.

    Raises KeyError or StopIteration where a record names something that no record introduced.
    """
    fold = _Fold(view, view.before[0])
    for record in view.records:
        if getattr(record, "run", None) == fold.run.name:
            fold.apply(record)
    return fold.state(), fold.wrong


@law(
    "D2",
    "The records describe the step",
    "The records of a step describe exactly what the step changed. A token's name follows from its lineage.",
    needs=("every relation",),
)
def records_describe_the_step(view: StepView) -> Iterator[Check]:
    if isinstance(view.stimulus, Stimulus) and view.stimulus.do is Do.CRASH:
        return  # a process that dies writes nothing: law R1
    for before, after in zip(view.before, view.after, strict=True):
        fold = _Fold(view, before)
        try:
            for record in view.records:
                if getattr(record, "run", None) == before.name:
                    fold.apply(record)
            fold.compare_members()
        except (KeyError, StopIteration) as error:
            yield f"a record names {error}, which no record introduced"
            continue
        yield from fold.wrong
        yield None if fold.describes(after) else _difference(fold.state(), after)


def _difference(recorded: Run, after: Run) -> str:
    """The first difference between the recorded change and the actual one."""
    mine = {token_name(row.number, item.name): item for row in recorded.rows for item in row.tokens}
    theirs = {token_name(row.number, item.name): item for row in after.rows for item in row.tokens}
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            return f"token {name}: the records describe {_described(mine.get(name))}, but it is {_described(theirs.get(name))}"
    for folded, done in zip(recorded.rows, after.rows, strict=False):
        if folded.barriers != done.barriers:
            return f"barriers of row {done.number}: by the records {_barriers(folded)}, but they are {_barriers(done)}"
    if recorded.batches != after.batches:
        return f"the records describe the batches {_batches(recorded)}, but they are {_batches(after)}"
    flags = [
        (run.status, "its source has ended" if run.source_ended else "its source has not ended")
        for run in (recorded, after)
    ]
    return f"the records describe the run as {', '.join(flags[0])}, but it is {', '.join(flags[1])}"


def _barriers(row: Row) -> str:
    said = (
        f"{barrier_name(row.number, one)} ({', '.join(one.marks)}; {one.verdict or 'open'})" for one in row.barriers
    )
    return ", ".join(said) or "none"


def _batches(run: Run) -> str:
    said = (
        f"{one.name} ({one.status}{f' by {one.trigger}' if one.trigger else ''}; members {', '.join(one.members) or 'none'})"
        for one in run.batches
    )
    return ", ".join(said) or "none"


def _described(token: Token | None) -> str:
    if token is None:
        return "nothing"
    owes = f", owing {', '.join(f.branch for f in token.stack)}" if token.stack else ""
    where = f"{token.phase} at {token.node}, attempt {token.attempt}" if token.fate is None else f"{token.fate}"
    return f"{where}{owes}"
