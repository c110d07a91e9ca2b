"""Reads and writes ledgers: findings of an engine that are known already, each with the reason why it is accepted for now.

A ledger is a TOML file with one table for each finding; `KEYS` says what is in it:

    [[known]]
    law = "C16"
    kind = "arrive() at coalesce, barrier that is failed: missing: outcomes failed"
    reason = "A late token waits for the next run; planned for 2.0."
    versions = ["1.4.*"]
    expires = 2027-06-30

A finding that an entry lists is counted and printed, and does not change the verdict. An entry that must occur and does not
occur prevents the verdict *holds*, so that a ledger never lists what was mended. Not here: findings (`verdict.py`).
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import msgspec

from fateline_console.terminal import STEERING
from fateline_model.laws import LAWS

from ..toml_tables import Entry
from .reading import BadReport, report_in
from .verdict import Finding, Known, LawResult, Report, Verdict

LARGEST: Final = 1_048_576


class BadLedger(ValueError):
    """A ledger, or a report from which one is to be made, cannot be used; the message has one line for each problem."""


class Listed(Entry, frozen=True):
    """One entry of a ledger."""

    law: str
    kind: str
    reason: str
    link: str = ""
    versions: tuple[str, ...] = ()
    scope: str = ""
    expires: date | None = None


KEYS: Final = {
    "law": "The law that the finding names first.",
    "kind": "The kind of the finding, as the report prints it.",
    "reason": "Why it is accepted for now. A sentence; an empty one is refused.",
    "link": "Where it is discussed. Optional.",
    "versions": "Patterns, as in a shell, of the engine's versions; in an audit, of the adapter's names. Default: all.",
    "scope": "The scope, or the database, in which it must occur. Default: everywhere.",
    "expires": "The last day on which it is accepted. Default: it stays accepted.",
}
"""What each key of an entry means."""


class _Document(Entry, frozen=True):
    known: tuple[Listed, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """The entries of a ledger that are about one version of an engine."""

    path: str = ""
    entries: tuple[Listed, ...] = ()
    expired: tuple[Listed, ...] = ()

    def lists(self, finding: Finding) -> bool:
        return any((one.law, one.kind) == (finding.law, kind_of(finding)) for one in self.entries)


NOTHING_KNOWN: Final = Ledger()


def kind_of(finding: Finding) -> str:
    """What a ledger names a finding by. Where a command does not tell kinds apart, that is the message."""
    return finding.kind or finding.message


def settled(report: Report, ledger: Ledger, *, whole: bool = True) -> Report:
    """The report without the findings that the ledger lists. If not the `whole` scope was checked, no entry must occur."""
    counts = Counter[tuple[str, str]]()
    for finding in report.findings:
        counts[finding.law, kind_of(finding)] += finding.count
    rest = tuple(finding for finding in report.findings if not ledger.lists(finding))
    named = {law for finding in rest for law in (finding.law, *finding.also)}
    kept = Counter[str]()
    for finding in report.findings:
        kept.update(dict.fromkeys((finding.law, *finding.also), finding.count))

    def is_known(law: str, result: LawResult) -> bool:
        """True if a law is broken only by findings that are listed. A report may have counted more than it kept."""
        return result.verdict is Verdict.BREACHED and law not in named and result.breached <= kept[law]

    listed = "every finding that breaks it is listed in the ledger"
    return replace(
        report,
        laws={
            law: LawResult(None, why=listed) if is_known(law, result) else result for law, result in report.laws.items()
        },
        findings=rest,
        known=tuple(
            Known(one.law, one.kind, count, one.reason, one.link)
            for one in ledger.entries
            if (count := counts[one.law, one.kind])
        ),
        prevented=(*report.prevented, *_mistakes(ledger, counts, report.scope or "", whole)),
    )


def _mistakes(ledger: Ledger, counts: Counter[tuple[str, str]], scope: str, whole: bool) -> Iterator[str]:
    """A line for each entry that must occur in this scope and does not, and for each that occurs and is no longer valid."""
    for one in (*ledger.entries, *ledger.expired):
        what = f"{one.law}, {one.kind}"
        if not counts[one.law, one.kind]:
            if whole and one.scope in ("", scope):
                yield f"the ledger lists a finding that no longer occurs; remove it from {ledger.path}: {what}"
        elif one in ledger.expired:
            yield f"the ledger listed this finding until {one.expires}: {what}"


def read_ledger(path: Path, version: str, today: date) -> Ledger:
    """Read a ledger. All problems are reported at once."""
    try:
        body = path.read_bytes()
        if len(body) > LARGEST:
            raise BadLedger(f"{path}: the file has {len(body):,} bytes; a ledger has at most {LARGEST:,}")
        entries = msgspec.convert(tomllib.loads(body.decode("utf-8")), _Document).known
    except OSError as error:
        raise BadLedger(f"{path}: {error.strerror}") from error
    except BadLedger:
        raise
    except msgspec.ValidationError as error:
        raise BadLedger(f"{path}: not a ledger: {error}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or a number of too many digits
        raise BadLedger(f"{path}: not TOML: {error}") from error
    if wrong := [f"{path}: entry {number}: {what}" for number, one in enumerate(entries, 1) for what in _wrong(one)]:
        raise BadLedger("\n".join(wrong))
    own = [one for one in entries if not one.versions or any(fnmatchcase(version, each) for each in one.versions)]
    expired = tuple(one for one in own if one.expires is not None and one.expires < today)
    return Ledger(str(path), tuple(one for one in own if one not in expired), expired)


def _wrong(entry: Listed) -> list[str]:
    """What is wrong with an entry."""
    wrong = [] if entry.law in LAWS else [f"there is no law {entry.law!r}; see specs/laws.md"]
    return wrong + ([] if entry.reason.strip() else ["`reason` is empty: write why this finding is accepted for now"])


def ledger_of(report: Path, reason: str, link: str, expires: date | None) -> str:
    """A ledger of all findings in a report that a command printed with --json. What was known keeps its reason."""
    found = _report(report)
    version = found.engine.version if found.engine is not None else ""
    more = {"versions": [version] if version else [], "scope": found.scope or "", "expires": expires}
    entries = [
        {"law": one.law, "kind": one.kind, "reason": one.reason, "link": one.link, **more} for one in found.known
    ]
    entries += [
        {"law": one.law, "kind": one.kind or one.message, "reason": reason, "link": link, **more}
        for one in found.findings
    ]
    once = {(one["law"], one["kind"]): one for one in entries}
    return "\n".join(_entry(one) for one in once.values())


class _Found(msgspec.Struct):
    law: str
    message: str = ""
    kind: str = ""
    reason: str = ""
    link: str = ""


class _Engine(msgspec.Struct):
    version: str = ""


class _Report(msgspec.Struct):
    """What is read of a report."""

    findings: list[_Found]
    known: list[_Found] = []
    engine: _Engine | None = None
    scope: str | None = None


def _report(path: Path) -> _Report:
    try:
        return msgspec.convert(report_in(path), _Report)
    except BadReport as error:
        raise BadLedger(str(error)) from error
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise BadLedger(f"{path}: not a report: {error}") from error


_ALWAYS: Final = ("law", "kind", "reason")


def _entry(entry: Mapping[str, object]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in entry.items() if key in _ALWAYS or value not in ("", [], None)]
    return "\n".join(["[[known]]", *lines, ""])


def _toml(value: object) -> str:
    """A text, a list of texts or a date in TOML, whose texts are written like those of JSON."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_toml, value))}]"
    text = str(value).encode("utf-8", "replace").decode()
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
