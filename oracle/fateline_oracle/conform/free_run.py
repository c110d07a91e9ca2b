"""Whole runs through the trail port, for an engine that keeps its own schedule.

The answers of the nodes depend only on a seed, the node, the token and the attempt, so the order in which an engine asks does
not matter. What was asked and answered is kept as data (`compare/whole_run.py`), so that a finding can be made short and run
again. Not here: what is asked of a trail (`whole_runs.py`), and lockstep.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem
from fateline_model.state import parse_token_name

from ..compare.capabilities import not_shown_at_rest
from ..compare.difference import Difference
from ..compare.whole_run import WholeRun
from ..limits import alive
from ..ports.port import EngineSilent, Hello, Shows, TrailPort, Verdicts
from ..ports.shown import shown_by
from ..ports.validate import check_records, guarded
from .instance import InstanceResult
from .planned_rows import usual
from .whole_runs import Trail, WholeRuns, answers_of

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


class _Asked:
    """Answers, and what was answered to whom."""

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts
        self.answers: dict[tuple[str, str], list[str]] = {}

    def __call__(self, node: str, token: str, attempt: int) -> str:
        verdict = self._verdicts(node, token, attempt)
        told = self.answers.setdefault((node, token), [])
        told.extend([verdict] * (attempt + 1 - len(told)))
        told[attempt : attempt + 1] = [verdict]
        return verdict


class _Given:
    """The answers of a run that is given as data."""

    def __init__(self, system: PipelineSystem, whole: WholeRun) -> None:
        self._verdicts, self._whole = system.verdicts, whole

    def __call__(self, node: str, token: str, attempt: int) -> str:
        alive()
        row, rest = parse_token_name(token) or (len(self._whole.rows), "")
        told = self._whole.rows[row].answer(node, rest, attempt) if row < len(self._whole.rows) else None
        return told or self._whole.batches.get(token) or str(self._verdicts[node][0])


class PortRuns(WholeRuns):
    """Whole runs of one instance through the trail port."""

    def __init__(self, port: TrailPort, system: PipelineSystem, document: dict[str, object], hello: Hello) -> None:
        super().__init__(system.pipeline, self._given, not_shown_at_rest(hello))
        self._port, self._system, self._document = port, system, document
        self._shown = shown_by(hello)

    def drawn(self, seed: int, valid: Sequence[bool]) -> Difference | None:
        """Check one run whose answers are drawn."""
        asked = _Asked(SeededVerdicts(self._system, seed))
        try:
            trail = self._run(valid, asked)
        except EngineSilent:
            return self.checked(answers_of(asked.answers, valid, usual(self._system)))
        return self.judged(answers_of(asked.answers, valid, usual(self._system)), trail)

    def _given(self, whole: WholeRun) -> Trail:
        return self._run([row.valid for row in whole.rows], _Given(self._system, whole))

    def _run(self, valid: Sequence[bool], verdicts: Verdicts) -> Trail:
        rows = ["valid" if each else "invalid" for each in valid]
        records = list(guarded("run", lambda: list(self._port.run(self._document, rows, verdicts))))
        check_records("run", records)
        return Trail(tuple(self._shown(records)))


def runs_without(hello: Hello) -> str | None:
    """Why whole runs of an engine are not judged; None if they are."""
    missing = [word for word in STEPPED if word not in hello.shows]
    return f"whole runs are not judged: the engine does not show {', '.join(missing)}" if missing else None


def validity(system: PipelineSystem) -> list[bool]:
    """Which rows of a whole run the source declares valid."""
    return [not (system.options.invalid_rows and place % 7 == 3) for place in range(ROWS)]


def drive_free_runs(judged: InstanceResult, port: TrailPort, instance: Instance, hello: Hello, seed: int) -> None:
    """Check some whole runs of an instance, and add them to its result."""
    system = instance.system
    assert isinstance(system, PipelineSystem)
    if (why := runs_without(hello)) is not None:
        judged.skipped[why] += RUNS
        return
    runs = PortRuns(port, system, dict(instance.document or {}), hello)
    for number in range(RUNS):
        found = runs.drawn(seed + number, validity(system))
        if found is not None and judged.findings.is_new(found):
            found = runs.shortest(found)
        if found is not None:
            judged.findings.note(found)
    judged.steps += runs.result.steps
    judged.checked.update(runs.asked)
