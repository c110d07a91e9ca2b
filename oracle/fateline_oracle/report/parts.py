"""What the report of one shard carries for `fateline merge`, and how the reports of several shards are put together.

A report of a shard has all that the command concludes from: what was asked for, and the result of each member of the shard (an
instance, a mutant, a walk). The command concludes again, from the results of all shards in the order of a single run. Reports
come from files and are not trusted. Not here: the results of each command, and what it concludes from them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from fateline_model import LAW_VERSION
from fateline_model.laws import LAWS

from ..shard import MOST, Shard, missing_of
from .reading import LARGEST_REPORT, BadReport, report_in

Kind = TypeVar("Kind")
Result = TypeVar("Result")
Natural = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=1e12)]
LawId = Annotated[str, Meta(pattern=f"^(?:{'|'.join(LAWS)})$")]
SHOWN: Final = 60
"""The largest number of characters of a value in a message."""


class Part(Struct, forbid_unknown_fields=True, kw_only=True):
    """The shard of a report."""

    command: str
    number: Annotated[int, Meta(ge=1, le=MOST)]
    of: Annotated[int, Meta(ge=1, le=MOST)]
    judge: str
    """The version of Fateline."""
    law_version: str
    asked: dict[str, Any]
    """What was asked for, and of which engine: all that changes the outcome."""
    reproduce: str
    """The command line of the whole."""
    results: dict[str, Any]
    """The result of each member, by its name."""
    seconds: dict[str, Seconds]
    """How long each member took."""

    def __post_init__(self) -> None:
        if self.number > self.of:
            raise ValueError(f"there is no shard {self.shard}")

    @property
    def shard(self) -> Shard:
        return Shard(self.number, self.of)

    def must_agree(self) -> dict[str, Any]:
        """What all shards of one run have in common."""
        return {
            "command": self.command,
            "version of Fateline": self.judge,
            "version of the law": self.law_version,
            "number of shards": self.of,
            **{name.replace("_", " "): value for name, value in _flat(self.asked)},
        }


PART_KEYS: Final = {
    "command": "The command.",
    "number": "The number of the shard, from 1.",
    "of": "The number of shards.",
    "judge": "The version of Fateline.",
    "law_version": "The version of the law.",
    "asked": "What was asked for, and of which engine: all that changes the outcome, the same in every shard.",
    "reproduce": "The command line of the whole.",
    "results": "The result of each member of the shard, by its name: what `fateline merge` concludes from.",
    "seconds": "How long each member took, by its name.",
}


def _flat(asked: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each value by its name; those of a table inside by both names."""
    return [
        (f"{name} {inner}".strip(), one)
        for name, value in asked.items()
        for inner, one in (value.items() if isinstance(value, dict) else [("", value)])
    ]


def part_json(
    command: str,
    shard: Shard,
    asked: object,
    reproduce: str,
    results: Mapping[str, object],
    seconds: Mapping[str, float],
) -> dict[str, object]:
    """The shard of a report, as it is printed. `asked` and `results` are anything that msgspec knows."""
    part = Part(
        command=command, number=shard.number, of=shard.of, judge=version("fateline"), law_version=LAW_VERSION,
        asked=msgspec.to_builtins(asked, order="deterministic"), reproduce=reproduce,
        results=msgspec.to_builtins(dict(results)),
        seconds={name: round(took, 3) for name, took in seconds.items()},
    )  # fmt: skip
    found: dict[str, object] = msgspec.to_builtins(part)
    return found


def in_shard(reproduce: str, shard: Shard) -> str:
    """The command line of one shard, made of that of the whole."""
    words = reproduce.split(" ")
    return " ".join([*words[:2], "--shard", str(shard), *words[2:]])


@dataclass(frozen=True)
class Parts:
    """The shards of one run that were given, each with the file in which it was found; at least one."""

    found: Sequence[tuple[Path, Part]]

    @property
    def first(self) -> Part:
        return self.found[0][1]

    @property
    def shards(self) -> tuple[Shard, ...]:
        return tuple(part.shard for _, part in self.found)

    @property
    def missing(self) -> list[str]:
        """A line for each shard that is missing."""
        return [f"shard {one} is missing, and what it checks is not checked" for one in missing_of(self.shards)]

    @property
    def seconds(self) -> dict[str, float]:
        return {name: took for _, part in self.found for name, took in part.seconds.items()}

    def asked(self, kind: type[Kind]) -> Kind:
        """What was asked for."""
        path, part = self.found[0]
        return _decoded(path, lambda: msgspec.convert(part.asked, kind, strict=True))

    def results(
        self, expected: Callable[[Shard], Collection[str]], decode: Callable[[str, Any], Result]
    ) -> dict[str, Result]:
        """The results of all shards by name. `expected` are the names of the members of a shard."""
        together: dict[str, Result] = {}
        for path, part in self.found:
            names = _decoded(path, lambda part=part: set(expected(part.shard)))  # type: ignore[misc]
            if wrong := sorted(names ^ part.results.keys()):
                raise BadReport(
                    f"{path}: shard {part.shard} should {'not ' if wrong[0] not in names else ''}have {_shown(wrong[0])}"
                )
            for name, result in part.results.items():
                together[name] = _decoded(path, lambda name=name, result=result: decode(name, result))  # type: ignore[misc]
        return together


def _decoded(path: Path, decode: Callable[[], Result]) -> Result:
    try:
        return decode()
    except (ValueError, TypeError, KeyError, RecursionError, msgspec.MsgspecError) as error:
        raise BadReport(f"{path}: not the report of a shard: {_shown(error, 300)}") from error


def read_parts(paths: Sequence[Path]) -> Parts:
    """The shards in these reports, in their order. Raises `BadReport` if they do not belong together."""
    if sum(path.stat().st_size for path in paths if path.is_file()) > LARGEST_REPORT:
        raise BadReport(f"the reports together are larger than {LARGEST_REPORT:,} bytes")
    found: dict[Shard, tuple[Path, Part]] = {}
    for path in paths:
        part = _part(path)
        for other, known in list(found.values())[:1]:
            _agree(other, known, path, part)
        other, known = found.setdefault(part.shard, (path, part))
        if known.results != part.results:
            raise BadReport(f"{other} and {path} are both shard {part.shard}, and their results differ")
    parts = [found[shard] for shard in sorted(found)]
    path, first = parts[0]
    ours = (version("fateline"), LAW_VERSION)
    if (first.judge, first.law_version) != ours:
        theirs = f"Fateline {_shown(first.judge)} with the law {_shown(first.law_version)}"
        raise BadReport(f"{path}: made by {theirs}; this is Fateline {ours[0]} with the law {ours[1]}")
    return Parts(parts)


def _part(path: Path) -> Part:
    document = report_in(path).get("shard")
    if document is None:
        raise BadReport(f"{path}: not the report of a shard: make it with --shard K/N --json")
    return _decoded(path, lambda: msgspec.convert(document, Part, strict=True))


def _agree(one: Path, first: Part, other: Path, second: Part) -> None:
    """Raise `BadReport` if the two are not shards of one run."""
    ours, theirs = first.must_agree(), second.must_agree()
    for name in {**ours, **theirs}:
        if ours.get(name) != theirs.get(name):
            values = f"{_shown(ours.get(name))} in the first, {_shown(theirs.get(name))} in the second"
            raise BadReport(f"{one} and {other} do not belong together: {name[:SHOWN]} is {values}")


def _shown(value: object, most: int = SHOWN) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= most else f"{text[:most]}..."
