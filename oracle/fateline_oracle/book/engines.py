"""`engines.md`: other people's engines: how each is read, on which sentences of its documentation that rests, and what was found
in databases that it wrote. The page is made by auditing them.

Not here: the adapters, and the databases (`fateline_oracle.adapters`).
"""

from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Final

from fateline_model import LAWS

from ..adapters import ENGINES, of_engine, unpacked
from ..audit.summary import AuditSummary
from ..report.verdict import Verdict
from ..toml_tables import decoded
from .landscapes import Case, judged_file
from .markdown import page, table
from .prose import Prose


class Choice(Prose, frozen=True):
    """How an engine does something, and the sentence of its documentation that says so, with the module that has it."""

    what: str
    documented: str
    where: str


class Unjudged(Prose, frozen=True):
    """What cannot be asked of an engine, and why."""

    what: str
    why: str


class EngineProfile(Prose, frozen=True):
    """What is known of an engine."""

    name: str
    about: str
    packages: tuple[str, ...]
    reads: str
    choices: tuple[Choice, ...]
    unjudged: tuple[Unjudged, ...] = ()


_INTRODUCTION: Final = """
These engines were made by others, who have nothing to do with this project. Each is read in its own terms: a file of SQL turns its
records into the relations of the [trail](trail.md), and decides nothing. `fateline audit` knows a database of each by its tables.
The databases were written by the engines themselves; each that is called *seeded* was changed afterwards, so that a question could
be answered with no. What is a breach here is one of the laws of this project. It need not be a fault of the engine, whose
documentation may say that it does so.
"""


def profile_of(engine: str) -> EngineProfile:
    """The profile of an engine."""
    return decoded(of_engine(engine, "profile.toml").read_text("utf-8"), f"{engine}/profile.toml", EngineProfile)


def cases_of(engine: str) -> Mapping[str, Case]:
    """The databases of an engine, by name."""
    return decoded(of_engine(engine, "cases.toml").read_text("utf-8"), f"{engine}/cases.toml", dict[str, Case])


def packed(engine: str, case: str) -> Traversable:
    """A database of an engine, compressed."""
    return of_engine(engine, f"{case}.db.xz")


def engines_page() -> str:
    """`engines.md`."""
    return page("Engines of others", _INTRODUCTION.strip(), *(part for engine in ENGINES for part in _of(engine)))


def _of(engine: str) -> list[str]:
    profile, cases = profile_of(engine), cases_of(engine)
    audits = {}
    for name in cases:
        with unpacked(packed(engine, name)) as path:
            audits[name] = judged_file(path, name)
    versions = ", ".join(f"`{package.replace('==', ' ')}`" for package in profile.packages)
    return [
        f"## {profile.name}",
        f"{profile.about} Read are {profile.reads}; made and read with {versions}, in `adapters/{engine}/`.",
        table(
            ("What it does", "What its documentation says", "In"),
            [(one.what, f"“{one.documented}”", f"`{one.where}`") for one in profile.choices],
        ),
        "Not judged: " + "; ".join(f"{one.what} ({one.why})" for one in profile.unjudged) + ".",
        table(
            ("Database", "What it is", "Tokens", "Verdict", "Laws broken", "Laws judged"),
            [_line(name, cases[name], audits[name]) for name in cases],
        ),
        "\n".join(_meanings(cases)),
    ]


def _line(name: str, case: Case, told: AuditSummary) -> tuple[object, ...]:
    laws = told.report.laws
    broken = ", ".join(f"{law} ({one.breached})" for law, one in laws.items() if one.verdict is Verdict.BREACHED)
    judged = sum(one.verdict is not None for one in laws.values())
    return f"`{name}`", case.what, told.report.counts["tokens"], told.report.verdict, broken or "no law", judged


def _meanings(cases: Mapping[str, Case]) -> list[str]:
    lines = []
    for name, case in cases.items():
        lines += [f"- `{name}`, **{law} · {LAWS[law].title}.** {meaning}" for law, meaning in case.breaks.items()]
        lines += [f"- `{name}`: {case.remark}"] if case.remark else []
    return lines
