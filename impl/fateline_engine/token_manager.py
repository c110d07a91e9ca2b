"""`TokenManager`: the operations of a token's life.

They are initial, quarantine, existing row, fork, expand, coalesce, outputs of a batch, update, and a bare fate. Each
validates everything first and then writes all its records, or none. A refusal names the rule (`words.Refusal`, in the order
in which the rules are checked) and leaves no record. Arguments are not trusted: run, row and token are looked up among the
living tokens and then in the trail. Not here: when an operation is called, and the end of the visit that led to it, which
the processor has closed earlier in the same step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from fateline_engine.compiled_graph import EdgeRef, NodeRef
from fateline_engine.contracts import EMPTY, SchemaContract
from fateline_engine.errors import LimitExceeded, Refused
from fateline_engine.rows import PipelineRow, canonical
from fateline_engine.state import Live, Phase, RunState
from fateline_engine.tokens import Frame, TokenInfo
from fateline_engine.words import (
    CARRIES,
    DELEGATING,
    GroupKind,
    LossReason,
    Outcome,
    Reason,
    Refusal,
    RunStatus,
)

_REMEMBERED_CONTRACTS: Final = 4096
_LOSS: Final = {
    Outcome.COMPLETED: LossReason.ROUTED,
    Outcome.ROUTED: LossReason.ROUTED,
    Outcome.DIVERTED: LossReason.DIVERTED,
    Outcome.DISCARDED: LossReason.DISCARDED,
    Outcome.FAILED: LossReason.FAILED,
    Outcome.QUARANTINED: LossReason.QUARANTINED,
}
"""The reason why the debt of a token is lost when it is given a bare fate."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that protect a run from one bad row. The settings have the same names."""

    row_bytes: int = 1_048_576
    fan_out: int = 10_000


class BranchEdge(NamedTuple):
    """One branch of a fork: its edge, and the coalesce that joins it, if there is one."""

    branch: str
    edge: EdgeRef
    coalesce: str | None


class TokenManager:
    """The operations over the tokens of one run."""

    def __init__(self, state: RunState, limits: Limits | None = None) -> None:
        self.state = state
        self.limits = limits or Limits()
        self._recorder = state.recorder
        self._contracts: dict[SchemaContract, int] = {}
        self._next_contract = 0
        self._last_contract: tuple[SchemaContract | None, int] = (None, 0)
        self._branches: dict[str, tuple[BranchEdge, ...]] = {}
        self.next_row = 0
        self.last_idx = -1

    # What is asked first

    def find(self, token: TokenInfo) -> Live:
        """The living token that `token` names. `Refused` gives the reason if there is none."""
        self._run_is_up()
        if token.run != self._recorder.run:
            self._known(token)
            raise Refused(Refusal.OTHER_RUN, f"token {token.name} is of run {token.run}, not of this one")
        live = self.state.live.get((token.row, token.token))
        if live is None:
            if self._in_trail(token):
                raise Refused(Refusal.HAS_FATE, f"token {token.name} has met its fate")
            raise Refused(Refusal.UNKNOWN_TOKEN, f"the run has no token {token.name}")
        return live

    def _known(self, token: TokenInfo) -> None:
        """Refuse a token that is in no trail, or whose run does not exist."""
        if not self._recorder.landscape.has_run(token.run):
            raise Refused(Refusal.UNKNOWN_RUN, f"there is no run {token.run}")
        if not self._in_trail(token):
            raise Refused(Refusal.UNKNOWN_TOKEN, f"run {token.run} has no token {token.name}")

    def _run_is_up(self) -> None:
        if self._recorder.status is RunStatus.COMPLETED:
            raise Refused(Refusal.RUN_OVER, "the run is over; nothing more happens in it")
        if self._recorder.status is RunStatus.INTERRUPTED:
            raise Refused(Refusal.RUN_DOWN, "the run is interrupted; only resume is possible")

    def _in_trail(self, token: TokenInfo) -> bool:
        if token.run == self._recorder.run and self._recorder.waits(token.row, token.token):
            return True
        return self._recorder.landscape.has_token(token.run, token.row, token.token)

    def _idle(self, token: TokenInfo) -> Live:
        live = self.find(token)
        if live.phase is not Phase.NEXT:
            raise Refused(Refusal.ALREADY_VISITING, f"token {token.name} is visiting {live.node.name}")
        return live

    def fits(self, row: PipelineRow, what: str) -> None:
        if row.size > self.limits.row_bytes:
            raise LimitExceeded(f"{what} in bytes", row.size, self.limits.row_bytes, "run.row_bytes")

    def fans_out(self, how_many: int, what: str) -> None:
        if how_many > self.limits.fan_out:
            raise LimitExceeded(what, how_many, self.limits.fan_out, "run.fan_out")

    def remember(self, contracts: Mapping[int, SchemaContract]) -> None:
        """Remember the contracts that the trail has already."""
        self._contracts = {contract: number for number, contract in contracts.items()}
        self._next_contract = max(contracts, default=-1) + 1

    def contract_number(self, contract: SchemaContract) -> int:
        """The number of a contract in this run. A new one is written. Memory is bounded, so one may be written twice."""
        if contract is self._last_contract[0]:
            return self._last_contract[1]
        number = self._contracts.get(contract)
        if number is None:
            if len(self._contracts) >= _REMEMBERED_CONTRACTS:
                self._contracts.clear()
            number = self._next_contract
            self._next_contract += 1
            self._contracts[contract] = number
            self._recorder.contract(number, contract.body)
        self._last_contract = (contract, number)
        return number

    # Roots

    def initial(self, idx: int, data: PipelineRow | None, *, contract: SchemaContract | None = None) -> TokenInfo:
        """A valid row is read: the row and its root token, on its way from the source."""
        self._may_read(idx)
        if data is None or (contract is None and data.contract is EMPTY):
            raise Refused(Refusal.NO_CONTRACT, f"row {idx} has no contract; without a contract no row becomes a token")
        row = data if contract is None else data.under(contract)
        self.fits(row, f"row {idx}")
        source = self.state.compiled.source
        return self._root(idx, row, self.contract_number(row.contract), None, source.edges["continue"])

    def quarantine(self, idx: int, data: Mapping[str, object], error: str) -> TokenInfo:
        """An invalid row is read: the row and its root token, and its fate if there is no sink for invalid rows."""
        self._may_read(idx)
        source = self.state.compiled.source
        row = PipelineRow.of(data, EMPTY)
        self.fits(row, f"row {idx}")
        digest = self.state.keep_error(error)
        info = self._root(idx, row, self.contract_number(EMPTY), digest, source.on_error)
        if source.on_error is None:
            self._recorder.fate(info.row, 0, Outcome.QUARANTINED, error=digest, reason=Reason.INVALID_ROW)
            self.state.counts[Outcome.QUARANTINED] += 1
        else:
            live = self.state.live[info.key]
            live.error, live.reason = digest, Reason.INVALID_ROW
        return info

    def existing(self, row: int) -> TokenInfo:
        """A root token for a row that was read and has no root token."""
        self._run_is_up()
        found = self._recorder.landscape.row_of(self._recorder.run, row)
        waits = self._recorder.waits(row, 0)
        if found is None and not waits:
            raise Refused(Refusal.UNKNOWN_ROW, f"the run has no row {row}")
        if waits or self._recorder.landscape.has_token(self._recorder.run, row, 0):
            raise Refused(Refusal.HAS_ROOT_TOKEN, f"row {row} has its root token")
        assert found is not None
        data, body = found
        contract = SchemaContract.from_body(body)
        edge = self.state.compiled.source.edges["continue"]
        info = TokenInfo(self._recorder.run, row, self.state.number(row), PipelineRow.from_json(data, contract))
        self._recorder.token(row, info.token, edge=edge.number, contract=self.contract_number(contract))
        self.state.born(info, edge)
        return info

    def _may_read(self, idx: int) -> None:
        self._run_is_up()
        if self._recorder.rows_read is not None:
            raise Refused(Refusal.SOURCE_ENDED, "the source has ended; no row is read after that")
        if idx <= self.last_idx:
            raise Refused(Refusal.ROW_ALREADY_READ, f"row {idx} of the source has been read, up to {self.last_idx}")

    def _root(self, idx: int, data: PipelineRow, contract: int, error: bytes | None, edge: EdgeRef | None) -> TokenInfo:
        row, source = self.next_row, self.state.compiled.source
        self._recorder.row(row, source.number, idx, contract, error, data.digest, data.encoded)
        self.next_row, self.last_idx = row + 1, idx
        info = TokenInfo(self._recorder.run, row, 0, data)
        self._recorder.token(row, 0, edge=None if edge is None else edge.number, contract=contract, digest=data.digest)
        if edge is not None:
            self.state.number(row)
            self.state.born(info, edge)
        return info

    # Forks and expansions

    def branches_of(self, gate: NodeRef) -> tuple[BranchEdge, ...]:
        """All branches of a gate, in declared order."""
        known = self._branches.get(gate.name)
        if known is None:
            declared = self.state.compiled.graph.gate(gate.name).fork
            known = tuple(BranchEdge(branch, gate.edges[branch], gate.joins.get(branch)) for branch in declared)
            self._branches[gate.name] = known
        return known

    def fork(self, token: TokenInfo, gate: NodeRef, branches: Sequence[BranchEdge]) -> list[TokenInfo]:
        """The token continues as one child for each branch; a joined branch is a debt. The data are shared, not copied."""
        live = self._idle(token)
        if not branches:
            raise Refused(Refusal.NO_BRANCHES, "a fork needs at least one branch")
        names = [branch.branch for branch in branches]
        if len(set(names)) != len(names):
            raise Refused(Refusal.REPEATED_BRANCH, f"a branch twice among {', '.join(names)}")
        self.fans_out(len(names), f"branches of the fork at {gate.name}")
        return self._fork(live, gate, branches)

    def _fork(self, live: Live, gate: NodeRef, branches: Sequence[BranchEdge]) -> list[TokenInfo]:
        parent, state, recorder = live.info, self.state, self._recorder
        row, above = parent.row, parent.token
        below = parent.stack
        if below is not None and not any(branch.coalesce and gate.keeps_debt for branch in branches):
            state.drop_debt(live, LossReason.FORKED_AWAY)
            below = None
        first = state.number(row, len(branches))
        children = []
        contract = self.contract_number(parent.data.contract)
        for token, (branch, edge, coalesce) in enumerate(branches, first):
            frame = None if coalesce is None else Frame(above, branch, gate.name, coalesce, below)
            child = TokenInfo(parent.run, row, token, parent.data, branch, GroupKind.FORK, above, frame)
            recorder.token(
                row, token, branch=branch, group_kind=GroupKind.FORK, parent=above, edge=edge.number, contract=contract,
                fork=above if frame else None, frame=branch if frame else None,
            )  # fmt: skip
            recorder.parent(row, token, row, above, token - first)
            state.born(child, edge)
            children.append(child)
        promised = canonical([branch.branch for branch in branches]).decode()
        recorder.fate(row, above, Outcome.FORKED, promised=promised, first=first, last=first + len(branches) - 1)
        state.buried(live, Outcome.FORKED)
        return children

    def expand(
        self, token: TokenInfo, rows: Sequence[PipelineRow], contract: SchemaContract, edge: EdgeRef
    ) -> list[TokenInfo]:
        """The token continues as one child for each row. Nothing is written unless the contract is locked."""
        live = self._idle(token)
        if not rows:
            raise Refused(Refusal.NO_CHILDREN, "an expansion needs at least one child")
        if not contract.locked:
            raise Refused(Refusal.CONTRACT_NOT_LOCKED, "lock the contract of the children before they are made")
        self.fans_out(len(rows), f"children of the expansion at {edge.src.name}")
        for index, row in enumerate(rows):
            self.fits(row, f"child {index} of {token.name}")
        parent = live.info
        first = self.state.number(parent.row, len(rows))
        number = self.contract_number(contract)
        children = []
        for child, data in enumerate(rows, first):
            info = TokenInfo(
                parent.run, parent.row, child, data.under(contract), None, GroupKind.EXPAND, parent.token, parent.stack
            )
            self._made_from(info, edge, number, None)
            self._recorder.parent(parent.row, child, parent.row, parent.token, child - first)
            children.append(info)
        self._recorder.fate(
            parent.row, parent.token, Outcome.EXPANDED,
            promised=str(len(rows)), first=first, last=first + len(rows) - 1,
        )  # fmt: skip
        self.state.buried(live, Outcome.EXPANDED)
        return children

    def _made_from(self, info: TokenInfo, edge: EdgeRef, contract: int, batch: tuple[int, int] | None) -> Live:
        """Write a token that has its own data, and let it live."""
        frame = info.stack
        self._recorder.token(
            info.row, info.token, group_kind=info.group_kind, parent=info.parent, batch=batch, edge=edge.number,
            fork=frame.fork if frame else None, frame=frame.branch if frame else None,
            contract=contract, digest=info.data.digest, data=info.data.encoded,
        )  # fmt: skip
        return self.state.born(info, edge)

    # Merges

    def coalesce(self, parents: Sequence[TokenInfo], data: PipelineRow, edge: EdgeRef) -> TokenInfo:
        """The parents, in declared order of their branches, continue as one merged token."""
        self._run_is_up()
        if not parents:
            raise Refused(Refusal.NO_PARENTS, "a merge needs at least one parent")
        self._of_one_row(parents)
        first = parents[0]
        lives = [self._idle(parent) for parent in parents]
        frames = [live.info.stack for live in lives]
        if any(frame is None or frame.fork != (frames[0] or frame).fork for frame in frames) or frames[0] is None:
            raise Refused(Refusal.NOT_ONE_FORK, "the parents are not branches of one fork")
        branches = [frame.branch for frame in frames if frame]
        if len(set(branches)) != len(branches):
            raise Refused(Refusal.REPEATED_BRANCH, f"a branch twice among {', '.join(branches)}")
        self._merged_once(first.row, frames[0].fork, edge)
        self.fits(data, f"the merge at {edge.src.name}")
        return self.merged(lives, data, edge)

    def _merged_once(self, row: int, fork: int, edge: EdgeRef) -> None:
        """Branches of one fork are merged once at a coalesce. A barrier ensures that itself; other callers may not."""
        if self._recorder.was_merged(row, fork, edge.number):
            raise Refused(
                Refusal.ALREADY_RESOLVED, f"branches of the fork of {row}:{fork} were merged at {edge.src.name}"
            )

    def _of_one_row(self, parents: Sequence[TokenInfo]) -> None:
        first = parents[0]
        for parent in parents:
            if parent.run != self._recorder.run or parent.key not in self.state.live:
                self._known(parent)
        for parent in parents:
            if parent.run != self._recorder.run:
                raise Refused(Refusal.OTHER_RUN, f"token {parent.name} is of run {parent.run}, not of this one")
        for parent in parents:
            if parent.row != first.row:
                raise Refused(Refusal.OTHER_ROW, f"tokens {first.name} and {parent.name} are of different rows")

    def merged(self, parents: Sequence[Live], data: PipelineRow, edge: EdgeRef) -> TokenInfo:
        """The same without the checks, for a barrier, which has made them at each arrival."""
        first = parents[0].info
        assert first.stack is not None
        row = first.row
        token = self.state.number(row)
        frame = first.stack.below
        info = TokenInfo(first.run, row, token, data, None, GroupKind.JOIN, first.token, frame)
        shared = data.encoded == first.data.encoded
        self._recorder.token(
            row, token, group_kind=GroupKind.JOIN, parent=first.token, edge=edge.number,
            fork=frame.fork if frame else None, frame=frame.branch if frame else None,
            contract=self.contract_number(data.contract), digest=data.digest, data=None if shared else data.encoded,
        )  # fmt: skip
        self.state.born(info, edge)
        for ordinal, parent in enumerate(parents):
            above = parent.info.token
            self._recorder.fate(row, above, Outcome.COALESCED, merged=token)
            self._recorder.parent(row, token, row, above, ordinal)
            self.state.buried(parent, Outcome.COALESCED)
        return info

    def outputs(
        self, members: Sequence[Live], batch: tuple[int, int], rows: Sequence[PipelineRow], edge: EdgeRef
    ) -> list[TokenInfo]:
        """A batch continues as these rows. They are children of its first member, and have its row and stack."""
        first = members[0].info
        for index, row in enumerate(rows):
            self.fits(row, f"output {index} of a batch at {edge.src.name}")
        self.fans_out(len(rows), f"outputs of a batch at {edge.src.name}")
        begin = self.state.number(first.row, len(rows))
        made = []
        for token, data in enumerate(rows, begin):
            info = TokenInfo(first.run, first.row, token, data, None, GroupKind.BATCH, first.token, first.stack)
            self._made_from(info, edge, self.contract_number(data.contract), batch)
            self._recorder.parent(first.row, token, first.row, first.token, token - begin)
            made.append(info)
        for member in members:
            info = member.info
            self._recorder.fate(info.row, info.token, Outcome.CONSUMED_IN_BATCH, batch=batch)
            self.state.buried(member, Outcome.CONSUMED_IN_BATCH)
        return made

    # The rest of a life

    def update(self, token: TokenInfo, data: PipelineRow) -> TokenInfo:
        """The same token with other data. The visit that made the data records them."""
        live = self.find(token)
        self.fits(data, f"token {token.name}")
        live.info = live.info.with_data(data)
        return live.info

    def record(self, token: TokenInfo, outcome: Outcome, fields: Mapping[str, object]) -> None:
        """A bare fate. It must have the required fields and no forbidden ones."""
        live = self._idle(token)
        if outcome in DELEGATING or outcome is Outcome.BUFFERED:
            raise Refused(Refusal.NOT_A_FATE, f"{outcome} is given by its operation only, and not by a bare recording")
        must, may = CARRIES[outcome]
        given = {name for name, value in fields.items() if value is not None}
        if missing := must - given:
            raise Refused(Refusal.FIELDS_MISSING, f"{outcome} must have {', '.join(sorted(missing))}")
        if forbidden := given - must - may:
            raise Refused(Refusal.FIELDS_FORBIDDEN, f"{outcome} must not have {', '.join(sorted(forbidden))}")
        error = fields.get("error")
        reason = fields.get("reason")
        sink = fields.get("sink")
        self.state.end(
            live, outcome, loss=_LOSS[outcome],
            sink=None if sink is None else self.state.compiled[str(sink)].number,
            error=None if error is None else self.state.keep_error(str(error)),
            reason=None if reason is None else Reason(str(reason)),
        )  # fmt: skip
