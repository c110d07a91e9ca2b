"""`found.md`: what was found in real databases. The page is made by auditing them.

Not here: the databases, and the remarks about each (`fateline_oracle.book.landscapes`).
"""

import re

from fateline_model import LAWS

from ..audit.summary import AuditSummary
from ..render.counterexample import lineage
from ..report.verdict import Verdict
from .landscapes import CASES, judged
from .markdown import page, table

_LONG = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{12,}\b")
_PLACE = re.compile(r"_[0-9a-f]{12}\b")


def found_page() -> str:
    """`found.md`."""
    audits = {name: judged(name) for name in CASES}
    return page(
        "What was found in real databases",
        f"## {len(CASES)} databases of one family",
        "These audit databases were written by engines of one family between January and July 2026. Most are a run of a small "
        "pipeline over twenty rows; some have no pipeline. `fateline audit` read them in place, through "
        "the adapters that come with it. The numbers below are computed each time this page is made.",
        table(
            ("Database", "Read as", "Tokens", "Records", "Verdict", "Laws broken", "Laws judged"),
            [_line(name, one) for name, one in audits.items()],
        ),
        "What these schemas do not record is not judged: the transaction that wrote a record; the order of records, apart from "
        "times in microseconds; the verdicts of nodes; and, before July, losses. An adapter says what it had to infer, and "
        "`fateline audit` prints it.",
        *(_case(name, one) for name, one in audits.items()),
    )


def _line(name: str, told: AuditSummary) -> tuple[object, ...]:
    laws = told.report.laws
    broken = [law for law, result in laws.items() if result.verdict is Verdict.BREACHED]
    judged_laws = sum(result.verdict is not None for result in laws.values())
    counts = told.report.counts
    broken_laws = ", ".join(f"{law} ({laws[law].breached})" for law in broken) or "no law"
    return (
        f"`{name}`",
        told.adapter,
        counts["tokens"],
        counts["records"],
        told.report.verdict,
        broken_laws,
        judged_laws,
    )


def _case(name: str, told: AuditSummary) -> str:
    case = CASES[name]
    parts = [f"### {name}", f"{case.what}."]
    for law, meaning in case.breaks.items():
        parts.append(f"**{law} · {LAWS[law].title}.** {meaning}")
        groups = [group for group in told.groups if group.law == law]
        parts.append("\n".join(f"- {len(group.breaches)} times: {_plain(group.shape)}" for group in groups))
        pictured = next((group for group in groups if group.picture), None)
        if pictured is not None:
            first = pictured.breaches[0]
            tree = "\n".join(_plain(line) for line in lineage(pictured.picture))
            parts.append(f"```\ntoken {_plain(first.token or '')} {_plain(first.said)}\n\n{tree}\n```")
    if case.remark:
        parts.append(case.remark)
    return "\n\n".join(parts)


def _plain(said: str) -> str:
    return _LONG.sub(r"\1…", _PLACE.sub("", said)).replace("*_*", "*").replace("_*", "")
