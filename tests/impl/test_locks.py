"""Who may delete a file: only its maker, and only while nobody else can have begun to use it."""

from pathlib import Path

import pytest

from fateline_engine import locks
from fateline_engine.errors import LandscapeError
from fateline_engine.landscape import Landscape
from fateline_engine.locks import InUse, hold, let_go
from tests.impl.harness import Trial, diamond


def test_one_of_two_makes_a_file(tmp_path: Path) -> None:
    first = hold(tmp_path / "file")
    assert first.made
    with pytest.raises(InUse):
        hold(tmp_path / "file")
    let_go(first)
    second = hold(tmp_path / "file")
    assert not second.made
    let_go(second)


def test_a_file_that_was_deleted_before_it_was_locked_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder deletes its file and lets go, between the moment when another opens it and the moment when that locks it."""
    path = tmp_path / "file"
    path.touch()
    really = locks._locked
    deleted: list[bool] = []

    def deleting(handle: int, name: str | Path) -> bool:
        if not deleted:
            deleted.append(True)
            path.unlink()
        return really(handle, name)

    monkeypatch.setattr(locks, "_locked", deleting)
    lock = hold(path)
    assert lock.made
    assert path.exists(), "the lock is on the file that has the name"
    let_go(lock)


def test_a_link_to_no_file_makes_the_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    let_go(hold(tmp_path / "link"))
    assert (tmp_path / "file").exists()


def test_only_the_maker_of_a_landscape_takes_it_back(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    made = Landscape.open(path)
    with pytest.raises(LandscapeError, match="another process is writing it"):
        Landscape.open(path)
    made.take_back()
    assert list(tmp_path.iterdir()) == []
    Landscape.open(path).close()
    found = Landscape.open(path)
    found.take_back()
    assert path.exists(), "it was there before"


def test_a_landscape_with_a_run_is_never_taken_back(tmp_path: Path) -> None:
    landscape = Landscape.open(tmp_path / "l.db")
    Trial(diamond(), landscape=landscape).started()
    landscape.take_back()
    assert (tmp_path / "l.db").exists()
