"""The command line as a caller meets it: exit status, help, and what is imported when.

The commands used here are the tests' own, so these claims hold for every command that is in the table.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from fateline_console.group import CommandGroup
from fateline_console.lazy import LazyCommand
from fateline_oracle.cli import COMMANDS, main
from fateline_oracle.report.verdict import ExitCode

ROOT = Path(__file__).parent.parent.parent.parent


@click.command()
@click.option("--as", "how", type=click.Choice(["value", "exit", "nothing"]), default="value")
@click.argument("code", type=int, default=0)
def judge(how: str, code: int) -> ExitCode | None:
    """Leave with a given code, in each of the ways a command can."""
    if how == "exit":
        click.get_current_context().exit(code)
    return ExitCode(code) if how == "value" else None


@click.command()
@click.argument("failure")
def fail(failure: str) -> None:
    """Raise what is asked for."""
    raise {
        "bug": ZeroDivisionError("a bug"),
        "interrupt": KeyboardInterrupt(),
        "bad-input": click.ClickException("not an audit database"),
        "file": click.FileError("my.db", "no such file"),
    }[failure]


class Interrupted:
    """A descriptor that is interrupted while its class is made; Python 3.11 makes another error of that."""

    def __set_name__(self, owner: type, name: str) -> None:
        raise KeyboardInterrupt


@click.command()
@click.argument("way")
def interrupted(way: str) -> None:
    """Be interrupted where the interrupt becomes another error."""
    if way == "class":
        type("Made", (), {"field": Interrupted()})
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise ValueError("a cleanup failed")  # noqa: B904 (what went before it is the cause)


@click.command()
def chatter() -> None:
    """Write more than any pipe holds."""
    for _ in range(100_000):
        click.echo("a line")


def group_for_tests() -> CommandGroup:
    here = __name__
    return CommandGroup(
        "fateline",
        commands=[
            LazyCommand("judge", f"{here}:judge", "Judge."),
            LazyCommand("fail", f"{here}:fail", "Fail."),
            LazyCommand("absent", "no_such_module_anywhere:command", "Cannot be imported."),
        ],
    )


def invoke(*args: str) -> Result:
    return CliRunner().invoke(group_for_tests(), args)


def in_python(code: str, *, pipe: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter with our import path; ``pipe`` is a shell command that reads it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command: Sequence[str] = [sys.executable, "-c", code]
    if pipe:
        command = ["bash", "-c", f'"$@" | {pipe}; exit "${{PIPESTATUS[0]}}"', "bash", *command]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", [0, 1, 2, 3])
@pytest.mark.parametrize("how", ["value", "exit"])
def test_a_commands_code_is_the_exit_status(how: str, code: int) -> None:
    assert invoke("judge", "--as", how, str(code)).exit_code == code


@pytest.mark.parametrize("way", ["class", "cleanup"])
def test_an_interrupt_that_became_another_error_is_an_interrupt(way: str) -> None:
    result = CliRunner().invoke(CommandGroup("fateline", commands=[interrupted]), ["interrupted", way])
    assert result.exit_code == ExitCode.UNDETERMINED
    assert result.stderr.strip() == "Interrupted: nothing was decided."


def test_a_command_without_a_verdict_exits_0() -> None:
    assert invoke("judge", "--as", "nothing").exit_code == 0


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("no-such-command",),
        ("--no-such-option",),
        ("judge", "--no-such-option"),
        ("judge", "not-a-number"),
        ("judge", "--as", "no-such-choice"),
        ("fail",),
        ("fail", "bad-input"),
        ("fail", "file"),
    ],
)
def test_usage_errors_and_bad_input_exit_3(args: tuple[str, ...]) -> None:
    result = invoke(*args)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert result.stderr


def test_an_interrupt_is_not_a_breach() -> None:
    result = invoke("fail", "interrupt")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "nothing was decided" in result.stderr


def test_a_bug_of_ours_is_not_a_breach_and_shows_its_traceback() -> None:
    result = invoke("fail", "bug")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "ZeroDivisionError: a bug" in result.stderr


def test_a_reader_that_goes_away_is_not_a_breach() -> None:
    code = (
        "from fateline_console.group import CommandGroup; from tests.oracle.cli.test_cli import chatter;"
        "CommandGroup('fateline', commands=[chatter])(['chatter'])"
    )
    result = in_python(code, pipe="head -n 1")
    assert result.stdout == "a line\n"
    assert result.returncode == ExitCode.UNDETERMINED
    assert result.stderr == ""


def test_help_lists_the_commands_in_table_order_without_importing_them() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.split("Commands:\n")[1].splitlines()]
    assert lines == [["judge", "Judge."], ["fail", "Fail."], ["absent", "Cannot", "be", "imported."]]


def test_a_lazy_command_shows_the_real_ones_help() -> None:
    assert "Leave with a given code" in invoke("judge", "--help").stdout


def test_a_command_that_cannot_be_imported_decides_nothing() -> None:
    result = invoke("absent")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "no_such_module_anywhere" in result.stderr


def test_a_mistyped_command_is_told_the_nearest() -> None:
    assert "judge" in invoke("jugde").stderr


def test_every_command_in_the_table_can_be_imported() -> None:
    for command in COMMANDS:
        loaded = command.load()
        assert loaded.name == command.name


def test_version_is_the_distributions() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"fateline {version('fateline')}\n"


def test_a_run_imports_only_what_it_needs(tmp_path: Path) -> None:
    """Neither what other commands need, nor packages that take longer to import than a small run takes."""
    for file in (ROOT / "examples" / "claims").iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    code = (
        "import sys\n"
        "from fateline_oracle.cli import main\n"
        f"try: main(['run', {str(tmp_path / 'pipeline.yaml')!r}])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    result = in_python(code)
    loaded = set(result.stderr.split())
    assert "fateline_engine.orchestrator" in loaded, result.stderr
    packages = {name.partition(".")[0] for name in loaded}
    assert not packages & {"hypothesis", "networkx", "numpy", "opentelemetry", "sqlite_utils", "fateline_model"}
    assert not {name for name in loaded if name.startswith(("fateline_engine.drawing", "fateline_engine.explain"))}
    assert {name for name in loaded if name.startswith("fateline_oracle")} == {"fateline_oracle", "fateline_oracle.cli"}


def test_the_engine_has_a_command_line_without_the_judge(tmp_path: Path) -> None:
    for file in (ROOT / "examples" / "claims").iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fateline_engine", *args]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    run = call("run", "pipeline.yaml")
    assert (run.returncode, run.stderr) == (0, "")
    assert "ask it with: python -m fateline_engine explain pipeline.db 0" in run.stdout
    assert call("explain", "pipeline.db", "0").returncode == 0
    assert call("resume", "pipeline.yaml").returncode == 3
    assert call("run", "no-such-file.yaml").returncode == 3
    assert call("nonsense").returncode == 3
    listed = call("--help").stdout.split("Commands:\n")[1].split("\n")
    assert [line.split()[0] for line in listed if line.strip()] == ["run", "resume", "explain", "graph", "export"]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from fateline_oracle.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    result = in_python(code)
    assert "0 the law holds" in result.stdout
    loaded = set(result.stderr.split())
    assert {"click", "fateline_oracle"} <= loaded
    heavy = {
        "crosshair",
        "hypothesis",
        "msgspec",
        "networkx",
        "numpy",
        "opentelemetry",
        "sqlite3",
        "yaml",
        "z3",
    }
    assert not loaded & (heavy | {"sqlite_utils", "fateline_engine", "fateline_model"})


PRINTS_DATA = {"export.py", "graph.py", "ledger.py", "show_trail.py", "board.py", "sweep.py", "mended.py"}
"""Commands that print data for programs, as it is, beside text for people."""
OUR_WORDS = {"spec.py", "verify.py", "verify_pipeline.py", "prove.py", "zoo.py"}
"""Commands whose text comes from nowhere but this package."""


def test_text_for_people_is_printed_in_one_way() -> None:
    """`say` leaves out what steers a terminal; a command that needs `click.echo` is listed here with its reason."""
    folders = (ROOT / "oracle" / "fateline_oracle" / "cli", ROOT / "impl" / "fateline_engine" / "cli")
    found = {file.name for folder in folders for file in folder.glob("*.py") if "click.echo(" in file.read_text()}
    assert found <= PRINTS_DATA | OUR_WORDS, found


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_the_examples_are_copied_into_a_new_folder_and_can_be_run(tmp_path: Path) -> None:
    copied = tmp_path / "new"
    assert typed("examples", str(copied)).exit_code == 0
    assert (copied / "engines" / "README.md").is_file()
    assert typed("run", str(copied / "quorum" / "pipeline.yaml")).exit_code == 0
    assert typed("audit", str(copied / "databases" / "jan28_pre-topology.db")).exit_code == ExitCode.BREACHED
    again = typed("examples", str(copied))
    assert (again.exit_code, "exists already" in again.output) == (3, True)


def test_short_help_and_where_to_begin() -> None:
    assert typed("-h").output == typed("--help").output == typed().output
    assert "You have an audit database:    fateline audit DATABASE" in typed("-h").output
    assert typed("run", "-h").output == typed("run", "--help").output
