"""The board: each breach on it is explained and each explanation is a breach; what is measured today is what is kept."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from fateline_model import LAWS
from fateline_oracle.adapters import ENGINES
from fateline_oracle.adapters.profiles import profile_of
from fateline_oracle.board import rows as rows_module
from fateline_oracle.board.findings import FINDINGS, EngineFinding
from fateline_oracle.board.measure import at_rest
from fateline_oracle.board.page import board_html
from fateline_oracle.board.rows import AT_REST, DRIVEN, digest_of, keep_board, newest, read_board, with_new
from fateline_oracle.book.board import board_page
from fateline_oracle.cli import main

NEWEST = newest(read_board())


def test_every_breach_has_a_finding_and_every_finding_is_a_breach() -> None:
    breaches = {(row.engine, row.way, law) for row in NEWEST for law in row.broken}
    explained = {(finding.engine, finding.way, law) for finding in FINDINGS for law in finding.laws}
    assert breaches == explained


def test_every_engine_has_a_row_for_each_way_in_which_it_is_judged() -> None:
    ways = {(engine, AT_REST) for engine in ENGINES if profile_of(engine).reads}
    ways |= {(engine, DRIVEN) for engine in ENGINES if profile_of(engine).drives}
    assert {(row.engine, row.way) for row in NEWEST} == ways
    assert len(ENGINES) >= 7
    for row in NEWEST:
        assert set(row.laws) <= set(LAWS)
        assert row.way == AT_REST or set(row.broken) == set(profile_of(row.engine).breaks)


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if profile_of(engine).reads])
def test_what_an_audit_says_today_is_what_is_kept(engine: str) -> None:
    (kept,) = [row for row in NEWEST if (row.engine, row.way) == (engine, AT_REST)]
    now = at_rest(engine)
    assert now is not None
    assert (now.laws, now.counted, now.cases, now.digest) == (kept.laws, kept.counted, kept.cases, kept.digest)


def test_a_row_is_stale_when_it_was_measured_with_something_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = NEWEST[0]
    old = msgspec.structs.replace(row, digest="another")
    assert not msgspec.structs.replace(row, digest=digest_of(row.engine, row.way)).stale
    assert old.stale
    monkeypatch.setattr(rows_module, "LOCK", tmp_path / "board.json")
    keep_board([old])
    assert read_board() == [old]
    assert f"{old.date}, *stale*" in board_page()
    assert f"{old.date}, stale" in board_html([old])


def test_a_new_row_takes_the_place_of_the_one_of_its_version() -> None:
    one = NEWEST[0]
    again, other = msgspec.structs.replace(one, date="later"), msgspec.structs.replace(one, version="0")
    assert with_new([one], [again, other]) == [other, again]


def test_the_page_has_every_finding_and_fetches_nothing() -> None:
    page = board_html(read_board())
    assert "<script" not in page
    assert " src=" not in page
    assert "<link" not in page
    assert page.count('<details class="finding">') == len(FINDINGS)


def test_the_command_measures_and_compares(tmp_path: Path) -> None:
    html = tmp_path / "board.html"
    done = CliRunner().invoke(main, ["board", "dbos", "--html", str(html)])
    assert done.exit_code == 0, done.output
    assert "(now)" in done.output
    assert "differs" not in done.output
    assert html.read_text("utf-8").startswith("<!doctype html>")
    told = json.loads(CliRunner().invoke(main, ["board", "dbos", "--json"]).stdout)
    assert told["differ"] == []
    assert len(told["rows"]) == len(read_board())


def test_what_differs_from_the_kept_board_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rows_module, "LOCK", tmp_path / "board.json")
    done = CliRunner().invoke(main, ["board", "dbos"])
    assert done.exit_code == 1
    assert "differs from what was kept: dbos, at rest" in done.output


def test_an_engine_that_is_not_installed_is_not_silently_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FATELINE_ENGINES", str(tmp_path))
    done = CliRunner().invoke(main, ["board", "spiffworkflow"])
    assert done.exit_code == 2
    assert "not driven, because it is not installed: spiffworkflow" in done.output
    listed = CliRunner().invoke(main, ["engines", "spiffworkflow@3.0.0"])
    assert listed.exit_code == 2
    assert "SpiffWorkflow==3.0.0" in listed.output
    assert "not installed" in listed.output


@pytest.mark.parametrize("command", ["board", "engines"])
def test_an_engine_that_there_is_not_is_named(command: str) -> None:
    done = CliRunner().invoke(main, [command, "nobody"])
    assert done.exit_code == 3
    assert "there is no engine 'nobody'; the engines are airflow, " in done.output


@pytest.mark.parametrize("finding", [one for one in FINDINGS if one.way == AT_REST], ids=lambda one: one.id)
def test_a_finding_at_rest_is_seen_by_its_command(finding: EngineFinding) -> None:
    words = finding.command.split()
    done = CliRunner().invoke(main, words[1:])
    assert done.exit_code == 1
    for law in finding.laws:
        assert f"\n{law}  {LAWS[law].title}: " in done.output


def test_what_comes_with_the_package_is_named_as_it_was_asked_for() -> None:
    """The folder into which it is unpacked is gone when the command has ended."""
    done = CliRunner().invoke(main, ["audit", "engine:aws_durable/first", "--json"])
    report = json.loads(done.stdout)
    assert report["reproduce"] == "fateline audit engine:aws_durable/first"
    assert "fateline-found" not in done.output


def test_a_database_that_does_not_come_with_the_package_is_named() -> None:
    done = CliRunner().invoke(main, ["audit", "engine:langgraph/nothing"])
    assert done.exit_code == 3
    assert "there is no database engine:langgraph/nothing; there are engine:aws_durable/joined, " in done.output


PROGRAM = "'A docstring.'\nx = f'{1}'\ndef f():\n    return (x)\n"


@pytest.mark.parametrize(
    "text, same",
    [
        ("'Another one.'\nx = f'{1}'  # a comment\n\n\ndef f():\n    'And here.'\n    return (\n        x)\n", True),
        (PROGRAM.replace("{1}", "{2}"), False),
        (PROGRAM.replace("    return", "    y = 'a text'\n    return"), False),
        (PROGRAM.replace("    return", "    if x:\n        return"), False),
    ],
)
def test_a_comment_in_a_program_makes_no_row_stale(text: str, same: bool, tmp_path: Path) -> None:
    before, after = tmp_path / "before.py", tmp_path / "after.py"
    before.write_text(PROGRAM)
    after.write_text(text)
    assert (rows_module.meant(before) == rows_module.meant(after)) is same
    script = tmp_path / "script.js"
    script.write_text("// a comment\n")
    assert rows_module.meant(script) == b"// a comment\n"
