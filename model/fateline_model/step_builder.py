"""The step builder: how a step writes. Each method writes one fact as a record and makes the same change to the state.

A `RowDraft` is one row being rewritten, a `RunDraft` one run: its rows, its batches, and the list of records, which
they share. Here is also everything that follows from a fact without a further stimulus: a loss reaches its barrier, the
policy decides, the merge or the failure is carried out, a failed inner barrier loses the branch whose debt it held, and
so on upwards. There is one failure path, `RowDraft.fail`, and one merge path, `RowDraft.merge`.

The lifecycle machine has no graph. Its drafts use the same methods, which then write no visits and no hops.

Not here: which stimulus is lawful in which state (`machine.py`, `lifecycle.py`). A draft is thrown away when a step is
refused, so nothing here has to be undone.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypedDict, Unpack

from .coalesce import Decision, Event, check_merge, decide, merge_can_end_as
from .kernels import (
    REFUSED_IN,
    Mark,
    Move,
    Phase,
    mark_on_loss,
    mark_on_resolution,
    next_phase,
)
from .records import (
    SOME,
    BarrierRecord,
    HopRecord,
    LossRecord,
    OutcomeRecord,
    ParentRecord,
    Record,
    RowRecord,
    RunRecord,
    TokenRecord,
    VisitRecord,
)
from .state import LARGEST_ROW, Barrier, Frame, Row, Run, Token, Via, barrier_name, parse_token_name, token_name
from .wellformed import Pipeline
from .words import (
    CONTINUE,
    ON_ERROR,
    OUTCOMES,
    BarrierVerdict,
    Collisions,
    GroupKind,
    LossReason,
    MergeData,
    NodeKind,
    Outcome,
    Reason,
    Refusal,
    RunStatus,
    Strategy,
    Trigger,
    Verdict,
    VisitStatus,
)

LOST_WITH: Final = {
    Outcome.DISCARDED: LossReason.DISCARDED,
    Outcome.QUARANTINED: LossReason.QUARANTINED,
    Outcome.FAILED: LossReason.FAILED,
}


class OutcomeFields(TypedDict, total=False):
    """What an outcome may carry, as keywords."""

    sink: str
    error: str
    reason: Reason | None
    batch: str
    group: str
    promised: str


class Refused(Exception):
    """Raised where a rule forbids the stimulus; it ends the step, and the draft is thrown away."""

    def __init__(self, rule: Refusal) -> None:
        super().__init__(rule)
        self.rule = rule


class RunDraft:
    """One run being rewritten. `graph` is False for the lifecycle machine, which has neither visits nor hops."""

    def __init__(self, pipeline: Pipeline, run: Run, data: Sequence[MergeData] = (), *, graph: bool = True) -> None:
        self.pipeline = pipeline
        self.graph = graph
        self.run = run
        self.status: RunStatus = run.status
        self.source_ended = run.source_ended
        self.batches = {batch.name: batch for batch in run.batches}
        self.records: list[Record] = []
        self.merges: list[tuple[MergeData, ...]] = []
        self._prescribed = data
        self._rows: dict[int, RowDraft] = {}

    def row(self, number: int) -> "RowDraft | None":
        """The draft of a row that was read."""
        if number not in self._rows:
            for row in self.run.rows:
                if row.number == number:
                    self._rows[number] = RowDraft(self, row)
        return self._rows.get(number)

    def new_row(self, number: int | None) -> "RowDraft":
        """The draft of a row that is being read, or a refusal of one that cannot be."""
        if number is None or not 0 <= number <= LARGEST_ROW:
            raise Refused(Refusal.UNKNOWN_ROW)
        if self.source_ended:
            raise Refused(Refusal.SOURCE_ENDED)
        if self.row(number) is not None:
            raise Refused(Refusal.ROW_ALREADY_READ)
        source = self.pipeline.source.name if self.graph else None
        self.records.append(RowRecord(self.run.name, str(number), source, number))
        return self._rows.setdefault(number, RowDraft(self, Row(number)))

    def every_row(self) -> "list[RowDraft]":
        return [draft for row in self.run.rows if (draft := self.row(row.number))]

    def find(self, name: str | None) -> "tuple[RowDraft, Token]":
        """The token of that name and the draft of its row, or a refusal."""
        place = parse_token_name(name or "")
        row = self.row(place[0]) if place else None
        if place is None or row is None or place[1] not in row.tokens:
            raise Refused(Refusal.UNKNOWN_TOKEN)
        return row, row.tokens[place[1]]

    def write_run(self, rows: int | None) -> None:
        """The status of the run, and the number of its rows where the source has ended."""
        name = self.pipeline.name if self.graph else None
        self.records.append(RunRecord(self.run.name, name, self.status, rows))

    def merge_data(self, strategy: Strategy, collisions: Collisions, arrived: int) -> MergeData:
        """The merge outcome that the stimulus prescribes for the next merge of this step.

        The possible outcomes are noted in `merges`, so that the checker can branch on them. A limit is an engine's own, so the
        checker does not branch on a row that is too large: the barrier fails as it does for any other reason.
        """
        fails = collisions is Collisions.FAIL
        self.merges.append(tuple(word for word in MergeData if merge_can_end_as(strategy, fails, arrived, word)))
        number = len(self.merges)
        word = self._prescribed[number - 1] if number <= len(self._prescribed) else MergeData.OK
        if word not in (*self.merges[-1], MergeData.MERGED_ROW_TOO_LARGE):
            raise Refused(Refusal.NO_SUCH_DATA)
        return word

    def done(self) -> Run:
        """The run as rewritten; refused if the stimulus prescribes outcomes of merges that did not happen."""
        if len(self._prescribed) > len(self.merges):
            raise Refused(Refusal.NO_SUCH_DATA)
        rows = {row.number: row for row in self.run.rows} | {n: draft.done() for n, draft in self._rows.items()}
        ordered = tuple(rows[number] for number in sorted(rows))
        return Run(self.run.name, self.status, self.source_ended, ordered, tuple(self.batches.values()))


class RowDraft:
    """One row being rewritten."""

    def __init__(self, run: RunDraft, row: Row) -> None:
        self.run = run
        self.pipeline = run.pipeline
        self.number = row.number
        self.tokens: dict[str, Token] = {token.name: token for token in row.tokens}
        self.barriers: dict[tuple[str, str], Barrier] = {(b.node, b.fork): b for b in row.barriers}

    def done(self) -> Row:
        tokens, barriers = sorted(self.tokens.items()), sorted(self.barriers.items())
        return Row(self.number, tuple(token for _, token in tokens), tuple(barrier for _, barrier in barriers))

    def write(self, record: Record) -> None:
        self.run.records.append(record)

    def name_of(self, name: str) -> str:
        return token_name(self.number, name)

    # ------------------------------------------------------------------------------------------------ single facts

    def after(self, token: Token, move: Move) -> Phase:
        """The phase after a move, or a refusal where the token's phase does not allow it."""
        phase = next_phase(token.phase, move)
        if phase is None:
            raise Refused(REFUSED_IN[token.phase])
        return phase

    def open_visit(self, token: Token, move: Move) -> Token:
        """A visit opens at the head of the token's latest hop, or the next attempt there."""
        token = self.put(token._replace(phase=self.after(token, move)))
        self._write_visit(token, VisitStatus.OPEN if token.phase is Phase.VISITING else VisitStatus.HELD, None)
        return token

    def close_visit(self, token: Token, status: VisitStatus, verdict: str | None) -> None:
        self._write_visit(token, status, verdict)

    def _write_visit(self, token: Token, status: VisitStatus, verdict: str | None) -> None:
        if self.run.graph:
            run, name = self.run.run.name, self.name_of(token.name)
            visit = f"{name}@{token.node}#{token.attempt}"
            self.write(VisitRecord(run, visit, name, token.node, token.attempt, status, verdict))

    def hop(self, token: Token, src: str, label: str) -> Token:
        """The token takes an edge, and loses what it owes if no path leads on from there to the coalesce."""
        if not self.run.graph:
            return token
        dst, name, new = self.pipeline.edges[src, label], self.name_of(token.name), not token.node
        visit = None if new else f"{name}@{src}#{token.attempt}"
        self.write(HopRecord(self.run.run.name, name, visit, src, label, dst))
        at_sink = self.pipeline.nodes[dst].kind is NodeKind.SINK
        via = self._via(src, label) if at_sink else Via.PLAIN
        phase = Phase.READY if new else self.after(token, Move.HOP)
        token = token._replace(node=dst, via=via, phase=phase, attempt=0, tries=0, batch=None)
        if token.stack and self.pipeline.loses(src, label):
            owed, token = token.stack[-1], self.put(token._replace(stack=()))
            self.lose(owed, token.name, LossReason.DIVERTED if label == ON_ERROR else LossReason.ROUTED)
            return token
        return self.put(token)

    def _via(self, src: str, label: str) -> Via:
        node = self.pipeline.nodes[src]
        if label == ON_ERROR:
            return Via.INVALID if node.kind is NodeKind.SOURCE else Via.ERROR
        return Via.ROUTE if label != CONTINUE and label in dict(node.routes) else Via.PLAIN

    def end(self, token: Token, outcome: Outcome, **fields: Unpack[OutcomeFields]) -> None:
        """The token meets its fate, and loses what it owes unless other tokens go on owing it."""
        self.write_outcome(token, outcome, **fields)
        kept = token if outcome is Outcome.FORKED else Token(token.name, token.made)
        owed = token.stack[-1] if token.stack and outcome in LOST_WITH else None
        self.put(kept._replace(phase=self.after(token, Move.END), fate=outcome, attempt=0, tries=0))
        if owed is not None:
            self.lose(owed, token.name, LOST_WITH[outcome])

    def write_outcome(self, token: Token, outcome: Outcome, **fields: Unpack[OutcomeFields]) -> None:
        if "error" in OUTCOMES[outcome].must:
            fields.setdefault("error", SOME)
        self.write(OutcomeRecord(self.run.run.name, self.name_of(token.name), outcome, **fields))

    def make(
        self, token: Token, group: str | None, parents: Sequence[str], branch: str | None = None, ordinal: int = 0
    ) -> Token:
        """A new token and its lineage; parents by full name. Its first hop is the caller's next line, in the same step."""
        run, name = self.run.run.name, self.name_of(token.name)
        self.write(TokenRecord(run, str(self.number), name, branch, token.made, group))
        for place, parent in enumerate(parents, ordinal):
            self.write(ParentRecord(run, name, parent, place))
        return self.put(token)

    def put(self, token: Token) -> Token:
        self.tokens[token.name] = token
        return token

    # ------------------------------------------------------------------------------------------------ several at once

    def fork(self, token: Token, branches: Sequence[str], src: str) -> None:
        """Children on every branch, in one step with the parent's fate.

        In a graph, only joined branches owe anything. Without one, every branch may be merged and so owes.
        """
        group, graph = self.name_of(token.name), self.run.graph
        beneath = token.stack if not graph or self.pipeline.beneath[src] else ()
        handed = token._replace(stack=beneath)
        self.end(handed, Outcome.FORKED, group=group, promised=",".join(branches))
        for ordinal, branch in enumerate(branches):
            joined = not graph or (src, branch) in self.pipeline.joined
            stack = (*beneath, Frame(token.name, branch)) if joined else ()
            child = Token(f"{token.name}/{branch}", GroupKind.FORK, stack=stack)
            self.hop(self.make(child, group, (group,), branch, ordinal), src, branch)
        if token.stack and not beneath:
            self.lose(token.stack[-1], token.name, LossReason.FORKED_AWAY)

    def expand(self, token: Token, count: int, src: str) -> None:
        """Children of an expansion, in one step with the parent's fate."""
        group = self.name_of(token.name)
        self.end(token, Outcome.EXPANDED, group=group, promised=str(count))
        self.make_numbered(token, count, src, GroupKind.EXPAND, group, token.stack)

    def make_numbered(
        self, parent: Token, count: int, src: str, kind: GroupKind, group: str, stack: tuple[Frame, ...] = ()
    ) -> None:
        """The children of an expansion, or the outputs of a batch."""
        for ordinal in range(count):
            child = Token(f"{parent.name}.{ordinal}", kind, stack=stack)
            self.hop(self.make(child, group, (self.name_of(parent.name),), ordinal=ordinal), src, CONTINUE)

    def join(
        self, tokens: Sequence[Token], parents: Sequence[str], name: str, node: str, stack: tuple[Frame, ...]
    ) -> None:
        """Exactly these tokens become the merged token, as its parents."""
        group = self.name_of(name)
        for token in tokens:
            self.close_visit(token, VisitStatus.COMPLETED, Verdict.MERGED)
            self.end(token, Outcome.COALESCED, group=group)
        self.hop(self.make(Token(name, GroupKind.JOIN, stack=stack), group, parents), node, CONTINUE)

    # ------------------------------------------------------------------------------------------------ barriers

    def barrier_of(self, frame: Frame) -> Barrier:
        """The barrier that a frame is owed to, as it stands or before its first event."""
        node = self.pipeline.joined[self.tokens[frame.fork].node, frame.branch]
        branches = self.pipeline.nodes[node].branches
        return self.barriers.get((node, frame.fork), Barrier(node, frame.fork, (Mark.AWAITED,) * len(branches)))

    def marked(self, barrier: Barrier, branch: str, event: Callable[[Mark, bool], Mark | Refusal]) -> Barrier:
        """The barrier after an event of one of its branches, or a refusal."""
        place = self.pipeline.nodes[barrier.node].branches.index(branch)
        mark = event(barrier.marks[place], barrier.verdict is not None)
        if isinstance(mark, Refusal):
            raise Refused(mark)
        return barrier._replace(marks=(*barrier.marks[:place], mark, *barrier.marks[place + 1 :]))

    def put_barrier(self, barrier: Barrier) -> Barrier:
        self.barriers[barrier.node, barrier.fork] = barrier
        return barrier

    def lose(self, frame: Frame, token: str, reason: LossReason) -> None:
        """A branch can no longer arrive. After the resolution that changes nothing and leaves no record."""
        barrier = self.put_barrier(self.marked(self.barrier_of(frame), frame.branch, mark_on_loss))
        if barrier.verdict is None:
            name = barrier_name(self.number, barrier)
            self.write(LossRecord(self.run.run.name, name, frame.branch, self.name_of(token), reason))
            self.decide(barrier, Event.LOSS)

    def decide(self, barrier: Barrier, event: Event) -> None:
        """Let the policy decide, and carry it out."""
        config = self.pipeline.nodes[barrier.node]
        decision = decide(config.policy, event, barrier.counts(config.quorum_count))
        if decision is Decision.IMPOSSIBLE:
            raise Refused(Refusal.FIRST_HAS_ARRIVED)
        if decision is Decision.MERGE:
            self.merge(barrier, Trigger(event))
        elif decision not in (Decision.HOLD, Decision.WAIT):
            self.fail(barrier, Reason(decision), Trigger(event))

    def held(self, barrier: Barrier) -> list[Token]:
        """The tokens held at a barrier, in declared order of their branches."""
        branches = self.pipeline.nodes[barrier.node].branches
        held = [t for t in self.tokens.values() if t.phase is Phase.HELD and t.stack[-1].fork == barrier.fork]
        here = [token for token in held if token.node == barrier.node]
        return sorted(here, key=lambda token: branches.index(token.stack[-1].branch))

    def merge(self, barrier: Barrier, trigger: Trigger) -> None:
        """Consume exactly the held tokens, unless the merge itself fails its barrier."""
        config, held = self.pipeline.nodes[barrier.node], self.held(barrier)
        data = self.run.merge_data(config.merge, config.collisions, len(held))
        reason = check_merge(
            config.merge,
            config.select_branch in [token.stack[-1].branch for token in held],
            data is not MergeData.CONTRACT_CONFLICT,
            data is MergeData.UNION_COLLISION,
            data is MergeData.MERGED_ROW_TOO_LARGE,
        )
        if reason is not None:
            self.fail(barrier, reason, trigger)
            return
        name = f"{barrier.fork}/{barrier.node}"
        self._resolve(barrier, BarrierVerdict.MERGED, None, trigger, self.name_of(name))
        parents = [self.name_of(token.name) for token in held]
        self.join(held, parents, name, barrier.node, self.tokens[barrier.fork].stack)

    def fail(self, barrier: Barrier, reason: Reason, trigger: Trigger) -> None:
        """Fail every held token for the same reason; the debt that this barrier held is lost."""
        held = self.held(barrier)
        self._resolve(barrier, BarrierVerdict.FAILED, reason, trigger, None)
        for token in held:
            self.close_visit(token, VisitStatus.FAILED, Verdict.BARRIER_FAILED)
            self.end(token._replace(stack=()), Outcome.FAILED, reason=reason)
        beneath = self.tokens[barrier.fork].stack
        if beneath:
            self.lose(beneath[-1], barrier.fork, LossReason.BARRIER_FAILED)

    def _resolve(
        self, barrier: Barrier, verdict: BarrierVerdict, reason: Reason | None, trigger: Trigger, result: str | None
    ) -> None:
        """The one record of a barrier, and what becomes of its branches."""
        branches = list(zip(self.pipeline.nodes[barrier.node].branches, barrier.marks, strict=True))
        arrived, lost = (",".join(b for b, mark in branches if mark is word) for word in (Mark.HELD, Mark.LOST))
        marks = tuple(mark_on_resolution(mark, verdict) for mark in barrier.marks)
        self.put_barrier(barrier._replace(marks=marks, verdict=verdict))
        run, name, fork = self.run.run.name, barrier_name(self.number, barrier), self.name_of(barrier.fork)
        self.write(BarrierRecord(run, name, barrier.node, fork, verdict, reason, trigger, arrived, lost, result=result))
