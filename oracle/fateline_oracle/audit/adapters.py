"""Adapters: how the relations of the trail are found in a database with another schema, in SQL alone.

An adapter is a file of `CREATE VIEW trail_<relation> AS SELECT ...`. A relation without a view, or a column that the
view does not have, is not recorded. A view may have one additional column, `part`: a number that all records of a row
share and by which they can be found, so that the database is checked in place, one range of rows at a time. Comments at
its head declare:

    -- Like: ADAPTER                          take the views of a known adapter that this file does not define
    -- Leaves out: relation                   one of those that is not recorded
    -- Wants: table.column, !table.column     what a database must have, and must not have, to be read by it
    -- Profile: LAW sentence                  what its engine deliberately does not follow
    -- Profile: LAW [shape] sentence          the same, for breaches with this text; * stands for anything
    -- Whole: sentence                        an empty column means that nothing happened, not that nothing is recorded
    -- Order: sentence                        `seq` is only about the order of the events, and why
    -- Versions: 0 to 29                      the values of `PRAGMA user_version` for which it was written
    -- Note: sentence                         what a reader of the verdict should know

The view `trail_strays`, with the columns `run` and `rec`, may list records of runs that do not exist. A view
`trail_step_<name>` is a step on the way: it is computed once, and the views after it read it.

Not here: opening (`connect.py`), and reading through the views (`source.py`).
"""

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, NamedTuple

from fateline_model.laws import LAWS, Level
from fateline_model.records import RELATIONS

from ..adapters import ENGINES, of_engine
from .connect import BadSource, opened, quoted

LONGEST: Final = 262_144
"""The largest number of characters in a file of views."""
SEMICOLONS: Final = 2_000
"""The largest number of semicolons in a file of views."""
REQUIRED: Final = ("runs", "tokens")
"""The relations without which there is nothing to audit."""
ORPHANS: Final = "strays"
"""A view in addition to those of the relations: records of runs that do not exist, as (run, rec)."""
STEP: Final = "step_"
"""How the name of a view begins that is a step on the way to those of the relations."""
_FOLDER: Final = files(__package__) / "sql" / "adapters"
_VIEW: Final = re.compile(r"\s*CREATE\s+(?:TEMP\s+|TEMPORARY\s+)?VIEW\s+trail_(\w+)\s+AS\s+(.*)", re.I | re.S)
_NAMES: Final = re.compile(r"\btrail_(" + "|".join((*RELATIONS, ORPHANS, STEP + r"\w+")) + r")\b")
_COMMENTS: Final = re.compile(r"^(?:\s*--[^\n]*\n)*")


_DECLARED: Final = ("Like", "Leaves out", "Whole", "Wants", "Profile", "Derived", "Order", "Versions", "Note")


class Peculiarity(NamedTuple):
    """Something that an engine deliberately does not follow: the law, the shape of the breaches, and a sentence."""

    law: str
    shape: str
    sentence: str


@dataclass(frozen=True)
class Adapter:
    """How the relations are found: one query for each relation, and what the engine deliberately does not follow."""

    name: str
    views: Mapping[str, str]
    wants: tuple[str, ...] = ()
    profile: tuple[Peculiarity, ...] = ()
    notes: tuple[str, ...] = ()
    whole: bool = False
    """True if everything that has a column is recorded, so that an empty column means that nothing happened."""
    order: tuple[str, ...] = ()
    """Why `seq` is only about the order of the events; empty if it is that order."""
    versions: tuple[int, int] | None = None
    """The first and the last version of the schema for which it was written; None if it does not say."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """Queries that are computed once, in this order, before the views; views and later steps read them."""
    derived: Mapping[str, str] = field(default_factory=dict)
    """The laws that are not asked, because what the views give cannot break them, and why."""

    def asks(self, law: str, chosen: Collection[str] | None) -> bool:
        """True if a law is among the chosen ones (None: all), and the views could break it."""
        return law not in self.derived and (chosen is None or law in chosen)


def read_adapter(name: str, text: str) -> Adapter:
    """Read an adapter from the text of its file. Raises `BadSource` with the name of the file and the problem."""
    if len(text) > LONGEST:
        raise BadSource(f"{name}: {len(text):,} characters; a file of views has at most {LONGEST:,}")
    if "\0" in text:
        raise BadSource(f"{name}: contains a zero byte; a file of views is text")
    if text.count(";") > SEMICOLONS:
        raise BadSource(f"{name}: {text.count(';'):,} semicolons; a file of views has at most {SEMICOLONS:,}")
    declared: dict[str, list[str]] = {key: [] for key in _DECLARED}
    for line in text.splitlines():
        key, _, value = line.removeprefix("--").strip().partition(": ")
        if line.startswith("--") and key in declared:
            declared[key].append(value)
    like = known_adapter(declared["Like"][0]) if declared["Like"] else None
    given = {**like.steps, **like.views} if like is not None else {}
    given.update(_view(name, statement) for statement in _statements(text))
    steps = {step: query for step, query in given.items() if step.startswith(STEP)}
    views = {view: query for view, query in given.items() if view not in steps and view not in declared["Leaves out"]}
    profile = (
        *(like.profile if like is not None else ()),
        *(_peculiarity(name, entry) for entry in declared["Profile"]),
    )
    missing = [need for need in REQUIRED if need not in views]
    if missing:
        raise BadSource(
            f"{name}: there is no view trail_{missing[0]}; an adapter must have at least trail_runs and trail_tokens"
        )
    wants = tuple(want for line in declared["Wants"] for want in line.split(", "))
    notes = (*(like.notes if like is not None else ()), *declared["Note"])
    order = (*(like.order if like is not None else ()), *declared["Order"])
    versions = _versions(name, declared["Versions"]) or (like.versions if like is not None else None)
    derived = {**(like.derived if like is not None else {}), **dict(_derived(name, declared["Derived"]))}
    return Adapter(name, views, wants, profile, notes, bool(declared["Whole"]), order, versions, steps, derived)


def _derived(name: str, declared: list[str]) -> Iterator[tuple[str, str]]:
    for entry in declared:
        found = re.fullmatch(r"((?:[A-Z]\d+ )+)(.+)", entry)
        laws = found[1].split() if found is not None else []
        if found is None or not set(laws) <= set(LAWS):
            raise BadSource(f"{name}: Derived: {entry[:60]!r} does not begin with ids of laws; see specs/laws.md")
        yield from ((law, found[2]) for law in laws)


def _versions(name: str, declared: list[str]) -> tuple[int, int] | None:
    if not declared:
        return None
    found = re.fullmatch(r"(\d{1,9}) to (\d{1,9})", declared[0])
    if found is None:
        raise BadSource(f"{name}: Versions: {declared[0][:60]!r} is not like `0 to 29`")
    return int(found[1]), int(found[2])


def version_notes(path: Path, adapter: Adapter) -> list[str]:
    """A sentence if the schema of a database has a version for which its adapter was not written."""
    if adapter.versions is None:
        return []
    with opened(path) as conn:
        version = conn.execute("PRAGMA user_version").fetchone()[0]
    first, last = adapter.versions
    if first <= version <= last:
        return []
    return [
        f"The schema has version {version}, and it is read as {adapter.name} of {first} to {last}. It may be misread."
    ]


def _peculiarity(name: str, entry: str) -> Peculiarity:
    found = re.fullmatch(r"(\w+) (?:\[([^\]]+)\] )?(.+)", entry)
    if found is None or found[1] not in LAWS:
        raise BadSource(f"{name}: Profile: {entry[:60]!r} does not begin with the id of a law; see specs/laws.md")
    return Peculiarity(found[1], found[2] or "*", found[3])


def may_declare(law: str) -> bool:
    """True if an engine need not follow the law. A core law must be followed; a profile can only explain its breaches."""
    return LAWS[law].level is Level.PROFILE


def _view(name: str, statement: str) -> tuple[str, str]:
    found = _VIEW.fullmatch(_COMMENTS.sub("", statement))
    if found is None or not (found[1].lower() in (*RELATIONS, ORPHANS) or found[1].startswith(STEP)):
        raise BadSource(
            f"{name}: {' '.join(_COMMENTS.sub('', statement).split())[:60]!r} is not a view of a relation. Write CREATE VIEW "
            f"trail_<relation> AS SELECT ..., or trail_step_<name>; the relations are {', '.join(RELATIONS)}"
        )
    return found[1].lower(), _NAMES.sub(r"given_\1", found[2].rstrip().rstrip(";"))


def _statements(text: str) -> Iterator[str]:
    """The statements of a file, split where SQLite reports a complete statement."""
    statement = ""
    for piece in re.findall(r"[^;]*;|[^;]+$", text):
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if re.sub(r"--[^\n]*", "", statement).strip():
        yield statement


def _known_files() -> dict[str, Traversable]:
    """The files of views that come with the package, by the names of the adapters."""
    ours = {path.name.removesuffix(".sql"): path for path in _FOLDER.iterdir()}
    others = {engine: path for engine in ENGINES if (path := of_engine(engine, "views.sql")).is_file()}
    return dict(sorted((ours | others).items()))


def known_adapters() -> Iterator[Adapter]:
    """The adapters that come with the package."""
    for name, path in _known_files().items():
        yield read_adapter(name, path.read_text("utf-8"))


def known_adapter(name: str) -> Adapter:
    """The adapter of that name."""
    known = _known_files()
    if name not in known:
        raise BadSource(f"Like: there is no adapter {name!r}; the adapters are {', '.join(known)}")
    return read_adapter(name, known[name].read_text("utf-8"))


def adapter_of_file(views: Path) -> Adapter:
    """The adapter of a file of views."""
    try:
        return read_adapter(str(views), views.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSource(f"{views}: cannot be read: {error}") from error


def find_adapter(path: Path, views: Path | None = None) -> Adapter:
    """The adapter for a database: that of the file `views`, or else the known adapter that fits."""
    return adapter_of_file(views) if views is not None else fitting(tables_in(path), str(path))


def fitting(tables: Mapping[str, Collection[str]], name: str, what: str = "this database") -> Adapter:
    """The known adapter that fits some tables. `name` and `what` say in a message whose they are."""
    tried = []
    for adapter in known_adapters():
        wrong = [want for want in adapter.wants if not fits(tables, want)]
        if not wrong:
            return adapter
        tried.append(f"{adapter.name} ({'has' if wrong[0].startswith('!') else 'no'} {wrong[0].removeprefix('!')})")
    held = ", ".join(sorted(tables)[:12]) or "no tables"
    if len(tables) == 1:
        held += f"({', '.join(list(tables[held])[:40])})"
    raise BadSource(
        f"{name}: no known adapter fits {what}. Tried {', '.join(tried)}. Its tables: {held}. "
        "Write a file of views and name it with --views FILE; specs/audit.md shows how"
    )


def tables_in(path: Path) -> dict[str, list[str]]:
    """The real tables of a database and their columns, without views."""
    with opened(path) as conn:
        found = conn.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' LIMIT 2000")
        names = [str(name) for (name,) in found]
        return {
            name: [str(row[1]) for row in conn.execute(f"PRAGMA main.table_xinfo({quoted(name)})")] for name in names
        }


def fits(tables: Mapping[str, Collection[str]], want: str) -> bool:
    """True if tables have what an adapter wants of them, or lack what they must not have."""
    table, _, column = want.removeprefix("!").partition(".")
    there = table in tables and (not column or column in tables[table])
    return there is not want.startswith("!")
