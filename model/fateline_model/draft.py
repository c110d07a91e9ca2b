"""The pen: how a step writes. Each method puts down one fact as a record and makes the same change to the state.

A `RowDraft` is one row being rewritten, a `RunDraft` one run: its rows, its batches, and the list of records, which
they share. Here is also everything that follows from a fact without a further stimulus: a loss tells its barrier, the
policy decides, a merge or a failure is carried out, a failed inner barrier loses the branch that it held the debt of,
and so on upwards. There is one failure path, `RowDraft.fail`, and one merge path, `RowDraft.merge`.

Not here: which stimulus is lawful in which state (`machine.py`, `lifecycle.py`). A draft is thrown away when a step is
refused, so nothing here has to be undone.
"""

from collections.abc import Sequence
from typing import Final, TypedDict, Unpack

from .coalesce import Decision, Event, can_say, check_merge, decide
from .kernels import PHASES, REFUSED_IN, Move, Phase, next_phase
from .records import (
    SOME,
    BarrierRecord,
    HopRecord,
    LossRecord,
    OutcomeRecord,
    ParentRecord,
    Record,
    TokenRecord,
    VisitRecord,
)
from .state import Barrier, Batch, Frame, Mark, Row, Run, Token, Via, barrier_name, full, split
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
    reason: Reason
    batch: str
    group: str
    promised: str


class Refused(Exception):
    """Raised where a rule forbids the stimulus; it ends the step, and the draft is thrown away."""

    def __init__(self, rule: Refusal) -> None:
        super().__init__(rule)
        self.rule = rule


class RunDraft:
    """One run being rewritten."""

    def __init__(self, pipeline: Pipeline, run: Run, data: Sequence[MergeData] = ()) -> None:
        self.pipeline = pipeline
        self.run = run
        self.status: RunStatus = run.status
        self.source_ended = run.source_ended
        self.batches: list[Batch] = list(run.batches)
        self.records: list[Record] = []
        self.merges: list[tuple[MergeData, ...]] = []
        self._said = data
        self._rows: dict[int, RowDraft] = {}

    def row(self, number: int) -> "RowDraft | None":
        """The draft of a row that was read."""
        if number not in self._rows:
            for row in self.run.rows:
                if row.number == number:
                    self._rows[number] = RowDraft(self, row)
        return self._rows.get(number)

    def new_row(self, number: int) -> "RowDraft":
        """The draft of a row that is being read."""
        self._rows[number] = RowDraft(self, Row(number))
        return self._rows[number]

    def every_row(self) -> "list[RowDraft]":
        return [draft for row in self.run.rows if (draft := self.row(row.number))]

    def find(self, name: str | None) -> "tuple[RowDraft, Token]":
        """The token of that name and the draft of its row, or a refusal."""
        place = split(name or "")
        row = self.row(place[0]) if place else None
        if place is None or row is None or place[1] not in row.tokens:
            raise Refused(Refusal.UNKNOWN_TOKEN)
        return row, row.tokens[place[1]]

    def merge_data(self, strategy: Strategy, collisions: Collisions, arrived: int) -> MergeData:
        """What the stimulus says of the next merge of this step; what it could say is noted for whoever explores."""
        fails = collisions is Collisions.FAIL
        self.merges.append(tuple(word for word in MergeData if can_say(strategy, fails, arrived, word)))
        said = self._said[len(self.merges) - 1] if len(self.merges) <= len(self._said) else MergeData.OK
        if said not in self.merges[-1]:
            raise Refused(Refusal.NO_SUCH_DATA)
        return said

    def done(self) -> Run:
        """The run as rewritten; refused if the stimulus spoke of merges that did not happen."""
        if len(self._said) > len(self.merges):
            raise Refused(Refusal.NO_SUCH_DATA)
        rows = {row.number: row for row in self.run.rows} | {n: draft.done() for n, draft in self._rows.items()}
        return Run(
            self.run.name,
            self.status,
            self.source_ended,
            tuple(rows[number] for number in sorted(rows)),
            tuple(self.batches),
        )


class RowDraft:
    """One row being rewritten."""

    def __init__(self, run: RunDraft, row: Row) -> None:
        self.run = run
        self.pipeline = run.pipeline
        self.number = row.number
        self.tokens: dict[str, Token] = {token.name: token for token in row.tokens}
        self.barriers: dict[tuple[str, str], Barrier] = {(b.node, b.fork): b for b in row.barriers}

    def done(self) -> Row:
        return Row(
            self.number,
            tuple(self.tokens[name] for name in sorted(self.tokens)),
            tuple(self.barriers[key] for key in sorted(self.barriers)),
        )

    def write(self, record: Record) -> None:
        self.run.records.append(record)

    def full(self, name: str) -> str:
        return full(self.number, name)

    # ------------------------------------------------------------------------------------------------ single facts

    def may(self, token: Token, move: Move) -> None:
        """Refuse what the token's phase does not allow."""
        if next_phase(token.phase, move) is None:
            raise Refused(REFUSED_IN[token.phase])

    def open_visit(self, token: Token, move: Move) -> Token:
        """A visit opens at the head of the token's latest hop, or the next attempt there."""
        token = self.put(token._replace(phase=PHASES[token.phase, move]))
        self._write_visit(token, VisitStatus.OPEN if token.phase is Phase.VISITING else VisitStatus.HELD, None)
        return token

    def close_visit(self, token: Token, status: VisitStatus, verdict: str | None) -> None:
        self._write_visit(token, status, verdict)

    def _write_visit(self, token: Token, status: VisitStatus, verdict: str | None) -> None:
        visit = f"{self.full(token.name)}@{token.node}#{token.attempt}"
        self.write(
            VisitRecord(self.run.run.name, visit, self.full(token.name), token.node, token.attempt, status, verdict)
        )

    def hop(self, token: Token, src: str, label: str, *, first: bool = False) -> Token:
        """The token takes an edge, and loses what it owes if no path leads on from there to the coalesce."""
        dst = self.pipeline.edges[src, label]
        visit = None if first else f"{self.full(token.name)}@{src}#{token.attempt}"
        self.write(HopRecord(self.run.run.name, self.full(token.name), visit, src, label, dst))
        at_sink = self.pipeline.nodes[dst].kind is NodeKind.SINK
        via = self._via(src, label) if at_sink else Via.PLAIN
        phase = Phase.READY if first else PHASES[token.phase, Move.HOP]
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
        """The token meets its fate, and loses what it owes unless others go on owing it."""
        self.write_outcome(token, outcome, **fields)
        kept = token if outcome is Outcome.FORKED else Token(token.name, token.made)
        owed = token.stack[-1] if token.stack and outcome in LOST_WITH else None
        self.put(kept._replace(phase=PHASES[token.phase, Move.END], fate=outcome, attempt=0, tries=0))
        if owed is not None:
            self.lose(owed, token.name, LOST_WITH[outcome])

    def write_outcome(self, token: Token, outcome: Outcome, **fields: Unpack[OutcomeFields]) -> None:
        if "error" in OUTCOMES[outcome].must:
            fields.setdefault("error", SOME)
        self.write(OutcomeRecord(self.run.run.name, self.full(token.name), outcome, **fields))

    def make(
        self,
        name: str,
        kind: GroupKind | None,
        group: str | None,
        parents: Sequence[str],
        *,
        branch: str | None = None,
        stack: tuple[Frame, ...] = (),
        ordinal: int = 0,
    ) -> Token:
        """A new token and its lineage; parents by full name. Its first hop is the caller's next line, in the same step."""
        run = self.run.run.name
        self.write(TokenRecord(run, str(self.number), self.full(name), branch, kind, group))
        for place, parent in enumerate(parents, ordinal):
            self.write(ParentRecord(run, self.full(name), parent, place))
        return self.put(Token(name, kind, stack=stack))

    def put(self, token: Token) -> Token:
        self.tokens[token.name] = token
        return token

    # ------------------------------------------------------------------------------------------------ several at once

    def fork(self, token: Token, branches: Sequence[str], src: str) -> None:
        """Children on every branch, in one step with the parent's fate. Only joined branches owe anything."""
        group = self.full(token.name)
        beneath = token.stack if self.pipeline.beneath[src] else ()
        handed = token._replace(stack=beneath)
        self.end(handed, Outcome.FORKED, group=group, promised=",".join(branches))
        for ordinal, branch in enumerate(branches):
            joined = (src, branch) in self.pipeline.joined
            stack = (*beneath, Frame(token.name, branch)) if joined else ()
            child = self.make(
                f"{token.name}/{branch}",
                GroupKind.FORK,
                group,
                (group,),
                branch=branch,
                stack=stack,
                ordinal=ordinal,
            )
            self.hop(child, src, branch, first=True)
        if token.stack and not beneath:
            self.lose(token.stack[-1], token.name, LossReason.FORKED_AWAY)

    def expand(self, token: Token, count: int, src: str) -> None:
        """Children of an expansion, in one step with the parent's fate."""
        group = self.full(token.name)
        self.end(token, Outcome.EXPANDED, group=group, promised=str(count))
        for ordinal in range(count):
            name = f"{token.name}.{ordinal}"
            child = self.make(name, GroupKind.EXPAND, group, (group,), stack=token.stack, ordinal=ordinal)
            self.hop(child, src, CONTINUE, first=True)

    # ------------------------------------------------------------------------------------------------ barriers

    def barrier_of(self, frame: Frame) -> Barrier:
        """The barrier that a frame is owed to, as it stands or before its first event."""
        node = self.pipeline.joined[self.tokens[frame.fork].node, frame.branch]
        branches = self.pipeline.nodes[node].branches
        return self.barriers.get((node, frame.fork), Barrier(node, frame.fork, (Mark.AWAITED,) * len(branches)))

    def mark(self, barrier: Barrier, branch: str, mark: Mark) -> Barrier:
        place = self.pipeline.nodes[barrier.node].branches.index(branch)
        barrier = barrier._replace(marks=(*barrier.marks[:place], mark, *barrier.marks[place + 1 :]))
        self.barriers[barrier.node, barrier.fork] = barrier
        return barrier

    def lose(self, frame: Frame, token: str, reason: LossReason) -> None:
        """A branch can no longer arrive. After the resolution that changes nothing and leaves no record."""
        barrier = self.barrier_of(frame)
        if barrier.verdict is not None:
            return
        barrier = self.mark(barrier, frame.branch, Mark.LOST)
        name = barrier_name(self.number, barrier)
        self.write(LossRecord(self.run.run.name, name, frame.branch, self.full(token), reason))
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
        config = self.pipeline.nodes[barrier.node]
        held = self.held(barrier)
        said = self.run.merge_data(config.merge, config.collisions, len(held))
        reason = check_merge(
            config.merge,
            config.select_branch in [token.stack[-1].branch for token in held],
            said is not MergeData.CONTRACT_CONFLICT,
            said is MergeData.UNION_COLLISION,
        )
        if reason is not None:
            self.fail(barrier, reason, trigger)
            return
        name = f"{barrier.fork}/{barrier.node}"
        self._resolve(barrier, BarrierVerdict.MERGED, None, trigger, self.full(name))
        for token in held:
            self.close_visit(token, VisitStatus.COMPLETED, Verdict.MERGED)
            self.end(token, Outcome.COALESCED, group=self.full(name))
        stack = self.tokens[barrier.fork].stack
        parents = [self.full(token.name) for token in held]
        merged = self.make(name, GroupKind.JOIN, self.full(name), parents, stack=stack)
        self.hop(merged, barrier.node, CONTINUE, first=True)

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
        branches = self.pipeline.nodes[barrier.node].branches
        arrived = [branch for branch, mark in zip(branches, barrier.marks, strict=True) if mark is Mark.HELD]
        lost = [branch for branch, mark in zip(branches, barrier.marks, strict=True) if mark is Mark.LOST]
        becomes = Mark.MERGED if verdict is BarrierVerdict.MERGED else Mark.FAILED
        marks = tuple(becomes if mark is Mark.HELD else mark for mark in barrier.marks)
        self.barriers[barrier.node, barrier.fork] = barrier._replace(marks=marks, verdict=verdict)
        self.write(
            BarrierRecord(
                self.run.run.name,
                barrier_name(self.number, barrier),
                barrier.node,
                self.full(barrier.fork),
                verdict,
                reason,
                trigger,
                ",".join(arrived),
                ",".join(lost),
                result=result,
            )
        )
