"""The laws of the judge on trails at rest: what is taken away, cut off or renamed makes no verdict worse, and none stronger."""

import random
from pathlib import Path

import pytest

from fateline_oracle.adapters import ENGINES
from fateline_oracle.adapters import unpacked as unpack
from fateline_oracle.adapters.profiles import cases_of, packed
from fateline_oracle.audit.import_records import copy_records
from fateline_oracle.audit.summary import AuditSummary, tell
from fateline_oracle.audit.whole import Wanted, audit
from fateline_oracle.book.landscapes import CASES, unpacked
from fateline_oracle.report.verdict import LawResult, Verdict

from . import weakened
from .corpus import Record, pipelines, records_of, walks

WALKED = ("leaving policy=require_all", "batch mode=transform", "batch mode=passthrough", "expand then fork",
          "nested outer=require_all inner=first", "diamond branches=2 policy=quorum:2 merge=union:fail",
          "retries", "quarantine", "two rows and a crash")  # fmt: skip
HEALTHY = [name for name, case in CASES.items() if not case.breaks]


def of_walks(draw: random.Random) -> list[Record]:
    """A walk through some pipeline, taken by the reference engine."""
    instance = draw.choice([one for one in pipelines() if one.name.startswith(WALKED)])
    return draw.choice(walks(instance.name))


def of_databases(draw: random.Random) -> list[Record]:
    """A real database in which no core law is broken."""
    with unpacked(draw.choice(HEALTHY)) as path:
        return records_of(path)


def of_engines(draw: random.Random) -> list[Record]:
    """A database that another engine wrote, in which no law is broken."""
    healthy = [(engine, name) for engine in ENGINES for name, case in cases_of(engine).items() if not case.breaks]
    with unpack(packed(*draw.choice(healthy))) as path:
        return records_of(path)


def asked(trail: list[Record], folder: Path) -> AuditSummary:
    copy = folder / "trail.db"
    copy.unlink(missing_ok=True)
    return tell(audit(Wanted(copy, copy_records(trail, copy))), None, "trail", "", 3)


def breached(summary: AuditSummary) -> dict[str, str]:
    """The broken laws, each with an example."""
    return {group.law: f"{group.breaches[0].query}: {group.breaches[0].said}" for group in summary.groups}


def worse(before: AuditSummary, after: AuditSummary) -> dict[str, str]:
    known = breached(before)
    return {law: example for law, example in breached(after).items() if law not in known}


def stronger(before: AuditSummary, after: AuditSummary) -> list[str]:
    laws = before.report.laws
    return [law for law, one in after.report.laws.items() if one.verdict is Verdict.HOLDS and laws[law].verdict is None]


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 24))]
AT_ONCE = 20
"""How many ways to hide something are tried with the first seed; with the others, all."""


@pytest.mark.parametrize("source", [of_walks, of_databases, of_engines])
@pytest.mark.parametrize("seed", SEEDS)
def test_j1_what_is_hidden_breaks_nothing_and_proves_nothing(source: object, seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    trail = source(draw)  # type: ignore[operator]
    whole = asked(trail, tmp_path)
    ways = list(weakened.hidings(trail, draw))
    for name, hide in draw.sample(ways, min(AT_ONCE, len(ways))) if seed == 0 else ways:
        less = asked(hide(trail), tmp_path)
        assert worse(whole, less) == {}, name
        assert stronger(whole, less) == [], name


@pytest.mark.parametrize("source", [of_walks, of_databases])
@pytest.mark.parametrize("seed", SEEDS)
def test_j2_a_prefix_breaks_nothing_and_is_not_over(source: object, seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    trail = source(draw)  # type: ignore[operator]
    whole = asked(trail, tmp_path)
    places = weakened.steps_of(trail)
    for after in draw.sample(places, min(len(places), 12)):
        status = draw.choice(["running", "interrupted", "failed"])
        prefix = weakened.cut(trail, after, status)
        if not any(record["rec"] == "tokens" for record in prefix):
            continue
        less = asked(prefix, tmp_path)
        assert worse(whole, less) == {}, after
        assert less.report.verdict is (Verdict.BREACHED if less.groups else Verdict.UNDETERMINED)
        assert less.report.counts["runs_not_over"] == 1
        assert status in less.not_over[0]
        for law in ("F2", "V1", "C10"):
            assert less.report.laws[law].verdict is None, law


@pytest.mark.parametrize("change", [weakened.rename, weakened.shuffle])
@pytest.mark.parametrize("source", [of_walks, of_databases, of_engines])
@pytest.mark.parametrize("seed", SEEDS)
def test_j3_other_names_and_another_order_change_nothing(
    change: object, source: object, seed: int, tmp_path: Path
) -> None:
    draw = random.Random(seed)
    trail = source(draw)  # type: ignore[operator]
    assert laws_of(asked(change(trail, draw), tmp_path)) == laws_of(asked(trail, tmp_path))  # type: ignore[operator]


def laws_of(summary: AuditSummary) -> dict[str, LawResult]:
    return dict(summary.report.laws)


def test_what_is_hidden_is_named_and_counted(tmp_path: Path) -> None:
    """One visit that does not say which attempt it is: that row is unknown, the others are asked."""
    trail = walks("two batches")[0]
    whole = asked(trail, tmp_path)
    some = next(record for record in trail if record["rec"] == "visits")
    less = asked([{k: v for k, v in r.items() if r is not some or k != "attempt"} for r in trail], tmp_path)
    assert 0 < less.report.laws["V5"].checked < whole.report.laws["V5"].checked
    (note,) = [one for one in less.report.skipped if one.what == "a part of law V5"]
    assert note.why == "not recorded: visits.attempt"
    assert note.cases > 0
