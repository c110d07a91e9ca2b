"""Concludes from a campaign: a verdict for each law, coverage, counterexamples as data, and what was not checked and why.

Every verdict is preceded by a self-test: the same judge checks a few engines with a seeded bug. If it misses one, the
verdict is undetermined. Not here: the driving (`campaign.py`), and how the result is shown (`render/`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fateline_model import LAW_VERSION, Run, Stimulus, step
from fateline_model.checker.scopes import NAMED, Instance, families
from fateline_model.checker.systems import PipelineSystem, State
from fateline_model.checker.verify import Step, stimulus_as_json
from fateline_model.laws import Law
from fateline_model.machine import Accepted
from fateline_model.records import as_json

from ..compare.capabilities import declared_and_not_asked, why_not_judged
from ..compare.difference import Difference, Kind, only_declared
from ..compare.whole_run import WholeRun
from ..ports.choices import DRIVEN_OTHERWISE
from ..ports.port import RecordJson
from ..ports.profile import Profile
from ..report.case import case_document
from ..report.law_results import law_results
from ..report.ledger import NOTHING_KNOWN, Ledger, settled
from ..report.verdict import Finding, LawResult, Report, Skipped
from ..shard import missing_of, shard_note
from .campaign import Campaign, Selection, every_instance
from .case import WHOLE_RUN
from .findings import Found, broken_by, finding_of
from .instance import InstanceResult
from .result import Conformance, Declared, FamilyCoverage, SelfTest


@dataclass(frozen=True)
class _Kind:
    """One kind of difference in all instances: the shortest case and the instance in which it was seen, and the numbers."""

    shortest: Difference
    judged: InstanceResult
    count: int
    closed: int
    laws: Mapping[str, Sequence[str]]
    """The laws that its differences break, each with the instances in which one does."""
    instances: tuple[str, ...]


def conclude(
    campaign: Campaign, tests: Sequence[SelfTest], profile: Profile, reproduce: str, ledger: Ledger = NOTHING_KNOWN
) -> Conformance:
    """The verdict of a campaign."""
    kinds = _kinds(campaign.judged)
    declared = [kind for kind in kinds if only_declared(kind.laws, profile.laws)]
    not_declared = [kind for kind in kinds if kind.laws and kind not in declared]
    breaches = [kind for kind in not_declared if _is_asked_for(kind, campaign.only)]
    failures = [kind for kind in kinds if not kind.laws]
    differ = Counter(law for kind in declared for law in kind.laws for _ in range(kind.count))
    otherwise = {law: sentence for law, sentence in profile.laws.items() if law in differ or law in DRIVEN_OTHERWISE}
    laws = _laws(campaign, breaches, otherwise)
    faults = tuple(f"{judged.name}: {judged.fault}" for judged in campaign.judged if judged.fault is not None)
    faults += tuple(_failure(kind) for kind in failures)
    blind = [test.bug for test in tests if test.named is None]
    short = _not_covered(campaign.judged) if not not_declared and not faults else []
    bounds = [f"{judged.name}: {judged.bound}" for judged in campaign.judged if judged.bound is not None]
    complete = Report(
        law_version=LAW_VERSION,
        engine=(campaign.hello.name, campaign.hello.version),
        scope=campaign.scope,
        seed=campaign.seed,
        laws=laws,
        counts=_counts(campaign),
        skipped=tuple(_skipped(campaign, laws)),
        findings=tuple(_finding(kind, campaign.only.laws) for kind in breaches),
        prevented=tuple(_prevented(blind, faults, [*bounds, *short])),
        seconds=campaign.seconds,
        reproduce=reproduce,
    )
    report = settled(complete, ledger, whole=campaign.is_whole)
    new = [kind for kind, finding in zip(breaches, complete.findings, strict=True) if not ledger.lists(finding)]
    notes = [f"the self-test did not notice {name}, so the verdict is not certain" for name in blind]
    notes += [f"only the instances {', '.join(campaign.only.instances)} were driven"] if campaign.only.instances else []
    notes += [f"{shard_note(campaign.shards)} driven"] if missing_of(campaign.shards) else []
    notes += _beyond(campaign.scope) if not campaign.only.instances else []
    notes += declared_and_not_asked(campaign.hello)
    notes += [f"a bound was reached, and the rest was not driven: {bound}" for bound in bounds]
    notes += [f"not every state and transition was reached: {name}" for name in short]
    return Conformance(
        campaign.hello,
        report,
        tuple(coverage(campaign.judged)),
        tuple(case_of(campaign, kind.judged, kind.shortest) for kind in (*new, *failures)),
        tuple(tests),
        tuple(Declared(law, profile.laws[law], differ[law]) for law in sorted(set(differ) & set(profile.laws))),
        faults,
        tuple(notes),
    )


def _kinds(judged: Sequence[InstanceResult]) -> list[_Kind]:
    """The differences of all instances by kind, the worst first."""
    found: dict[Kind, list[tuple[InstanceResult, Found]]] = {}
    for one in judged:
        for kind in one.findings:
            found.setdefault(kind.shortest.kind, []).append((one, kind))
    kinds = []
    for seen in found.values():
        first, shortest = min(seen, key=lambda pair: len(pair[1].shortest.stimuli))
        total, closed = sum(kind.count for _, kind in seen), sum(kind.closed for _, kind in seen)
        laws = {
            law: [one.name for one, kind in seen if law in kind.laws] for law in broken_by(kind for _, kind in seen)
        }
        kinds.append(_Kind(shortest.shortest, first, total, closed, laws, tuple(one.name for one, _ in seen)))
    return sorted(kinds, key=lambda kind: (kind.shortest.severity, len(kind.shortest.stimuli)))


def _beyond(scope: str) -> list[str]:
    """What larger scopes contain and this one does not, by families of pipelines."""
    here = {instance.family for instance in every_instance(scope)}
    beyond = [family for family in families(NAMED[-1]) if family not in here]
    if not beyond:
        return []
    return [f"scope {scope} does not contain these families, and says nothing about them: {', '.join(beyond)}"]


def _is_asked_for(kind: _Kind, only: Selection) -> bool:
    return not only.laws or any(law in only.laws for law in kind.laws)


def _failure(kind: _Kind) -> str:
    """What the engine said when it failed, how often, and where."""
    times = f", {kind.count} times" if kind.count > 1 else ""
    before = ", ".join(map(str, kind.shortest.stimuli[-4:-1]))
    return f"{kind.judged.name}: {kind.shortest.differences[0]}{f', after {before}' if before else ''}{times}"


def _prevented(blind: Sequence[str], faults: Sequence[str], short: Sequence[str]) -> list[str]:
    """What prevents a verdict of *holds*, whatever the laws say."""
    reasons = [f"the engine broke down in {len(faults)} ways"] if faults else []
    reasons += [f"the self-test missed {', '.join(blind)}"] if blind else []
    return reasons + ([f"{len(short)} instances were not driven through"] if short else [])


def _laws(campaign: Campaign, breaches: Sequence[_Kind], otherwise: Mapping[str, str]) -> dict[str, LawResult]:
    """The result of each law. `otherwise` has the sentence of each law that the engine was seen not to follow, or was driven
    as if it did not, because its profile declares it."""
    checked = campaign.checked
    only = campaign.only
    broken: dict[str, set[str]] = {}
    for kind in breaches:
        for law, instances in kind.laws.items():
            if not only.laws or law in only.laws:
                broken.setdefault(law, set()).update(instances)

    def not_judged(law: Law) -> str | None:
        if only.laws and law.id not in only.laws:
            return "not asked for"
        if law.id in otherwise:
            return f"declared by the profile: {otherwise[law.id]}"
        chosen = only.instances or missing_of(campaign.shards)
        never = "the chosen instances ask nothing about it" if chosen else None
        return why_not_judged(law, campaign.hello, checked[law.id], never)

    def undecided(law: Law) -> str | None:
        return None if checked[law.id] else "never checked in a case to which it applies"

    named = {law: len(instances) for law, instances in broken.items()}
    return law_results(checked, named, not_judged=not_judged, undecided=undecided)


def _counts(campaign: Campaign) -> dict[str, int]:
    judged = campaign.judged
    return {
        "instances": sum(1 for one in judged if one.states_total),
        "states": sum(one.states for one in judged),
        "states_total": sum(one.states_total for one in judged),
        "transitions": sum(one.transitions for one in judged),
        "transitions_total": sum(one.transitions_total for one in judged),
        "steps": sum(one.steps for one in judged),
        "refusals": sum(one.refusals for one in judged),
        "breached_instances": sum(one.found is not None for one in judged),
        "faults": sum(bool(one.failures) for one in judged),
        "closed": sum(kind.closed for one in judged for kind in one.findings),
    }


def _not_covered(judged: Sequence[InstanceResult]) -> list[str]:
    return [one.name for one in judged if (one.states, one.transitions) != (one.states_total, one.transitions_total)]


def coverage(judged: Sequence[InstanceResult]) -> list[FamilyCoverage]:
    """One entry for each family, in the order of the scope."""
    families: dict[tuple[str, str], list[InstanceResult]] = {}
    for one in judged:
        families.setdefault((one.family, one.machine), []).append(one)
    return [
        FamilyCoverage(
            family,
            machine,
            len(own),
            sum(one.states for one in own),
            sum(one.states_total for one in own),
            sum(one.transitions for one in own),
            sum(one.transitions_total for one in own),
            sum(one.steps for one in own),
            sum(one.refusals for one in own),
            sum(one.seconds for one in own),
        )
        for (family, machine), own in families.items()
    ]


def _skipped(campaign: Campaign, laws: Mapping[str, LawResult]) -> list[Skipped]:
    skipped = [Skipped("stimuli", why, cases=count) for why, count in sorted(campaign.skipped.items())]
    return skipped + [Skipped(f"law {law}", str(one.why), (law,)) for law, one in laws.items() if one.verdict is None]


def _finding(kind: _Kind, only: Sequence[str]) -> Finding:
    found = finding_of(kind.shortest, kind.judged.name, only, alike=kind.laws)
    return replace(found, count=kind.count, closed=kind.closed, instances=kind.instances)


# ------------------------------------------------------------------------------------------------- counterexamples


def case_of(campaign: Campaign, judged: InstanceResult, found: Difference) -> dict[str, object]:
    """One counterexample as data: earlier steps with the records of the law, the last step with those of the engine."""
    instance = next(one for one in every_instance(campaign.scope) if one.name == judged.name)
    whole = bool(found.stimuli) and isinstance(found.stimuli[-1], WholeRun)
    document = case_document(
        title=found.laws[0][1] if found.laws else found.differences[0],
        machine=WHOLE_RUN if whole else judged.machine,
        instance=judged.name,
        pipeline=instance.document,
        laws=found.laws,
        steps=steps_of(instance, found),
        expected=None if whole else found.expected,
        reproduce=f"fateline conform {campaign.engine} --scope {campaign.scope} --seed {campaign.seed}".replace(
            "  ", " "
        ),
    )
    more: dict[str, object] = {
        "engine": {"name": campaign.hello.name, "version": campaign.hello.version},
        "seed": campaign.seed,
        "differences": list(found.differences),
        "legal": legal(instance, found),
    }
    if isinstance(found.observed, str):
        more["observed"] = found.observed
    return {**document, **more}


def steps_of(instance: Instance, found: Difference) -> list[Step]:
    """The steps of a case: with the records of the law, and in the last step with those of the engine."""
    steps = []
    written = _law_wrote(instance, found.stimuli[:-1])
    for place, stimulus in enumerate(found.stimuli):
        last = place == len(found.stimuli) - 1
        own = found.observed if last else written[place]
        records = [dict(record) for record in own] if not isinstance(own, str) else []
        told = stimulus.as_json() if isinstance(stimulus, WholeRun) else stimulus_as_json(stimulus)
        steps.append(Step(str(stimulus), told, records))
    return steps


def _law_wrote(instance: Instance, stimuli: Sequence[Any]) -> list[Sequence[RecordJson]]:
    """The records that the law writes in each step of a case, as far as the machine knows the stimulus."""
    written: list[Sequence[RecordJson]] = []
    state = instance.system.first()
    run: Run = state.world[0]
    for stimulus in stimuli:
        if isinstance(stimulus, Stimulus):
            law = step(instance.system.pipeline, run, stimulus)
            run = law.run if isinstance(law, Accepted) else run
            written.append([as_json(record) for record in law.records] if isinstance(law, Accepted) else [])
            continue
        offer = next((o for o in instance.system.attempts(state) if o.stimulus == stimulus), None)
        written.append([as_json(record) for record in offer.records] if offer is not None else [])
        state = offer.after if offer is not None and offer.after is not None else state
    return written


def legal(instance: Instance, found: Difference) -> list[str]:
    """The stimuli that the law would have accepted instead of the last one."""
    system = instance.system
    if not found.stimuli or not isinstance(found.stimuli[-1], Stimulus) or not isinstance(system, PipelineSystem):
        return []
    run = system.first().world[0]
    for stimulus in found.stimuli[:-1]:
        law = step(system.pipeline, run, stimulus)
        run = law.run if isinstance(law, Accepted) else run
    rows = PipelineSystem(system.pipeline, max(system.rows, len(run.rows)), system.crashes, system.options)
    return [str(offer.stimulus) for offer in rows.attempts(State((run,))) if offer.after is not None]
