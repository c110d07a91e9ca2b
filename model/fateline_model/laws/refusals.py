"""Laws of refusal: what is not lawful is refused, by the first rule that forbids it, and leaves no record.

Here each rule of `words.Refusal` is stated a second time, as a question about the state and the stimulus. The machines ask
their rules one after another while they work; here the questions stand in tables, and their order is the order of the
words. A later question may rely on it that no earlier rule applies. So `rule_that_forbids` answers for any stimulus, in any
state, whether it is lawful, and if not, by which rule. It shares no line with the machines.

Example. `begin(0/a)` while `0/a` is at work: the run is up, the token is known, and it has no fate; `already_visiting` is the
first question that is answered with yes.

`no_such_data` stands in no table: which merges a step causes is known only by taking it. It is judged where an arrival
merges at once, and law C3 judges what a merge fails for.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, Final

from ..barrier_machine import BarrierEvent, BarrierStimulus
from ..coalesce import Counts
from ..kernels import Mark, Phase
from ..lifecycle import Op, Operation, TokenRef, World
from ..pipeline import Node
from ..state import LARGEST_ROW, Barrier, Batch, Row, Run, Token, barrier_name, parse_token_name
from ..stimuli import Do, Stimulus, Validity
from ..wellformed import Pipeline
from ..words import (
    NAME_PATTERN,
    OUTCOMES,
    RESERVED,
    BatchMode,
    BatchStatus,
    MergeData,
    NodeKind,
    Policy,
    Reason,
    Refusal,
    RunStatus,
)
from .coalesce import data_can_fail, should_merge
from .law import Level, Where, law, law_known_elsewhere
from .step_view import Check, StepView

REFUSED_WITHOUT_A_TRACE = law_known_elsewhere(
    "Z1",
    "Refused without a trace",
    "A stimulus that the law refuses leaves no record.",
    needs=(),
    where=(Where.STEP,),
    elsewhere="A refusal of the machines cannot carry records, by its type. This law is judged by driving engines with "
    "every refused stimulus.",
)


@law(
    "Z2",
    "Refused by its rule",
    "An engine refuses whatever the law refuses, and names the first rule that forbids it, in the order of the rules. It does "
    "not ignore the stimulus, and does not answer it once more.",
    needs=("refusals",),
    where=(Where.MACHINE, Where.STEP),
    level=Level.PROFILE,
)
def refused_by_its_rule(view: StepView) -> Iterator[Check]:
    law, seen = rule_that_forbids(view.pipeline, view.before, view.stimulus), view.refusal
    if law is None and seen is Refusal.NO_SUCH_DATA:
        wrong = isinstance(view.stimulus, Operation) or _can_end_so(view.pipeline, view.before[0], view.stimulus)
        yield f"{view.stimulus} is refused as {seen}, and its merge can end so" if wrong else None
    elif law is not seen:
        was, must = f"refused as {seen}" if seen else "accepted", f"says {law}" if law else "allows it"
        yield f"{view.stimulus} is {was}; the law {must}"
    else:
        yield None


def rule_that_forbids(
    pipeline: Pipeline, world: World, stimulus: Stimulus | Operation | BarrierStimulus
) -> Refusal | None:
    """The first rule that forbids the stimulus in this state, or None."""
    asked: _Called | _Alone | _Happens
    if isinstance(stimulus, Operation):
        questions, asked = _OF_CALLS[stimulus.op], _Called(world, stimulus)
    elif isinstance(stimulus, BarrierStimulus):
        questions, asked = _OF_BARRIERS[stimulus.do], _Alone(pipeline, world[0], stimulus)
    else:
        questions, asked = _OF_STIMULI[stimulus.do], _Happens(pipeline, world[0], stimulus)
    for rule, forbids in questions:
        if forbids(asked):
            return rule
    return None


def _can_end_so(pipeline: Pipeline, run: Run, stimulus: Stimulus | BarrierStimulus) -> bool:
    """Whether the stimulus prescribes nothing, or is an arrival whose own merge can end as it prescribes."""
    if not stimulus.data:
        return True
    if not isinstance(stimulus, Stimulus) or stimulus.do is not Do.ARRIVE or len(stimulus.data) > 1:
        return False
    happens = _Happens(pipeline, run, stimulus)
    assert happens.found is not None
    row, token = happens.found
    node, (fork, own) = happens.node, token.stack[-1]
    barrier = next((b for b in row.barriers if (b.node, b.fork) == (node.name, fork)), None)
    marks = dict(zip(node.branches, barrier.marks if barrier else [Mark.AWAITED] * len(node.branches), strict=True))
    arrived = [branch for branch, mark in marks.items() if mark is Mark.HELD or branch == own]
    counts = Counts(len(marks), len(arrived), list(marks.values()).count(Mark.LOST), node.quorum_count or 1)
    merges = (barrier is None or barrier.verdict is None) and should_merge(node.policy, counts)
    (word,) = stimulus.data
    return merges and (word is MergeData.OK or data_can_fail(node, arrived, Reason(word)))


def _token_called(run: Run, name: str) -> tuple[Row, Token] | None:
    """The token with this name, and its row."""
    number, within = parse_token_name(name) or (-1, "")
    for row in run.rows:
        if row.number == number:
            for token in row.tokens:
                if token.name == within:
                    return row, token
    return None


# ------------------------------------------------------------------------------------------------- the pipeline machine


class _Happens:
    """A stimulus in a state of a run, and what it names there."""

    def __init__(self, pipeline: Pipeline, run: Run, stimulus: Stimulus) -> None:
        self.pipeline, self.run, self.stimulus = pipeline, run, stimulus
        self.hold = stimulus.hold or ""
        self.about_batch = "#" in self.hold
        self.found = _token_called(run, stimulus.token) if stimulus.token is not None else None

    @property
    def token(self) -> Token:
        assert self.found is not None
        return self.found[1]

    @property
    def node(self) -> Node:
        return self.pipeline.nodes[self.token.node]

    @cached_property
    def mark(self) -> Mark | None:
        """Where the branch that the token owes to this coalesce stands, or None if it owes none to it."""
        assert self.found is not None
        row, token = self.found
        if not token.stack or token.stack[-1].branch not in self.node.branches:
            return None
        fork, branch = token.stack[-1]
        barrier = next((b for b in row.barriers if (b.node, b.fork) == (token.node, fork)), None)
        return barrier.marks[self.node.branches.index(branch)] if barrier is not None else Mark.AWAITED

    @cached_property
    def barrier(self) -> Barrier | None:
        return next(
            (b for row in self.run.rows for b in row.barriers if barrier_name(row.number, b) == self.hold), None
        )

    @cached_property
    def batch(self) -> Batch | None:
        return next((batch for batch in self.run.batches if batch.name == self.hold), None)

    @property
    def config(self) -> Node:
        """The node of the barrier or of the batch."""
        held = self.batch if self.about_batch else self.barrier
        assert held is not None
        return self.pipeline.nodes[held.node]

    def no_such_verdict(self) -> bool:
        words, verdict = _WORDS[self.node.kind], self.stimulus.verdict or ""
        return not re.fullmatch(words, verdict, re.DOTALL) or (verdict == "pass" and self.node.expands)

    def no_such_answer(self) -> bool:
        answer = self.stimulus.verdict or ""
        transforms = self.config.mode is BatchMode.TRANSFORM
        return not re.fullmatch(_ANSWERS, answer) or (answer == "passed" and transforms)

    def in_flight(self) -> bool:
        """A branch is still awaited, or a token that is not in this batch can still come to the aggregation."""
        if self.barrier is not None:
            return Mark.AWAITED in self.barrier.marks
        dst = self.config.name
        return any(
            token.fate is None
            and dst in _ahead(self.pipeline, token.node)
            and token.batch not in self._of_this_node(dst)
            for row in self.run.rows
            for token in row.tokens
        )

    def _of_this_node(self, node: str) -> set[str]:
        return {batch.name for batch in self.run.batches if batch.node == node}

    def awaits_flush(self) -> bool:
        """The stimulus closes a batch while another one of its aggregation is closed and has no end."""
        if self.stimulus.do is Do.ACCEPT:
            node = self.node
            opened = [b for b in self.run.batches if b.node == node.name and b.status is BatchStatus.OPEN]
            closes = node.count is not None and sum(len(batch.members) for batch in opened) + 1 == node.count
        else:
            node, closes = self.config, self.about_batch
        waits = any(batch.node == node.name and batch.status is BatchStatus.TRIGGERED for batch in self.run.batches)
        return closes and waits

    def not_at_rest(self) -> bool:
        rows = self.run.rows
        return (
            any(not row.tokens for row in rows)
            or any(token.fate is None for row in rows for token in row.tokens)
            or any(barrier.verdict is None for row in rows for barrier in row.barriers)
            or any(batch.status in (BatchStatus.OPEN, BatchStatus.TRIGGERED) for batch in self.run.batches)
        )


_WORDS: Final = {
    NodeKind.TRANSFORM: "pass|drop|expand [1-9][0-9]{0,5}|error|error_retryable",
    NodeKind.GATE: "route .+|error",
    NodeKind.SINK: "written|refused|refused_retryable",
}
_ANSWERS: Final = "outputs [1-9][0-9]{0,5}|passed|empty|error"
_ENTERED_BY: Final = {
    Do.BEGIN: (NodeKind.TRANSFORM, NodeKind.GATE, NodeKind.SINK),
    Do.ARRIVE: (NodeKind.COALESCE,),
    Do.ACCEPT: (NodeKind.AGGREGATION,),
}
_ENTER: Final = tuple(_ENTERED_BY)
_HOLDS: Final = (Do.DEADLINE, Do.CONDITION, Do.FLUSH)


@lru_cache(maxsize=4096)
def _ahead(pipeline: Pipeline, node: str) -> frozenset[str]:
    """The node and all nodes to which its edges lead."""
    found, waiting = {node}, [node]
    while waiting:
        here = waiting.pop()
        for (src, _), dst in pipeline.edges.items():
            if src == here and dst not in found:
                found.add(dst)
                waiting.append(dst)
    return frozenset(found)


Question = Callable[[Any], bool]
_OF_A_RUN: Final[dict[Refusal, tuple[tuple[Do, ...], Question]]] = {
    Refusal.RUN_OVER: (tuple(Do), lambda it: it.run.status is RunStatus.COMPLETED),
    Refusal.RUN_DOWN: (
        tuple(do for do in Do if do is not Do.RESUME), lambda it: it.run.status is RunStatus.INTERRUPTED,
    ),
    Refusal.RUN_UP: ((Do.RESUME,), lambda it: it.run.status is RunStatus.RUNNING),
    Refusal.UNKNOWN_ROW: ((Do.READ,), lambda it: it.stimulus.row is None or not 0 <= it.stimulus.row <= LARGEST_ROW),
    Refusal.UNKNOWN_TOKEN: ((*_ENTER, Do.FINISH), lambda it: it.found is None),
    Refusal.UNKNOWN_BARRIER: ((Do.DEADLINE, Do.FLUSH), lambda it: not it.about_batch and it.barrier is None),
    Refusal.UNKNOWN_BATCH: (
        (*_HOLDS, Do.FLUSHED),
        lambda it: (it.about_batch or it.stimulus.do in (Do.CONDITION, Do.FLUSHED)) and it.batch is None,
    ),
    Refusal.SOURCE_ENDED: ((Do.READ, Do.END_OF_SOURCE), lambda it: it.run.source_ended),
    Refusal.ROW_ALREADY_READ: ((Do.READ,), lambda it: it.stimulus.row in [row.number for row in it.run.rows]),
    Refusal.NO_CONTRACT: ((Do.READ,), lambda it: it.stimulus.verdict == Validity.NO_CONTRACT),
    Refusal.HAS_FATE: ((*_ENTER, Do.FINISH), lambda it: it.token.fate is not None),
    Refusal.ALREADY_VISITING: (_ENTER, lambda it: it.token.phase in (Phase.VISITING, Phase.HELD, Phase.BUFFERED)),
    Refusal.NOT_VISITING: ((Do.FINISH,), lambda it: it.token.phase is not Phase.VISITING),
    Refusal.NOT_ITS_NEXT_NODE: (_ENTER, lambda it: it.node.kind not in _ENTERED_BY[it.stimulus.do]),
    Refusal.NO_FRAME: ((Do.ARRIVE,), lambda it: it.mark is None),
    Refusal.BRANCH_HELD: ((Do.ARRIVE,), lambda it: it.mark not in (Mark.AWAITED, Mark.LOST)),
    Refusal.BRANCH_LOST: ((Do.ARRIVE,), lambda it: it.mark is Mark.LOST),
    Refusal.ALREADY_RESOLVED: (_HOLDS, lambda it: not it.about_batch and it.barrier.verdict is not None),
    Refusal.BATCH_NOT_OPEN: (_HOLDS, lambda it: it.about_batch and it.batch.status is not BatchStatus.OPEN),
    Refusal.BATCH_NOT_TRIGGERED: ((Do.FLUSHED,), lambda it: it.batch.status is not BatchStatus.TRIGGERED),
    Refusal.NO_SUCH_VERDICT: (
        (Do.READ, Do.FINISH, Do.FLUSHED),
        lambda it: (
            it.stimulus.verdict not in (Validity.VALID, Validity.INVALID)
            if it.stimulus.do is Do.READ
            else it.no_such_verdict() if it.stimulus.do is Do.FINISH else it.no_such_answer()
        ),
    ),
    Refusal.NO_DEADLINE: ((Do.DEADLINE,), lambda it: it.config.timeout_seconds is None),
    Refusal.NO_CONDITION: ((Do.CONDITION,), lambda it: it.config.condition is None),
    Refusal.SOURCE_NOT_ENDED: ((Do.FLUSH, Do.RUN_OVER), lambda it: not it.run.source_ended),
    Refusal.UPSTREAM_IN_FLIGHT: ((Do.FLUSH,), lambda it: it.in_flight()),
    Refusal.FIRST_HAS_ARRIVED: (
        (Do.DEADLINE, Do.FLUSH),
        lambda it: not it.about_batch and it.config.policy is Policy.FIRST and Mark.HELD in it.barrier.marks,
    ),
    Refusal.BATCH_AWAITS_FLUSH: ((Do.ACCEPT, *_HOLDS), lambda it: it.awaits_flush()),
    Refusal.NOT_AT_REST: ((Do.RUN_OVER,), lambda it: it.not_at_rest()),
}  # fmt: skip
"""The rules of the pipeline machine: of which stimuli each is asked, and when it forbids them."""


# --------------------------------------------------------------------------------------------------- a single barrier


class _Alone:
    """An event at a single barrier. It speaks of branches, so the rules about tokens are not asked."""

    def __init__(self, pipeline: Pipeline, run: Run, stimulus: BarrierStimulus) -> None:
        self.node = next(node for node in pipeline.nodes.values() if node.kind is NodeKind.COALESCE)
        self.barrier = next((b for row in run.rows for b in row.barriers), None)
        self.branch = stimulus.branch or ""

    @property
    def mark(self) -> Mark:
        place = self.node.branches.index(self.branch)
        return self.barrier.marks[place] if self.barrier is not None else Mark.AWAITED


_BRANCHES: Final = (BarrierEvent.ARRIVE, BarrierEvent.LOSE)
_CLOSES: Final = (BarrierEvent.DEADLINE, BarrierEvent.FLUSH)
_OF_A_BARRIER: Final[dict[Refusal, tuple[tuple[BarrierEvent, ...], Question]]] = {
    Refusal.UNKNOWN_BARRIER: (_CLOSES, lambda it: it.barrier is None),
    Refusal.NO_FRAME: (_BRANCHES, lambda it: it.branch not in it.node.branches),
    Refusal.BRANCH_HELD: (_BRANCHES, lambda it: it.mark not in (Mark.AWAITED, Mark.LOST)),
    Refusal.BRANCH_LOST: (_BRANCHES, lambda it: it.mark is Mark.LOST),
    Refusal.ALREADY_RESOLVED: (_CLOSES, lambda it: it.barrier.verdict is not None),
    Refusal.NO_DEADLINE: ((BarrierEvent.DEADLINE,), lambda it: it.node.timeout_seconds is None),
    Refusal.FIRST_HAS_ARRIVED: (
        _CLOSES, lambda it: it.node.policy is Policy.FIRST and Mark.HELD in it.barrier.marks,
    ),
}  # fmt: skip
"""The rules of the barrier machine."""


# -------------------------------------------------------------------------------------------------- the token manager


class _Called:
    """An operation in a world, and what it names there."""

    def __init__(self, world: World, call: Operation) -> None:
        self.world, self.call = world, call

    @property
    def run(self) -> Run:
        return self.world[self.call.run]

    @cached_property
    def row(self) -> Row | None:
        return next((row for row in self.run.rows if row.number == self.call.row), None)

    @cached_property
    def named(self) -> list[tuple[TokenRef, Row, Token] | None]:
        """What each reference names, wherever that is."""
        return [self._find(ref) for ref in self.call.tokens]

    def _find(self, ref: TokenRef) -> tuple[TokenRef, Row, Token] | None:
        found = _token_called(self.world[ref.run], ref.name) if 0 <= ref.run < len(self.world) else None
        return (ref, *found) if found is not None else None

    @property
    def known(self) -> list[tuple[TokenRef, Row, Token]]:
        return [found for found in self.named if found is not None]

    @property
    def frames(self) -> list[Any]:
        return [token.stack[-1] if token.stack else None for _, _, token in self.known]

    def names(self) -> tuple[str, ...]:
        return self.call.branches if self.call.op is Op.FORK else (self.call.node,)

    def repeats(self) -> bool:
        branches = self.call.branches if self.call.op is Op.FORK else [frame.branch for frame in self.frames]
        return len(set(branches)) < len(branches)

    def merged_before(self) -> bool:
        merged = f"{self.frames[0].fork}/{self.call.node}"
        return self.row is not None and any(token.name == merged for token in self.row.tokens)

    def open_batch(self) -> bool:
        return any(b.node == self.call.node and b.status is BatchStatus.OPEN for b in self.run.batches)

    def not_a_fate(self) -> bool:
        outcome = self.call.outcome
        return outcome is None or OUTCOMES[outcome].delegates or not OUTCOMES[outcome].terminal

    def not_at_rest(self) -> bool:
        idle = all(row.tokens and all(token.fate is not None for token in row.tokens) for row in self.run.rows)
        return not idle or any(b.status in (BatchStatus.OPEN, BatchStatus.TRIGGERED) for b in self.run.batches)


_NEW_ROW: Final = (Op.RECORD_ROW, Op.INITIAL, Op.QUARANTINE)
_ONE: Final = (Op.FORK, Op.EXPAND, Op.UPDATE, Op.RECORD, Op.BUFFER)
_TOKENS: Final = (*_ONE, Op.MERGE)
_OF_A_ROW: Final = (Op.FORK, Op.EXPAND, Op.MERGE)
_OF_A_CALL: Final[dict[Refusal, tuple[tuple[Op, ...], Question]]] = {
    Refusal.UNKNOWN_RUN: (tuple(Op), lambda it: not 0 <= it.call.run < len(it.world)),
    Refusal.RUN_OVER: (tuple(Op), lambda it: it.run.status is RunStatus.COMPLETED),
    Refusal.UNKNOWN_ROW: (
        (*_NEW_ROW, *_OF_A_ROW, Op.EXISTING),
        lambda it: (
            it.call.row is None or not 0 <= it.call.row <= LARGEST_ROW if it.call.op in _NEW_ROW else it.row is None
        ),
    ),
    Refusal.UNKNOWN_TOKEN: (
        _TOKENS, lambda it: None in it.named or (it.call.op is not Op.MERGE and not it.call.tokens),
    ),
    Refusal.UNKNOWN_BATCH: ((Op.CONSUME,), lambda it: not it.open_batch()),
    Refusal.OTHER_RUN: (_TOKENS, lambda it: any(ref.run != it.call.run for ref, _, _ in it.known)),
    Refusal.OTHER_ROW: (_OF_A_ROW, lambda it: any(row.number != it.call.row for _, row, _ in it.known)),
    Refusal.ROW_ALREADY_READ: (_NEW_ROW, lambda it: it.row is not None),
    Refusal.NO_CONTRACT: ((Op.INITIAL,), lambda it: not it.call.locked),
    Refusal.HAS_ROOT_TOKEN: ((Op.EXISTING,), lambda it: bool(it.row.tokens)),
    Refusal.HAS_FATE: (_TOKENS, lambda it: any(token.fate is not None for _, _, token in it.known)),
    Refusal.ALREADY_VISITING: (_TOKENS, lambda it: any(token.phase is not Phase.READY for _, _, token in it.known)),
    Refusal.NO_BRANCHES: ((Op.FORK,), lambda it: not it.call.branches),
    Refusal.NO_CHILDREN: ((Op.EXPAND, Op.CONSUME), lambda it: it.call.number < 1),
    Refusal.CONTRACT_NOT_LOCKED: ((Op.EXPAND,), lambda it: not it.call.locked),
    Refusal.NO_PARENTS: ((Op.MERGE,), lambda it: not it.call.tokens),
    Refusal.NOT_A_NAME: (
        (Op.FORK, Op.MERGE, Op.BUFFER),
        lambda it: any(name in RESERVED or not re.fullmatch(NAME_PATTERN, name) for name in it.names()),
    ),
    Refusal.NOT_ONE_FORK: (
        (Op.MERGE,), lambda it: None in it.frames or len({frame.fork for frame in it.frames}) != 1,
    ),
    Refusal.REPEATED_BRANCH: ((Op.FORK, Op.MERGE), lambda it: it.repeats()),
    Refusal.ALREADY_RESOLVED: ((Op.MERGE,), lambda it: it.merged_before()),
    Refusal.NOT_A_FATE: ((Op.RECORD,), lambda it: it.not_a_fate()),
    Refusal.FIELDS_MISSING: ((Op.RECORD,), lambda it: not set(OUTCOMES[it.call.outcome].must) <= set(it.call.fields)),
    Refusal.FIELDS_FORBIDDEN: (
        (Op.RECORD,),
        lambda it: bool(set(it.call.fields) - {*OUTCOMES[it.call.outcome].must, *OUTCOMES[it.call.outcome].may}),
    ),
    Refusal.NOT_AT_REST: ((Op.COMPLETE,), lambda it: it.not_at_rest()),
}  # fmt: skip
"""The rules of the lifecycle machine."""


def _in_order(table: Mapping[Refusal, tuple[tuple[Any, ...], Question]], asked: Any) -> list[tuple[Refusal, Question]]:
    return [(rule, table[rule][1]) for rule in Refusal if rule in table and asked in table[rule][0]]


_OF_STIMULI: Final = {do: _in_order(_OF_A_RUN, do) for do in Do}
_OF_BARRIERS: Final = {event: _in_order(_OF_A_BARRIER, event) for event in BarrierEvent}
_OF_CALLS: Final = {op: _in_order(_OF_A_CALL, op) for op in Op}
