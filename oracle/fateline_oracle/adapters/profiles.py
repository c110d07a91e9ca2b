"""What is known of each engine: its profile, and what it wrote (`profile.toml`, `cases.toml` of its folder).

A choice rests on a sentence of the engine's documentation. If it is otherwise than a law of our profile, it names the law; then
that law is not judged. Not here: auditing, and the page (`book/engines.py`).
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources.abc import Traversable
from typing import Literal

from msgspec import field
from msgspec.structs import force_setattr

from ..toml_tables import Entry, decoded
from . import of_engine


class Sentences(Entry, frozen=True):
    """An entry whose texts are sentences: lines may be broken anywhere."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            force_setattr(self, name, _joined(getattr(self, name)))


def _joined(value: object) -> object:
    if isinstance(value, dict):
        return {key: _joined(inner) for key, inner in value.items()}
    return " ".join(value.split()) if isinstance(value, str) else value


class Choice(Sentences, frozen=True):
    """How an engine does something, and the sentence of its documentation that says so, with the module that has it."""

    what: str
    documented: str
    where: str
    law: str | None = None
    """The law of our profile that it does otherwise."""


class Unjudged(Sentences, frozen=True):
    """What cannot be asked of an engine, and why."""

    what: str
    why: str


class EngineProfile(Sentences, frozen=True):
    """What is known of an engine."""

    name: str
    about: str
    runtime: Literal["python", "node"]
    packages: tuple[str, ...]
    choices: tuple[Choice, ...]
    unjudged: tuple[Unjudged, ...] = ()
    reads: str = ""
    """What of its records is read; empty if it is not read at rest."""
    format: Literal["db", "jsonl"] = "db"
    """Whether that is a database of SQLite or a file of JSON lines."""
    drives: str = ""
    """What of it is driven, and how; empty if it is not driven."""
    breaks: tuple[str, ...] = ()
    """The laws that it breaks when it is driven."""

    @property
    def declared(self) -> Mapping[str, str]:
        """The laws of our profile that it does otherwise, and how."""
        return {choice.law: choice.what for choice in self.choices if choice.law is not None}


class EngineCase(Sentences, frozen=True):
    """A database that an engine wrote: what it is, the laws that it breaks, and what that means."""

    what: str
    breaks: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""


@cache
def profile_of(engine: str) -> EngineProfile:
    """The profile of an engine."""
    return decoded(of_engine(engine, "profile.toml").read_text("utf-8"), f"{engine}/profile.toml", EngineProfile)


def cases_of(engine: str) -> Mapping[str, EngineCase]:
    """The databases of an engine, by name."""
    if not profile_of(engine).reads:
        return {}
    return decoded(of_engine(engine, "cases.toml").read_text("utf-8"), f"{engine}/cases.toml", dict[str, EngineCase])


def packed(engine: str, case: str) -> Traversable:
    """A database of an engine, or its JSON lines, compressed."""
    return of_engine(engine, f"{file_of(engine, case)}.xz")


def file_of(engine: str, case: str) -> str:
    """The name of that file, when it is not compressed."""
    return f"{case}.{profile_of(engine).format}"
