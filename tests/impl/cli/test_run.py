"""``run`` and ``resume``: they finish, or they stop and say how to go on, and nothing is lost or doubled."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from click.testing import CliRunner, Result

from fateline_engine.landscape import Landscape
from fateline_oracle.cli import main
from fateline_oracle.report.verdict import ExitCode

PLUGINS = """\
import os, time
from pathlib import Path
from fateline_engine.plugins import PluginUnavailable, transform

@transform
def stop_at(row, *, n, flag):
    if row["n"] == n and Path(flag).exists():
        raise PluginUnavailable("the service is away")
    return {**row, "double": row["n"] * 2}

@transform
def interrupt_at(row, *, n, flag):
    if row["n"] == n and Path(flag).exists():
        raise KeyboardInterrupt
    return {**row, "double": row["n"] * 2}

@transform
def wait_at(row, *, n, here, go):
    while row["n"] == n and not Path(go).exists():
        Path(here).touch()
        time.sleep(0.01)
    return row
"""


def pipeline(folder: Path, *, rows: int = 10, plugin: str = "derive", options: Any = None) -> Path:
    """A pipeline of numbers through a fork and a join, with a table and a file at its end."""
    (folder / "numbers.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(rows)))
    (folder / "stopping_plugins.py").write_text(PLUGINS)
    nodes: list[dict[str, Any]] = [
        {"name": "read", "kind": "source", "to": "split", "plugin": "csv"},
        {"name": "split", "kind": "gate", "when": "n % 3 == 2", "to": "work", "fork": {"a": "join", "b": "work_b"}},
        {"name": "work", "kind": "transform", "to": "out", "plugin": plugin},
        {
            "name": "work_b",
            "kind": "transform",
            "to": "join",
            "plugin": "derive",
            "options": {"fields": {"b": "n + 1"}},
        },
        {"name": "join", "kind": "coalesce", "branches": ["a", "b"], "to": "table"},
        {"name": "out", "kind": "sink", "plugin": "jsonl", "options": {"path": "out.jsonl"}},
        {"name": "table", "kind": "sink", "plugin": "sqlite", "options": {"path": "table.sqlite", "table": "t"}},
    ]
    nodes[0]["options"] = {"path": "numbers.csv", "fields": {"n": "int"}}
    nodes[1]["routes"] = {"true": "fork", "false": "continue"}
    nodes[2]["options"] = options or {"fields": {"double": "n * 2"}}
    file = folder / "numbers.yaml"
    file.write_text(yaml.safe_dump({"name": "numbers", "run": {"commit_rows": 2}, "nodes": nodes}, sort_keys=False))
    return file


def outputs(folder: Path) -> tuple[list[int], list[int]]:
    """What the two sinks have."""
    lines = (folder / "out.jsonl").read_text().splitlines()
    with closing(sqlite3.connect(folder / "table.sqlite")) as connection:
        there = connection.execute("select 1 from sqlite_schema where name = 't'").fetchone()
        table = [n for (n,) in connection.execute("select n from t order by rowid")] if there else []
    return [json.loads(line)["n"] for line in lines], table


def expected(rows: int) -> tuple[list[int], list[int]]:
    return [n for n in range(rows) if n % 3 != 2], [n for n in range(rows) if n % 3 == 2]


def call(*arguments: object) -> Result:
    path, modules = list(sys.path), set(sys.modules)
    try:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])
    finally:
        sys.path[:] = path
        sys.modules.pop("stopping_plugins", None) if "stopping_plugins" not in modules else None


def status(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [value for (value,) in connection.execute("select status from trail_runs")]


def test_a_run_finishes_and_says_so(tmp_path: Path) -> None:
    file = pipeline(tmp_path)
    result = call("run", file)
    assert result.exit_code == ExitCode.HOLDS
    assert result.stdout.startswith("Finished: 10 rows in ")
    assert "completed      10" in result.stdout
    assert f"fateline explain {tmp_path / 'numbers.db'} 0" in result.stdout
    assert result.stderr == ""
    assert outputs(tmp_path) == expected(10)
    assert status(tmp_path / "numbers.db") == ["completed"]


def test_a_run_tells_programs_the_same(tmp_path: Path) -> None:
    file = pipeline(tmp_path)
    told = json.loads(call("run", file, "--json", "--database", tmp_path / "other.db").stdout)
    seconds = told.pop("seconds")
    assert 0 <= seconds < 60
    assert len(told.pop("run")) == 32
    assert len(told.pop("head")) == 64
    assert told == {
        "schema": "fateline.run/1",
        "status": "completed",
        "rows": 10,
        "outcomes": {"completed": 10, "forked": 3, "coalesced": 6},
        "stopped_by": None,
        "last_defence": [],
        "database": str(tmp_path / "other.db"),
        "reproduce": f"fateline run {file} --database {tmp_path / 'other.db'}",
    }


@pytest.mark.parametrize(
    "plugin, why", [("stop_at", "the service is away"), ("interrupt_at", "interrupted from the keyboard")]
)
def test_a_stopped_run_is_resumed_and_nothing_is_lost_or_doubled(tmp_path: Path, plugin: str, why: str) -> None:
    flag = tmp_path / "away"
    flag.touch()
    options = {"n": 7, "flag": str(flag)}
    file = pipeline(tmp_path, plugin=f"stopping_plugins:{plugin}", options=options)
    stopped = call("run", file)
    assert stopped.exit_code == 1
    assert f"Stopped: {why}." in stopped.stderr
    assert f"Go on with: fateline resume {file}" in stopped.stderr
    assert status(tmp_path / "numbers.db") == ["interrupted"]
    again = call("resume", file, "--json")
    assert again.exit_code == 1
    assert json.loads(again.stdout)["stopped_by"] == why
    assert json.loads(again.stdout)["status"] == "interrupted"
    assert json.loads(again.stdout)["reproduce"] == f"fateline resume {file}"
    flag.unlink()
    finished = call("resume", file)
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert outputs(tmp_path) == expected(10)
    assert status(tmp_path / "numbers.db") == ["completed"]


def test_a_run_that_is_not_over_is_not_begun_again(tmp_path: Path) -> None:
    flag = tmp_path / "away"
    flag.touch()
    file = pipeline(tmp_path, plugin="stopping_plugins:stop_at", options={"n": 3, "flag": str(flag)})
    assert call("run", file).exit_code == 1
    before = outputs(tmp_path)
    refused = call("run", file)
    assert refused.exit_code == ExitCode.USAGE
    assert "holds a run that is not over" in refused.stderr
    assert f"fateline resume {file}" in refused.stderr
    assert outputs(tmp_path) == before
    assert status(tmp_path / "numbers.db") == ["interrupted"]


def test_a_changed_pipeline_is_not_resumed(tmp_path: Path) -> None:
    flag = tmp_path / "away"
    flag.touch()
    file = pipeline(tmp_path, plugin="stopping_plugins:stop_at", options={"n": 3, "flag": str(flag)})
    assert call("run", file).exit_code == 1
    file.write_text(file.read_text().replace("n + 1", "n + 2"))
    refused = call("resume", file)
    assert refused.exit_code == ExitCode.USAGE
    assert "was begun on another pipeline" in refused.stderr


@pytest.mark.parametrize(
    "gone, told",
    [("numbers.csv", "cannot be read: No such file"), ("out.jsonl", "were confirmed: restore it from a copy")],
)
def test_a_run_stays_resumable_while_what_it_needs_is_away(tmp_path: Path, gone: str, told: str) -> None:
    flag = tmp_path / "away"
    flag.touch()
    file = pipeline(tmp_path, plugin="stopping_plugins:stop_at", options={"n": 7, "flag": str(flag)})
    assert call("run", file).exit_code == 1
    flag.unlink()
    kept = (tmp_path / gone).read_bytes()
    (tmp_path / gone).unlink()
    stopped = call("resume", file)
    assert (stopped.exit_code, told in stopped.stderr) == (1, True), stopped.output
    (tmp_path / gone).write_bytes(kept)
    assert call("resume", file).exit_code == 0
    assert outputs(tmp_path) == expected(10)


def test_a_run_is_resumed_by_its_name(tmp_path: Path) -> None:
    flag = tmp_path / "away"
    flag.touch()
    file = pipeline(tmp_path, plugin="stopping_plugins:stop_at", options={"n": 7, "flag": str(flag)})
    name = json.loads(call("run", file, "--json").stdout)["run"]
    unknown = call("resume", file, "--run", "nobody")
    assert (unknown.exit_code, f"there are {name}" in unknown.stderr) == (ExitCode.USAGE, True)
    stopped = call("resume", file, "--run", name)
    assert f"Go on with: fateline resume {file} --run {name}" in stopped.stderr
    flag.unlink()
    assert call("resume", file, "--run", name).exit_code == 0


def test_an_interruption_before_a_run_has_begun_leaves_nothing_to_resume(tmp_path: Path) -> None:
    file = pipeline(tmp_path)
    with patch("fateline_engine.plugins.builtin.csv_files.CsvSource.open", side_effect=KeyboardInterrupt):
        result = call("run", file)
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "resume" not in result.output


def test_there_is_nothing_to_resume_before_a_run_or_after_it(tmp_path: Path) -> None:
    file = pipeline(tmp_path)
    early = call("resume", file)
    assert (early.exit_code, "no such file" in early.stderr) == (ExitCode.USAGE, True)
    assert not (tmp_path / "numbers.db").exists()
    assert call("run", file).exit_code == 0
    late = call("resume", file)
    assert (late.exit_code, "these are not over: none" in late.stderr) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    "damage, told",
    [
        (lambda folder: (folder / "numbers.csv").unlink(), "numbers.csv cannot be read: No such file or directory"),
        (lambda folder: (folder / "numbers.csv").write_bytes(b""), "numbers.csv is empty"),
        (lambda folder: (folder / "numbers.csv").write_bytes(b"\xff\xfe\n"), "numbers.csv is not UTF-8"),
        (lambda folder: (folder / "numbers.csv").write_text("m\n1\n"), "no field n in its first line"),
        (lambda folder: (folder / "out.jsonl").mkdir(), "out.jsonl cannot be opened for writing"),
        (
            lambda folder: (folder / "table.sqlite").write_text("no database, but a text of some length\n" * 9),
            "table.sqlite",
        ),
        (lambda folder: (folder / "numbers.yaml").write_text("name: [\n"), "not YAML"),
        (lambda folder: (folder / "numbers.yaml").unlink(), "cannot be read: No such file"),
        (lambda folder: (folder / "numbers.yaml").write_text("name: x\nnodes: []\n"), "must be a list of nodes"),
    ],
)
def test_bad_input_is_one_clear_error_before_anything_is_begun(tmp_path: Path, damage: Any, told: str) -> None:
    file = pipeline(tmp_path)
    damage(tmp_path)
    result = call("run", file)
    assert result.exit_code == ExitCode.USAGE, result.output
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert result.stderr.count("Error: ") == 1
    assert not (tmp_path / "numbers.db").exists()


def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    file = pipeline(tmp_path)
    with closing(sqlite3.connect(tmp_path / "numbers.db")) as connection:
        connection.execute("create table mine (x)")
    before = (tmp_path / "numbers.db").read_bytes()
    result = call("run", file)
    assert result.exit_code == ExitCode.USAGE
    assert "a database of another program" in result.stderr
    assert (tmp_path / "numbers.db").read_bytes() == before
    assert not (tmp_path / "out.jsonl").exists()


def test_the_audit_trail_does_not_go_where_a_sink_writes(tmp_path: Path) -> None:
    result = call("run", pipeline(tmp_path), "--database", tmp_path / "table.sqlite")
    assert result.exit_code == ExitCode.USAGE
    assert "cannot hold the audit trail: table uses this file too" in result.stderr


def test_a_locked_landscape_is_a_clear_error(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    file = pipeline(tmp_path)
    with (tmp_path / "numbers.db").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = call("run", file)
    assert result.exit_code == ExitCode.USAGE
    assert "another process is writing it" in result.stderr


def test_a_locked_sink_stops_the_run_which_is_then_resumed(tmp_path: Path) -> None:
    file = pipeline(tmp_path, rows=12)
    with closing(sqlite3.connect(tmp_path / "table.sqlite")) as connection:
        connection.execute("create table other (x)")
    with (
        patch("fateline_engine.plugins.builtin.sqlite_tables._WAIT_SECONDS", 0.05),
        closing(sqlite3.connect(tmp_path / "table.sqlite", isolation_level=None)) as other,
    ):
        other.execute("begin immediate")
        stopped = call("run", file)
    assert stopped.exit_code == 1
    assert "database is locked" in stopped.stderr
    assert call("resume", file).exit_code == 0
    assert outputs(tmp_path) == expected(12)


@pytest.mark.parametrize("full_after", [0, 1, 3, 5])
def test_a_full_disk_stops_the_run_which_is_then_resumed(tmp_path: Path, full_after: int) -> None:
    file = pipeline(tmp_path, rows=12)
    calls = 0
    really = os.fsync

    def fsync(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls > full_after:
            raise OSError(28, "No space left on device")
        really(handle)

    with patch("os.fsync", fsync):
        stopped = call("run", file)
    assert stopped.exit_code == 1, stopped.output
    assert "No space left on device" in stopped.stderr
    assert call("resume", file).exit_code == 0
    assert outputs(tmp_path) == expected(12)


def test_a_landscape_that_cannot_be_written_stops_the_run_which_is_then_resumed(tmp_path: Path) -> None:
    from fateline_engine.landscape import LandscapeRecorder

    file = pipeline(tmp_path, rows=12)
    commits = 0
    really = LandscapeRecorder.commit

    def commit(recorder: LandscapeRecorder, *arguments: Any) -> None:
        nonlocal commits
        commits += 1
        if commits > 3:
            raise sqlite3.OperationalError("database or disk is full")
        really(recorder, *arguments)

    with patch.object(LandscapeRecorder, "commit", commit):
        stopped = call("run", file)
    assert stopped.exit_code == 1, stopped.output
    assert "database or disk is full" in stopped.stderr
    assert call("resume", file).exit_code == 0
    assert outputs(tmp_path) == expected(12)


def waiting(folder: Path) -> tuple[Path, subprocess.Popen[str]]:
    """A pipeline in a process of its own that has come to its 37th row and stays there."""
    options = {"n": 36, "here": str(folder / "here"), "go": str(folder / "go")}
    file = pipeline(folder, rows=60, plugin="stopping_plugins:wait_at", options=options)
    process = subprocess.Popen(
        [sys.executable, "-m", "fateline_oracle", "run", str(file)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background inherits it ignored
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 600
    while not (folder / "here").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return file, process


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_process_which_is_then_resumed(tmp_path: Path, how: signal.Signals) -> None:
    file, process = waiting(tmp_path)
    process.send_signal(how)
    _, told = process.communicate(timeout=600)
    assert process.returncode == 1, told
    assert "Go on with: fateline resume" in told
    assert "Traceback" not in told
    assert status(tmp_path / "numbers.db") == ["interrupted"]
    (tmp_path / "go").touch()
    assert call("resume", file).exit_code == 0
    assert outputs(tmp_path) == expected(60)


def test_a_file_that_may_not_grow_stops_a_process_which_is_then_resumed(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    file = pipeline(tmp_path, rows=200)
    process = subprocess.run(
        [sys.executable, "-m", "fateline_oracle", "run", str(file)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1, process.stderr
    assert "Stopped: " in process.stderr
    assert "Traceback" not in process.stderr
    assert call("resume", file).exit_code == 0
    assert outputs(tmp_path) == expected(200)


def test_a_killed_process_leaves_a_run_that_is_resumed(tmp_path: Path) -> None:
    file, process = waiting(tmp_path)
    process.kill()
    process.communicate(timeout=600)
    assert status(tmp_path / "numbers.db") == ["running"]
    (tmp_path / "go").touch()
    assert call("resume", file).exit_code == 0
    assert outputs(tmp_path) == expected(60)


def test_a_terminal_is_shown_progress_and_a_pipe_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = pipeline(tmp_path)
    shown: list[str] = []
    monkeypatch.setattr("fateline_engine.cli.run.is_terminal", lambda stream: True)
    monkeypatch.setattr("fateline_console.terminal.Progress.update", lambda self, text: shown.append(text))
    assert call("run", file).exit_code == 0
    assert [text.split(",")[0] for text in shown] == ["2 rows", "4 rows", "6 rows", "8 rows", "10 rows"]
    assert all(text.endswith(" a second") for text in shown)
    monkeypatch.setattr("fateline_engine.cli.run.is_terminal", lambda stream: False)
    shown.clear()
    assert call("run", file).exit_code == 0
    assert shown == []
    assert outputs(tmp_path) == expected(10)


def test_a_csv_file_without_types_is_noted_once_and_one_with_types_is_not(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b\n1,2\n")
    file = tmp_path / "p.yaml"
    source = "  - {name: s, kind: source, plugin: csv, options: {path: in.csvTYPES}, to: out}\n"
    sink = "  - {name: out, kind: sink, plugin: jsonl, options: {path: out.jsonl}}\n"
    file.write_text("name: p\nnodes:\n" + source.replace("TYPES", "") + sink)
    noted = call("run", file)
    assert noted.stderr.count("note: s: every field of in.csv is text") == 1
    file.write_text("name: p\nnodes:\n" + source.replace("TYPES", ", fields: {a: int, b: int}") + sink)
    assert "note" not in call("run", file, "--database", tmp_path / "other.db").stderr


def test_warnings_are_shown_and_stop_nothing(tmp_path: Path) -> None:
    file = pipeline(tmp_path)
    text = file.read_text().replace(
        "  to: table\n", "  to: table\n  policy: first\n  merge: select\n  select_branch: a\n"
    )
    file.write_text(text)
    result = call("run", file)
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "selects a, and fails as select_branch_not_arrived" in result.stderr


def test_two_first_runs_at_once_and_the_refused_one_deletes_nothing(tmp_path: Path) -> None:
    """The reproduction that lost the database in each of 25 pairs: both look for it before either has made it."""
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = pipeline(folder, rows=200)
        command = [sys.executable, "-m", "fateline_engine", "run", str(file)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        told = [(*process.communicate(timeout=120), process.returncode) for process in both]
        codes = sorted(code for _, _, code in told)
        assert codes in ([0, 0], [0, 3]), told
        assert set(status(folder / "numbers.db")) == {"completed"}
        assert outputs(folder) == expected(200)


def test_a_refused_run_deletes_nothing_of_the_run_that_it_met(tmp_path: Path) -> None:
    """Step by step: it comes when the other has made the file, and has not written its run yet."""
    file = pipeline(tmp_path)
    with Landscape.open(tmp_path / "numbers.db"):
        result = call("run", file)
        assert result.exit_code == ExitCode.USAGE
        assert "another process is writing it" in result.stderr
        assert (tmp_path / "numbers.db").exists()


OWN_FILES = ["numbers.db-wal", "numbers.db-shm", "numbers.db-journal", "numbers.yaml", "numbers.csv", "numbers.csv-wal",
             "table.sqlite-journal", "hard_link", "soft_link", "stopping_plugins.py"]  # fmt: skip


@pytest.mark.parametrize("name", OWN_FILES)
def test_a_sink_never_writes_a_file_that_the_run_uses(tmp_path: Path, name: str) -> None:
    file = pipeline(tmp_path, plugin="stopping_plugins:stop_at", options={"n": -1, "flag": "none"})
    os.link(tmp_path / "numbers.csv", tmp_path / "hard_link")
    (tmp_path / "soft_link").symlink_to(tmp_path / "numbers.csv")
    file.write_text(file.read_text().replace("out.jsonl", name))
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    result = call("run", file)
    assert result.exit_code == ExitCode.USAGE, result.stderr
    assert "Traceback" not in result.output
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_pipeline_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    result = call("run", tmp_path / "pipe.yaml")
    assert result.exit_code == ExitCode.USAGE
    assert "not a regular file" in result.stderr
