"""What the engine's tests share: small pipelines, rows from a list, a sink that is a list, and scripted verdicts.

What it is: a way to say a scenario in a few lines and to read the trail back by the names of the law (``3/a``).

What it is not: a second engine. Everything here runs the production path through its plugs: plugins, script, clock.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fateline_engine.clock import ManualClock
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.export import records
from fateline_engine.merging import CannotMerge, Merged, merge
from fateline_engine.orchestrator import Orchestrator, Summary
from fateline_engine.plugins import BatchOutputs, Contract, Pass, Row, SourceRecord
from fateline_engine.plugins.registry import Plugins
from fateline_engine.rows import PipelineRow
from fateline_engine.script import BatchInfo, Boundary, Kind, Production, Route, Verdict, Work, Written
from fateline_engine.settings import CoalesceNode, GateNode, Node, NodeKind, Pipeline, read_pipeline
from fateline_engine.tokens import TokenInfo

Answer = Callable[[Any, int], Verdict]


class Crash(BaseException):
    """Raised at a boundary; nothing catches it, as nothing catches a power cut."""


def pipeline(*nodes: Mapping[str, object], name: str = "trial") -> Pipeline:
    return read_pipeline({"name": name, "nodes": [dict(node) for node in nodes]})


def pruned(*nodes: Mapping[str, object]) -> Pipeline:
    """The same without the sinks that nothing leads to."""
    used = {value for node in nodes for value in _values(node)}
    return pipeline(*(node for node in nodes if node["kind"] != "sink" or node["name"] in used))


def _values(node: Mapping[str, object]) -> Iterator[object]:
    for key in ("to", "on_error"):
        yield node.get(key)
    for key in ("routes", "fork"):
        named = node.get(key)
        if isinstance(named, Mapping):
            yield from named.values()


def source(to: str, **more: object) -> dict[str, object]:
    return {"name": "src", "kind": "source", "to": to, **more}


def sink(name: str = "out", **more: object) -> dict[str, object]:
    return {"name": name, "kind": "sink", **more}


def transform(name: str, to: str, **more: object) -> dict[str, object]:
    return {"name": name, "kind": "transform", "to": to, **more}


def fork(name: str = "split", **branches: str) -> dict[str, object]:
    return {"name": name, "kind": "gate", "routes": {"all": "fork"}, "fork": branches}


def coalesce(name: str, to: str, *branches: str, **more: object) -> dict[str, object]:
    return {"name": name, "kind": "coalesce", "to": to, "branches": list(branches), **more}


def diamond(**more: object) -> Pipeline:
    """source → fork a, b → a transform each, whose errors go to ``bad`` → coalesce → sink."""
    return pipeline(
        source("split"),
        fork(a="ta", b="tb"),
        transform("ta", "join", on_error="bad"),
        transform("tb", "join", on_error="bad"),
        coalesce("join", "out", "a", "b", **more),
        sink("out"),
        sink("bad"),
    )


CONTRACT: Contract = {"v": "any"}


class ListSource:
    """Rows from a list; ``None`` stands for an invalid one."""

    def __init__(self, rows: Sequence[Row | None], contract: Contract | None = CONTRACT) -> None:
        self.rows = rows
        self.contract = contract

    def open(self) -> None: ...

    def close(self) -> None: ...

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        for index, row in enumerate(self.rows):
            if index >= start:
                if row is None:
                    yield SourceRecord(index, {"raw": "?"}, error="cannot be read")
                else:
                    yield SourceRecord(index, row, self.contract)


class ListSink:
    """A sink whose file is a list. What was not flushed is lost in a crash."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.durable = 0
        self.path: Path | None = None

    def open(self, *, resume: bool) -> None: ...

    def close(self) -> None: ...

    def write(self, row: Row) -> None:
        self.rows.append(dict(row))

    def flush(self) -> None:
        self.durable = len(self.rows)

    def position(self) -> int:
        return len(self.rows)

    def truncate(self, position: int) -> None:
        assert position <= len(self.rows), "what was confirmed is gone"
        del self.rows[position:]
        self.durable = position

    def power_cut(self) -> None:
        del self.rows[self.durable :]


class Scripted(Production):
    """Verdicts from a table of functions; what is not in it says yes. It may crash at the n-th boundary."""

    def __init__(self, plugins: Plugins, clock: ManualClock, answers: Mapping[str, Answer]) -> None:
        super().__init__(plugins, clock)
        self.answers = answers
        self.crash_at: int | None = None
        self.boundaries = 0
        self.says: Merged | CannotMerge | None = None

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        answer = self.answers.get(node.name)
        if answer is not None:
            verdict = answer(token, attempt)
        elif isinstance(token, BatchInfo):
            return BatchOutputs(token.rows)
        elif isinstance(node, GateNode):
            return Route(next(iter(node.routes)))
        elif node.kind is NodeKind.SINK:
            verdict = Written()
        else:
            return Pass(token.data)
        if isinstance(verdict, Written) and isinstance(token, TokenInfo):
            assert self.plugins is not None
            self.plugins.sinks[node.name].write(token.data)
        return verdict

    def boundary(self, kind: Boundary) -> None:
        if self.crash_at == self.boundaries:
            raise Crash(kind)
        self.boundaries += 1

    def merge(self, node: CoalesceNode, arrived: Sequence[tuple[str, PipelineRow]]) -> Merged | CannotMerge:
        return self.says or merge(node, arrived)


@dataclass
class Trial:
    """One pipeline, its rows, and a run of it in a landscape in memory."""

    pipeline: Pipeline
    rows: Sequence[Row | None] = ({"v": 0},)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    each_step: bool = False
    landscape: Landscape = field(default_factory=lambda: Landscape.open(":memory:"))
    contract: Contract | None = None
    run_id: str = "R"

    def __post_init__(self) -> None:
        self.graph = ExecutionGraph.build(self.pipeline)
        self.clock = ManualClock(1000)
        self.sinks = {node.name: ListSink() for node in self.pipeline.nodes if node.kind is NodeKind.SINK}
        self.plugins = Plugins(ListSource(self.rows, self.contract or CONTRACT), sinks=dict(self.sinks))
        self.script = Scripted(self.plugins, self.clock, self.answers)
        self.engine = self.fresh()

    def fresh(self) -> Orchestrator:
        """An engine that knows nothing but the landscape and the plugins."""
        return Orchestrator(
            self.graph, self.landscape, plugins=self.plugins, script=self.script, run_id=self.run_id,
            each_step=self.each_step,
        )  # fmt: skip

    def run(self) -> Summary:
        return self.engine.run()

    def started(self) -> "Trial":
        self.engine.start()
        return self

    def after_crash(self) -> "Trial":
        """A new engine on what the crash left, not yet resumed."""
        for one in self.sinks.values():
            one.power_cut()
        self.script.crash_at = None
        self.engine = self.fresh()
        return self

    # Snapshots

    def snapshot(self) -> tuple[bytes, dict[str, int]]:
        """The run as it stands; what waits is committed."""
        if self.engine.recorder.dirty:
            self.engine.commit()
        return self.landscape.snapshot(), {name: sink.position() for name, sink in self.sinks.items()}

    def restore(self, snapshot: tuple[bytes, dict[str, int]]) -> None:
        """Be again where the snapshot was taken: everything comes back from the trail."""
        landscape, positions = snapshot
        self.landscape.restore(landscape)
        for name, position in positions.items():
            self.sinks[name].truncate(position)
        self.engine.rebuild()

    # Driving

    def runnable(self, kind: Kind | None = None) -> list[Work]:
        return [work for work in self.engine.runnable() if kind is None or work.kind is kind]

    def to_rest(self) -> "Trial":
        """Move tokens until none can move; no clock, no row."""
        moving = (Kind.BEGIN, Kind.FINISH, Kind.ARRIVE, Kind.ACCEPT)
        while works := [work for work in self.runnable() if work.kind in moving]:
            self.engine.do(works[0])
        return self

    def read(self) -> "Trial":
        self.engine.do(Work(Kind.READ))
        return self

    def move(self, name: str) -> "Trial":
        """The next work of the token of this name, a visit from begin to end."""
        for _ in range(2):
            (work,) = [work for work in self.runnable() if work.token and self.name_of(*work.token) == name]
            self.engine.do(work)
            if work.kind is not Kind.BEGIN:
                break
        return self

    def finish(self) -> "Trial":
        while works := self.runnable():
            self.engine.do(works[0])
        return self

    # Reading

    def trail(self, relation: str) -> list[dict[str, Any]]:
        """The records of one relation, also those that wait for a commit."""
        if self.engine.recorder.dirty:
            self.engine.recorder.commit()
        return [record for record in records(self.landscape, self.run_id) if record["rec"] == relation]

    def names(self) -> dict[str, str]:
        """Token id to its name in the law."""
        parents = {record["child"]: record for record in reversed(self.trail("parents"))}
        forks = {record["result"]: record for record in self.trail("barriers") if "result" in record}
        members = {(record["batch"], record["ordinal"]): record["token"] for record in self.trail("members")}
        names: dict[str, str] = {}
        for token in self.trail("tokens"):
            ident, kind = token["token"], token.get("group_kind")
            if kind is None:
                names[ident] = token["row"]
            elif kind == "fork":
                names[ident] = f"{names[parents[ident]['parent']]}/{token['branch']}"
            elif kind == "join":
                names[ident] = f"{names[forks[ident]['fork_group']]}/{forks[ident]['node']}"
            else:
                above = parents[ident]["parent"] if kind == "expand" else members[token["group"], 0]
                names[ident] = f"{names[above]}.{parents[ident]['ordinal']}"
        return names

    def name_of(self, row: int, token: int) -> str:
        return self.names()[f"{row}:{token}"]

    def fates(self) -> dict[str, str]:
        """Name to outcome, with the reason behind a colon if there is one."""
        names = self.names()
        return {
            names[record["token"]]: record["outcome"] + (f":{record['reason']}" if "reason" in record else "")
            for record in self.trail("outcomes")
            if record["outcome"] != "buffered"
        }

    def barriers(self) -> dict[str, str]:
        """``join of 0`` to ``merged by arrival: a,b; lost ``."""
        names = self.names()
        return {
            f"{record['node']} of {names[record['fork_group']]}":
            f"{record.get('reason', record['verdict'])} by {record['trigger']}: {record['arrived']}; {record['lost']}"
            for record in self.trail("barriers")
        }  # fmt: skip

    def losses(self) -> dict[str, str]:
        return {
            f"{record['barrier'].split('/')[0]} {record['branch']}": record["reason"] for record in self.trail("losses")
        }


def fails_for(*values: object, retryable: bool = False) -> Answer:
    """A transform or sink that fails on these values of ``v``."""
    from fateline_engine.plugins import Failure

    def answer(token: Any, attempt: int) -> Verdict:
        return Failure("told to fail", retryable) if token.data["v"] in values else Pass(token.data)

    return answer
