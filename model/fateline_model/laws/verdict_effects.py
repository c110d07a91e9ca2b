"""Laws of verdicts: which edge or which fate follows from a verdict, and which reason is the true one.

The rules of the machine about verdicts are stated here a second time, as the question "what should have followed?".
`expected` answers it for a visit from nothing but the settings of the node. Not here: when a barrier is decided
(`coalesce.py`).
"""

from collections.abc import Iterator
from typing import NamedTuple

from ..lifecycle import Op, Operation
from ..pipeline import Node
from ..records import LossRecord, OutcomeRecord, RowRecord, TokenRecord, VisitRecord
from ..state import Token, Via
from ..stimuli import Do, Stimulus, Validity
from ..words import (
    CONTINUE,
    DISCARD,
    FORK,
    ON_ERROR,
    BarrierVerdict,
    LossReason,
    Outcome,
    Reason,
    VisitStatus,
)
from .law import Level, law
from .step_view import Check, StepView


class Follows(NamedTuple):
    """What a step does to one token: how its visit closed, and an edge, a fate with its reason, or another attempt."""

    status: VisitStatus | None = None
    verdict: str | None = None
    edge: str | None = None
    fate: Outcome | None = None
    reason: Reason | None = None
    again: bool = False

    def __str__(self) -> str:
        ends = f"{self.verdict} {self.status}, " if self.status else ""
        fate = f"{self.fate} ({self.reason or 'no reason'})" if self.fate else ""
        return ends + (f"edge {self.edge}" if self.edge else fate or ("the next attempt" if self.again else "nothing"))


WRITTEN = {
    Via.PLAIN: (Outcome.COMPLETED, None),
    Via.ROUTE: (Outcome.ROUTED, None),
    Via.ERROR: (Outcome.DIVERTED, Reason.NODE_FAILED),
    Via.INVALID: (Outcome.QUARANTINED, Reason.INVALID_ROW),
}


def expected(node: Node, token: Token, verdict: str) -> Follows:
    """What must follow when a node gives this verdict on a token."""
    word, _, argument = verdict.partition(" ")
    good = VisitStatus.COMPLETED
    if word == "pass":
        return Follows(good, verdict, edge=CONTINUE)
    if word == "drop":
        return Follows(good, verdict, fate=Outcome.DISCARDED, reason=Reason.FILTERED)
    if word == "expand" and node.expands:
        return Follows(good, verdict, fate=Outcome.EXPANDED)
    if word == "written":
        fate, reason = WRITTEN[token.via]
        return Follows(good, verdict, fate=fate, reason=reason)
    if word == "route" and argument in dict(node.routes):
        target = dict(node.routes)[argument]
        if target == FORK:
            return Follows(good, verdict, fate=Outcome.FORKED)
        if target == DISCARD:
            return Follows(good, verdict, fate=Outcome.DISCARDED, reason=Reason.GATE_DISCARD)
        return Follows(good, verdict, edge=CONTINUE if target == CONTINUE else argument)
    error = verdict if word not in ("route", "expand") else "error"
    bad = VisitStatus.FAILED
    if error.endswith("_retryable") and token.tries < node.attempts - 1:
        return Follows(bad, error, again=True)
    if node.on_error is None:
        return Follows(bad, error, fate=Outcome.FAILED, reason=Reason.NODE_FAILED)
    if node.on_error == DISCARD:
        return Follows(bad, error, fate=Outcome.QUARANTINED, reason=Reason.NODE_FAILED)
    return Follows(bad, error, edge=ON_ERROR)


def observed(view: StepView, name: str) -> Follows:
    """What followed, according to the records."""
    own = [visit for visit in view.visits if visit.token == name]
    closed = next((v for v in own if v.status not in (VisitStatus.OPEN, VisitStatus.HELD)), None)
    fate = next((fate for fate in view.fates if fate.token == name), None)
    edge = next((hop.label for hop in view.hops if hop.token == name), None)
    return Follows(
        closed.status if closed else None,
        closed.verdict if closed else None,
        edge,
        fate.outcome if fate else None,
        fate.reason if fate else None,
        any(visit.status is VisitStatus.OPEN for visit in own),
    )


@law(
    "V4",
    "What follows from a verdict",
    "A verdict is followed by the edge, the fate and the reason that the node's settings give it, or by the "
    "next attempt while one is left.",
    needs=("nodes", "edges", "visits", "hops", "outcomes"),
    on=(VisitRecord, OutcomeRecord, RowRecord, TokenRecord),
)
def verdict_decides_what_follows(view: StepView) -> Iterator[Check]:
    stimulus = view.stimulus
    if isinstance(stimulus, Operation):
        if stimulus.op is Op.QUARANTINE:
            fates = [(fate.outcome, fate.reason) for fate in view.fates]
            right = fates == [(Outcome.QUARANTINED, Reason.INVALID_ROW)]
            yield None if right else f"an invalid row ends as {fates or 'nothing'}"
        return
    if not isinstance(stimulus, Stimulus):
        return
    if stimulus.do is Do.READ:
        yield _read(view, stimulus)
    elif stimulus.do is Do.FINISH and stimulus.token is not None:
        run = view.before[0].name
        token = view.token_before(run, stimulus.token)
        if token is None or token.node not in view.pipeline.nodes:
            yield f"{stimulus} is about a token that is at no node"
            return
        law = expected(view.pipeline.nodes[token.node], token, stimulus.verdict or "")
        seen = observed(view, stimulus.token)
        yield None if seen == law else f"after {stimulus} the law requires {law}; the records show {seen}"


def _read(view: StepView, stimulus: Stimulus) -> Check:
    source, seen = view.pipeline.source, observed(view, str(stimulus.row))
    if stimulus.verdict == Validity.VALID:
        law = Follows(edge=CONTINUE)
    elif source.on_error is not None:
        law = Follows(edge=ON_ERROR)
    else:
        law = Follows(fate=Outcome.QUARANTINED, reason=Reason.INVALID_ROW)
    return None if seen == law else f"after {stimulus} the law requires {law}; the records show {seen}"


LOST_BY = {
    Outcome.DISCARDED: LossReason.DISCARDED,
    Outcome.QUARANTINED: LossReason.QUARANTINED,
    Outcome.FAILED: LossReason.FAILED,
    Outcome.FORKED: LossReason.FORKED_AWAY,
}


@law(
    "C13",
    "The true reason of a loss",
    "The record of a loss names what the holder did: which kind of edge it took, which fate it met, or that it "
    "failed as an inner barrier.",
    needs=("losses", "hops", "outcomes", "barriers", "reasons"),
    on=(LossRecord,),
    level=Level.PROFILE,
)
def true_reason_of_a_loss(view: StepView) -> Iterator[Check]:
    failed = {record.fork_group for record in view.barriers if record.verdict is BarrierVerdict.FAILED}
    for loss in view.losses:
        fate = next((fate.outcome for fate in view.fates if fate.token == loss.token), None)
        hop = next((hop.label for hop in view.hops if hop.token == loss.token), None)
        if fate is not None:
            law = LOST_BY.get(fate)
        elif hop is not None:
            law = LossReason.DIVERTED if hop == ON_ERROR else LossReason.ROUTED
        else:
            law = LossReason.BARRIER_FAILED if loss.token in failed else None
        right = loss.reason is law
        yield (
            None
            if right
            else f"branch {loss.branch} of {loss.barrier} is lost as {loss.reason}; the law requires {law}"
        )
