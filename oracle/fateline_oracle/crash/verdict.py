"""Concludes from a crash test: a verdict for each law, boundaries crashed of those known, counterexamples as data.

Not here: the crashing (`campaign.py`, `kill.py`), and how the result is shown (`render/crash_text.py`).
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fateline_model import LAW_VERSION
from fateline_model.checker.verify import Step, stimulus_as_json

from ..compare.data_laws import Broken
from ..ports.port import Hello, Write
from ..report.case import case_document
from ..report.law_results import law_results
from ..report.verdict import Finding, LawResult, Report, Skipped
from ..trails.reconstruct import named
from .campaign import CrashCampaign, instances_to_crash
from .instance import Caught, CrashResult
from .kill import KillResult

RECOVERY: Final = ("R1", "R2", "R3", "R4")


@dataclass(frozen=True)
class CrashConformance:
    """The whole result of a crash test."""

    hello: Hello
    report: Report
    campaign: CrashCampaign
    killed: KillResult | None
    cases: tuple[Mapping[str, object], ...]
    faults: tuple[str, ...]


def conclude(
    campaign: CrashCampaign, killed: KillResult | None, skipped: Sequence[Skipped], reproduce: str
) -> CrashConformance:
    """The verdict on an engine."""
    caught = [(one, one.found) for one in campaign.tortured if one.found is not None]
    breaches: list[tuple[str, Broken]] = [(one.name, broken) for one, found in caught for broken in found.laws]
    for trial, met, broken in killed.findings if killed is not None else ():
        how = ", then ".join(f"{fault.kind} {fault.at}" for fault in met)
        where = f"{trial.pipeline.parent.name}, {trial.policy}, {how}"
        breaches += [(where, one) for one in broken]
    laws = _laws(campaign, killed, Counter(law for _, (law, _) in breaches))
    faults = tuple(f"{one.name}: {one.fault}" for one in campaign.tortured if one.fault is not None)
    counts = counts_of(campaign, killed)
    short = counts["boundaries_known"] - counts["boundaries_crashed"]
    return CrashConformance(
        campaign.hello,
        Report(
            law_version=LAW_VERSION,
            engine=(campaign.hello.name, campaign.hello.version),
            scope=campaign.scope,
            seed=None,
            laws=laws,
            counts=counts,
            skipped=(*skipped, *_skipped(campaign), *_not_judged(laws)),
            findings=tuple(Finding(law, f"{where}: {message}") for where, (law, message) in breaches),
            prevented=(*faults, *([f"the engine was not crashed at {short:,} boundaries"] if short else [])),
            seconds=campaign.seconds + (killed.seconds if killed is not None else 0.0),
            reproduce=reproduce,
        ),
        campaign,
        killed,
        tuple(_case(campaign, one, found) for one, found in caught),
        faults,
    )


def processes_not_run(engine: str, kills: int, faults: int) -> list[Skipped]:
    """The real processes that were asked for and are not run."""
    why = "only the reference engine can be run as a separate process here"
    return [Skipped("processes", why, RECOVERY, kills + faults)] if engine and (kills or faults) else []


def counts_of(campaign: CrashCampaign, killed: KillResult | None) -> dict[str, int]:
    """All counts, by name."""
    known, crashed = campaign.total(lambda one: one.known), campaign.total(lambda one: one.crashed)
    leftovers = campaign.leftovers
    counts = {
        "instances": sum(1 for one in campaign.tortured if one.scenarios),
        "scenarios": sum(one.scenarios for one in campaign.tortured),
        "boundaries_known": known.total(),
        "boundaries_crashed": crashed.total(),
        **{f"{write}_known": known[write] for write in Write},
        **{f"{write}_crashed": crashed[write] for write in Write},
        **{f"leftovers_after_{depth}": leftovers[depth] for depth in sorted(leftovers)},
        "rows": sum(one.rows for one in campaign.tortured),
        "tokens": sum(one.tokens for one in campaign.tortured),
        "effects": sum(one.effects for one in campaign.tortured),
    }
    if killed is not None:
        counts |= {
            "processes_disturbed": killed.disturbed.total(),
            **{str(how): count for how, count in sorted(killed.disturbed.items())},
            "process_rows": killed.rows,
            "process_tokens": killed.tokens,
            "process_effects": killed.effects,
        }
    return counts


def _laws(campaign: CrashCampaign, killed: KillResult | None, breached: Counter[str]) -> dict[str, LawResult]:
    checked = campaign.total(lambda one: one.checked)
    if killed is not None:
        checked.update(killed.checked)
    return law_results(
        checked, breached, not_judged=lambda law: None if checked[law.id] else "a crash test does not check it"
    )


def _skipped(campaign: CrashCampaign) -> Iterator[Skipped]:
    why = campaign.total(lambda one: one.skipped)
    yield from (Skipped("scenarios", reason, RECOVERY, count) for reason, count in sorted(why.items()))


def _not_judged(laws: Mapping[str, LawResult]) -> Iterator[Skipped]:
    yield from (Skipped(f"law {law}", str(one.why), (law,)) for law, one in laws.items() if one.verdict is None)


# ------------------------------------------------------------------------------------------------- counterexamples


def _case(campaign: CrashCampaign, one: CrashResult, found: Caught) -> dict[str, object]:
    """One counterexample as data: the scenario with its crashes; the last step has what was recorded then."""
    instance = next(made for made in instances_to_crash(campaign.scope) if made.name == one.name)
    words = ["fateline", "torture", *([campaign.engine] if campaign.engine else []), "--scope", campaign.scope]
    document = case_document(
        title=found.laws[0][1],
        machine="torture",
        instance=one.name,
        pipeline=instance.document,
        laws=found.laws,
        steps=_steps(found),
        expected=None,
        reproduce=shlex.join([*words, "--depth", str(campaign.depth)]),
    )
    return {
        **document,
        "engine": {"name": campaign.hello.name, "version": campaign.hello.version},
        "policy": str(found.policy),
        "cuts": [{"boundary": cut.boundary, "write": str(cut.write), "steps": cut.steps} for cut in found.cuts],
        "differences": [message for _, message in found.laws],
    }


def _steps(found: Caught) -> list[Step]:
    steps = [Step(str(stimulus), stimulus_as_json(stimulus), []) for stimulus in found.broken_off]
    if steps:
        steps[-1] = replace(steps[-1], records=named(found.observed))
    return steps
