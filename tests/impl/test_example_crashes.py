"""The examples, crashed at boundaries and resumed: outputs to the byte as if nothing had happened.

By default at a dozen boundaries of each; at every one of them with the slow tests.
"""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fateline_engine.clock import ManualClock
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.runs import list_runs
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins.registry import Plugins, bind
from fateline_engine.script import Boundary, Production
from fateline_engine.settings import load_pipeline
from fateline_engine.words import RunStatus

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/pipeline.yaml"))


class Crash(BaseException):
    """Nothing catches it, as nothing catches the power cord."""


class Crashing(Production):
    """Production that is gone at the n-th boundary it meets."""

    def __init__(self, plugins: Plugins, at: int | None) -> None:
        super().__init__(plugins, ManualClock(1_000))
        self.seen = 0
        self._at = at

    def boundary(self, kind: Boundary) -> None:
        self.seen += 1
        if self.seen == self._at:
            raise Crash


@pytest.fixture(autouse=True)
def _plugins_of_one_example(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name in ("lookups", "models"):
            del sys.modules[name]


def fresh(name: str, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("out", "*.db*", "__pycache__"))
    return folder / "pipeline.yaml"


def go(file: Path, at: int | None, *, resume: bool = False, each_step: bool = False) -> int:
    """Run or resume, crashing at a boundary; how many boundaries there were."""
    pipeline = load_pipeline(file)
    plugins = bind(pipeline)
    script = Crashing(plugins, at)
    with Landscape.open(file.with_suffix(".db")) as landscape:
        orchestrator = Orchestrator(
            ExecutionGraph.build(pipeline), landscape, plugins=plugins, script=script, each_step=each_step
        )
        try:
            if not resume:
                assert orchestrator.run().finished
            elif list_runs(landscape)[0].status is not RunStatus.COMPLETED:
                assert orchestrator.resume().finished
        except Crash:
            pass
        finally:
            orchestrator.close()
    return script.seen


def left(folder: Path) -> dict[str, object]:
    """The bytes of every file, and the rows of every database, in the folder of outputs."""
    found: dict[str, object] = {}
    for path in sorted((folder / "out").glob("*")):
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as connection:
                found[path.name] = list(connection.iterdump())
        else:
            found[path.name] = path.read_bytes()
    return found


def crash_at(name: str, folder: Path, boundaries: range, undisturbed: object) -> None:
    """Odd boundaries of a run that commits every step, even ones of a run that commits as usual."""
    for at in boundaries:
        file = fresh(name, folder)
        go(file, at, each_step=at % 2 == 1)
        go(file, None, resume=True)
        assert left(folder) == undisturbed, f"crashed at boundary {at}"


@pytest.mark.parametrize("name", NAMES)
def test_a_crash_and_a_resume_leave_the_outputs_of_a_run_without(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    boundaries = go(fresh(name, folder), None, each_step=True)
    undisturbed = left(folder)
    assert boundaries > 60
    crash_at(name, folder, range(3, boundaries + 2, boundaries // 12), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_crash_anywhere_and_a_resume_leave_the_outputs_of_a_run_without(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    boundaries = go(fresh(name, folder), None, each_step=True)
    crash_at(name, folder, range(1, boundaries + 2), left(folder))
