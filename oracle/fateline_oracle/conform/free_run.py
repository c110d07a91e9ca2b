"""Checks whole runs of an engine that keeps its own schedule, by the trail that each run leaves.

The judge gives the rows, and the answer of each node for each token by name. The answers depend only on a seed, so the
order in which an engine asks does not matter. The trail is stepped through the law (`trails/`). Not here: lockstep.
"""

from hashlib import sha256
from typing import Final

from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem

from ..compare.capabilities import not_shown_at_rest
from ..compare.difference import Difference
from ..limits import alive
from ..ports.port import EngineFault, Hello, Shows, TrailPort
from ..ports.shown import shown_by
from ..ports.validate import check_records, guarded
from ..trails.check import TrailResult, check_run
from ..trails.reader import runs_of
from .instance import InstanceResult

RUNS: Final = 4
ROWS: Final = 24
STEPPED: Final = (Shows.VISITS, Shows.HOPS, Shows.BARRIERS, Shows.BATCHES, Shows.REASONS)
"""What the records must show so that a whole run can be stepped through the law. Without it such runs are not judged."""


class SeededVerdicts:
    """The answers of the nodes, drawn from their possible verdicts by the seed, the node, the token and the attempt."""

    def __init__(self, system: PipelineSystem, seed: int) -> None:
        self._verdicts = system.verdicts
        self._seed = seed

    def __call__(self, node: str, token: str, attempt: int) -> str:
        alive()
        drawn = sha256(f"{self._seed} {node} {token} {attempt}".encode()).digest()[0]
        allowed = self._verdicts[node]
        return str(allowed[drawn % len(allowed)])


def drive_free_runs(judged: InstanceResult, port: TrailPort, instance: Instance, hello: Hello, seed: int) -> None:
    """Check some whole runs of an instance, and add them to its result."""
    system = instance.system
    assert isinstance(system, PipelineSystem)
    if missing := [word for word in STEPPED if word not in hello.shows]:
        judged.skipped[f"whole runs are not judged: the engine does not show {', '.join(missing)}"] += RUNS
        return
    silent, shown = not_shown_at_rest(hello), shown_by(hello)
    for number in range(RUNS):
        rows = ["invalid" if system.options.invalid_rows and place % 7 == 3 else "valid" for place in range(ROWS)]
        drawn = SeededVerdicts(system, seed + number)
        document = instance.document or {}
        records = list(guarded("run", lambda: list(port.run(document, rows, drawn))))  # noqa: B023
        check_records("run", records)
        records = list(shown(records))
        found = TrailResult()
        for run in runs_of({"run": "r", **record} for record in records):
            check_run(run, system.pipeline, found)
        if found.rows != len(rows):
            raise EngineFault(f"run: the engine was given {len(rows)} rows, and its trail has {found.rows}")
        judged.steps += found.steps
        judged.checked.update({law: count for law, count in found.checked.items() if law not in silent})
        laws = tuple((finding.law, finding.message) for finding in found.findings if finding.law not in silent)
        if laws:
            says = tuple(message for _, message in laws)
            judged.findings.note(Difference((), (), "the trail of a whole run", says, laws))
            return
