"""What every command owes to every input, and how a fuzzer asks for it.

A command ends within a bound, with a documented exit status, in clear words and without a traceback. What it prints cannot steer
a terminal, and no file is changed or made that the caller did not name. `check` asserts this of one call. Not here: the
inputs (`damage.py`) and what is done with them.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any, Final
from warnings import catch_warnings, simplefilter

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy

from fateline_console.terminal import harmless
from fateline_oracle.cli import main
from fateline_oracle.limits import limited

SECONDS: Final = 20.0
"""How long one command may take on a free machine. The inputs are small."""
STATUSES: Final = frozenset({0, 1, 2, 3})
LONGEST_LINE: Final = 4_000
"""The largest number of characters of a message."""
SHORT: Final = 160
"""Up to so many examples are the bounded run: always the same ones, and not made smaller when one fails."""


def lengths(short: int, long: int) -> pytest.MarkDecorator:
    """Marks a fuzzer: bounded in `make test`, long among the slow tests."""
    return pytest.mark.parametrize("many", [short, pytest.param(long, marks=pytest.mark.slow)])


def fuzz(many: int, inputs: SearchStrategy[Any], tried: Callable[[Any], None]) -> None:
    """Try so many inputs."""
    how = settings(
        max_examples=many, deadline=None, derandomize=many <= SHORT, suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False, phases=(Phase.generate,) if many <= SHORT else tuple(Phase),
    )  # fmt: skip

    @how
    @given(inputs)
    def one(given_input: Any) -> None:
        tried(given_input)

    with catch_warnings():
        simplefilter("ignore", HypothesisWarning)  # inputs are large when they are written out
        one()


class Misbehaved(AssertionError):
    """A command that owes something."""


def content(folder: Path) -> dict[str, str]:
    """Every file beneath a folder, by a digest of it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def late() -> BaseException:
    return Misbehaved(f"not over after {SECONDS:g} s")


def check(folder: Path, *words: object, named: str = "", text: bool = True) -> Result:
    """Call a command in a folder. `named` is a pattern of the files that it may change; `text` is output for people."""
    before = content(folder)
    called = [str(word) for word in words]
    with chdir(folder), limited(SECONDS, late):
        result = CliRunner().invoke(main, called)
    after = content(folder)
    touched = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    strange = [name for name in touched if not re.fullmatch(named, name)]
    said = result.stderr
    problems = {
        f"an exception: {result.exception!r}": isinstance(result.exception, BaseException)
        and not isinstance(result.exception, SystemExit),
        f"the exit status {result.exit_code}": result.exit_code not in STATUSES,
        f"a traceback\n{said[-3_000:]}": "Traceback" in said or "An error inside" in said,
        f"bad input without a word: {said!r}": result.exit_code == 3 and not re.search(r"^Error: \S", said, re.M),
        "a line without end": any(len(line) > LONGEST_LINE for line in said.splitlines()),
        f"characters that steer a terminal: {result.output!r}"[:900]: text and harmless(result.output) != result.output,
        f"files that nobody named: {', '.join(strange)}": bool(strange),
    }
    found = [what for what, there in problems.items() if there]
    if found:
        raise Misbehaved(f"fateline {' '.join(called)}\n" + "\n".join(found))
    return result


class Sandboxes:
    """New folders, one for each input, with a file that is nobody's business; the one before is removed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: Path | None = None

    def next(self) -> Path:
        if self._last is not None:
            shutil.rmtree(self._last, ignore_errors=True)
        self._last = Path(tempfile.mkdtemp(dir=self._folder))
        (self._last / "bystander.txt").write_text("untouched")
        return self._last
