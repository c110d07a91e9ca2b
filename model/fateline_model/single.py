"""The single-barrier machine: one barrier, any event in any order, duplicates and strangers included.

It is the pipeline machine of the smallest fork there is (`diamond`), started after the fork, with two differences: a
branch may be lost by a bare word, and a flush may come at any time. So the flush row of the policy table, which no
whole pipeline can reach, is law here. Engines that offer no more than a barrier are judged against this machine.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from .coalesce import Event
from .draft import Refused, RowDraft, RunDraft
from .machine import Accepted, check_branch, step
from .pipeline import Node
from .state import Barrier, Frame, Run
from .stimuli import Do, Stimulus
from .wellformed import Pipeline, build
from .words import MergeData, NodeKind, Outcome, Reason, Refusal


class BarrierEvent(StrEnum):
    ARRIVE = "arrive"
    LOSE = "lose"
    DEADLINE = "deadline"
    FLUSH = "flush"


class BarrierStimulus(NamedTuple):
    """One event at the barrier; a branch for `arrive` and `lose`."""

    do: BarrierEvent
    branch: str | None = None
    data: tuple[MergeData, ...] = ()

    def __str__(self) -> str:
        said = f" [{', '.join(self.data)}]" if any(word is not MergeData.OK for word in self.data) else ""
        return f"{self.do}({self.branch or ''}){said}"


def diamond(coalesce: Node) -> Pipeline:
    """The smallest pipeline around a coalesce: a gate that forks every branch straight into it, and a sink."""
    gate = Node(
        "g", NodeKind.GATE, routes=(("all", "fork"),), fork=tuple((b, coalesce.name) for b in coalesce.branches)
    )
    return build(
        f"barrier {coalesce.name}",
        (Node("src", NodeKind.SOURCE, to="g"), gate, coalesce, Node(str(coalesce.to), NodeKind.SINK)),
    )


def initial(pipeline: Pipeline) -> Run:
    """One row, forked, nothing arrived."""
    run = Run()
    for stimulus in (
        Stimulus(Do.READ, row=0, verdict="valid"),
        Stimulus(Do.BEGIN, token="0"),
        Stimulus(Do.FINISH, token="0", verdict="route all"),
    ):
        accepted = step(pipeline, run, stimulus)
        if isinstance(accepted, Refusal):
            raise ValueError(f"{stimulus} was refused: {accepted}")
        run = accepted.run
    return run


def barrier_step(pipeline: Pipeline, run: Run, stimulus: BarrierStimulus) -> Accepted | Refusal:
    """One event at the barrier: the next state and its records, or the first rule that forbids it."""
    draft = RunDraft(pipeline, run, stimulus.data)
    row = draft.row(0)
    try:
        if row is None:
            raise Refused(Refusal.UNKNOWN_ROW)
        if stimulus.do is BarrierEvent.ARRIVE:
            _asked_once(row, stimulus)
            return step(pipeline, run, Stimulus(Do.ARRIVE, token=f"0/{stimulus.branch}", data=stimulus.data))
        _RULES[stimulus.do](row, stimulus)
        return Accepted(draft.done(), tuple(draft.records), tuple(draft.merges))
    except Refused as refused:
        return refused.rule


def _branches(pipeline: Pipeline) -> tuple[str, ...]:
    return next(node.branches for node in pipeline.nodes.values() if node.kind is NodeKind.COALESCE)


def _asked_once(row: RowDraft, stimulus: BarrierStimulus) -> Barrier:
    """The barrier, for a branch that it joins and that has neither arrived nor been lost. Callers name no tokens here."""
    branches = _branches(row.pipeline)
    if stimulus.branch not in branches:
        raise Refused(Refusal.NO_FRAME)
    barrier = row.barrier_of(Frame("", str(stimulus.branch)))
    check_branch(barrier.marks[branches.index(str(stimulus.branch))])
    return barrier


def _lose(row: RowDraft, stimulus: BarrierStimulus) -> None:
    """A loss after the resolution changes nothing and leaves no record."""
    barrier = _asked_once(row, stimulus)
    if barrier.verdict is None:
        row.end(row.tokens[f"/{stimulus.branch}"], Outcome.DISCARDED, reason=Reason.GATE_DISCARD)


def _resolve(row: RowDraft, event: Event) -> None:
    barrier = _open_barrier(row)
    if event is Event.DEADLINE and row.pipeline.nodes[barrier.node].timeout_seconds is None:
        raise Refused(Refusal.NO_DEADLINE)
    row.decide(barrier, event)


def _open_barrier(row: RowDraft) -> Barrier:
    for barrier in row.barriers.values():
        if barrier.verdict is not None:
            raise Refused(Refusal.ALREADY_RESOLVED)
        return barrier
    raise Refused(Refusal.UNKNOWN_BARRIER)


_RULES: Final[dict[BarrierEvent, Callable[[RowDraft, BarrierStimulus], None]]] = {
    BarrierEvent.LOSE: _lose,
    BarrierEvent.DEADLINE: lambda row, _: _resolve(row, Event.DEADLINE),
    BarrierEvent.FLUSH: lambda row, _: _resolve(row, Event.FLUSH),
}
