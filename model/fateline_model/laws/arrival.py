"""Laws of arrival at a coalesce: which token is held, late, lost or refused, and that every branch is accounted for.

Not here: when a barrier is decided, and for which reason (`coalesce.py`).
"""

from collections.abc import Iterator
from typing import Final

from ..kernels import Mark, Phase
from ..records import LossRecord, ParentRecord, RunRecord, VisitRecord
from ..state import Barrier, Frame, Row, barrier_name, token_name
from ..stimuli import Stimulus
from ..words import (
    OUTCOMES,
    BarrierVerdict,
    NodeKind,
    Outcome,
    Trigger,
    Verdict,
    VisitStatus,
)
from .graph_facts import leads_to
from .law import Level, Where, law
from .step_view import Check, StepView, listed, live

STANDS_OPEN: Final = {Mark.AWAITED, Mark.HELD, Mark.LOST}
STANDS_RESOLVED: Final = set(Mark) - {Mark.HELD}
"""Where a branch can stand while its barrier is open, and once the barrier is resolved."""


@law(
    "C5",
    "Late tokens end",
    "A token that reaches a resolved barrier gets exactly one fate and is part of nothing that goes on. Only the "
    "token's own barrier can make it late.",
    needs=("barriers", "visits", "outcomes", "parents", "seq"),
    on=(VisitRecord, RunRecord),
)
def late_tokens_end(view: StepView) -> Iterator[Check]:
    for visit, barrier in _arrivals(view):
        if barrier is None or barrier.verdict is None:
            late = visit.verdict == Verdict.LATE
            yield f"token {visit.token} is recorded as late, but its own barrier was not resolved" if late else None
        else:
            yield _goes_on(view, visit)
    for run in view.over:
        for row in run.rows:
            late_marks = {
                Frame(barrier.fork, branch)
                for barrier in row.barriers
                for branch, mark in zip(view.pipeline.nodes[barrier.node].branches, barrier.marks, strict=True)
                if mark is Mark.LATE
            }
            for token in live(row):
                left = bool(token.stack) and token.stack[-1] in late_marks
                name = token_name(row.number, token.name)
                yield f"the run is over, and token {name} came late and has no fate" if left else None


def _goes_on(view: StepView, visit: VisitRecord) -> Check:
    """What a token that came late becomes part of in the step of its arrival."""
    own = (visit.run, visit.token)
    fates = [fate for fate in view.fates if (fate.run, fate.token) == own]
    delegated = next((fate.outcome for fate in fates if OUTCOMES[fate.outcome].delegates), None)
    edge = next((hop.label for hop in view.hops if (hop.run, hop.token) == own), None)
    child = next((link.child for link in view.of(ParentRecord) if (link.run, link.parent) == own), None)
    if len(fates) > 1:
        return f"token {visit.token} came late, and ends {len(fates)} times"
    if delegated is not None:
        return f"token {visit.token} came late, and is {delegated}"
    if edge is not None:
        return f"token {visit.token} came late, and goes on by edge {edge}"
    return f"token {visit.token} came late, and is a parent of {child}" if child is not None else None


@law(
    "C16",
    "Late is late at once",
    "A token that reaches a resolved barrier fails in the step of its arrival, with the reason "
    "late_arrival_after_merge or late_arrival_after_failure.",
    needs=("barriers", "visits", "outcomes", "seq"),
    on=(VisitRecord,),
    level=Level.PROFILE,
)
def late_is_late_at_once(view: StepView) -> Iterator[Check]:
    for visit, barrier in _arrivals(view):
        if barrier is None or barrier.verdict is None:
            continue
        fate = next((f for f in view.fates if (f.run, f.token) == (visit.run, visit.token)), None)
        word = "merge" if barrier.verdict is BarrierVerdict.MERGED else "failure"
        if visit.status is not VisitStatus.FAILED or fate is None or fate.outcome is not Outcome.FAILED:
            yield f"token {visit.token} came late, but did not fail in the step in which it arrived"
        elif fate.reason != f"late_arrival_after_{word}":
            yield f"token {visit.token} came late after a {word}, and failed for {fate.reason}"
        else:
            yield None


def _arrivals(view: StepView) -> Iterator[tuple[VisitRecord, Barrier | None]]:
    """The visits by which tokens reach a coalesce, each with the token's own barrier as it was before the step."""
    for visit in view.visits:
        before = view.token_before(visit.run, visit.token)
        at_coalesce = view.pipeline.nodes[visit.node].kind is NodeKind.COALESCE
        if at_coalesce and before is not None and before.phase is Phase.READY:
            yield visit, _own_barrier(view, visit.run, visit.token)


def _own_barrier(view: StepView, run: str, token: str) -> Barrier | None:
    """The barrier of the token's own fork, as it was before the step. The law names it itself and does not ask the machine."""
    frame = view.frame_before(run, token)
    node = view.token_before(run, token)
    if frame is None or node is None:
        return None
    return view.barrier_before(run, f"{node.node}@{frame[0]}")


@law(
    "C6",
    "Duplicates and strangers leave no trace",
    "A branch arrives once or is lost once. A token that owes the coalesce nothing is refused, and the refusal "
    "writes no record.",
    needs=("visits", "losses", "refusals"),
    on=(VisitRecord, LossRecord),
    where=(Where.MACHINE, Where.STEP, Where.TRAIL),
)
def duplicates_and_strangers_leave_no_trace(view: StepView) -> Iterator[Check]:
    for visit in view.visits:
        before = view.token_before(visit.run, visit.token)
        if before is None or before.phase is not Phase.READY:
            continue
        if view.pipeline.nodes[visit.node].kind is not NodeKind.COALESCE:
            continue
        frame, barrier = view.frame_before(visit.run, visit.token), _own_barrier(view, visit.run, visit.token)
        branches = view.pipeline.nodes[visit.node].branches
        if frame is None or frame[1] not in branches:
            yield f"token {visit.token} is let into {visit.node}, to which it owes nothing"
        elif barrier is not None and barrier.marks[branches.index(frame[1])] is not Mark.AWAITED:
            was = barrier.marks[branches.index(frame[1])]
            yield f"token {visit.token} is let into {visit.node} on branch {frame[1]}, which was {was}"
        else:
            yield None
    lost_before: set[tuple[str, str, str]] = set()
    for loss in view.losses:
        barrier = view.barrier_before(loss.run, loss.barrier)
        branches = view.pipeline.nodes[loss.barrier.partition("@")[0]].branches
        mark = barrier.marks[branches.index(loss.branch)] if barrier is not None else Mark.AWAITED
        again = mark is not Mark.AWAITED or (loss.run, loss.barrier, loss.branch) in lost_before
        if barrier is not None and barrier.verdict is not None:
            yield f"branch {loss.branch} is lost to {loss.barrier} after its resolution, and that is recorded"
        yield f"branch {loss.branch} of {loss.barrier} is lost, and was {mark}" if again else None
        lost_before.add((loss.run, loss.barrier, loss.branch))


@law(
    "C8",
    "Every branch is accounted for",
    "Every joined branch is exactly one of: held and then resolved, late, or lost. Until then, exactly one "
    "holder owes it.",
    needs=("barriers", "losses", "visits", "tokens"),
)
def every_branch_is_accounted_for(view: StepView) -> Iterator[Check]:
    for _, row in view.changed:
        for barrier in row.barriers:
            name = barrier_name(row.number, barrier)
            allowed = STANDS_OPEN if barrier.verdict is None else STANDS_RESOLVED
            fits = set(barrier.marks) <= allowed
            yield None if fits else f"barrier {name} does not balance: {', '.join(barrier.marks)}"
        for token in row.tokens:
            if token.fate is Outcome.FORKED:
                yield from _one_holder_each(view, row, token.name, token.node)
    for run in view.over:
        for row in run.rows:
            for barrier in row.barriers:
                left = barrier.verdict is None
                yield f"the run is over, and barrier {barrier_name(row.number, barrier)} is open" if left else None


def _one_holder_each(view: StepView, row: Row, fork: str, gate: str) -> Iterator[Check]:
    """While a barrier is open, each branch is lost, or held by one token, or owed by exactly one holder."""
    for (src, branch), node in view.pipeline.joined.items():
        if src != gate:
            continue
        found = next((b for b in row.barriers if b.node == node and b.fork == fork), None)
        if found is not None and found.verdict is not None:
            continue
        branches = view.pipeline.nodes[node].branches
        mark = found.marks[branches.index(branch)] if found is not None else Mark.AWAITED
        holders = _holders(view, row, Frame(fork, branch), node)
        wanted = {Mark.LOST: 0, Mark.HELD: 1, Mark.AWAITED: 1}.get(mark, 0)
        state = f"branch {branch} of {node}@{token_name(row.number, fork)} is {mark}"
        yield None if len(holders) == wanted else f"{state}, and is owed by {listed(holders) if holders else 'nobody'}"


def _holders(view: StepView, row: Row, frame: Frame, node: str) -> list[str]:
    held = [token_name(row.number, t.name) for t in live(row) if t.stack and t.stack[-1] == frame]
    for token in row.tokens:
        if token.fate is Outcome.FORKED and token.stack and token.stack[-1] == frame:
            inner = {n for (gate, _), n in view.pipeline.joined.items() if gate == token.node}
            resolved = {b.node for b in row.barriers if b.fork == token.name and b.verdict is not None}
            held.extend(f"the barrier {n}@{token_name(row.number, token.name)}" for n in sorted(inner - resolved))
    return held


@law(
    "C10",
    "Nothing held when the run is over",
    "When a run is over, no token is held at a coalesce.",
    needs=("runs", "visits", "nodes"),
    on=(RunRecord,),
)
def nothing_held_when_over(view: StepView) -> Iterator[Check]:
    for run in view.over:
        for row in run.rows:
            for token in row.tokens:
                held = token.phase is Phase.HELD
                yield f"the run is over, and token {token_name(row.number, token.name)} is held" if held else None


@law(
    "C12",
    "Flushed only when nothing can come",
    "A batch is flushed only when no live token upstream can reach it. In a whole pipeline, no barrier ever "
    "needs a flush.",
    needs=("barriers", "batches", "visits", "seq"),
    where=(Where.MACHINE, Where.STEP, Where.TRAIL),
)
def flushed_only_when_nothing_can_come(view: StepView) -> Iterator[Check]:
    stimulus = view.stimulus
    if isinstance(stimulus, Stimulus):
        for record in view.barriers:
            flushed = record.trigger is Trigger.FLUSH
            yield f"barrier {record.barrier} had to be flushed, so a loss did not reach it" if flushed else None
    for batch in view.closed_batches:
        if batch.trigger is not Trigger.END_OF_SOURCE:
            continue
        ended = all(run.source_ended for run in view.before if run.name == batch.run)
        yield (
            None if ended else f"batch {batch.batch} is flushed for the end of the source, but the source has not ended"
        )
        for run in view.before:
            for row in run.rows:
                for token in live(row):
                    coming = leads_to(view.pipeline, token.node, batch.node) and token.phase is not Phase.BUFFERED
                    name = token_name(row.number, token.name)
                    yield f"batch {batch.batch} is flushed, and token {name} could still reach it" if coming else None
