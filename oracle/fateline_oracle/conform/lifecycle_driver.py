"""Compares the lifecycle machine with the token manager of an engine: one operation at a time, with any arguments.

No graph limits the caller here, so the laws of lineage are tested with unknown tokens, other rows, other runs and
repeated parents. Compared are the things that a token manager knows: rows, tokens, parents, outcomes, batches. Visits,
hops and barriers belong to a pipeline and are not compared. Not here: which operations to try (`edge_cover.py`).
"""

from typing import Final

from fateline_model import Operation, Run, World
from fateline_model.laws import NOT_IN_LIFECYCLE
from fateline_model.lifecycle import NO_GRAPH, TokenRef
from fateline_model.records import Record, as_json

from ..compare.names import Names
from ..compare.records import differences, keyed
from ..ports.port import LifecyclePort, RecordJson, Reply
from .machine_driver import Recorded, SideBySide

SEEN: Final = ("rows", "tokens", "parents", "outcomes", "batches", "members")
RUNS: Final = "AB"


class LifecycleSideBySide(SideBySide[Operation, World]):
    """A number of runs, in the law and in an engine."""

    silent = frozenset(NOT_IN_LIFECYCLE)

    def __init__(self, port: LifecyclePort, runs: int) -> None:
        super().__init__(NO_GRAPH)
        self.port = port
        self.runs = runs

    def start(self) -> None:
        self.world: World = tuple(Run(RUNS[number]) for number in range(self.runs))
        self.names = [Names() for _ in range(self.runs)]
        self.run_names = dict(zip(self.port.start(self.runs), RUNS, strict=False))

    def is_supported(self, operation: Operation, world: World) -> bool:
        return self.port.offers(operation, world)

    def ask(self, operation: Operation) -> Reply:
        if not operation.tokens:
            return self.port.do(operation)
        tokens = tuple(TokenRef(ref.run, self._names(ref.run).engine_token(ref.name)) for ref in operation.tokens)
        return self.port.do(operation._replace(tokens=tokens))

    def _names(self, run: int) -> Names:
        return self.names[run] if run < len(self.names) else self.names[0]

    def compare(self, operation: Operation, records: tuple[Record, ...], reply: Reply) -> Recorded | None:
        expected = [as_json(record) for record in records]
        observed = self.translated(reply)
        own = RUNS[operation.run]
        wrong = [f"written in another run: {record['rec']}" for record in observed if record["run"] != own]
        wrong += differences(keyed(r for r in expected if r["rec"] in SEEN), keyed(observed))
        return Recorded(observed, tuple(wrong)) if wrong else None

    def translated(self, reply: Reply) -> tuple[RecordJson, ...]:
        for run, own in self.run_names.items():
            self._names(RUNS.find(own)).learn([record for record in reply.records if record.get("run") == run])
        by_run = [(self.run_names.get(str(record.get("run")), "?"), record) for record in reply.records]
        return tuple(
            {**self._names(max(RUNS.find(run), 0)).translate(record), "run": run}
            for run, record in by_run
            if record["rec"] in SEEN
        )
