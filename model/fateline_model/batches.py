"""Batches: tokens of any rows of one run, held at an aggregation until a trigger closes the batch and a plugin answers.

A batch is OPEN to members, then TRIGGERED by the first of count, timeout, condition or end of source, then ended by
the plugin's answer, which closes every member's visit in one step. At most one open and one triggered batch stand at an
aggregation: a trigger that would make a second triggered one is refused until the first is flushed.

A batch works like a coalesce (hold, release rule, one path out), but over rows instead of branches. It is the only place
where rows meet. Their lineages do not meet even here: an output is a child of the first member, and only membership ties
the other members to it. Not here: barriers (`step_builder.py`).
"""

from typing import Final

from .kernels import Move, Phase
from .records import BatchRecord, MemberRecord
from .state import Batch, Run, Token
from .step_builder import Refused, RowDraft, RunDraft
from .stimuli import count_of
from .words import (
    CONTINUE,
    BatchMode,
    BatchStatus,
    FlushVerdict,
    GroupKind,
    NodeKind,
    Outcome,
    Reason,
    Refusal,
    Trigger,
    Verdict,
    VisitStatus,
)


def accept(draft: RunDraft, name: str | None) -> None:
    """A token enters the open batch of its aggregation, or opens the next; the last one needed triggers it."""
    row, token = draft.find(name)
    row.after(token, Move.ACCEPT)
    node = draft.pipeline.nodes[token.node]
    if node.kind is not NodeKind.AGGREGATION:
        raise Refused(Refusal.NOT_ITS_NEXT_NODE)
    batch = open_batch(draft, node.name)
    full = node.count is not None and (len(batch.members) if batch else 0) + 1 == node.count
    if full and _triggered(draft, node.name):
        raise Refused(Refusal.BATCH_AWAITS_FLUSH)
    batch = enter(draft, row, token, node.name)
    if full:
        _trigger(draft, batch, Trigger.COUNT)


def enter(draft: RunDraft, row: RowDraft, token: Token, node: str) -> Batch:
    """The token becomes a member of the open batch at this node, or of the next one, which opens with it."""
    batch = open_batch(draft, node)
    if batch is None:
        batch = Batch(node, sum(batch.node == node for batch in draft.batches.values()))
        _put(draft, batch)
        _write(draft, batch)
    ordinal, name = len(batch.members), row.name_of(token.name)
    row.open_visit(token._replace(batch=batch.name), Move.ACCEPT)
    row.write(MemberRecord(draft.run.name, batch.name, name, ordinal))
    row.write_outcome(token, Outcome.BUFFERED, batch=batch.name)
    return _put(draft, batch._replace(members=(*batch.members, name)))


def open_batch(draft: RunDraft, node: str) -> Batch | None:
    return next((b for b in draft.batches.values() if b.node == node and b.status is BatchStatus.OPEN), None)


def batch_deadline(draft: RunDraft, name: str) -> None:
    batch = _open(draft, name)
    if draft.pipeline.nodes[batch.node].timeout_seconds is None:
        raise Refused(Refusal.NO_DEADLINE)
    _trigger(draft, batch, Trigger.TIMEOUT)


def condition(draft: RunDraft, name: str) -> None:
    batch = _open(draft, name)
    if draft.pipeline.nodes[batch.node].condition is None:
        raise Refused(Refusal.NO_CONDITION)
    _trigger(draft, batch, Trigger.CONDITION)


def flush_batch(draft: RunDraft, name: str) -> None:
    """The end of the source closes a batch once no live token upstream can still enter it."""
    batch = _open(draft, name)
    if not draft.source_ended:
        raise Refused(Refusal.SOURCE_NOT_ENDED)
    if reachable(draft, draft.run, batch.node):
        raise Refused(Refusal.UPSTREAM_IN_FLIGHT)
    _trigger(draft, batch, Trigger.END_OF_SOURCE)


def reachable(draft: RunDraft, run: Run, node: str) -> bool:
    """Whether a live token can still come to the node. Tokens held there in a batch do not count."""
    live = (token for row in run.rows for token in row.tokens if token.phase is not Phase.ENDED)
    return any(
        draft.pipeline.reaches(token.node, node) and not (token.phase is Phase.BUFFERED and token.node == node)
        for token in live
    )


def flushed(draft: RunDraft, name: str, answer: str) -> None:
    """The plugin's answer ends the batch: every member's visit closes, and all members end in the same way."""
    batch = draft.batches.get(name)
    if batch is None:
        raise Refused(Refusal.UNKNOWN_BATCH)
    if batch.status is not BatchStatus.TRIGGERED:
        raise Refused(Refusal.BATCH_NOT_TRIGGERED)
    word, space, argument = answer.partition(" ")
    outputs = count_of(argument)
    counted = outputs is not None
    if word not in list(FlushVerdict) or counted != (word == FlushVerdict.OUTPUTS) or counted != bool(space):
        raise Refused(Refusal.NO_SUCH_VERDICT)
    verdict, mode = FlushVerdict(word), draft.pipeline.nodes[batch.node].mode
    if mode is BatchMode.TRANSFORM and verdict is FlushVerdict.PASSED:
        raise Refused(Refusal.NO_SUCH_VERDICT)
    if mode is BatchMode.PASSTHROUGH and verdict is not FlushVerdict.PASSED:
        verdict, outputs = FlushVerdict.ERROR, None
    end(draft, batch, verdict, outputs)


_VISIT_ENDS: Final = dict.fromkeys(FlushVerdict, (VisitStatus.COMPLETED, Verdict.FLUSHED)) | {
    FlushVerdict.ERROR: (VisitStatus.FAILED, Verdict.FLUSH_FAILED)
}


def end(draft: RunDraft, batch: Batch, verdict: FlushVerdict, outputs: int | None) -> None:
    """The batch ends with this verdict, all its members with it, and its outputs are made."""
    status = BatchStatus.FAILED if verdict is FlushVerdict.ERROR else BatchStatus.COMPLETED
    _put(draft, batch._replace(status=status, members=(), trigger=None))
    _write(draft, batch._replace(status=status), 0 if verdict is FlushVerdict.EMPTY else outputs)
    for member in batch.members:
        row, token = draft.find(member)
        row.close_visit(token, *_VISIT_ENDS[verdict])
        if verdict is FlushVerdict.PASSED:
            row.hop(token, batch.node, CONTINUE)
        elif verdict is FlushVerdict.OUTPUTS:
            row.end(token, Outcome.CONSUMED_IN_BATCH, batch=batch.name)
        elif verdict is FlushVerdict.EMPTY:
            row.end(token, Outcome.DISCARDED, reason=Reason.EMPTY_BATCH, batch=batch.name)
        else:
            row.end(token, Outcome.FAILED, reason=Reason.BATCH_FAILED, batch=batch.name)
    row, first = draft.find(batch.members[0])
    row.make_numbered(first, outputs or 0, batch.node, GroupKind.BATCH, batch.name)


def flush_again(draft: RunDraft) -> None:
    """A crash may have interrupted the flush of a triggered batch. The flush is run again, and the batch is recorded again."""
    for batch in draft.batches.values():
        if batch.status is BatchStatus.TRIGGERED:
            _write(draft, batch)


def _open(draft: RunDraft, name: str) -> Batch:
    batch = draft.batches.get(name)
    if batch is None:
        raise Refused(Refusal.UNKNOWN_BATCH)
    if batch.status is not BatchStatus.OPEN:
        raise Refused(Refusal.BATCH_NOT_OPEN)
    return batch


def _triggered(draft: RunDraft, node: str) -> bool:
    return any(batch.node == node and batch.status is BatchStatus.TRIGGERED for batch in draft.batches.values())


def _trigger(draft: RunDraft, batch: Batch, trigger: Trigger) -> None:
    if _triggered(draft, batch.node):
        raise Refused(Refusal.BATCH_AWAITS_FLUSH)
    _write(draft, _put(draft, batch._replace(status=BatchStatus.TRIGGERED, trigger=trigger)))


def _put(draft: RunDraft, batch: Batch) -> Batch:
    draft.batches[batch.name] = batch
    return batch


def _write(draft: RunDraft, batch: Batch, outputs: int | None = None) -> None:
    draft.records.append(BatchRecord(draft.run.name, batch.name, batch.node, batch.trigger, batch.status, outputs))
