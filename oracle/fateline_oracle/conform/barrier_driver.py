"""Compares the single-barrier machine with a barrier of an engine: any event in any order, also repeated or for no branch.

Events name branches; the engine gives the ids of its tokens at the start. Compared are the things that a barrier knows:
its visits, the tokens that it ends and makes, losses, and its resolution. The caller of the port may declare any branch
lost, so the fate of that branch's token is not compared, and C13, which reads it, is not asked. Not here: which events to try
(`edge_cover.py`).
"""

from collections.abc import Mapping
from typing import Final

from fateline_model import BarrierEvent, BarrierStimulus, Pipeline
from fateline_model.barrier_machine import initial
from fateline_model.checker.systems import State
from fateline_model.laws import ALL, Family
from fateline_model.lifecycle import World
from fateline_model.pipeline import Node
from fateline_model.records import Record, as_json
from fateline_model.words import Strategy

from ..compare.broken_laws import same_state
from ..compare.capabilities import is_supported
from ..compare.data_laws import DataTrail
from ..compare.names import Names
from ..compare.records import differences, keyed
from ..ports.port import BarrierPort, Hello, RecordJson, Reply
from .machine_driver import Recorded, SideBySide

SEEN: Final = ("visits", "outcomes", "tokens", "parents", "losses", "barriers")
FORK: Final = "0"
SILENT: Final = frozenset(
    {law.id for law in ALL if law.family in (Family.TOPOLOGY, Family.RECOVERY)} | {"V4", "D2", "F7", "C13"}
)
"""The laws about things that a barrier does not show."""


class BarrierSideBySide(SideBySide[BarrierStimulus, World]):
    """One barrier, in the law and in an engine."""

    _row: str | None

    def __init__(self, pipeline: Pipeline, coalesce: Mapping[str, object], port: BarrierPort, hello: Hello) -> None:
        super().__init__(pipeline, hello, SILENT)
        self.coalesce = coalesce
        self.port = port

    def start(self) -> None:
        self.world: World = (initial(self.pipeline),)
        self.names, self._row = Names(), None
        self.data = DataTrail(self.pipeline, self.unrecorded)
        tokens = self.port.start(self.coalesce)
        for branch, own in tokens.items():
            self.names.call(own, f"{FORK}/{branch}" if branch else FORK)

    def is_supported(self, stimulus: BarrierStimulus, state: State) -> bool:
        return is_supported(self.hello, stimulus, state)

    def ask(self, stimulus: BarrierStimulus) -> Reply:
        return self.port.do(stimulus)

    def compare(
        self, stimulus: BarrierStimulus, records: tuple[Record, ...], after: World, reply: Reply
    ) -> Recorded | None:
        expected = [as_json(record) for record in records]
        compared = [record for record in expected if record["rec"] in SEEN and not is_fate_of_lost(record, stimulus)]
        self.names.learn(reply.records, expected)
        self.names.learn_barriers([record for record in expected if record["rec"] == "losses"], reply.records)
        observed = tuple(record for record in self.translated(reply) if not is_fate_of_lost(record, stimulus))
        wrong = differences(keyed(compared), keyed(observed), self.unrecorded)
        broken = self.data.see(observed)
        self.checked.update(self.data.checked)
        self.data.checked = dict.fromkeys(self.data.checked, 0)
        if not wrong and not broken:
            return None
        whole = (*observed, *(record for record in expected if record not in compared))
        goes_on = same_state(self.pipeline, self.world, stimulus, records, after, whole, self.unrecorded)
        return Recorded(observed, tuple(wrong), tuple(broken), goes_on)

    def translated(self, reply: Reply) -> tuple[RecordJson, ...]:
        for record in reply.records:
            if record["rec"] == "tokens" and self._row is None:
                self._row = str(record.get("row"))  # there is only one row, whatever its id
                self.names.call_row(self._row, FORK)
        return tuple(self.names.translate(record) for record in reply.records if record["rec"] in (*SEEN, "merges"))


def is_fate_of_lost(record: RecordJson, stimulus: BarrierStimulus) -> bool:
    """True for the outcome of the token whose branch is declared lost. The engine may record it, or its caller."""
    lost = f"{FORK}/{stimulus.branch}" if stimulus.do is BarrierEvent.LOSE else None
    return record["rec"] == "outcomes" and record["token"] == lost


def document_of(coalesce: Node) -> dict[str, object]:
    """A coalesce in the JSON form of a pipeline's nodes."""
    document: dict[str, object] = {
        "name": coalesce.name,
        "kind": str(coalesce.kind),
        "branches": list(coalesce.branches),
        "policy": str(coalesce.policy),
        "quorum_count": coalesce.quorum_count,
        "timeout_seconds": coalesce.timeout_seconds,
        "merge": str(coalesce.merge),
        "select_branch": coalesce.select_branch,
        "collisions": str(coalesce.collisions) if coalesce.merge is Strategy.UNION else None,
        "to": coalesce.to,
    }
    return {key: value for key, value in document.items() if value is not None}
