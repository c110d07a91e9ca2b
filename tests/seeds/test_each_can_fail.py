"""Each finding's tests fail once its prevention is taken out of the engine.

The ways are the mutants of the zoo that bring a finding back, and those of `MORE`. A copy of the engine with the change is
found first by the tests of that finding; the copy without a change must pass them. Not here: which law notices a mutant
(`fateline zoo`).
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import fateline_engine
from fateline_oracle.mutants import MUTANTS
from fateline_oracle.mutants.findings import FINDINGS
from fateline_oracle.mutants.mutant import Patch
from fateline_oracle.mutants.sandbox import patched_text
from tests.mutation import PYTEST, copied

ENGINE = Path(fateline_engine.__file__).parent
HERE = Path(__file__).parent
ROOT = HERE.parents[1]

MORE: dict[str, tuple[int, tuple[Patch, ...]]] = {
    "the fate of a late token is committed in a later transaction": (
        12,
        (
            Patch(
                "coalesce.py",
                "        self.state.end(live, Outcome.FAILED, error=error, reason=reason)\n",
                "        self.state.recorder.commit()\n"
                "        self.state.end(live, Outcome.FAILED, error=error, reason=reason)\n",
            ),
        ),
    ),
    "a barrier is keyed by the row": (
        16,
        (
            Patch("coalesce.py", "self.open.get((live.info.row, frame.fork))", "self.open.get((live.info.row, 0))"),
            Patch("coalesce.py", "self.open.get((loss.row, frame.fork))", "self.open.get((loss.row, 0))"),
            Patch("coalesce.py", "self.open[row, frame.fork] = joining", "self.open[row, 0] = joining"),
            Patch("coalesce.py", "del self.open[joining.row, joining.fork]", "del self.open[joining.row, 0]"),
        ),
    ),
    "the step number of a late visit is that of its fate, the commit is not": (
        12,
        (
            Patch(
                "coalesce.py",
                "        self.state.close(live, VisitStatus.FAILED, None, error=error)\n",
                "        self.state.close(live, VisitStatus.FAILED, None, error=error)\n"
                "        self.state.recorder.commit()\n",
            ),
        ),
    ),
}
WAYS: dict[str, tuple[int, Sequence[Patch]]] = {
    **{one.name: (one.finding, one.patches) for one in MUTANTS.values() if one.finding is not None},
    **MORE,
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that no other run of pytest clears away, as it may do with old folders of its own kind."""
    with tempfile.TemporaryDirectory(prefix="fateline-seed-") as name:
        yield Path(name)


def seeds_of(finding: int) -> list[Path]:
    return sorted(HERE.glob(f"test_{finding:02}_*.py"))


def passed(home: Path, finding: int) -> bool:
    """Whether the tests of the finding pass with the engine in `home`."""
    first = [str(home), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, *(word.replace("{home}", str(home)) for word in PYTEST), *map(str, seeds_of(finding))],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(first)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    counts = re.search(r"(\d+) (passed|failed|error)", done.stdout)
    assert (home / ENGINE.name).is_dir(), "the copy is gone, so another engine was tested"
    assert counts is not None, done.stdout[-2000:] + done.stderr[-2000:]
    return done.returncode == 0


def test_every_finding_has_a_test_and_a_way() -> None:
    assert [finding for finding in FINDINGS if not seeds_of(finding)] == []
    assert set(FINDINGS) == {finding for finding, _ in WAYS.values()}


@pytest.mark.slow
@pytest.mark.parametrize("finding", FINDINGS)
def test_the_engine_without_a_change_passes(finding: int, home: Path) -> None:
    copied(ENGINE, home)
    assert passed(home, finding)


@pytest.mark.parametrize("way", [pytest.param(way, marks=[] if way in MORE else [pytest.mark.slow]) for way in WAYS])
def test_its_tests_fail_without_its_prevention(way: str, home: Path) -> None:
    finding, patches = WAYS[way]
    copied(ENGINE, home)
    for patch in patches:
        file = home / ENGINE.name / patch.file
        file.write_text(patched_text(file.read_text(encoding="utf-8"), patch), encoding="utf-8")
    assert not passed(home, finding)
