"""A process that is killed, stopped, floods, babbles or lies: one clear line each, the judge goes on, no orphan is left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_model.stimuli import Do, Stimulus
from fateline_oracle import limits
from fateline_oracle.cli import main
from fateline_oracle.engines import engine_of
from fateline_oracle.ports import process as process_module
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import EngineFault, EngineSilent, Request
from fateline_oracle.ports.process_engine import ProcessEngine
from fateline_oracle.ports.validate import GuardedPipeline

HOSTILE = Path(__file__).parent / "hostile.py"
LINE = {
    "name": "line",
    "nodes": [
        {"name": "src", "kind": "source", "to": "out"},
        {"name": "out", "kind": "sink"},
    ],
}
WAYS = {
    "exit": "ended with exit status 7 (its log ends: something went wrong in here)",
    "killed": "was killed by SIGKILL",
    "stopped": "gave no answer within",
    "hang": "gave no answer within",
    "hang with a child": "gave no answer within",
    "hang with a child that leaves": "gave no answer within",
    "end with an orphan": "ended with exit status 7",
    "close": "closed its output without an answer",
    "flood": "answered with a line of more than",
    "half a line": "gave no answer within 2 s; the line so far is",
    "debug output": "answered 'DEBUG: starting'",
    "said twice": "wrote more than one answer",
    "another message": "instead of message",
    "no id": "missing required field `id`",
    "deep": "answered",
    "a strange key": "unknown field `colour`",
    "an error": "reports that it failed; nothing was done: 'disk on fire'",
    "no unicode": "answered",
}


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 60
    while left := _ours():
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _ours() -> list[str]:
    """What still runs of what was started here, by the process table."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:  # it ended while it was looked at
            continue
        mine = str(HOSTILE) in words or "fateline_oracle.serve" in words or "time.sleep(600)" in words
        if mine and state != "Z" and str(os.getpid()) in environment:
            found.append(words)
    return found


@pytest.fixture(autouse=True)
def _marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATELINE_TEST_OF", str(os.getpid()))
    monkeypatch.setattr(process_module, "LINE", 1024 * 1024)


def drive(engine: ProcessEngine) -> None:
    """Every kind of message of the pipeline port, once."""
    hello = hello_of(engine)
    made = engine.pipeline()
    assert made is not None
    port = GuardedPipeline(made, hello)
    port.start(LINE)
    port.do(Request(Stimulus(Do.READ, row=0, verdict="valid")))
    port.trail()


WAITS = ("stopped", "hang", "hang with a child", "hang with a child that leaves", "half a line")
CASES = [
    pytest.param(ask, way, marks=pytest.mark.slow if way in WAITS and ask != "do" else ())
    for ask in ("hello", "start", "do", "trail")
    for way in WAYS
]


@pytest.mark.parametrize("ask, way", CASES)
def test_whatever_it_does_is_said_in_one_line_and_nothing_is_left(
    ask: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ProcessEngine([sys.executable, str(HOSTILE), ask, way])
    monkeypatch.setattr(limits, "_silence", 2.0 if way in WAITS else limits.SILENCE)
    try:
        with pytest.raises(EngineSilent if way in WAITS and ask != "hello" else EngineFault) as fault:
            drive(engine)
    finally:
        engine.close()
    said = str(fault.value)
    assert said.startswith(f"{ask}: the engine ")
    assert WAYS[way] in said
    assert "\n" not in said
    assert len(said) < 600


def test_a_log_of_any_size_is_read_and_its_end_kept() -> None:
    engine = ProcessEngine([sys.executable, str(HOSTILE), "do", "flood the log"])
    try:
        drive(engine)
        assert len(engine._process.log) <= process_module.LOG
    finally:
        engine.close()


def test_an_orphan_ends_with_the_engine_that_started_it() -> None:
    """It has left the session, its parent has ended, and the engine itself answers as it should."""
    engine = ProcessEngine([sys.executable, str(HOSTILE), "do", "leave an orphan"])
    try:
        drive(engine)
        assert any("time.sleep(600)" in words for words in _ours())
    finally:
        engine.close()
    assert [words for words in _ours() if "time.sleep(600)" in words] == [], "not a moment later"


def test_an_engine_ends_with_the_judge(tmp_path: Path) -> None:
    """A judge that is killed cannot end anything; the supervisor sees that it is gone."""
    judge = (
        "import os, signal, sys\nfrom fateline_oracle.ports.process_engine import ProcessEngine\n"
        "ProcessEngine(sys.argv[1:]).hello()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    engine = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "serve = subprocess.Popen([sys.executable, '-m', 'fateline_oracle.serve'])\ntime.sleep(600)\n"
    )
    (tmp_path / "engine.py").write_text(engine)
    command = [sys.executable, "-c", judge, sys.executable, str(tmp_path / "engine.py")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL  # the fixture waits for the rest


def test_after_a_fault_it_is_started_anew_and_greeted() -> None:
    engine = ProcessEngine([sys.executable, "-m", "fateline_oracle.serve"])
    try:
        drive(engine)
        os.kill(engine._process._process.pid, signal.SIGKILL)  # type: ignore[union-attr]
        with pytest.raises(EngineFault, match="was killed by SIGKILL"):
            drive(engine)
        drive(engine)
        assert engine.starts == 2
    finally:
        engine.close()


def test_a_process_that_leaves_quietly_is_given_a_moment() -> None:
    engine = ProcessEngine([sys.executable, "-m", "fateline_oracle.serve"])
    drive(engine)
    engine.close()
    assert not engine._process.running


@pytest.mark.parametrize(
    "command, says",
    [
        (["/nowhere/at/all"], "cannot be started: No such file or directory"),
        ([sys.executable, "-c", "print('hello')"], "answered 'hello'"),
        ([sys.executable, "-c", "pass"], "ended with exit status 0"),
    ],
)
def test_a_command_that_is_no_engine_is_said_in_one_line(command: list[str], says: str) -> None:
    found = CliRunner().invoke(main, ["conform", "--scope", "small", "--jobs", "1", "--", *command])
    assert found.exit_code == 2, found.output
    assert says in found.output


def test_a_command_must_follow_the_dashes() -> None:
    found = CliRunner().invoke(main, ["conform", "--"])
    assert found.exit_code == 3
    assert "write a command after" in found.output


@pytest.mark.slow
@pytest.mark.parametrize("way", ["killed", "debug output"])
def test_the_judge_goes_on_and_ends_undetermined(way: str) -> None:
    command = [sys.executable, str(HOSTILE), "trail" if way == "killed" else "do", way]
    found = CliRunner().invoke(main, ["conform", "--scope", "small", "--jobs", "2", "--json", "--", *command])
    report = json.loads(found.stdout)
    assert found.exit_code == 2
    assert report["verdict"] == "undetermined"


def test_a_replay_takes_a_command_too(tmp_path: Path) -> None:
    case: dict[str, object] = {
        "schema": "fateline.case/1", "law_version": "2", "title": "t", "machine": "pipeline", "instance": "line",
        "pipeline": LINE, "laws": [], "expected": None, "reproduce": "x",
        "steps": [{"says": "read(0, valid)", "stimulus": {"do": "read", "row": 0, "verdict": "valid"}, "records": []}],
    }  # fmt: skip
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case))
    words = ["replay", str(path), "--", sys.executable, "-m", "fateline_oracle.serve"]
    found = CliRunner().invoke(main, words)
    assert found.exit_code == 0, found.output


def test_the_reference_engine_is_the_same_behind_the_protocol() -> None:
    with engine_of(f"process:{sys.executable} -m fateline_oracle.serve") as engine, engine_of("") as direct:
        mine, theirs = hello_of(engine), hello_of(direct)
        assert (mine.does, mine.shows, mine.name) == (theirs.does, theirs.shows, theirs.name)
    assert subprocess.run([sys.executable, "-m", "fateline_oracle.serve"], input=b"", check=False).returncode == 0
