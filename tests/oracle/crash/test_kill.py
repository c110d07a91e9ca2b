"""Real processes, really killed; and writes that really fail. What they leave is judged, and the end is as undisturbed."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fateline_engine.errors import LandscapeError
from fateline_engine.landscape import Landscape
from fateline_oracle.audit.any_trail import open_any
from fateline_oracle.crash import kill
from fateline_oracle.crash.kill import Trial, disturb, one, pipelines_in, prepared, trials, undisturbed
from fateline_oracle.ports.port import CommitPolicy
from fateline_oracle.reference import faulty_process, left_files
from fateline_oracle.reference.faulty_process import Fault, FaultKind
from fateline_oracle.trails.check import check_runs

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("how", [kind for kind in FaultKind if kind is not FaultKind.NOTHING])
def test_a_disturbed_run_comes_to_the_end_of_an_undisturbed_one(how: FaultKind) -> None:
    done = one(Trial(EXAMPLES / "returns" / "pipeline.yaml", CommitPolicy.STEP, how, 14))
    assert done.findings == []
    assert done.effects == 6


def test_a_process_is_really_killed_and_tells_what_was_next(tmp_path: Path) -> None:
    file = prepared(EXAMPLES / "sensors" / "pipeline.yaml", CommitPolicy.STEP, tmp_path / "sensors")
    ended = faulty_process.run(file, CommitPolicy.STEP, Fault(FaultKind.KILLED_AT, 60))
    assert (ended.status, ended.boundaries) == (None, 60)
    assert ended.write
    assert faulty_process.run(file, CommitPolicy.STEP, Fault(FaultKind.NOTHING)).status == faulty_process.FINISHED
    assert left_files.outputs(file) == undisturbed(EXAMPLES / "sensors" / "pipeline.yaml", CommitPolicy.STEP).outputs


def test_two_failures_one_of_them_as_the_run_begins_double_nothing(tmp_path: Path) -> None:
    """Where the sinks stand is written together with the run, or there is nothing to cut back to."""
    file = prepared(EXAMPLES / "returns" / "pipeline.yaml", CommitPolicy.STEP, tmp_path / "returns")
    for at in (28, 158):
        assert (
            faulty_process.run(file, CommitPolicy.STEP, Fault(FaultKind.IO_ERROR, at)).status == faulty_process.STOPPED
        )
    assert faulty_process.run(file, CommitPolicy.STEP, Fault(FaultKind.NOTHING)).status == faulty_process.FINISHED
    assert left_files.outputs(file) == undisturbed(EXAMPLES / "returns" / "pipeline.yaml", CommitPolicy.STEP).outputs


def test_an_output_that_is_another_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that is not cut back: what the trial is for."""
    from fateline_engine.plugins.builtin.files import LineFile

    monkeypatch.setattr(LineFile, "truncate", lambda self, position: None)
    found = [
        law
        for seed in range(12)
        for _, _, broken in one(
            Trial(EXAMPLES / "returns" / "pipeline.yaml", CommitPolicy.STEP, FaultKind.KILLED_AT, seed)
        ).findings
        for law, _ in broken
    ]
    assert "R4" in found


def test_a_trail_that_is_another_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outputs are the same; one record says something else."""
    wanted = undisturbed(EXAMPLES / "returns" / "pipeline.yaml", CommitPolicy.STEP)
    other = wanted._replace(trail={**wanted.trail, "losses": [("x",)]})
    monkeypatch.setattr(kill, "undisturbed", lambda pipeline, policy: other)
    done = one(Trial(EXAMPLES / "returns" / "pipeline.yaml", CommitPolicy.STEP, FaultKind.RACED, 5))
    assert [broken for _, _, broken in done.findings] == [
        (("R2", "the losses of the trail are not those of an undisturbed run"),)
    ]


def test_trials_take_turns() -> None:
    made = list(trials([Path("a"), Path("b")], 12, 5, 0))
    assert {(trial.policy, trial.pipeline, trial.how) for trial in made[:12]} == {
        (policy, Path(name), how) for policy in CommitPolicy for name in "ab" for how in faulty_process.KILLS
    }
    assert {trial.how for trial in made[12:]} == set(FaultKind) - {FaultKind.NOTHING, *faulty_process.KILLS}


@pytest.mark.slow
def test_as_many_as_were_asked_for_are_disturbed() -> None:
    done = disturb(pipelines_in(EXAMPLES), 24, 12, seed=7, jobs=2)
    assert done.findings == []
    assert done.disturbed.total() >= 36


def test_a_trail_that_was_broken_off_early_tells_its_pipeline_all_the_same(tmp_path: Path) -> None:
    """A gate has an edge to go on by, and nobody has taken it yet."""
    file = prepared(EXAMPLES / "claims" / "pipeline.yaml", CommitPolicy.STEP, tmp_path / "claims")
    assert faulty_process.run(file, CommitPolicy.STEP, Fault(FaultKind.KILLED_AT, 60)).status is None
    with open_any(left_files.database_of(file)) as trail:
        judged = check_runs(trail.runs())
    assert (judged.runs, judged.findings) == (1, [])


def test_a_landscape_with_half_a_transaction_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "half.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE t (x)")
    child = os.fork()
    if child == 0:
        conn = sqlite3.connect(path, isolation_level=None)
        conn.execute("PRAGMA cache_size = 1")
        conn.execute("BEGIN")
        conn.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,) for _ in range(500)])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert path.with_name("half.db-journal").exists()
    with pytest.raises(LandscapeError, match="resume the run or begin it again: that repairs the file"):
        Landscape.read(path)
