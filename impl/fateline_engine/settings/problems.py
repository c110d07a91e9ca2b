"""What is wrong with a pipeline: where, which value, what is allowed.

The shape of one problem, and the error that carries all of them. Warnings have the same shape and stop nothing. Not here: any
rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from fateline_engine.settings.nodes import PluginUse

Path = tuple[str | int, ...]
"""A place in a document: `("nodes", 2, "routes", "yes")`."""

_SHOWN: Final = 60


class _Absent:
    """Marks a problem that is not about one value."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()


def spell(path: Path) -> str:
    """`nodes[2].routes.yes`"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in a form that says what to do about it."""

    path: Path
    message: str
    """What is allowed here, or what to change; a whole clause."""
    value: object = ABSENT
    node: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
        where = spell(self.path)
        if self.node:
            where += f" ({self.node})"
        shown = ""
        if self.value is not ABSENT:
            text = repr(self.value)
            shown = f" = {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}"
        head = ": ".join(part for part in (place, where + shown) if part)
        return f"{head}: {self.message}" if head else self.message


class SettingsError(ValueError):
    """A pipeline that cannot be run, with every problem that was found, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem], uses: Iterable[PluginUse] = ()) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        self.uses = tuple(uses)
        """The plugins that could be read all the same, so that their options can be checked too."""
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in this pipeline:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class Complaints:
    """Collects problems while a document is read, so that all are reported together."""

    def __init__(self, file: str | None = None, lines: Mapping[Path, int] | None = None) -> None:
        self.file = file
        self.lines = lines or {}
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str, value: object = ABSENT, node: str | None = None) -> Problem:
        """A problem at `path`, on the line of the nearest thing that has one; not yet collected."""
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)
        return Problem(path, message, value, node, self.file, line)

    def add(self, path: Path, message: str, value: object = ABSENT, node: str | None = None) -> None:
        self.problems.append(self.problem(path, message, value, node))

    def settle(self, uses: Iterable[PluginUse] = ()) -> None:
        """Raise if anything was collected."""
        if self.problems:
            raise SettingsError(self.problems, uses)
