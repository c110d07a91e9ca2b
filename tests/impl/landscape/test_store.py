"""The landscape as a file: recognised, versioned, and read while it is written."""

import sqlite3
from pathlib import Path

import pytest

from fateline_engine.errors import EngineBug, LandscapeError
from fateline_engine.landscape import APPLICATION_ID, SCHEMA_VERSION, Landscape
from fateline_engine.landscape.runs import find_run, list_runs
from tests.impl.harness import Trial, diamond


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "l.db"


def test_a_new_file_says_whose_it_is_and_which_schema(path: Path) -> None:
    with Landscape.open(path) as landscape:
        assert landscape.conn.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert landscape.conn.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert landscape.conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert landscape.conn.execute("PRAGMA foreign_keys").fetchone() == (1,)
    Landscape.open(path).close()


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    with Landscape.open(path) as landscape:
        landscape.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    for opening in (Landscape.open, Landscape.read):
        with pytest.raises(LandscapeError, match="use a newer Fateline"):
            opening(path)
    assert path.read_bytes() == before


def test_a_foreign_database_is_refused_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE mine (a)")
    conn.close()
    before = path.read_bytes()
    for opening in (Landscape.open, Landscape.read):
        with pytest.raises(LandscapeError, match="a database of another program"):
            opening(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(path: Path) -> None:
    path.write_text("hello, this is no database at all" * 50)
    with pytest.raises(LandscapeError, match="not a SQLite database"):
        Landscape.open(path)
    with pytest.raises(LandscapeError, match="no such file"):
        Landscape.read(path.with_name("none.db"))
    with pytest.raises(LandscapeError, match="no such file"):
        Landscape.open(path.with_name("none.db"), must_exist=True)


def test_a_refused_file_is_not_held(path: Path) -> None:
    path.write_text("x" * 5000)
    with pytest.raises(LandscapeError):
        Landscape.open(path)
    path.unlink()
    Landscape.open(path).close()


def test_readers_see_whole_commits_while_it_is_written(path: Path) -> None:
    with Landscape.open(path) as landscape:
        trial = Trial(diamond(), landscape=landscape, each_step=True).started().read().move("0")
        with Landscape.read(path) as reader:
            assert reader.conn.execute("SELECT count(*) FROM tokens").fetchone() == (3,)
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.conn.execute("DELETE FROM tokens")
            trial.finish()
            assert reader.conn.execute("SELECT status FROM runs").fetchone() == ("completed",)


def test_runs_are_found_by_name_or_as_the_only_one_that_is_not_over() -> None:
    trial = Trial(diamond(), run_id="first")
    trial.run()
    second = Trial(diamond(), landscape=trial.landscape, run_id="second").started()
    assert [run.id for run in list_runs(trial.landscape)] == ["first", "second"]
    assert find_run(trial.landscape).id == "second"
    second.finish()
    with pytest.raises(Exception, match="these are not over: none"):
        find_run(trial.landscape)
    with pytest.raises(Exception, match="no run third; there are first, second"):
        find_run(trial.landscape, "third")


def test_a_commit_that_a_guard_refuses_writes_nothing() -> None:
    trial = Trial(diamond(), each_step=True).started().read()
    before = trial.landscape.snapshot()
    trial.engine.recorder.step(2000)
    trial.engine.recorder.fate(0, 0, "completed", sink=5, error=b"forbidden")
    with pytest.raises(EngineBug, match="fateline guard fates_fields"):
        trial.engine.recorder.commit()
    assert trial.landscape.snapshot() == before


def test_only_a_landscape_in_memory_can_be_restored(path: Path) -> None:
    with Landscape.open(path) as landscape, pytest.raises(LandscapeError, match="only a landscape in memory"):
        landscape.restore(b"")


def test_a_name_is_given_to_one_run_only() -> None:
    trial = Trial(diamond(), run_id="first").started()
    with pytest.raises(LandscapeError, match="the run first exists already; resume it, or choose another name"):
        Trial(diamond(), run_id="first", landscape=trial.landscape).started()
