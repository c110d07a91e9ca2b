"""Makes the report of an audit: a verdict for each law, breaches that are alike in one group, and the row of an example.

The result is plain data for the terminal, for JSON and for the page. Not here: how it is shown (`cli/audit.py`,
`render/audit_html.py`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import groupby, islice
from typing import Final

from fateline_model import LAW_VERSION, LAWS
from fateline_model.laws import ALL

from ..report.ledger import NOTHING_KNOWN, Ledger, settled
from ..report.verdict import Finding, LawResult, Report, Skipped, Verdict
from ..toml_tables import Entry, read_table
from .adapters import Peculiarity, may_declare
from .evidence import given, recorded_as
from .queries import Query
from .row_range import Breach
from .source import Source
from .whole import AuditResult, RunState, missing

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12,}|\d+")
WHY_NOT: Final = {
    "X2": "a refused stimulus leaves no record",
    "C4": "the order of arrivals at an open barrier is not recorded; fateline conform --trail checks it by stepping",
    "C6": "a refused stimulus leaves no record",
    "C12": "what was still upstream is not recorded; fateline conform --trail checks it by stepping",
    "R2": "a crash leaves no record; fateline conform --trail checks it by stepping",
    "Z1": "a refused stimulus leaves no record",
    "Z2": "a refused stimulus leaves no record",
    "D1": "one trail cannot be compared with itself; fateline diff compares two trails",
}
"""The laws that no query can check, and why."""


class Meaning(Entry, frozen=True):
    """What a breach of one law means for somebody's data, its likely cause, and what to look at next."""

    kind: str
    cause: str
    look: str


class _Meanings(Entry, frozen=True):
    kinds: dict[str, str]
    laws: dict[str, Meaning]


MEANINGS: Final = read_table(__package__, "meaning.toml", _Meanings)
KINDS: Final = tuple(MEANINGS.kinds)
"""The kinds of breaches, the worst for the data first."""


@dataclass
class Group:
    """Breaches of a law with the same text about different tokens."""

    law: str
    shape: str
    breaches: list[Breach] = field(default_factory=list)
    picture: list[dict[str, object]] = field(default_factory=list)
    """The records of the row of the first example."""

    @property
    def meaning(self) -> Meaning:
        return MEANINGS.laws[self.law]

    @property
    def heading(self) -> str:
        """What is wrong, how often, and in how many rows."""
        count, rows = len(self.breaches), _rows_of([self])
        times = "once" if count == 1 else f"{count:,} times"
        where = f", in {rows:,} {'row' if rows == 1 else 'rows'}" if rows else ""
        return f"{LAWS[self.law].title}: {self.shape} ({times}{where})"


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
    not_over: tuple[str, ...] = ()
    """Of each run that is not over, a sentence: its status, what was read, and where tokens without a fate are."""
    of_no_run: tuple[str, ...] = ()
    """Of each relation with records that belong to no run, a sentence."""

    def answer(self) -> list[str]:
        """What somebody needs to know first, in sentences, the worst for the data first."""
        found = list(self.of_no_run)
        for kind in KINDS:
            own = [group for group in self.groups if group.meaning.kind == kind]
            if own:
                laws = ", ".join(dict.fromkeys(group.law for group in own))
                rows = _rows_of(own)
                where = f" {rows:,} {'row' if rows == 1 else 'rows'}." if rows else ""
                found.append(f"{MEANINGS.kinds[kind]}{where} Laws: {laws}.")
        return found

    def explained(self, group: Group) -> str | None:
        """The sentence of the profile that explains breaches of a core law; a core law cannot be declared."""
        return next(
            (one.sentence for one in self.profile if one.law == group.law and fnmatch(group.shape, one.shape)), None
        )


WITHOUT_RUN: Final = (
    "the view gives no `run`, as a LEFT JOIN does that finds nothing; name such records in trail_strays"
)


def tell(
    found: AuditResult,
    source: Source | None,
    database: str,
    reproduce: str,
    limit: int,
    ledger: Ledger = NOTHING_KNOWN,
    *,
    whole: bool = True,
) -> AuditSummary:
    """Make the report. If not the `whole` database was checked, no entry of the ledger must occur."""
    breached = found.breached
    declared = {
        one.law: (breached[one.law], one.sentence)
        for one in found.adapter.profile
        if breached[one.law] and may_declare(one.law)
    }
    laws = {law.id: _result(law.id, found, declared) for law in ALL}
    not_over = tuple(_sentence(state) for state in found.states.values() if not state.over)
    breaches = [breach for breach in found.judged.breaches if breach.law not in declared]
    complete = Report(
        law_version=LAW_VERSION,
        scope=database,
        seed=None,
        laws=laws,
        counts={
            "runs": len(found.runs),
            "runs_not_over": len(not_over),
            "tokens_without_end": sum(state.without_end.total() for state in found.states.values()),
            **{name: found.judged.records[name] for name in ("rows", "tokens", "visits", "hops", "outcomes")},
            "records": found.judged.records.total(),
            "breaches": sum(breached[law] for law in breached if law not in declared),
            "declared": sum(count for count, _ in declared.values()),
            "rows_judged_before": found.left_out,
        },
        skipped=(
            *(Skipped("a run that is not over", sentence) for sentence in not_over),
            *_skipped(found, laws, declared),
        ),
        findings=tuple(_finding(breach) for breach in sorted(breaches, key=_by_law)),
        prevented=(*not_over, *map(_without_run, found.without_run.items()), *found.judged.gave_up.values()),
        seconds=found.seconds,
        reproduce=reproduce,
    )
    report = settled(complete, ledger, whole=whole)
    report = replace(report, findings=tuple(_at_most(report.findings, limit)))
    groups = list(_groups(breach for breach in breaches if not ledger.lists(_finding(breach))))
    for group in groups:
        example = group.breaches[0]
        if source is not None and example.part is not None:
            group.picture = _picture(source.row(example.run, example.part))
    return AuditSummary(
        report,
        found.adapter.name,
        (*found.notes, *found.adapter.order, *found.adapter.notes),
        groups,
        declared,
        found.adapter.profile,
        not_over,
        tuple(map(_without_run, found.without_run.items())),
    )


def _rows_of(groups: Iterable[Group]) -> int:
    """The number of rows in the breaches that were kept."""
    return len({(one.run, one.row) for group in groups for one in group.breaches if one.row is not None})


def _by_law(breach: Breach) -> tuple[int, int]:
    """The worst for the data first, then in the order of the catalogue."""
    return KINDS.index(MEANINGS.laws[breach.law].kind), list(LAWS).index(breach.law)


def _sentence(state: RunState) -> str:
    read = f"{state.rows:,} {'row was' if state.rows == 1 else 'rows were'} read"
    if state.rows_given is None:
        rows = f"{read}; how many its source has is not recorded"
    else:
        rows = f"{read}, of {state.rows_given:,} that its source gave"
    count = state.without_end.total()
    places = ", ".join(f"{number:,} at {node}" for node, number in state.without_end.most_common(5))
    more = f" and at {len(state.without_end) - 5} other nodes" if len(state.without_end) > 5 else ""
    ends = "all tokens that there are have ended"
    if count:
        ends = f"{count:,} of its {state.tokens:,} tokens have no end yet: {places}{more}"
    return f"run {state.run} is not over (status: {state.status or 'not recorded'}); {rows}; {ends}"


def _result(law: str, found: AuditResult, declared: dict[str, tuple[int, str]]) -> LawResult:
    own = [query for query in found.queries if query.law == law]
    checked = found.checked[law]
    count = found.breached[law]
    if not own:
        return LawResult(None, why=WHY_NOT.get(law) or found.adapter.derived.get(law, "this law was not selected"))
    if law in declared:
        return LawResult(None, why=f"declared by the profile, {count} times: {declared[law][1]}")
    if count:
        return LawResult(Verdict.BREACHED, max(checked, count), count)
    gave_up = [found.judged.gave_up[query.name] for query in own if query.name in found.judged.gave_up]
    if gave_up:
        return LawResult(Verdict.UNDETERMINED, checked, why=gave_up[0])
    if checked:
        return LawResult(Verdict.HOLDS, checked)
    lacking = _lacking(own, found)
    if lacking:
        return LawResult(None, why=f"not recorded: {', '.join(lacking)}")
    return LawResult(None, why="nothing in this trail to which the law applies")


def _lacking(own: Sequence[Query], found: AuditResult) -> list[str]:
    """What some questions need and what was not recorded, the relations and then their columns."""
    names = {query.name for query in own}
    needs = {need for (name, need), count in found.judged.unknown.items() if name in names and count}
    needs |= {need for query in own for need in missing(query, found) if not given(need, found.columns)}
    whole = {need for need in needs if "." not in need}
    return sorted(
        {recorded_as(need) for need in needs if "." not in need or recorded_as(need).partition(".")[0] not in whole}
    )


def _without_run(counted: tuple[str, int]) -> str:
    relation, count = counted
    return f"{count:,} records of {relation} belong to no run, and were not judged: {WITHOUT_RUN}."


def _skipped(found: AuditResult, laws: dict[str, LawResult], declared: dict[str, tuple[int, str]]) -> Iterator[Skipped]:
    for law, result in laws.items():
        if result.verdict is None:
            cases = declared[law][0] if law in declared else 0
            yield Skipped(f"law {law}", str(result.why), (law,), cases)
            continue
        own = [query for query in found.queries if query.law == law]
        if lacking := _lacking(own, found):
            cases = max(found.judged.unknown[query.name, need] for query in own for need in query.needs)
            yield Skipped(f"a part of law {law}", f"not recorded: {', '.join(lacking)}", (law,), cases)
    for relation, count in found.without_run.items():
        yield Skipped(f"records of {relation}", WITHOUT_RUN, cases=count)
    if found.left_out:
        yield Skipped("rows", "checked by an earlier audit, and ended then", cases=found.left_out)


def _at_most(findings: Iterable[Finding], limit: int) -> Iterator[Finding]:
    """At most so many of each law."""
    for _, same in groupby(findings, lambda finding: finding.law):
        yield from islice(same, limit)


def _shape(breach: Breach) -> str:
    """What is wrong, without the names of single things."""
    return _ID.sub("*", breach.said)


def _finding(breach: Breach) -> Finding:
    place = f"run {breach.run}" + (f", row {breach.row}" if breach.row is not None else "")
    subject = f"token {breach.token} {breach.said}" if breach.token is not None else breach.said
    return Finding(
        breach.law,
        f"{place}: {subject}",
        tokens=(breach.token,) if breach.token is not None else (),
        rows=(breach.row,) if breach.row is not None else (),
        nodes=(breach.node,) if breach.node is not None else (),
        kind=_shape(breach),
    )


def _picture(records: list[dict[str, object]]) -> list[dict[str, object]]:
    """The records in an order in which they can be drawn: outcomes last, and parents of other rows first, marked as such."""
    tokens = {record.get("token") for record in records if record["rec"] == "tokens"}
    beyond = {record.get("parent") for record in records if record["rec"] == "parents"} - tokens - {None}
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


def _groups(breaches: Iterable[Breach]) -> Iterator[Group]:
    groups: dict[tuple[str, str], Group] = {}
    for breach in breaches:
        shape = _shape(breach)
        groups.setdefault((breach.law, shape), Group(breach.law, shape)).breaches.append(breach)
    yield from sorted(groups.values(), key=lambda group: (_by_law(group.breaches[0]), -len(group.breaches)))
