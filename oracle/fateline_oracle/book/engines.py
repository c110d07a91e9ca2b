"""`engines.md`: other people's engines: how each is read, on which sentences of its documentation that rests, and what was found
in databases that it wrote. The page is made by auditing them.

Not here: the adapters, and the databases (`fateline_oracle.adapters`).
"""

from collections.abc import Mapping
from typing import Final

from fateline_model import LAWS

from ..adapters import ENGINES, of_engine, unpacked
from ..adapters.profiles import EngineCase, cases_of, packed, profile_of
from ..audit.summary import AuditSummary
from ..audit.whole_file import judged_file
from ..report.verdict import Verdict
from .markdown import page, table

_INTRODUCTION: Final = """
These engines were made by others, who have nothing to do with this project. Each is judged in its terms. At rest, a file of SQL turns
its records into the relations of the [trail](trail.md), and decides nothing; `fateline audit` knows such a database by its tables.
Driven, a program that speaks the [protocol](protocol.md) tells one join of it which branch arrives and which is lost, in every order,
and says what the engine shows. `fateline engines --make` installs them, `make engines` runs them.
The databases were written by the engines themselves; each that is called *seeded* was changed afterwards, so that a question could
be answered with no. `run.py` of some engines is a small run that `fateline torture --start` cuts off at each of its commits. What is a
breach here is one of the laws of this project. It need not be a fault of the engine, whose documentation may say that it does so.
"""


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
    parts = [f"## {profile.name}", f"{profile.about} Here: {versions}, in `adapters/{engine}/`."]
    parts += [f"At rest: {profile.reads}."] if profile.reads else []
    if profile.drives:
        breaks = ", ".join(f"[{law}](laws.md#{law})" for law in profile.breaks)
        parts.append(f"Driven: {profile.drives}. It breaks {breaks or 'no law'} in scope `small`.")
    parts.append(f"Lines: {_lines(engine)}.")
    parts += [
        table(
            ("What it does", "What its documentation says", "In", "Declared"),
            [(one.what, f"“{one.documented}”", f"`{one.where}`", one.law or "") for one in profile.choices],
        ),
        "Not judged: " + "; ".join(f"{one.what} ({one.why})" for one in profile.unjudged) + ".",
    ]
    if cases:
        parts += [
            table(
                ("Database", "What it is", "Tokens", "Verdict", "Laws broken", "Laws judged"),
                [_line(name, cases[name], audits[name]) for name in cases],
            ),
            "\n".join(_meanings(cases)),
        ]
    return parts


def _lines(engine: str) -> str:
    """How long each program of an adapter is."""
    files = [file for file in of_engine(engine, "").iterdir() if file.name.endswith((".sql", ".py", ".js"))]
    lengths = {file.name: len(file.read_text("utf-8").splitlines()) for file in files if file.name != "__init__.py"}
    return ", ".join(f"`{name}` {lengths[name]}" for name in sorted(lengths))


def _line(name: str, case: EngineCase, told: AuditSummary) -> tuple[object, ...]:
    laws = told.report.laws
    broken = ", ".join(f"{law} ({one.breached})" for law, one in laws.items() if one.verdict is Verdict.BREACHED)
    judged = sum(one.verdict is not None for one in laws.values())
    return f"`{name}`", case.what, told.report.counts["tokens"], told.report.verdict, broken or "no law", judged


def _meanings(cases: Mapping[str, EngineCase]) -> list[str]:
    lines = []
    for name, case in cases.items():
        lines += [f"- `{name}`, **{law} · {LAWS[law].title}.** {meaning}" for law, meaning in case.breaks.items()]
        lines += [f"- `{name}`: {case.remark}"] if case.remark else []
    return lines
