"""The lifecycle machine: the operations of a token manager, with any arguments.

No graph limits the caller here: it may name tokens of other rows and other runs, tokens that do not exist, no parents at
all, or the same parent twice. Only in this machine can a caller break the laws of lineage, so they are judged in this
machine, with at least two runs of two rows. Its state is a *world*, one `Run` for each run. Tokens are named as in
`state.py`, and a reference to a token names the run in which its caller believes the token to be.

`RULES` has one function for each operation. Each function checks its rules in the order of `words.Refusal` and then writes
with the same step builder as the pipeline machine. Not here: visits, hops, barriers, and anything that needs a graph
(`machine.py`).
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from .batches import end, enter, open_batch
from .kernels import Line, Move, Phase, same_line
from .machine import at_rest
from .pipeline import Node
from .records import SOME, Record
from .state import Run, Token
from .step_builder import OutcomeFields, Refused, RowDraft, RunDraft
from .wellformed import build
from .words import (
    NAME_PATTERN,
    OUTCOME_FIELDS,
    OUTCOMES,
    RESERVED,
    FlushVerdict,
    NodeKind,
    Outcome,
    Reason,
    Refusal,
    RunStatus,
    Trigger,
)

World = tuple[Run, ...]
NO_GRAPH: Final = build("no graph", (Node("src", NodeKind.SOURCE, to="out"), Node("out", NodeKind.SINK)))
"""The machine needs no pipeline, but the step builder takes one."""


class Op(StrEnum):
    RECORD_ROW = "record_row"
    INITIAL = "initial"
    QUARANTINE = "quarantine"
    EXISTING = "existing"
    FORK = "fork"
    EXPAND = "expand"
    MERGE = "merge"
    UPDATE = "update"
    RECORD = "record"
    BUFFER = "buffer"
    CONSUME = "consume"
    COMPLETE = "complete"


class TokenRef(NamedTuple):
    """A token as a caller names it: in which run, and its full name."""

    run: int
    name: str


class Operation(NamedTuple):
    """One call of a token manager. `SHAPES` lists the fields that each operation reads."""

    op: Op
    run: int
    row: int | None = None
    tokens: tuple[TokenRef, ...] = ()
    branches: tuple[str, ...] = ()
    number: int = 0
    locked: bool = True
    node: str = ""
    outcome: Outcome | None = None
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"run {self.run}", *([f"row {self.row}"] if self.row is not None else [])]
        parts += [ref.name if ref.run == self.run else f"{ref.name} of run {ref.run}" for ref in self.tokens]
        parts += [f"branches {'+'.join(self.branches) or 'none'}"] if self.op is Op.FORK else []
        parts += [str(self.number)] if self.op in (Op.EXPAND, Op.CONSUME) else []
        parts += ["contract not locked"] if not self.locked else []
        parts += [f"as {self.outcome} with {', '.join(self.fields) or 'nothing'}"] if self.outcome else []
        return f"{self.op}({', '.join(parts)})"


SHAPES: Final[dict[Op, tuple[tuple[str, ...], str]]] = {
    Op.RECORD_ROW: (("run", "row"), "a row is recorded without a token"),
    Op.INITIAL: (("run", "row", "locked"), "a row and its root token; `locked`: the row has a contract"),
    Op.QUARANTINE: (("run", "row"), "an invalid row and its root token"),
    Op.EXISTING: (("run", "row"), "the root token of a row that was recorded before"),
    Op.FORK: (("run", "row", "tokens", "branches"), "children on branches"),
    Op.EXPAND: (("run", "row", "tokens", "number", "locked"), "`number` children; `locked`: their contract is locked"),
    Op.MERGE: (("run", "row", "tokens", "node"), "parents become one merged token at a coalesce"),
    Op.UPDATE: (("run", "tokens"), "new data for a token; lineage and trail stay as they are"),
    Op.RECORD: (("run", "tokens", "outcome", "fields"), "a fate is recorded with these fields"),
    Op.BUFFER: (("run", "tokens", "node"), "a token joins the open batch of an aggregation"),
    Op.CONSUME: (("run", "node", "number"), "the open batch ends with this number of outputs"),
    Op.COMPLETE: (("run",), "the run is declared completed"),
}


class Done(NamedTuple):
    """A lawful operation: the world after it, and the records that it writes."""

    world: World
    records: tuple[Record, ...]


def operate(world: World, operation: Operation) -> Done | Refusal:
    """One operation: either the world after it and all its records, or the first rule that forbids it."""
    if not 0 <= operation.run < len(world):
        return Refusal.UNKNOWN_RUN
    run = world[operation.run]
    if run.status is RunStatus.COMPLETED:
        return Refusal.RUN_OVER
    draft = RunDraft(NO_GRAPH, run, graph=False)
    try:
        RULES[operation.op](draft, world, operation)
        after = (*world[: operation.run], draft.done(), *world[operation.run + 1 :])
        return Done(after, tuple(draft.records))
    except Refused as refused:
        return refused.rule


# ------------------------------------------------------------------------------------------------- arguments


def _row(draft: RunDraft, operation: Operation) -> RowDraft:
    row = draft.row(operation.row) if operation.row is not None else None
    if row is None:
        raise Refused(Refusal.UNKNOWN_ROW)
    return row


def _known(world: World, refs: tuple[TokenRef, ...]) -> list[tuple[RowDraft, Token]]:
    """The tokens that the references name, in whatever run, or a refusal of the first that does not exist."""
    runs = (world[ref.run] if 0 <= ref.run < len(world) else Run() for ref in refs)
    return [RunDraft(NO_GRAPH, run).find(ref.name) for run, ref in zip(runs, refs, strict=True)]


def _check_name(name: str) -> None:
    if name in RESERVED or not re.fullmatch(NAME_PATTERN, name):
        raise Refused(Refusal.NOT_A_NAME)


def _own(draft: RunDraft, world: World, operation: Operation, *, in_row: bool) -> tuple[RowDraft, Token]:
    """The one token of an operation, in the run, and if asked in the row, that the caller names."""
    if in_row:
        _row(draft, operation)
    if not operation.tokens:
        raise Refused(Refusal.UNKNOWN_TOKEN)
    ref = operation.tokens[0]
    _known(world, (ref,))
    if ref.run != operation.run:
        raise Refused(Refusal.OTHER_RUN)
    row, token = draft.find(ref.name)
    if in_row and row.number != operation.row:
        raise Refused(Refusal.OTHER_ROW)
    return row, token


# ------------------------------------------------------------------------------------------------- operations


def _record_row(draft: RunDraft, world: World, operation: Operation) -> None:
    draft.new_row(operation.row)


def _initial(draft: RunDraft, world: World, operation: Operation) -> None:
    row = draft.new_row(operation.row)
    if not operation.locked:
        raise Refused(Refusal.NO_CONTRACT)
    row.make(Token(""), None, ())


def _quarantine(draft: RunDraft, world: World, operation: Operation) -> None:
    row = draft.new_row(operation.row)
    row.end(row.make(Token(""), None, ()), Outcome.QUARANTINED, reason=Reason.INVALID_ROW)


def _existing(draft: RunDraft, world: World, operation: Operation) -> None:
    row = _row(draft, operation)
    if row.tokens:
        raise Refused(Refusal.HAS_ROOT_TOKEN)
    row.make(Token(""), None, ())


def _fork(draft: RunDraft, world: World, operation: Operation) -> None:
    row, token = _own(draft, world, operation, in_row=True)
    row.after(token, Move.BEGIN)
    if not operation.branches:
        raise Refused(Refusal.NO_BRANCHES)
    for branch in operation.branches:
        _check_name(branch)
    if len(set(operation.branches)) != len(operation.branches):
        raise Refused(Refusal.REPEATED_BRANCH)
    row.fork(token, operation.branches, "")


def _expand(draft: RunDraft, world: World, operation: Operation) -> None:
    row, token = _own(draft, world, operation, in_row=True)
    row.after(token, Move.BEGIN)
    if operation.number < 1:
        raise Refused(Refusal.NO_CHILDREN)
    if not operation.locked:
        raise Refused(Refusal.CONTRACT_NOT_LOCKED)
    row.expand(token, operation.number, "")


def _merge(draft: RunDraft, world: World, operation: Operation) -> None:
    """The lineage fold: every parent is compared with the line of the run, the row named, and the first parent's fork."""
    row = _row(draft, operation)
    if not operation.tokens:
        raise Refused(Refusal.NO_PARENTS)
    found = _known(world, operation.tokens)
    parents = [parent for _, parent in found]
    forks = {frame.fork: number for number, frame in enumerate(p.stack[-1] for p in parents if p.stack)}
    lines = [
        Line(ref.run, own_row.number, forks[parent.stack[-1].fork] if parent.stack else -1)
        for ref, (own_row, parent) in zip(operation.tokens, found, strict=True)
    ]
    expected = Line(operation.run, row.number, lines[0].fork)
    verdicts = [same_line(expected, line) for line in lines]
    for rule in (Refusal.OTHER_RUN, Refusal.OTHER_ROW):
        if rule in verdicts:
            raise Refused(rule)
    for parent in sorted(parents, key=lambda parent: parent.phase is not Phase.ENDED):
        row.after(parent, Move.ARRIVE)
    _check_name(operation.node)
    if Refusal.NOT_ONE_FORK in verdicts or not all(parent.stack for parent in parents):
        raise Refused(Refusal.NOT_ONE_FORK)
    if len({parent.stack[-1].branch for parent in parents}) != len(parents):
        raise Refused(Refusal.REPEATED_BRANCH)
    *beneath, frame = parents[0].stack
    name = f"{frame.fork}/{operation.node}"
    if name in row.tokens:
        raise Refused(Refusal.ALREADY_RESOLVED)
    row.join(parents, [ref.name for ref in operation.tokens], name, operation.node, tuple(beneath))


def _update(draft: RunDraft, world: World, operation: Operation) -> None:
    row, token = _own(draft, world, operation, in_row=False)
    row.after(token, Move.BEGIN)


def _record(draft: RunDraft, world: World, operation: Operation) -> None:
    row, token = _own(draft, world, operation, in_row=False)
    row.after(token, Move.BEGIN)
    outcome, given = operation.outcome, set(operation.fields)
    if outcome is None or OUTCOMES[outcome].delegates or not OUTCOMES[outcome].terminal:
        raise Refused(Refusal.NOT_A_FATE)
    rule = OUTCOMES[outcome]
    if not given >= set(rule.must):
        raise Refused(Refusal.FIELDS_MISSING)
    if not given <= {*rule.must, *rule.may}:
        raise Refused(Refusal.FIELDS_FORBIDDEN)
    fields: OutcomeFields = {}
    for field in OUTCOME_FIELDS:
        if field in given:
            fields[field] = Reason.NODE_FAILED if field == "reason" else SOME
    row.end(token._replace(stack=()), outcome, **fields)


def _buffer(draft: RunDraft, world: World, operation: Operation) -> None:
    row, token = _own(draft, world, operation, in_row=False)
    row.after(token, Move.ACCEPT)
    _check_name(operation.node)
    enter(draft, row, token, operation.node)


def _consume(draft: RunDraft, world: World, operation: Operation) -> None:
    batch = open_batch(draft, operation.node)
    if batch is None:
        raise Refused(Refusal.UNKNOWN_BATCH)
    if operation.number < 1:
        raise Refused(Refusal.NO_CHILDREN)
    end(draft, batch._replace(trigger=Trigger.END_OF_SOURCE), FlushVerdict.OUTPUTS, operation.number)


def _complete(draft: RunDraft, world: World, operation: Operation) -> None:
    if not at_rest(draft.run):
        raise Refused(Refusal.NOT_AT_REST)
    draft.status, draft.source_ended = RunStatus.COMPLETED, True
    draft.write_run(len(draft.run.rows))


RULES: Final[dict[Op, Callable[[RunDraft, World, Operation], None]]] = {
    Op.RECORD_ROW: _record_row,
    Op.INITIAL: _initial,
    Op.QUARANTINE: _quarantine,
    Op.EXISTING: _existing,
    Op.FORK: _fork,
    Op.EXPAND: _expand,
    Op.MERGE: _merge,
    Op.UPDATE: _update,
    Op.RECORD: _record,
    Op.BUFFER: _buffer,
    Op.CONSUME: _consume,
    Op.COMPLETE: _complete,
}
