"""Signals at moments other than in the midst of a run: the exit status is a documented one, and nothing is left behind."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
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
    "the pipeline is read": ("fateline_engine.plugins.registry.read_document", ExitCode.BROKEN),
    "the plugins are bound": ("fateline_engine.plugins.registry.bind", ExitCode.BROKEN),
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


STARTED = """\
import os, sys
from fateline_console import start

real = start.import_module

def importing(name):
    os.write(1, b"handlers are set\\n")
    return real(name)

start.import_module = importing
start.start("fateline_oracle.cli:main", "fateline")
"""


def signalled(words: list[str], after: float | None, numbers: tuple[signal.Signals, ...]) -> tuple[int, str, float]:
    """How a command ends that gets signals so many seconds after its first instructions: exit status, log, seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"handlers are set\n"
    begun = time.monotonic()
    if after is not None:
        time.sleep(after)
        for number in numbers:
            process.send_signal(number)
    _, said = process.communicate(timeout=600)
    return process.returncode, said.decode(), time.monotonic() - begun


def moments(many: int, seconds: float) -> Iterator[tuple[float, tuple[signal.Signals, ...]]]:
    """From the first instruction to behind the end, with one signal or with two."""
    kinds = ((signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT))
    for number in range(many):
        yield seconds * 1.1 * number / many, kinds[number % len(kinds)]


INTERRUPTED_IN_A_CALLBACK = """
import os, signal, sqlite3, sys, time, types
from fateline_console import group, start
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
{before}
def asked(*_): os.kill(os.getpid(), signal.SIGINT); return 0
def command(prog_name):
    sqlite3.enable_callback_tracebacks(True)
    conn = sqlite3.connect(':memory:')
    conn.set_authorizer(asked)
    try: conn.execute('SELECT 1')
    except sqlite3.Error: {after}
    while True: pass
sys.modules['commands'] = types.SimpleNamespace(main=command)
start.start('commands:main', 'x')
"""
REPORTED_SLOWLY = """
def slowly(real=start._send_again, slow=[0.2, 0.2]):
    real()
    if slow: time.sleep(slow.pop())
start._send_again = slowly
"""


@pytest.mark.parametrize(
    "before, after",
    [
        pytest.param("", "assert start.is_pending()", id="what SQLite answers then is no answer"),
        pytest.param(REPORTED_SLOWLY, "pass", id="what is raised while one is reported is dropped too"),
    ],
)
def test_an_interrupt_that_a_callback_drops_is_sent_again(before: str, after: str) -> None:
    """SQLite asks a callback, and the signal comes while it runs."""
    code = INTERRUPTED_IN_A_CALLBACK.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stderr) == (2, "Interrupted: nothing was decided.\n")


MANY = [6, pytest.param(60, marks=pytest.mark.slow)]


@pytest.mark.parametrize("many", MANY)
def test_a_run_that_gets_a_signal_at_any_moment_ends_as_documented(tmp_path: Path, many: int) -> None:
    file = pipeline(tmp_path, rows=40)
    code, said, seconds = signalled(["run", str(file)], None, ())
    assert code == ExitCode.DONE, said
    undisturbed = outputs(tmp_path)
    seen = Counter[int]()
    for number, (after, numbers) in enumerate(moments(many, seconds)):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = pipeline(folder, rows=40)
        code, said, _ = signalled(["run", str(file)], after, numbers)
        told = f"{after:.3f} s, {numbers}: exit status {code}\n{said}"
        assert code in (ExitCode.DONE, ExitCode.STOPPED, ExitCode.BROKEN), told
        assert "Traceback" not in said, told
        assert "Exception" not in said, told
        seen[code] += 1
        database = folder / "numbers.db"
        there = status(database) if database.exists() and database.stat().st_size else []
        if code == ExitCode.STOPPED:
            assert call("resume", file).exit_code == ExitCode.DONE, told
        elif code == ExitCode.BROKEN and not there:
            assert call("run", file).exit_code == ExitCode.DONE, told
        else:
            assert there == ["completed"], f"{told}{there}"
        assert outputs(folder) == undisturbed, told
    assert seen[ExitCode.BROKEN] > 0


@pytest.mark.parametrize("many", MANY)
def test_an_audit_that_gets_a_signal_at_any_moment_gives_its_verdict_or_none(tmp_path: Path, many: int) -> None:
    assert call("run", pipeline(tmp_path, rows=40)).exit_code == ExitCode.DONE
    words = ["audit", str(tmp_path / "numbers.db")]
    before = sorted(tmp_path.iterdir())
    code, said, seconds = signalled(words, None, ())
    assert (code, said) == (0, "")
    for after, numbers in moments(many, seconds):
        code, said, _ = signalled(words, after, numbers)
        told = f"{after:.3f} s, {numbers}: exit status {code}\n{said}"
        assert (code, said.lstrip()) in ((0, ""), (2, "Interrupted: nothing was decided.\n")), told
    assert sorted(tmp_path.iterdir()) == before
