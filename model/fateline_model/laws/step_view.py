"""One step as a law sees it: the state before, the stimulus, the records, the state after.

The records are the machine's own when the law itself is checked, and an engine's when the engine is judged beside the law.
Look-ups that several laws need are made once. Not here: any law.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from ..barrier_machine import BarrierStimulus
from ..lifecycle import Operation, World
from ..records import (
    BarrierRecord,
    BatchRecord,
    HopRecord,
    LossRecord,
    MemberRecord,
    OutcomeRecord,
    ParentRecord,
    Record,
    RowRecord,
    RunRecord,
    TokenRecord,
    VisitRecord,
)
from ..state import Barrier, Batch, Row, Run, Token, barrier_name, parse_token_name, token_name
from ..stimuli import Stimulus
from ..wellformed import Pipeline
from ..words import OUTCOMES, BatchStatus, Refusal, RunStatus

Check = str | None
"""One thing that a law looked at: None if it agrees with the law, or a message about what is wrong."""

Key = tuple[str, str]
"""Run and full name of a token, a barrier or a batch."""

R = TypeVar("R", bound=Record)


class Changed(NamedTuple):
    """A token that a step made or changed."""

    key: Key
    before: Token | None
    after: Token


class WorldIndex:
    """A world with an index of its tokens by name, which is made once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._tokens: dict[str, dict[str, Token]] | None = None

    def tokens(self, run: str) -> Mapping[str, Token]:
        """The tokens of a run by their names."""
        if self._tokens is None:
            self._tokens = {
                own.name: {token_name(row.number, token.name): token for row in own.rows for token in row.tokens}
                for own in self.world
            }
        return self._tokens.get(run, {})

    def token(self, run: str, name: str) -> Token | None:
        return self.tokens(run).get(name)


class StepView:
    """One step to be judged. A search uses one state many times, so the state before may come as a `WorldIndex`.

    A stimulus that was refused is a step that writes nothing and changes nothing; `refusal` names the rule.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        before: World | WorldIndex,
        stimulus: Stimulus | Operation | BarrierStimulus,
        records: tuple[Record, ...],
        after: World,
        refusal: Refusal | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.refusal = refusal
        self._before_index = before if isinstance(before, WorldIndex) else WorldIndex(before)
        self._after_index = self._before_index if after is self._before_index.world else WorldIndex(after)
        self.before = self._before_index.world
        self.stimulus = stimulus
        self.records = records
        self.after = after
        self._by_kind: dict[type, list[Record]] = {}
        for record in records:
            self._by_kind.setdefault(type(record), []).append(record)
        self.kinds = frozenset(self._by_kind)
        self._changed: list[tuple[Run, Row]] | None = None
        self._changed_tokens: list[Changed] | None = None

    def of(self, kind: type[R]) -> list[R]:
        """The records of one relation, in the order in which they were written."""
        return self._by_kind.get(kind, [])  # type: ignore[return-value]

    @property
    def outcomes(self) -> list[OutcomeRecord]:
        return self.of(OutcomeRecord)

    @property
    def fates(self) -> list[OutcomeRecord]:
        return [record for record in self.of(OutcomeRecord) if OUTCOMES[record.outcome].terminal]

    @property
    def visits(self) -> list[VisitRecord]:
        return self.of(VisitRecord)

    @property
    def hops(self) -> list[HopRecord]:
        return self.of(HopRecord)

    @property
    def tokens(self) -> list[TokenRecord]:
        return self.of(TokenRecord)

    @property
    def barriers(self) -> list[BarrierRecord]:
        return self.of(BarrierRecord)

    @property
    def losses(self) -> list[LossRecord]:
        return self.of(LossRecord)

    @property
    def batches(self) -> list[BatchRecord]:
        return self.of(BatchRecord)

    @property
    def members(self) -> list[MemberRecord]:
        return self.of(MemberRecord)

    @property
    def rows(self) -> list[RowRecord]:
        return self.of(RowRecord)

    @property
    def parents(self) -> dict[Key, list[str]]:
        """Child to parents, in the order of the ordinals."""
        links: dict[Key, list[ParentRecord]] = {}
        for record in self.of(ParentRecord):
            links.setdefault((record.run, record.child), []).append(record)
        return {child: [p.parent for p in sorted(found, key=_ordinal)] for child, found in links.items()}

    @property
    def over(self) -> list[Run]:
        """The runs that this step declares completed."""
        completed = {record.run for record in self.of(RunRecord) if record.status is RunStatus.COMPLETED}
        return [run for run in self.after if run.name in completed]

    @property
    def changed(self) -> list[tuple[Run, Row]]:
        """The rows that this step changed, as they are after it."""
        if self._changed is None:
            self._changed = [
                (run, row)
                for old, run in zip(self.before, self.after, strict=True)
                for row in run.rows
                if old.rows is not run.rows and row not in old.rows
            ]
        return self._changed

    @property
    def changed_tokens(self) -> list[Changed]:
        """The tokens that this step made or changed."""
        if self._changed_tokens is None:
            self._changed_tokens = []
            for run, row in self.changed:
                known = self._before_index.tokens(run.name)
                for token in row.tokens:
                    name = token_name(row.number, token.name)
                    before = known.get(name)
                    if token is not before and token != before:
                        self._changed_tokens.append(Changed((run.name, name), before, token))
        return self._changed_tokens

    def tokens_before(self, run: str) -> Mapping[str, Token]:
        return self._before_index.tokens(run)

    def tokens_after(self, run: str) -> Mapping[str, Token]:
        return self._after_index.tokens(run)

    def token_before(self, run: str, name: str) -> Token | None:
        return self._before_index.token(run, name)

    def token_after(self, run: str, name: str) -> Token | None:
        return self._after_index.token(run, name)

    def barrier_before(self, run: str, name: str) -> Barrier | None:
        return next(
            (b for row in _rows(self.before, run) for b in row.barriers if barrier_name(row.number, b) == name), None
        )

    def batch_before(self, run: str, name: str) -> Batch | None:
        return next((b for r in self.before if r.name == run for b in r.batches if b.name == name), None)

    @property
    def closed_batches(self) -> list[BatchRecord]:
        """The batches that this step closes to new members. A batch that a resume records again is not one of them."""
        closed = []
        for record in self.batches:
            before = self.batch_before(record.run, record.batch)
            if record.status is BatchStatus.TRIGGERED and (
                before is None or before.status is not BatchStatus.TRIGGERED
            ):
                closed.append(record)
        return closed

    def batch_after(self, run: str, name: str) -> Batch | None:
        return next((b for r in self.after if r.name == run for b in r.batches if b.name == name), None)

    def frame_before(self, run: str, name: str) -> tuple[str, str] | None:
        """What a token owed before the step: the full name of the forked token, and the branch."""
        token, place = self.token_before(run, name), parse_token_name(name)
        if token is None or place is None or not token.stack:
            return None
        return token_name(place[0], token.stack[-1].fork), token.stack[-1].branch


def listed(names: Iterable[object]) -> str:
    """Names as they stand in a message."""
    return ", ".join(map(str, names)) or "none"


def live(row: Row) -> Iterator[Token]:
    """The tokens of a row that have not met their fate."""
    return (token for token in row.tokens if token.fate is None)


def _ordinal(record: ParentRecord) -> int:
    return record.ordinal or 0


def _rows(world: World, run: str) -> Iterator[Row]:
    return (row for found in world if found.name == run for row in found.rows)
