"""Issues of engines of others that were mended: each breaks its laws in a version that has it, and not in one that does not."""

import pytest
from click.testing import CliRunner

from fateline_model import LAWS
from fateline_oracle.adapters import of_engine
from fateline_oracle.adapters.environments import is_made
from fateline_oracle.adapters.mended import Mended, every_issue
from fateline_oracle.board.reproduced import broken_in
from fateline_oracle.book.board import board_page
from fateline_oracle.cli import main
from fateline_oracle.cli.mended import Reproduced

ISSUES = every_issue()


@pytest.mark.engines
@pytest.mark.parametrize("engine, number, issue", ISSUES, ids=[f"{engine}-{number}" for engine, number, _ in ISSUES])
def test_an_issue_is_there_in_one_version_and_not_in_the_other(engine: str, number: str, issue: Mended) -> None:
    for version in (issue.bad, issue.good):
        packages = issue.packages(engine, version)
        if not is_made(packages):
            pytest.skip(f"{', '.join(packages)} is not installed; `fateline mended {engine} --make` installs it")
    assert set(broken_in(engine, number, issue, issue.bad)) == set(issue.laws)
    assert broken_in(engine, number, issue, issue.good) == ()


def test_five_issues_are_described_with_laws_and_a_program() -> None:
    assert len(ISSUES) >= 5
    for engine, number, issue in ISSUES:
        assert issue.issue.endswith(f"/issues/{number}")
        assert issue.laws
        assert set(issue.laws) <= set(LAWS)
        assert of_engine(engine, "mended.py").is_file()
        assert issue.issue in board_page()


def test_a_version_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("FATELINE_ENGINES", str(tmp_path))
    done = CliRunner().invoke(main, ["mended", "dbos"])
    assert done.exit_code == 2
    assert "was not run: dbos==2.7.0 is not installed; --make installs it" in done.output
    assert CliRunner().invoke(main, ["mended", "nobody"]).exit_code == 3


def test_an_issue_is_as_said_only_if_its_law_tells_the_versions_apart() -> None:
    def told(bad: tuple[str, ...], good: tuple[str, ...]) -> bool:
        return Reproduced("dbos", "an address", ("C3",), "1", "2", bad, good).as_said

    assert told(("C3",), ())
    assert told(("C3", "C4"), ("C4",))
    assert not told((), ())
    assert not told(("C3",), ("C3",))
