"""The reference engine's token manager at the lifecycle port: two runs in one landscape, hostile arguments included.

Every operation goes through `Orchestrator.operate`, as a step of its own. The pipeline under it only lends the ways that
tokens take: a chain of nested forks, so that a fork of a fork has a gate. Not here: anything about the law.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fateline_engine.clock import ManualClock
from fateline_engine.contracts import SchemaContract
from fateline_engine.errors import EngineBug, LimitExceeded, Refused
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.rows import PipelineRow
from fateline_engine.script import Production
from fateline_engine.settings import read_pipeline
from fateline_engine.token_manager import TokenManager
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Outcome
from fateline_model.lifecycle import Op, Operation, TokenRef, World
from fateline_model.state import parse_token_name
from fateline_oracle.ports.port import EngineFault, Reply
from fateline_oracle.reference.views import Views

_DEPTH: Final = 4
_BRANCHES: Final = ("a", "b")
_LOCKED: Final = SchemaContract.declared({"n": "int"}).lock()
_ROW: Final = PipelineRow.of({"n": 0}, _LOCKED)
_FIELDS: Final = {
    "sink": "out",
    "error": "as told",
    "reason": "node_failed",
    "batch": "x",
    "group": "x",
    "promised": "x",
}
_RUNS_IN_ONE: Final = 200


def _pipeline() -> dict[str, object]:
    """Forks within forks, each joined; the outermost coalesce is `j`, by which every merge is named."""
    nodes: list[dict[str, object]] = [{"name": "src", "kind": "source", "to": "g0"}]
    for depth in range(_DEPTH):
        inner = f"g{depth + 1}" if depth + 1 < _DEPTH else _coalesce(depth)
        fork = {"a": inner, "b": _coalesce(depth)}
        nodes.append({"name": f"g{depth}", "kind": "gate", "routes": {"all": "fork"}, "fork": fork})
        to = _coalesce(depth - 1) if depth else "x"
        nodes.append({"name": _coalesce(depth), "kind": "coalesce", "branches": list(_BRANCHES), "to": to})
    nodes.append({"name": "x", "kind": "transform", "to": "out", "expands": True})
    nodes.append({"name": "out", "kind": "sink"})
    return {"name": "lifecycle", "nodes": nodes}


def _coalesce(depth: int) -> str:
    return f"j{depth}" if depth else "j"


class LifecyclePort:
    """So many runs side by side."""

    def __init__(self) -> None:
        self._landscape: Landscape | None = None
        self._graph = ExecutionGraph.build(read_pipeline(_pipeline()))
        self._runs = 0
        self._engines: list[Orchestrator] = []
        self._calls: dict[Op, Callable[[Orchestrator, Operation], Callable[[TokenManager], object]]] = {
            Op.INITIAL: self._initial,
            Op.QUARANTINE: lambda _, said: lambda tokens: tokens.quarantine(said.row or 0, {"n": 0}, "invalid"),
            Op.EXISTING: lambda _, said: lambda tokens: tokens.existing(-1 if said.row is None else said.row),
            Op.FORK: self._fork,
            Op.EXPAND: self._expand,
            Op.MERGE: self._merge,
            Op.UPDATE: lambda engine, said: lambda tokens: tokens.update(self._token(engine, said.tokens[0]), _ROW),
            Op.RECORD: self._record,
        }

    def start(self, runs: int) -> list[str]:
        if self._landscape is None or self._runs >= _RUNS_IN_ONE:
            self.close()
            self._landscape = Landscape.open(":memory:")
            self._views = Views(self._landscape.conn)
            self._runs = 0
        self._engines = []
        for _ in range(runs):
            self._runs += 1
            engine = Orchestrator(
                self._graph,
                self._landscape,
                script=Production(None, ManualClock(0)),
                run_id=f"judged-{self._runs}",
                each_step=True,
            )
            engine.start()
            self._engines.append(engine)
        self._seen = [engine.recorder.seq for engine in self._engines]
        return [str(engine.run_id) for engine in self._engines]

    def close(self) -> None:
        if self._landscape is not None:
            self._landscape.close()
            self._landscape = None

    def offers(self, operation: Operation, world: World) -> bool:
        """Rows come in order, a token carries its own row, branches are those of a gate, batches are an aggregation's."""
        if operation.op not in self._calls or not 0 <= operation.run < len(world):
            return False
        rows = len(world[operation.run].rows)
        if operation.op in (Op.INITIAL, Op.QUARANTINE) and (operation.row or 0) > rows:
            return False
        if operation.op is Op.FORK and not set(operation.branches) <= set(_BRANCHES):
            return False
        if operation.row is not None and operation.tokens:
            place = parse_token_name(operation.tokens[0].name)
            return operation.row < rows and place is not None and place[0] == operation.row
        return operation.op is not Op.MERGE or (operation.row or 0) < rows

    def do(self, operation: Operation) -> Reply:
        assert self._landscape is not None
        engine, conn = self._engines[operation.run], self._landscape.conn
        before = conn.total_changes
        refused: Refused | None = None
        try:
            engine.operate(partial(_without_barriers, engine, self._calls[operation.op](engine, operation)))
        except Refused as word:
            refused = word
        except (EngineBug, LimitExceeded) as bug:
            raise EngineFault(str(bug)) from bug
        found: list[dict[str, Any]] = []
        if conn.total_changes != before or engine.recorder.dirty:
            for place, one in enumerate(self._engines):
                told = self._views.after(str(one.run_id), self._seen[place])
                self._seen[place] = max([one.recorder.seq, *(record["seq"] for record in told)])
                found += told
        return Reply(found) if refused is None else Reply(found, str(refused.refusal), refused.message)

    # ------------------------------------------------------------------------------------------------ operations

    def _token(self, engine: Orchestrator, ref: TokenRef) -> TokenInfo:
        """The token that is meant, as its own run knows it; a stranger by numbers that no token has."""
        row, _, number = ref.name.partition(":")
        key = (int(row), int(number)) if row.isdecimal() and number.isdecimal() else (0, 9999)
        owner = self._engines[ref.run] if ref.run < len(self._engines) else engine
        live = owner.state.live.get(key)
        return live.info if live is not None else TokenInfo(owner.recorder.run, *key, _ROW)

    def _initial(self, engine: Orchestrator, said: Operation) -> Callable[[TokenManager], object]:
        data = _ROW if said.locked else None
        return lambda tokens: tokens.initial(said.row or 0, data)

    def _fork(self, engine: Orchestrator, said: Operation) -> Callable[[TokenManager], object]:
        token = self._token(engine, said.tokens[0])
        gate = engine.atlas[f"g{_depth(token)}"]
        ways = {way.branch: way for way in engine.tokens.branches_of(gate)}
        return lambda tokens: tokens.fork(token, gate, [ways[branch] for branch in said.branches])

    def _expand(self, engine: Orchestrator, said: Operation) -> Callable[[TokenManager], object]:
        token, way = self._token(engine, said.tokens[0]), engine.atlas["x"].ways["continue"]
        contract = _LOCKED if said.locked else SchemaContract.observing({"n": "int"})
        return lambda tokens: tokens.expand(token, [_ROW] * said.number, contract, way)

    def _merge(self, engine: Orchestrator, said: Operation) -> Callable[[TokenManager], object]:
        parents = [self._token(engine, ref) for ref in said.tokens]
        way = engine.atlas[said.node].ways["continue"]
        return lambda tokens: tokens.coalesce(parents, _ROW, way)

    def _record(self, engine: Orchestrator, said: Operation) -> Callable[[TokenManager], object]:
        token, outcome = self._token(engine, said.tokens[0]), Outcome(str(said.outcome))
        return lambda tokens: tokens.record(token, outcome, {field: _FIELDS[field] for field in said.fields})


def _without_barriers(engine: Orchestrator, call: Callable[[TokenManager], object], tokens: TokenManager) -> None:
    """No barrier is judged here, and callers may leave debts in a state that no graph allows: lost ones are not told."""
    try:
        call(tokens)
    finally:
        engine.state.losses.clear()


def _depth(token: TokenInfo) -> int:
    depth, frame = 0, token.stack
    while frame is not None:
        depth, frame = depth + 1, frame.below
    return min(depth, _DEPTH - 1)
