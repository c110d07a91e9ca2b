"""`fateline spec`: writes the book, and tells what is stale, missing, orphaned or not in the index."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_oracle.book import INDEX, PLAIN, make_book
from fateline_oracle.book.markdown import NOTICE, page, table
from fateline_oracle.book.schemas import SCHEMAS
from fateline_oracle.book.tables import TABLES
from fateline_oracle.cli import main
from fateline_oracle.report.verdict import ExitCode

SPECS = Path(__file__).parents[3] / "specs"


@cache
def book() -> dict[str, str]:
    """The book of this law, made once: its mutants take some seconds."""
    return make_book()


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the book, written anew."""
    monkeypatch.setattr("fateline_oracle.cli.spec.make_book", lambda **more: dict(book()))
    shutil.copytree(SPECS, tmp_path / "specs")
    assert spec("--specs", str(tmp_path / "specs")).exit_code == ExitCode.HOLDS
    return tmp_path / "specs"


def spec(*args: str) -> Result:
    return CliRunner().invoke(main, ["spec", *args])


def check(specs: Path) -> tuple[int, list[str]]:
    """What checking says: the exit status and the problems."""
    result = spec("--check", "--specs", str(specs), "--json")
    told = json.loads(result.stdout)
    assert set(told) == {"specs", "pages", "changed", "problems"}
    assert told["changed"] == []
    return result.exit_code, told["problems"]


def test_a_fresh_book_is_fresh(specs: Path) -> None:
    assert check(specs) == (ExitCode.HOLDS, [])
    result = spec("--check", "--specs", str(specs))
    assert result.stdout == f"fresh  {len(book())} generated files in {specs}, index {specs / INDEX}\n"


@pytest.mark.parametrize("name", ["laws.md", "words.md", "tables/policy.json", "schemas/trail.schema.json"])
def test_a_stale_page_is_told_and_writing_mends_it(specs: Path, name: str) -> None:
    (specs / name).write_text((specs / name).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert check(specs) == (ExitCode.BREACHED, [f"{name}: stale"])
    result = spec("--specs", str(specs))
    assert result.exit_code == ExitCode.HOLDS
    assert f"written  {name}\n" in result.stdout
    assert result.stdout.count("written") == 1
    assert check(specs) == (ExitCode.HOLDS, [])


@pytest.mark.parametrize("name", ["mutants.md", "tables/laws.json"])
def test_a_missing_page_is_told_and_writing_mends_it(specs: Path, name: str) -> None:
    (specs / name).unlink()
    code, problems = check(specs)
    assert (code, problems[0]) == (ExitCode.BREACHED, f"{name}: missing")
    assert spec("--specs", str(specs)).exit_code == ExitCode.HOLDS
    assert (specs / name).read_text(encoding="utf-8") == book()[name]


def test_a_page_that_nothing_makes_any_more_is_told_and_not_mended_by_writing(specs: Path) -> None:
    (specs / "old.md").write_text(page("Old"), encoding="utf-8")
    told = ["old.md: generated once, and made by nothing any more", f"{INDEX}: does not lead to old.md"]
    assert check(specs) == (ExitCode.BREACHED, told)
    assert spec("--specs", str(specs)).exit_code == ExitCode.BREACHED


def test_a_page_that_the_index_does_not_lead_to_is_told(specs: Path) -> None:
    (specs / "decisions" / "9999-nobody-knows.md").write_text("# By hand\n", encoding="utf-8")
    assert check(specs) == (ExitCode.BREACHED, [f"{INDEX}: does not lead to decisions/9999-nobody-knows.md"])


def test_without_an_index_every_page_is_told(specs: Path) -> None:
    (specs / INDEX).unlink()
    code, problems = check(specs)
    assert code == ExitCode.BREACHED
    assert len(problems) == len(list(specs.rglob("*.md")))


def test_checking_writes_nothing(specs: Path) -> None:
    (specs / "laws.md").unlink()
    assert spec("--check", "--specs", str(specs)).exit_code == ExitCode.BREACHED
    assert not (specs / "laws.md").exists()


def test_every_generated_page_says_so_and_every_file_ends_in_one_line_end() -> None:
    assert set(book()) >= {*PLAIN, *(f"tables/{name}.json" for name in TABLES)}
    assert {f"schemas/{name}.schema.json" for name in SCHEMAS} <= set(book())
    for name, text in book().items():
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert not name.endswith(".md") or text.startswith(NOTICE), name


def test_the_pages_people_write_are_left_alone(specs: Path) -> None:
    by_hand = [path for path in SPECS.rglob("*.md") if not path.read_text(encoding="utf-8").startswith(NOTICE)]
    assert by_hand
    for path in by_hand:
        assert (specs / path.relative_to(SPECS)).read_bytes() == path.read_bytes()


def test_a_folder_that_is_none_is_bad_input(tmp_path: Path) -> None:
    result = spec("--check", "--specs", str(tmp_path / "nowhere"))
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "no such folder" in result.stderr


def test_the_book_is_found_from_below_a_checkout_and_nowhere_else(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert spec("--check").exit_code == ExitCode.HOLDS
    shutil.rmtree(specs)
    result = spec("--check")
    assert result.exit_code == ExitCode.USAGE
    assert "no `specs` folder here or above" in result.stderr


def test_a_bar_in_a_cell_does_not_split_it() -> None:
    assert table(["a", "b"], [("x|y", None), ("one\ntwo", 3)]).splitlines() == [
        "| a | b |",
        "|---|---|",
        "| x\\|y |  |",
        "| one two | 3 |",
    ]
