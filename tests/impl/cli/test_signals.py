"""Signals at moments other than in the midst of a run: the exit status is a documented one, and nothing is left behind."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest

from fateline_engine.cli.exit_code import ExitCode

from .test_run import call, expected, outputs, pipeline, status

SENDS = """\
import os, signal
from fateline_engine.plugins import transform

@transform
def double(row):
    return row

os.kill(os.getpid(), signal.{name})
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_before_the_run_ends_the_command_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    """It is sent while the pipeline is read: its plugin does it when it is imported."""
    file = pipeline(tmp_path, plugin="sending_plugins:double", options={})
    (tmp_path / "sending_plugins.py").write_text(SENDS.format(name=name))
    before = sorted(path.name for path in tmp_path.iterdir())
    command = [sys.executable, "-m", "fateline_engine", "run", str(file)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background inherits it ignored
    )  # fmt: skip
    assert ended.returncode == ExitCode.BROKEN, ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == before


MOMENTS = {
    "the pipeline is read": ("fateline_engine.cli.run.load_pipeline", ExitCode.BROKEN),
    "the plugins are bound": ("fateline_engine.cli.run.bind", ExitCode.BROKEN),
    "the landscape is opened": ("fateline_engine.cli.run.Landscape.open", ExitCode.BROKEN),
    "the landscape is asked for runs": ("fateline_engine.cli.run._Runner._refuse_unfinished", ExitCode.BROKEN),
    "the engine is made": ("fateline_engine.cli.run.Orchestrator.__init__", ExitCode.BROKEN),
    "the sinks are opened": ("fateline_engine.orchestrator.Orchestrator._open", ExitCode.BROKEN),
    "the run is written": ("fateline_engine.orchestrator.begin_run", ExitCode.BROKEN),
    "the run has just begun": ("fateline_engine.orchestrator.RowReader.begin", ExitCode.STOPPED),
    "a row is read": ("fateline_engine.orchestrator.RowReader.read", ExitCode.STOPPED),
    "a commit is made": ("fateline_engine.landscape.recorder.LandscapeRecorder._write", ExitCode.STOPPED),
    "the run has ended": ("fateline_engine.cli.run._Runner._finished", ExitCode.BROKEN),
}
"""Where Ctrl-C comes, and the exit status."""


@pytest.mark.parametrize("moment", list(MOMENTS))
def test_an_interrupt_has_a_documented_exit_status_at_every_moment(tmp_path: Path, moment: str) -> None:
    file = pipeline(tmp_path)
    target, code = MOMENTS[moment]

    with patch(target, side_effect=KeyboardInterrupt):
        result = call("run", file)
    assert result.exit_code == code, result.output
    database = tmp_path / "numbers.db"
    if code is ExitCode.STOPPED:
        assert call("resume", file).exit_code == ExitCode.DONE
        assert outputs(tmp_path) == expected(10)
    elif moment == "the run has ended":
        assert status(database) == ["completed"]
    else:
        assert not database.exists()
        assert call("run", file).exit_code == ExitCode.DONE
        assert outputs(tmp_path) == expected(10)


def test_the_handler_of_the_caller_is_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    call("run", pipeline(tmp_path))
    assert signal.getsignal(signal.SIGTERM) is before
    with closing(sqlite3.connect(tmp_path / "numbers.db")) as conn:
        assert conn.execute("SELECT count(*) FROM runs").fetchone() == (1,)
