"""The reference engine's token manager at the lifecycle port: two runs in one landscape, hostile arguments included.

Every operation is one step. The pipeline only provides the edges that tokens take: a chain of nested forks, so that a
fork of a fork has a gate. Not here: anything about the law.
"""

from collections.abc import Callable
from typing import Final

from fateline_engine.contracts import SchemaContract
from fateline_engine.errors import EngineBug, LimitExceeded, Refused
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.rows import PipelineRow
from fateline_engine.scripted import Commits, ScriptedRun
from fateline_engine.settings import read_pipeline
from fateline_engine.token_manager import TokenManager
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Outcome
from fateline_model.lifecycle import Op, Operation, TokenRef, World
from fateline_model.state import parse_token_name
from fateline_oracle.ports.port import EngineFault, Reply

_DEPTH: Final = 4
_BRANCHES: Final = ("a", "b")
_LOCKED: Final = SchemaContract.declared({"n": "int"}).lock()
_ROW: Final = PipelineRow.of({"n": 0}, _LOCKED)
_FIELDS: Final = {
    "sink": "out",
    "error": "as requested",
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
    """A number of runs side by side."""

    def __init__(self) -> None:
        self._landscape: Landscape | None = None
        self._graph = ExecutionGraph.build(read_pipeline(_pipeline()))
        self._runs_made = 0
        self._runs: list[ScriptedRun] = []
        self._operations: dict[Op, Callable[[ScriptedRun, Operation], Callable[[TokenManager], object]]] = {
            Op.INITIAL: self._initial,
            Op.QUARANTINE: lambda _, asked: lambda tokens: tokens.quarantine(asked.row or 0, {"n": 0}, "invalid"),
            Op.EXISTING: lambda _, asked: lambda tokens: tokens.existing(-1 if asked.row is None else asked.row),
            Op.FORK: self._fork,
            Op.EXPAND: self._expand,
            Op.MERGE: self._merge,
            Op.UPDATE: lambda run, asked: lambda tokens: tokens.update(self._token(run, asked.tokens[0]), _ROW),
            Op.RECORD: self._record,
        }

    def start(self, runs: int) -> list[str]:
        if self._landscape is None or self._runs_made >= _RUNS_IN_ONE:
            self.close()
            self._landscape, self._runs_made = Landscape.open(":memory:"), 0
        self._runs = []
        for _ in range(runs):
            self._runs_made += 1
            name = f"judged-{self._runs_made}"
            run = ScriptedRun(self._graph, self._landscape, run_id=name, commits=Commits.EACH_STEP)
            run.start()
            self._runs.append(run)
        return [run.run_id for run in self._runs]

    def close(self) -> None:
        if self._landscape is not None:
            self._landscape.close()
            self._landscape = None

    def offers(self, operation: Operation, world: World) -> bool:
        """Rows come in order, a token carries its own row, branches are those of a gate, batches are an aggregation's."""
        if operation.op not in self._operations or not 0 <= operation.run < len(world):
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
        run = self._runs[operation.run]
        refused: tuple[str | None, str] = (None, "")
        try:
            # No barrier is judged here, and callers may leave debts in a state that no graph allows.
            run.operate(self._operations[operation.op](run, operation), tell_barriers=False)
        except Refused as word:
            refused = (str(word.refusal), word.message)
        except (EngineBug, LimitExceeded) as bug:
            raise EngineFault(str(bug)) from bug
        return Reply([record for each in self._runs for record in each.written()], *refused)

    # The operations

    def _token(self, run: ScriptedRun, ref: TokenRef) -> TokenInfo:
        """The token that is meant, as its run knows it; for an unknown token, numbers that no token has."""
        row, _, number = ref.name.partition(":")
        key = (int(row), int(number)) if row.isdecimal() and number.isdecimal() else (0, 9999)
        owner = self._runs[ref.run] if ref.run < len(self._runs) else run
        live = owner.token(*key)
        return live.info if live is not None else owner.stranger(*key, _ROW)

    def _initial(self, run: ScriptedRun, asked: Operation) -> Callable[[TokenManager], object]:
        data = _ROW if asked.locked else None
        return lambda tokens: tokens.initial(asked.row or 0, data)

    def _fork(self, run: ScriptedRun, asked: Operation) -> Callable[[TokenManager], object]:
        token = self._token(run, asked.tokens[0])
        gate = run.node(f"g{_depth(token)}")
        edges = {edge.branch: edge for edge in run.tokens.branches_of(gate)}
        return lambda tokens: tokens.fork(token, gate, [edges[branch] for branch in asked.branches])

    def _expand(self, run: ScriptedRun, asked: Operation) -> Callable[[TokenManager], object]:
        token, edge = self._token(run, asked.tokens[0]), run.node("x").edges["continue"]
        contract = _LOCKED if asked.locked else SchemaContract.observing({"n": "int"})
        return lambda tokens: tokens.expand(token, [_ROW] * asked.number, contract, edge)

    def _merge(self, run: ScriptedRun, asked: Operation) -> Callable[[TokenManager], object]:
        parents = [self._token(run, ref) for ref in asked.tokens]
        edge = run.node(asked.node).edges["continue"]
        return lambda tokens: tokens.coalesce(parents, _ROW, edge)

    def _record(self, run: ScriptedRun, asked: Operation) -> Callable[[TokenManager], object]:
        token, outcome = self._token(run, asked.tokens[0]), Outcome(str(asked.outcome))
        return lambda tokens: tokens.record(token, outcome, {field: _FIELDS[field] for field in asked.fields})


def _depth(token: TokenInfo) -> int:
    depth, frame = 0, token.stack
    while frame is not None:
        depth, frame = depth + 1, frame.below
    return min(depth, _DEPTH - 1)
