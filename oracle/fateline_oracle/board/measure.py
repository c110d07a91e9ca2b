"""Measures rows of the board: audits the databases that an engine wrote, and drives it if it is installed.

At rest, all databases of an engine together are one row, without those that were changed afterwards. A law that one of them
breaks is broken. Not here: what is kept (`rows.py`).
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ..adapters import unpacked
from ..adapters.environments import in_version, is_made, run, words_of
from ..adapters.profiles import cases_of, file_of, packed, profile_of
from ..audit.summary import AuditSummary
from ..audit.whole_file import judged_file
from ..conform.campaign import Selection, run_campaign
from ..conform.result import Conformance
from ..conform.verdict import conclude
from ..engines import OTHERS, engine_of
from ..ports.port import EngineFault
from ..ports.profile import Profile
from ..render.conform_text import case_text
from ..render.counterexample import lineage
from ..report.verdict import LawResult, Verdict, overall_verdict
from .rows import AT_REST, DRIVEN, Cell, Row, digest_of, version_of

JOINS: Final = Selection(("barrier*",))
"""What is driven: the instances of one join."""
SEED: Final = 0
SEEDED: Final = "seeded"
"""The database of each engine that was changed, so that a question is answered with no."""


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def at_rest(engine: str) -> Row | None:
    """What the databases of an engine show that come with the package; None if there are none."""
    audits: dict[str, AuditSummary] = {}
    for name in _cases(engine):
        with unpacked(packed(engine, name)) as path:
            audits[name] = judged_file(path, name)
    return _row_of(engine, version_of(engine), audits, f"fateline board {engine}") if audits else None


def written_by(engine: str, version: str) -> Row | None:
    """What the databases show that a version of an engine writes now; None if it is not read. Raises `NoEnvironment`."""
    if not _cases(engine):
        return None
    packages = in_version(profile_of(engine), version)
    with tempfile.TemporaryDirectory(prefix="fateline-sweep-") as folder:
        run(words_of(engine, packages, "record.py", folder, *_cases(engine)))
        audits = {name: judged_file(Path(folder) / file_of(engine, name), name) for name in _cases(engine)}
    return _row_of(engine, version, audits, f"fateline sweep {engine} {version}")


def _cases(engine: str) -> list[str]:
    return [name for name in cases_of(engine) if name != SEEDED]


def _row_of(engine: str, version: str, audits: Mapping[str, AuditSummary], command: str) -> Row:
    laws: dict[str, Cell] = {}
    cases: dict[str, str] = {}
    asked: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for name, told in audits.items():
        for law, one in told.report.laws.items():
            asked[law] += one.checked
            broken[law] += one.breached
            if one.verdict is not None:
                laws[law] = Cell(Verdict.BREACHED if broken[law] else Verdict.HOLDS, asked[law], broken[law])
        for group in told.groups:
            text = f"{OTHERS}{engine}/{name}: token {group.breaches[0].token} {group.breaches[0].said}"
            cases.setdefault(group.law, "\n".join([text, *(f"  {line}" for line in lineage(group.picture or []))]))
    tokens = sum(told.report.counts["tokens"] for told in audits.values())
    verdict = overall_verdict(LawResult(cell.verdict, cell.asked, cell.breached) for cell in laws.values())
    return Row(
        engine, AT_REST, version, verdict, laws, f"{len(audits)} databases, {tokens:,} tokens", today(), command,
        digest_of(engine, AT_REST), cases,
    )  # fmt: skip


def driven(engine: str, version: str = "", progress: Callable[[str], None] | None = None) -> Row | None:
    """What a driven engine does; None if it is not driven, or not installed. Raises `EngineFault`."""
    profile = profile_of(engine)
    if not profile.drives or not (version or is_made(profile.packages)):
        return None
    name = f"{OTHERS}{engine}" + (f"@{version}" if version else "")
    declared = Profile(profile.declared)
    campaign = run_campaign(
        name, "small", open_engine=engine_of, seed=SEED, jobs=1, declared=frozenset(declared.laws), only=JOINS,
        progress=progress,
    )  # fmt: skip
    found = conclude(campaign, [], declared, "")
    if found.faults:
        raise EngineFault(f"{name}: {found.faults[0]}")
    laws = {law: _cell(one) for law, one in found.report.laws.items() if one.verdict is not None}
    counts = found.report.counts
    return Row(
        engine, DRIVEN, campaign.hello.version, found.report.verdict, laws,
        f"{counts['steps']:,} steps, {counts['states']:,} of {counts['states_total']:,} states"
        + (f"; {found.report.why}" if found.report.why else ""),
        today(), f"fateline conform {name} --instance 'barrier*'", digest_of(engine, DRIVEN), _shortest(found),
    )  # fmt: skip


def _cell(one: LawResult) -> Cell:
    assert one.verdict is not None
    return Cell(one.verdict, one.checked, one.breached)


def _shortest(found: Conformance) -> dict[str, str]:
    """By law: the shortest case that breaks it."""
    texts: dict[str, str] = {}
    for finding, case in sorted(zip(found.report.findings, found.cases, strict=False), key=lambda pair: pair[0].steps):
        for law in (finding.law, *finding.also):
            texts.setdefault(law, f"{case['instance']}\n\n{case_text(dict(case))}")
    return texts
