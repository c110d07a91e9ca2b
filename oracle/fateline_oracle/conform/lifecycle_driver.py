"""Compares the lifecycle machine with the token manager of an engine: one operation at a time, with any arguments.

No graph limits the caller here, so the laws of lineage are tested with unknown tokens, other rows, other runs and
repeated parents. Compared are the things that a token manager knows: rows, tokens, parents, outcomes, batches. Visits,
hops and barriers belong to a pipeline and are not compared. Not here: which operations to try (`edge_cover.py`).
"""

from collections.abc import Sequence
from typing import Final

from fateline_model import Operation, Run, World
from fateline_model.checker.systems import State
from fateline_model.laws import NOT_IN_LIFECYCLE
from fateline_model.lifecycle import NO_GRAPH, TokenRef
from fateline_model.records import Record, as_json

from ..compare.broken_laws import same_state
from ..compare.capabilities import is_supported
from ..compare.data_laws import torn_step
from ..compare.names import Names
from ..compare.records import differences, keyed
from ..ports.port import Hello, LifecyclePort, RecordJson, Reply
from .machine_driver import Recorded, SideBySide

SEEN: Final = ("rows", "tokens", "parents", "outcomes", "batches", "members")
RUNS: Final = "AB"


class LifecycleSideBySide(SideBySide[Operation, World]):
    """A number of runs, in the law and in an engine."""

    def __init__(self, port: LifecyclePort, runs: int, hello: Hello) -> None:
        super().__init__(NO_GRAPH, hello, frozenset(NOT_IN_LIFECYCLE))
        self.port = port
        self.runs = runs

    def start(self) -> None:
        self.world: World = tuple(Run(RUNS[number]) for number in range(self.runs))
        self.names = [Names() for _ in range(self.runs)]
        self.run_names = dict(zip(self.port.start(self.runs), RUNS, strict=False))

    def is_supported(self, operation: Operation, state: State) -> bool:
        return is_supported(self.hello, operation, state) and self.port.offers(operation, state.world)

    def ask(self, operation: Operation) -> Reply:
        if not operation.tokens:
            return self.port.do(operation)
        tokens = tuple(TokenRef(ref.run, self._names(ref.run).engine_token(ref.name)) for ref in operation.tokens)
        return self.port.do(operation._replace(tokens=tokens))

    def _names(self, run: int) -> Names:
        return self.names[run] if run < len(self.names) else self.names[0]

    def compare(self, operation: Operation, records: tuple[Record, ...], after: World, reply: Reply) -> Recorded | None:
        expected = [as_json(record) for record in records]
        observed = self._translated(reply, expected)
        own = RUNS[operation.run]
        wrong = [f"written in another run: {record['rec']}" for record in observed if record["run"] != own]
        goes_on = not wrong
        wrong += differences(keyed(r for r in expected if r["rec"] in SEEN), keyed(observed), self.unrecorded)
        broken = torn_step(observed)
        if not wrong and not broken:
            return None
        if goes_on:
            whole = (*observed, *(record for record in expected if record["rec"] not in SEEN))
            before, then = (self.world[operation.run],), (after[operation.run],)
            goes_on = same_state(self.pipeline, before, operation, records, then, whole, self.unrecorded)
        return Recorded(observed, tuple(wrong), tuple(broken), goes_on)

    def translated(self, reply: Reply) -> tuple[RecordJson, ...]:
        return self._translated(reply, ())

    def _translated(self, reply: Reply, expected: Sequence[RecordJson]) -> tuple[RecordJson, ...]:
        for run, own in self.run_names.items():
            of_run = [record for record in reply.records if record.get("run") == run]
            self._names(RUNS.find(own)).learn(of_run, expected)
        by_run = [(self.run_names.get(str(record.get("run")), "?"), record) for record in reply.records]
        return tuple(
            {**self._names(max(RUNS.find(run), 0)).translate(record), "run": run}
            for run, record in by_run
            if record["rec"] in SEEN
        )
