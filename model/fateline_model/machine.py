"""The pipeline machine: what each stimulus does to a run, and which rule forbids it when it is forbidden.

`step(pipeline, run, stimulus)` returns the next state and the records that must be written, or a refusal that names
the rule. It is a pure function: no clock, no randomness, no I/O. One step is one transaction: the end of a visit and
the hop that it causes; an arrival, the barrier's verdict and everything that follows; a loss and every further loss
that it causes. `RULES` has one function for each stimulus. Each function checks its rules in the order of
`words.Refusal` before it writes.

The data of merges. The machine has no data, but whether a merge succeeds depends on data: two branches can give one
field different values. So the stimulus prescribes the outcome of each merge that it causes, as `stimulus.data`, in the
order in which the merges happen; a merge for which nothing is prescribed succeeds (`ok`). One stimulus can cause
several merges: if the merge of an inner fork fails, the outer branch is lost in the same step, and the outer barrier
may then merge what it holds. A caller cannot know beforehand how many merges a stimulus causes. So `Accepted.merges`
lists, for each merge that happened, the outcomes that it could have had. Example: `arrive(0/b)` without data is
accepted with `merges == ((ok, contract_conflict, union_collision),)`. One merge happened, with the outcome `ok`. To
explore the other outcomes, the checker repeats the step with `data=(contract_conflict,)` and `data=(union_collision,)`.
A stimulus is refused as `no_such_data` if it prescribes an impossible outcome, or outcomes of more merges than happen.

The machine is local: a stimulus about one row reads that row and the two flags of the run (its status, whether the
source has ended), and changes only that row. So rows never meet except in batches. The checker depends on this, and the
naive search verifies it. Not here: how facts are written and what follows from them (`step_builder.py`), and operations with
arguments that no graph allows (`lifecycle.py`).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from .batches import accept, batch_deadline, condition, flush_again, flush_batch, flushed
from .coalesce import Event
from .kernels import Move, Phase, mark_on_arrival
from .records import Record
from .state import Barrier, Run, Token, Via, barrier_name
from .step_builder import Refused, RowDraft, RunDraft
from .stimuli import Do, Stimulus, Validity, count_of
from .wellformed import Pipeline
from .words import (
    CONTINUE,
    DISCARD,
    FORK,
    ON_ERROR,
    RETRYABLE,
    VERDICTS_OF,
    BarrierVerdict,
    BatchStatus,
    MergeData,
    NodeKind,
    Outcome,
    Reason,
    Refusal,
    RunStatus,
    Verdict,
    VisitStatus,
)


class Accepted(NamedTuple):
    """A lawful step: the state after it, the records, and for each merge in it the outcomes that it could have had."""

    run: Run
    records: tuple[Record, ...]
    merges: tuple[tuple[MergeData, ...], ...]


def step(pipeline: Pipeline, run: Run, stimulus: Stimulus) -> Accepted | Refusal:
    """One stimulus, one transaction: the next state and the records, or the first rule that forbids the stimulus."""
    draft = RunDraft(pipeline, run, stimulus.data)
    try:
        _check_run(run, stimulus.do)
        RULES[stimulus.do](draft, stimulus)
        return Accepted(draft.done(), tuple(draft.records), tuple(draft.merges))
    except Refused as refused:
        return refused.rule


def _check_run(run: Run, do: Do) -> None:
    if run.status is RunStatus.COMPLETED:
        raise Refused(Refusal.RUN_OVER)
    if run.status is RunStatus.INTERRUPTED and do is not Do.RESUME:
        raise Refused(Refusal.RUN_DOWN)
    if run.status is RunStatus.RUNNING and do is Do.RESUME:
        raise Refused(Refusal.RUN_UP)


# ----------------------------------------------------------------------------------------------- reading and visits


def _read(draft: RunDraft, stimulus: Stimulus) -> None:
    """A row and its root token, in one step. An invalid row goes to quarantine and nowhere else."""
    row, source = draft.new_row(stimulus.row), draft.pipeline.source
    if stimulus.verdict == Validity.NO_CONTRACT:
        raise Refused(Refusal.NO_CONTRACT)
    if stimulus.verdict not in (Validity.VALID, Validity.INVALID):
        raise Refused(Refusal.NO_SUCH_VERDICT)
    root = row.make(Token(""), None, ())
    if stimulus.verdict == Validity.VALID:
        row.hop(root, source.name, CONTINUE)
    elif source.on_error is not None:
        row.hop(root, source.name, ON_ERROR)
    else:
        row.end(root, Outcome.QUARANTINED, reason=Reason.INVALID_ROW)


def _begin(draft: RunDraft, stimulus: Stimulus) -> None:
    row, token = draft.find(stimulus.token)
    row.after(token, Move.BEGIN)
    if draft.pipeline.nodes[token.node].kind not in VERDICTS_OF:
        raise Refused(Refusal.NOT_ITS_NEXT_NODE)
    row.open_visit(token, Move.BEGIN)


def _finish(draft: RunDraft, stimulus: Stimulus) -> None:
    """A visit ends with the node's verdict, and the graph decides what follows."""
    row, token = draft.find(stimulus.token)
    if token.phase is not Phase.VISITING:
        raise Refused(Refusal.HAS_FATE if token.phase is Phase.ENDED else Refusal.NOT_VISITING)
    node = draft.pipeline.nodes[token.node]
    word, space, argument = (stimulus.verdict or "").partition(" ")
    if word not in VERDICTS_OF[node.kind]:
        raise Refused(Refusal.NO_SUCH_VERDICT)
    verdict = Verdict(word)
    if verdict is Verdict.ROUTE and argument:
        _route(row, token, argument)
    elif verdict is Verdict.EXPAND and (count := count_of(argument)) is not None:
        _expand(row, token, count)
    elif space or verdict in (Verdict.ROUTE, Verdict.EXPAND) or (verdict is Verdict.PASS and node.expands):
        raise Refused(Refusal.NO_SUCH_VERDICT)
    elif verdict is Verdict.PASS:
        row.close_visit(token, VisitStatus.COMPLETED, verdict)
        row.hop(token, node.name, CONTINUE)
    elif verdict is Verdict.DROP:
        row.close_visit(token, VisitStatus.COMPLETED, verdict)
        row.end(token, Outcome.DISCARDED, reason=Reason.FILTERED)
    elif verdict is Verdict.WRITTEN:
        row.close_visit(token, VisitStatus.COMPLETED, verdict)
        _written(row, token)
    else:
        _node_failed(row, token, verdict)


def _route(row: RowDraft, token: Token, label: str) -> None:
    node = row.pipeline.nodes[token.node]
    target = dict(node.routes).get(label)
    if target is None:
        _node_failed(row, token, Verdict.ERROR)
        return
    row.close_visit(token, VisitStatus.COMPLETED, f"{Verdict.ROUTE} {label}")
    if target == FORK:
        row.fork(token, [branch for branch, _ in node.fork], node.name)
    elif target == DISCARD:
        row.end(token, Outcome.DISCARDED, reason=Reason.GATE_DISCARD)
    else:
        row.hop(token, node.name, CONTINUE if target == CONTINUE else label)


def _expand(row: RowDraft, token: Token, count: int) -> None:
    node = row.pipeline.nodes[token.node]
    if not node.expands:
        _node_failed(row, token, Verdict.ERROR)
        return
    row.close_visit(token, VisitStatus.COMPLETED, f"{Verdict.EXPAND} {count}")
    row.expand(token, count, node.name)


FATE_AT_SINK: Final[dict[Via, tuple[Outcome, Reason | None]]] = {
    Via.PLAIN: (Outcome.COMPLETED, None),
    Via.ROUTE: (Outcome.ROUTED, None),
    Via.ERROR: (Outcome.DIVERTED, Reason.NODE_FAILED),
    Via.INVALID: (Outcome.QUARANTINED, Reason.INVALID_ROW),
}
"""The fate that a write at a sink gives, and its reason, by the kind of edge that led to the sink."""


def _written(row: RowDraft, token: Token) -> None:
    outcome, reason = FATE_AT_SINK[token.via]
    row.end(token, outcome, sink=token.node, reason=reason)


def _node_failed(row: RowDraft, token: Token, verdict: Verdict) -> None:
    """An error: the next attempt while one is left; after the last attempt `on_error` decides, in the same step."""
    node = row.pipeline.nodes[token.node]
    row.close_visit(token, VisitStatus.FAILED, verdict)
    if verdict in RETRYABLE and token.tries + 1 < node.attempts:
        row.open_visit(token._replace(attempt=token.attempt + 1, tries=token.tries + 1), Move.RETRY)
    elif node.on_error is None:
        row.end(token, Outcome.FAILED, reason=Reason.NODE_FAILED)
    elif node.on_error == DISCARD:
        row.end(token, Outcome.QUARANTINED, reason=Reason.NODE_FAILED)
    else:
        row.hop(token, node.name, ON_ERROR)


# ----------------------------------------------------------------------------------------------- barriers


def _arrive(draft: RunDraft, stimulus: Stimulus) -> None:
    """A token reaches its coalesce. It is late if the barrier is resolved; if not, it is held until the policy decides."""
    row, token = draft.find(stimulus.token)
    row.after(token, Move.ARRIVE)
    if draft.pipeline.nodes[token.node].kind is not NodeKind.COALESCE:
        raise Refused(Refusal.NOT_ITS_NEXT_NODE)
    frame = token.stack[-1] if token.stack else None
    barrier = row.barrier_of(frame) if frame else None
    if frame is None or barrier is None or barrier.node != token.node:
        raise Refused(Refusal.NO_FRAME)
    barrier = row.put_barrier(row.marked(barrier, frame.branch, mark_on_arrival))
    if barrier.verdict is not None:
        row.close_visit(token, VisitStatus.FAILED, Verdict.LATE)
        row.end(token._replace(stack=()), Outcome.FAILED, reason=LATE[barrier.verdict])
        return
    row.open_visit(token, Move.ARRIVE)
    row.decide(barrier, Event.ARRIVAL)


LATE: Final = {
    BarrierVerdict.MERGED: Reason.LATE_ARRIVAL_AFTER_MERGE,
    BarrierVerdict.FAILED: Reason.LATE_ARRIVAL_AFTER_FAILURE,
}


def open_barrier(draft: RunDraft, name: str) -> tuple[RowDraft, Barrier]:
    for row in draft.every_row():
        for barrier in row.barriers.values():
            if barrier_name(row.number, barrier) == name:
                if barrier.verdict is not None:
                    raise Refused(Refusal.ALREADY_RESOLVED)
                return row, barrier
    raise Refused(Refusal.UNKNOWN_BARRIER)


def _deadline(draft: RunDraft, stimulus: Stimulus) -> None:
    name = stimulus.hold or ""
    if "#" in name:
        batch_deadline(draft, name)
        return
    row, barrier = open_barrier(draft, name)
    if draft.pipeline.nodes[barrier.node].timeout_seconds is None:
        raise Refused(Refusal.NO_DEADLINE)
    row.decide(barrier, Event.DEADLINE)


def _flush(draft: RunDraft, stimulus: Stimulus) -> None:
    """The last resort: the source has ended, and nothing can reach the barrier any more."""
    name = stimulus.hold or ""
    if "#" in name:
        flush_batch(draft, name)
        return
    row, barrier = open_barrier(draft, name)
    if not draft.source_ended:
        raise Refused(Refusal.SOURCE_NOT_ENDED)
    if any(_owes(row, token, barrier) for token in row.tokens.values()):
        raise Refused(Refusal.UPSTREAM_IN_FLIGHT)
    row.decide(barrier, Event.FLUSH)


def _owes(row: RowDraft, token: Token, barrier: Barrier) -> bool:
    """Whether a live token, also one held further inside, still owes this barrier a branch."""
    if token.phase is Phase.ENDED or (token.phase is Phase.HELD and token.node == barrier.node):
        return False
    joined = row.pipeline.joined
    return any(
        frame.fork == barrier.fork and joined.get((row.tokens[frame.fork].node, frame.branch)) == barrier.node
        for frame in token.stack
    )


# ----------------------------------------------------------------------------------------------- the run as a whole


def _end_of_source(draft: RunDraft, stimulus: Stimulus) -> None:
    if draft.source_ended:
        raise Refused(Refusal.SOURCE_ENDED)
    draft.source_ended = True
    draft.write_run(len(draft.run.rows))


def _run_over(draft: RunDraft, stimulus: Stimulus) -> None:
    if not draft.source_ended:
        raise Refused(Refusal.SOURCE_NOT_ENDED)
    if not at_rest(draft.run):
        raise Refused(Refusal.NOT_AT_REST)
    draft.status = RunStatus.COMPLETED
    draft.write_run(len(draft.run.rows))


def at_rest(run: Run) -> bool:
    """Every row has its tokens, every token has its fate, and no barrier and no batch is unfinished."""
    return all(
        row.tokens
        and all(token.phase is Phase.ENDED for token in row.tokens)
        and all(barrier.verdict is not None for barrier in row.barriers)
        for row in run.rows
    ) and not any(batch.status in (BatchStatus.OPEN, BatchStatus.TRIGGERED) for batch in run.batches)


def _crash(draft: RunDraft, stimulus: Stimulus) -> None:
    """A process that dies writes nothing. What was committed is a prefix of whole steps: the state before the crash."""
    draft.status = RunStatus.INTERRUPTED


def _resume(draft: RunDraft, stimulus: Stimulus) -> None:
    """The run continues. Visits that the crash cut off are closed, and their next attempts open. A hold is not cut off."""
    draft.status = RunStatus.RUNNING
    draft.write_run(len(draft.run.rows) if draft.source_ended else None)
    flush_again(draft)
    for row in draft.every_row():
        for token in list(row.tokens.values()):
            if token.phase is Phase.VISITING:
                row.close_visit(token, VisitStatus.INTERRUPTED, None)
                row.open_visit(token._replace(attempt=token.attempt + 1), Move.RETRY)


RULES: Final[dict[Do, Callable[[RunDraft, Stimulus], None]]] = {
    Do.READ: _read,
    Do.BEGIN: _begin,
    Do.FINISH: _finish,
    Do.ARRIVE: _arrive,
    Do.ACCEPT: lambda draft, stimulus: accept(draft, stimulus.token),
    Do.FLUSHED: lambda draft, stimulus: flushed(draft, stimulus.hold or "", stimulus.verdict or ""),
    Do.DEADLINE: _deadline,
    Do.CONDITION: lambda draft, stimulus: condition(draft, stimulus.hold or ""),
    Do.END_OF_SOURCE: _end_of_source,
    Do.FLUSH: _flush,
    Do.RUN_OVER: _run_over,
    Do.CRASH: _crash,
    Do.RESUME: _resume,
}
