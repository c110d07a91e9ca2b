"""Versions beside each other: where a law turns is named, and a version that cannot be measured is not left out silently."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_oracle.adapters.environments import NoEnvironment, in_version, make, place, run
from fateline_oracle.adapters.profiles import profile_of
from fateline_oracle.board.rows import DRIVEN, Cell, Row, read_board
from fateline_oracle.board.versions import changes, in_order
from fateline_oracle.book.board import board_page
from fateline_oracle.cli import main
from fateline_oracle.report.verdict import Verdict


def row(version: str, **laws: int) -> Row:
    cells = {law: Cell(Verdict.BREACHED if broken else Verdict.HOLDS, 9, broken) for law, broken in laws.items()}
    return Row("dbos", DRIVEN, version, Verdict.HOLDS, cells, "", "", "", "")


def test_versions_are_in_the_order_of_their_numbers() -> None:
    assert in_order(["1.10.0", "1.9.1", "2.0", "1.9.1", "1.9"]) == ["1.9", "1.9.1", "1.10.0", "2.0"]


def test_where_a_law_turns_is_named() -> None:
    rows = [row("1", C3=0, C4=1, C8=2), row("2", C3=0, C4=0, C8=1), row("3", C3=1, C8=1), row("4", C3=1, C4=1, C8=1)]
    assert list(changes(rows)) == [
        "C4: last bad 1, first good 2; last good 2, first bad 4",
        "C8: broken in all of 4 versions, 1 to 4",
        "C3: last good 2, first bad 3",
    ]
    assert list(changes([row("1", C3=0)])) == []


def test_two_engines_were_swept_over_at_least_five_versions() -> None:
    versions: dict[tuple[str, str], set[str]] = {}
    for one in read_board():
        versions.setdefault((one.engine, one.way), set()).add(one.version)
    swept = [key for key, found in versions.items() if len(found) >= 5]
    assert len({engine for engine, _ in swept}) >= 2
    for engine, way in swept:
        assert f"### {profile_of(engine).name}, {way}" in board_page()


def test_a_version_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FATELINE_ENGINES", str(tmp_path))
    done = CliRunner().invoke(main, ["sweep", "spiffworkflow", "3.1.0", "3.0.0"])
    assert done.exit_code == 2
    told = done.output.splitlines()
    assert "3.0.0 was not measured: it is not installed; --make installs it" in told
    assert "3.1.0 was not measured: it is not installed; --make installs it" in told


def test_an_environment_that_was_cut_off_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FATELINE_ENGINES", str(tmp_path))
    profile = profile_of("spiffworkflow")
    assert in_version(profile_of("langgraph"), "1.0") == ("langgraph==1.0", "langgraph-checkpoint-sqlite")
    left = place(profile.packages) / "half of it"
    left.mkdir(parents=True)
    asked: list[list[str]] = []
    monkeypatch.setattr("fateline_oracle.adapters.environments.run", asked.append)
    folder = make(profile, profile.packages)
    assert not left.exists()
    assert [words[1:3] for words in asked] == [["-m", "venv"], ["-m", "pip"]]
    assert make(profile, profile.packages) == folder
    assert len(asked) == 2


def test_a_command_that_fails_is_told_with_its_last_line() -> None:
    with pytest.raises(NoEnvironment, match="it is needed for this engine"):
        run(["no-such-program-anywhere"])
    with pytest.raises(NoEnvironment, match="the last word"):
        run(["sh", "-c", "echo first >&2; echo the last word >&2; exit 3"])
