"""Makes the report of an audit: a verdict for each law, breaches that are alike in one group, and the row of an example.

The result is plain data for the terminal, for JSON and for the page. Not here: how it is shown (`cli/audit.py`,
`render/audit_html.py`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import groupby
from typing import Final

from fateline_model import LAW_VERSION, LAWS
from fateline_model.laws import ALL

from ..report.verdict import Finding, LawResult, Report, Skipped, Verdict, overall_verdict
from .adapters import Peculiarity, may_declare
from .row_range import Breach
from .source import WHOLE, Source
from .whole import AuditResult, missing

_ID: Final = re.compile(r"[0-9a-f]{12,}|\d+")
WHY_NOT: Final = {
    "X2": "a refused stimulus leaves no record",
    "C4": "the order of arrivals at an open barrier is not recorded; fateline conform --trail checks it by stepping",
    "C6": "a refused stimulus leaves no record",
    "C12": "what was still upstream is not recorded; fateline conform --trail checks it by stepping",
    "R2": "a crash leaves no record; fateline conform --trail checks it by stepping",
    "Z1": "a refused stimulus leaves no record",
    "D1": "one trail cannot be compared with itself; fateline diff compares two trails",
}
"""The laws that no query can check, and why."""


@dataclass
class Group:
    """Breaches of a law with the same text about different tokens."""

    law: str
    shape: str
    breaches: list[Breach] = field(default_factory=list)
    picture: list[dict[str, object]] = field(default_factory=list)
    """The records of the row of the first example."""


@dataclass
class AuditSummary:
    """The result of an audit, ready to be shown."""

    report: Report
    adapter: str
    notes: tuple[str, ...]
    groups: list[Group]
    declared: dict[str, tuple[int, str]]
    """The profile laws that the engine deliberately does not follow: the number of breaches, and its sentence."""
    profile: tuple[Peculiarity, ...]

    def explained(self, group: Group) -> str | None:
        """The sentence of the profile that explains breaches of a core law; a core law cannot be declared."""
        return next(
            (one.sentence for one in self.profile if one.law == group.law and fnmatch(group.shape, one.shape)), None
        )


def tell(found: AuditResult, source: Source | None, database: str, reproduce: str, limit: int) -> AuditSummary:
    """Make the report."""
    breached = found.breached
    declared = {
        one.law: (breached[one.law], one.sentence)
        for one in found.adapter.profile
        if breached[one.law] and may_declare(one.law)
    }
    laws = {law.id: _result(law.id, found, declared) for law in ALL}
    breaches = [breach for breach in found.judged.breaches if breach.law not in declared]
    shown: list[Breach] = []
    for _, same in groupby(sorted(breaches, key=_by_law), lambda breach: breach.law):
        shown += list(same)[:limit]
    report = Report(
        verdict=overall_verdict(laws.values(), bound_reached=bool(found.judged.gave_up)),
        law_version=LAW_VERSION,
        scope=database,
        seed=None,
        laws=laws,
        counts={
            "runs": len(found.runs),
            **{name: found.judged.records[name] for name in ("rows", "tokens", "visits", "hops", "outcomes")},
            "records": found.judged.records.total(),
            "breaches": sum(breached[law] for law in breached if law not in declared),
            "declared": sum(count for count, _ in declared.values()),
            "rows_judged_before": found.left_out,
        },
        skipped=tuple(_skipped(found, laws, declared)),
        findings=tuple(_finding(breach) for breach in shown),
        seconds=found.seconds,
        reproduce=reproduce,
    )
    groups = list(_groups(breaches))
    for group in groups:
        example = group.breaches[0]
        if source is not None and example.part is not None:
            group.picture = _picture(source.row(example.run, example.part))
    return AuditSummary(report, found.adapter.name, found.adapter.notes, groups, declared, found.adapter.profile)


def _by_law(breach: Breach) -> int:
    return list(LAWS).index(breach.law)


def _result(law: str, found: AuditResult, declared: dict[str, tuple[int, str]]) -> LawResult:
    own = [query for query in found.queries if query.law == law]
    checked = found.checked[law]
    count = found.breached[law]
    if not own:
        return LawResult(None, why=WHY_NOT.get(law, "this law was not selected"))
    if law in declared:
        return LawResult(None, why=f"declared by the profile, {count} times: {declared[law][1]}")
    if count:
        return LawResult(Verdict.BREACHED, max(checked, count), count)
    gave_up = [found.judged.gave_up[query.name] for query in own if query.name in found.judged.gave_up]
    if gave_up:
        return LawResult(Verdict.UNDETERMINED, checked, why=gave_up[0])
    lacking = dict.fromkeys(need for query in own for need in missing(query, found) if _happened(need, found))
    if lacking and all(missing(query, found) for query in own):
        return LawResult(None, why=f"not recorded: {', '.join(lacking)}")
    if not checked:
        return LawResult(None, why="nothing in this trail to which the law applies")
    return LawResult(Verdict.HOLDS, checked)


def _happened(need: str, found: AuditResult) -> bool:
    """True if the need was not recorded, rather than that there was nothing to record."""
    relation = need.partition(".")[0]
    return relation not in found.columns or relation in WHOLE or found.judged.records[relation] > 0


def _skipped(found: AuditResult, laws: dict[str, LawResult], declared: dict[str, tuple[int, str]]) -> Iterator[Skipped]:
    for law, result in laws.items():
        if result.verdict is None:
            cases = declared[law][0] if law in declared else 0
            yield Skipped(f"law {law}", str(result.why), (law,), cases)
    for query in found.queries:
        lacking = [need for need in missing(query, found) if _happened(need, found)]
        if lacking and laws[query.law].verdict is not None:
            yield Skipped(f"a part of law {query.law}", f"not recorded: {', '.join(lacking)}", (query.law,))
    if found.left_out:
        yield Skipped("rows", "checked by an earlier audit, and ended then", cases=found.left_out)


def _finding(breach: Breach) -> Finding:
    place = f"run {breach.run}" + (f", row {breach.row}" if breach.row is not None else "")
    subject = f"token {breach.token} {breach.said}" if breach.token is not None else breach.said
    return Finding(
        breach.law,
        f"{place}: {subject}",
        tokens=(breach.token,) if breach.token is not None else (),
        rows=(breach.row,) if breach.row is not None else (),
        nodes=(breach.node,) if breach.node is not None else (),
    )


def _picture(records: list[dict[str, object]]) -> list[dict[str, object]]:
    """The records in an order in which they can be drawn: outcomes last, and parents of other rows first, marked as such."""
    tokens = {record["token"] for record in records if record["rec"] == "tokens"}
    beyond = {record["parent"] for record in records if record["rec"] == "parents"} - tokens
    outside_parents = [
        record
        for name in sorted(beyond, key=str)
        for record in (
            {"rec": "tokens", "token": name},
            {"rec": "outcomes", "token": name, "outcome": "of another row"},
        )
    ]
    return outside_parents + sorted(
        records, key=lambda record: (record["rec"] == "outcomes", record.get("outcome") != "buffered")
    )


def _groups(breaches: list[Breach]) -> Iterator[Group]:
    groups: dict[tuple[str, str], Group] = {}
    for breach in breaches:
        shape = _ID.sub("*", breach.said)
        groups.setdefault((breach.law, shape), Group(breach.law, shape)).breaches.append(breach)
    yield from sorted(groups.values(), key=lambda group: (_by_law(group.breaches[0]), -len(group.breaches)))
