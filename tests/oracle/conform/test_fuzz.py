"""`fateline hunt`: what it finds is kept and stepped again; it goes on where it stopped; a seed walks the same way."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_oracle.cli import main
from fateline_oracle.conform.fuzz import STATE, Hunt
from fateline_oracle.engines import engine_of
from fateline_oracle.ports.hello import hello_of


def hunt(*words: object) -> Result:
    return CliRunner().invoke(main, ["hunt", *map(str, words)])


def test_nothing_is_found_in_the_reference_engine_and_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = json.loads(hunt("--corpus", tmp_path, "--seed", 5, "--rounds", 12, "--json").output)
    second = json.loads(hunt("--corpus", tmp_path, "--rounds", 8, "--json").output)
    whole = json.loads(hunt("--corpus", tmp_path / "whole", "--seed", 5, "--rounds", 20, "--json").output)
    assert first["verdict"] == second["verdict"] == "holds"
    assert first["counts"]["walks"] == 12
    assert second["counts"] == whole["counts"]
    assert second["counts"]["walks"] == 20


def test_a_bug_is_found_kept_once_a_shape_and_stepped_again(tmp_path: Path) -> None:
    found = hunt("zoo:late-without-a-fate", "--corpus", tmp_path, "--seed", 3, "--rounds", 60)
    assert found.exit_code == 1, found.output
    cases = sorted(path for path in tmp_path.glob("*.json") if path.name != STATE)
    assert cases
    laws = {json.loads(path.read_text())["laws"][0][0] for path in cases}
    assert laws == {"C16"}
    state = json.loads((tmp_path / STATE).read_text())
    assert len(state["shapes"]) == len(cases)
    again = hunt("zoo:late-without-a-fate", "--corpus", tmp_path, "--rounds", 0)
    assert again.exit_code == 1
    assert again.output.count("replayed  breaks C16") == len(cases)
    mended = hunt("--corpus", tmp_path, "--rounds", 0)
    assert mended.output.count("replayed  holds now") == len(cases)
    replayed = CliRunner().invoke(main, ["replay", str(cases[0]), "zoo:late-without-a-fate"])
    assert replayed.exit_code == 1, replayed.output


def test_ctrl_c_keeps_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked = Hunt._walk
    calls: list[int] = []

    def stopping(self: Hunt, *rest: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return walked(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Hunt, "_walk", stopping)
    found = hunt("--corpus", tmp_path, "--seed", 1)
    assert "stopped" in found.output
    assert json.loads((tmp_path / STATE).read_text())["rounds"] == 3


@pytest.mark.parametrize(
    "content, says",
    [
        ("{", "not written by a hunt"),
        ('{"schema": "x", "law_version": "2"}', "written by another version"),
        ("[]", "not written by"),
    ],
)
def test_a_folder_that_holds_something_else_is_said(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / STATE).write_text(content)
    found = hunt("--corpus", tmp_path, "--rounds", 1)
    assert found.exit_code == 3
    assert says in found.output


def test_another_seed_needs_another_folder(tmp_path: Path) -> None:
    hunt("--corpus", tmp_path, "--seed", 1, "--rounds", 1)
    assert "this hunt has seed 1" in hunt("--corpus", tmp_path, "--seed", 2, "--rounds", 1).output


@pytest.mark.slow
def test_it_steers_to_what_was_not_seen(tmp_path: Path) -> None:
    """Kinds of steps seen grow faster than when any lawful stimulus is taken."""
    counts = []
    for looked_at in (6, 1):
        with engine_of("") as engine, pytest.MonkeyPatch.context() as patch:
            patch.setattr("fateline_oracle.conform.fuzz.LOOKED_AT", looked_at)
            found = Hunt(engine, hello_of(engine), "", tmp_path / str(looked_at), 7)
            for event in found.rounds():
                if event.kind == "walked" and found.progress.rounds == 80:
                    break
            counts.append(len(found.progress.seen))
    assert counts[0] > counts[1]
