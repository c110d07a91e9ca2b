"""Whole runs of an engine that has only a command line: pipeline and rows are written to files, and its trail is read back.

The command is run once for each run. In its words, `{pipeline}` stands for a file with the pipeline (JSON, as in
`specs/pipeline.md`), `{rows}` for a file with the rows as JSON lines, `{csv}` for the same as CSV, and `{trail}` for where the
engine must leave its trail: anything that `fateline audit` reads. Each row has its number in the column `row`, whether it is
valid in `valid`, and in `verdict_<node>` what that node must answer to it, attempt by attempt.

A command that ends with the status `CANNOT` says that it cannot run this pipeline. Any other status but 0 is a run that ended
early. Everything that the command started ends with it.

Not here: which rows are planned (`planned_rows.py`), and what is asked of a trail (`whole_runs.py`).
"""

import csv
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from fateline_model.checker.systems import PipelineSystem

from ..audit.any_trail import open_any, prepared
from ..audit.connect import BadSource
from ..audit.whole import Wanted, audit
from ..compare.whole_run import WholeRun
from ..limits import Allowance, silence
from ..ports.port import EngineFault, EngineSilent
from ..ports.process import ended, started
from .planned_rows import VALIDITY, columns, usual
from .whole_runs import EndedEarly, Trail, WholeRuns

CANNOT: Final = 77
"""The exit status of a command that cannot run a pipeline, as build tools have it for a test that is skipped."""
PLACES: Final = ("pipeline", "rows", "csv", "trail")
LOG: Final = 16_384
"""The number of bytes of what the command printed that are kept."""
_LOOK: Final = 0.2


class CannotRun(Exception):
    """The command cannot run this pipeline; the message is what it printed last."""


class CommandRuns(WholeRuns):
    """Whole runs of one pipeline by a command."""

    def __init__(
        self, command: Sequence[str], system: PipelineSystem, document: Mapping[str, object], views: Path | None = None
    ) -> None:
        super().__init__(system.pipeline, self._given)
        self._command, self._system, self._document, self._views = list(command), system, document, views

    def _given(self, whole: WholeRun) -> Trail:
        with tempfile.TemporaryDirectory(prefix="fateline-plan-") as name:
            folder = Path(name)
            files = write_plan(folder, self._document, self._system, whole)
            status, last_words = self._ran(folder, {**files, "trail": folder / "trail"})
            if status == CANNOT:
                raise CannotRun(last_words)
            trail = folder / "trail"
            if status == 0:
                return self._left(trail, last_words)
            left = self._left(trail, last_words) if trail.exists() else Trail(())
            raise EndedEarly(f"it ended with exit status {status}: {last_words}", left)

    def _ran(self, folder: Path, places: Mapping[str, Path]) -> tuple[int, str]:
        """The exit status of the command, and the last line that it printed."""
        words = list(self._command)
        for place, path in places.items():
            words = [word.replace(f"{{{place}}}", str(path)) for word in words]
        log = folder / "log"
        with log.open("wb") as printed:
            process = started(words, "run", stdin=subprocess.DEVNULL, stdout=printed, stderr=printed)
            allowed, size = Allowance(silence()), -1
            try:
                while process.poll() is None:
                    if allowed.left() <= 0:
                        raise EngineSilent(f"run: no sign of life within {silence():g} s; {_last_line(log)}")
                    now = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
                    if now != size:
                        size = now
                        allowed.renew()
                    try:
                        process.wait(_LOOK)
                    except subprocess.TimeoutExpired:
                        continue
            finally:
                ended(process)
        return process.returncode, _last_line(log)

    def _left(self, path: Path, last_words: str) -> Trail:
        if not path.exists():
            raise EngineFault(f"run: there is no trail at {{trail}}; {last_words}")
        try:
            with open_any(path, self._views) as trail:
                left = Trail(tuple(trail.records), trail.whole, trail.ordered)
            if left.whole:
                return left
            with prepared(path, self._views) as (copy, adapter):
                found = audit(Wanted(copy, adapter))
            broken = tuple((breach.law, breach.said) for breach in found.judged.breaches)
            return left._replace(broken=broken, checked=Counter(found.checked))
        except BadSource as error:
            raise EngineFault(f"run: the trail cannot be read: {error}") from None


def write_plan(
    folder: Path, document: Mapping[str, object], system: PipelineSystem, whole: WholeRun
) -> dict[str, Path]:
    """Write the pipeline and the rows. Returns the files by the words that stand for them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"pipeline": folder / "pipeline.json", "rows": folder / "rows.jsonl", "csv": folder / "rows.csv"}
    files["pipeline"].write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    answers = usual(system)
    rows = [columns(number, row, answers) for number, row in enumerate(whole.rows)]
    files["rows"].write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    with files["csv"].open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, list(rows[0]) if rows else [])
        written.writeheader()
        written.writerows({**row, VALIDITY: json.dumps(row[VALIDITY])} for row in rows)
    return files


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:500] if lines else "it printed nothing"
