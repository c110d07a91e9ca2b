"""Any engine, crashed at each of its commits from outside: what resumes rightly is quiet, each mistake is named by its law."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_oracle.adapters import ENGINES, of_engine
from fateline_oracle.adapters.environments import is_made, words_of
from fateline_oracle.adapters.profiles import profile_of
from fateline_oracle.cli import main
from fateline_oracle.crash import any_process
from tests.model.schemas import validator

from .toy_run import VIEWS

TOY = Path(__file__).with_name("toy_run.py")
COMMITS = 8
"""One for the tables, two for each of three tokens, one for the end."""


def tortured(folder: Path, *words: str, mistake: str = "", python: str = sys.executable) -> Result:
    views = folder / "views.sql"
    views.write_text(VIEWS)
    start = shlex.join([python, str(TOY), *([mistake] if mistake else [])])
    return CliRunner().invoke(
        main, ["torture", "--start", start, "--database", "toy.db", "--views", str(views), "--seed", "1", *words]
    )


def test_a_run_that_resumes_rightly_is_quiet_at_every_commit(tmp_path: Path) -> None:
    done = tortured(tmp_path, "--effects", "effects.txt")
    assert done.exit_code == 0, done.output
    assert f"{COMMITS} kills at each of {COMMITS} commits; 0 findings" in done.output


@pytest.mark.parametrize(
    "mistake, said",
    [
        ("makes them again", "R2: tokens: "),
        ("forgets what was cut off", "F2: has no fate, and the run is over"),
        ("writes before it commits", "R4: effects.txt: '1' is there 2 times, and 1 times without a crash"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, mistake: str, said: str) -> None:
    done = tortured(tmp_path, "--effects", "effects.txt", "--json", mistake=mistake)
    assert done.exit_code == 1, done.output
    told = json.loads(done.output)
    assert [error.message for error in validator("report").iter_errors(told)] == []
    assert (told["counts"]["kills"], told["counts"]["commits"]) == (COMMITS, COMMITS)
    assert [one for one in told["findings"] if f"{one['law']}: {one['kind']}".startswith(said)]


def test_where_no_commit_is_counted_it_is_killed_at_random_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interpreter that takes nothing from its environment imports no hook."""
    monkeypatch.setattr(any_process, "RANDOM_KILLS", 6)
    start = f"{sys.executable} -E {TOY}"
    views = tmp_path / "views.sql"
    views.write_text(VIEWS)
    done = CliRunner().invoke(
        main, ["torture", "--start", start, "--database", "toy.db", "--views", str(views), "--seed", "1"]
    )
    assert "at random moments, seed 1" in done.output
    assert "0 findings" in done.output


@pytest.mark.parametrize(
    "words, said",
    [
        (["--start", "no-such-program", "--database", "a.db"], "no-such-program: No such file or directory"),
        (["--start", "sh -c 'echo a word >&2; exit 3'", "--database", "a.db"], "ended with 3: a word"),
        (["--start", "true", "--database", "a.db"], "a.db: No such file or directory"),
        (["--start", "true"], "--start needs --database FILE"),
        (["--start", "true", "--database", "/tmp/a.db"], "name a file in the folder of the run"),
        (["--start", "true", "--database", "a.db", "--effects", "../b"], "name a file in the folder of the run"),
    ],
)
def test_what_cannot_be_run_is_told_in_a_line(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["torture", *words])
    assert done.exit_code == 3
    assert said in done.output


@pytest.mark.engines
@pytest.mark.parametrize("engine", [engine for engine in ENGINES if of_engine(engine, "run.py").is_file()])
def test_engines_of_others_lose_nothing_at_any_commit(engine: str) -> None:
    """Without effects: a step may run again, as their documentation says."""
    packages = profile_of(engine).packages
    if not is_made(packages):
        pytest.skip(f"{', '.join(packages)} is not installed; `fateline engines --make` installs it")
    start = shlex.join(words_of(engine, packages, "run.py"))
    done = CliRunner().invoke(main, ["torture", "--start", start, "--database", "run.db"])
    assert done.exit_code == 0, done.output
    assert " commits; 0 findings" in done.output
