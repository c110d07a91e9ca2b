"""The barrier machine: one barrier, any event in any order, also duplicates and branches that do not exist.

It is the pipeline machine of the smallest possible fork (`diamond`), started after the fork, with two differences: a
stimulus may declare a branch lost, and a flush may come at any time. So this machine reaches the flush row of the policy
table, which no whole pipeline can reach. Engines that attempt only a barrier are judged against this machine.
"""

from enum import StrEnum
from typing import NamedTuple

from .coalesce import Event
from .kernels import mark_on_arrival, mark_on_loss
from .machine import Accepted, open_barrier, step
from .pipeline import Node
from .state import Frame, Run
from .step_builder import Refused, RowDraft, RunDraft
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
        outcomes = f" [{', '.join(self.data)}]" if any(word is not MergeData.OK for word in self.data) else ""
        return f"{self.do}({self.branch or ''}){outcomes}"


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
    """One row that has forked, before any branch arrives."""
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
    node = next(node for node in pipeline.nodes.values() if node.kind is NodeKind.COALESCE)
    row, hold, branch = draft.row(0), f"{node.name}@0", stimulus.branch or ""
    if row is None:
        return Refusal.UNKNOWN_ROW
    try:
        if stimulus.do is BarrierEvent.DEADLINE:
            return step(pipeline, run, Stimulus(Do.DEADLINE, hold=hold, data=stimulus.data))
        if stimulus.do is BarrierEvent.FLUSH:
            row.decide(open_barrier(draft, hold)[1], Event.FLUSH)
        elif branch not in node.branches:
            raise Refused(Refusal.NO_FRAME)
        elif stimulus.do is BarrierEvent.ARRIVE:
            row.marked(row.barrier_of(Frame("", branch)), branch, mark_on_arrival)
            return step(pipeline, run, Stimulus(Do.ARRIVE, token=f"0/{branch}", data=stimulus.data))
        else:
            _lose(row, branch)
        return Accepted(draft.done(), tuple(draft.records), tuple(draft.merges))
    except Refused as refused:
        return refused.rule


def _lose(row: RowDraft, branch: str) -> None:
    """A loss after the resolution changes nothing and leaves no record."""
    barrier = row.marked(row.barrier_of(Frame("", branch)), branch, mark_on_loss)
    if barrier.verdict is None:
        row.end(row.tokens[f"/{branch}"], Outcome.DISCARDED, reason=Reason.GATE_DISCARD)
