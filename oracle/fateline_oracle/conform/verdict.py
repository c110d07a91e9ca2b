"""Concludes from a campaign: a verdict for each law, coverage, counterexamples as data, and what was not checked and why.

Every verdict is preceded by a self-test: the same judge checks a few engines with a seeded bug. If it misses one, the
verdict is undetermined. Not here: the driving (`campaign.py`), and how the result is shown (`render/`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fateline_model import LAW_VERSION, Run, Stimulus, step
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem, State
from fateline_model.checker.verify import Step, stimulus_as_json
from fateline_model.laws import Law, Where
from fateline_model.machine import Accepted
from fateline_model.records import as_json

from ..compare.capabilities import lacks
from ..compare.data_laws import LAWS as OF_DATA
from ..compare.difference import Difference
from ..ports.port import RecordJson
from ..ports.profile import Profile
from ..report.case import case_document
from ..report.law_results import law_results
from ..report.verdict import Finding, LawResult, Report, Skipped, overall_verdict
from .campaign import Campaign, every_instance
from .instance import InstanceResult
from .result import Conformance, Declared, FamilyCoverage, SelfTest


def conclude(campaign: Campaign, tests: Sequence[SelfTest], profile: Profile, reproduce: str) -> Conformance:
    """The verdict of a campaign."""
    breached, declared = _sorted_out(campaign, profile)
    laws = _laws(campaign, breached)
    faults = tuple(f"{judged.name}: {judged.fault}" for judged in campaign.judged if judged.fault is not None)
    blind = [test.animal for test in tests if test.named is None]
    short = _not_covered(campaign.judged) if not breached and not faults else []
    verdict = overall_verdict(laws.values(), bound_reached=bool(short), error=bool(faults or blind))
    cases = [case_of(campaign, judged, judged.found) for judged in breached if judged.found is not None]
    report = Report(
        verdict=verdict,
        law_version=LAW_VERSION,
        scope=campaign.scope,
        seed=campaign.seed,
        laws=laws,
        counts=_counts(campaign),
        skipped=tuple(_skipped(campaign, laws)),
        findings=tuple(
            _finding(judged, law, message) for judged in breached for law, message in _first_messages(judged)
        ),
        seconds=campaign.seconds,
        reproduce=reproduce,
    )
    notes = [f"the self-test did not notice {name}, so the verdict is not certain" for name in blind]
    notes += [f"not every state and transition was reached: {name}" for name in short]
    return Conformance(
        campaign.hello,
        report,
        tuple(coverage(campaign.judged)),
        tuple(cases),
        tuple(tests),
        tuple(Declared(law, profile.laws[law]) for law in sorted(declared)),
        faults,
        tuple(notes),
    )


def _sorted_out(campaign: Campaign, profile: Profile) -> tuple[list[InstanceResult], Counter[str]]:
    """The instances with a breach, and for each law of the profile the number of instances that break nothing else."""
    breached: list[InstanceResult] = []
    declared: Counter[str] = Counter()
    for judged in campaign.judged:
        if judged.found is None or not judged.found.laws:
            continue
        named = {law for law, _ in judged.found.laws} - {"D1", "D2"}
        if named and named <= set(profile.laws):
            declared.update(named)
        else:
            breached.append(judged)
    return breached, declared


def _laws(campaign: Campaign, breached: Sequence[InstanceResult]) -> dict[str, LawResult]:
    checked = campaign.checked
    named = Counter(law for judged in breached if judged.found for law in {law for law, _ in judged.found.laws})

    def not_judged(law: Law) -> str | None:
        if missing := lacks(law, campaign.hello):
            return f"the engine does not show {', '.join(missing)}"
        on_trails_only = Where.STEP not in law.where and law.id not in OF_DATA
        return "judged on trails, not step by step" if on_trails_only else None

    def undecided(law: Law) -> str | None:
        return None if checked[law.id] else "never checked in a case to which it applies"

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
        "faults": sum(one.fault is not None for one in judged),
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


def _first_messages(judged: InstanceResult) -> list[tuple[str, str]]:
    """One sentence for each law that an instance breaks."""
    messages: dict[str, str] = {}
    for law, message in judged.found.laws if judged.found is not None else ():
        messages.setdefault(law, message)
    return list(messages.items())


def _finding(judged: InstanceResult, law: str, message: str) -> Finding:
    tokens: tuple[str, ...] = ()
    if judged.found is not None and judged.found.stimuli:
        token = getattr(judged.found.stimuli[-1], "token", None)
        tokens = (token,) if token is not None else ()
    return Finding(law, f"{judged.name}: {message}", tokens=tokens)


# ------------------------------------------------------------------------------------------------- counterexamples


def case_of(campaign: Campaign, judged: InstanceResult, found: Difference) -> dict[str, object]:
    """One counterexample as data: earlier steps with the records of the law, the last step with those of the engine."""
    instance = next(one for one in every_instance(campaign.scope) if one.name == judged.name)
    document = case_document(
        title=found.laws[0][1] if found.laws else found.differences[0],
        machine=judged.machine,
        instance=judged.name,
        pipeline=instance.document,
        laws=found.laws,
        steps=steps_of(instance, found),
        expected=found.expected,
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
        steps.append(Step(str(stimulus), stimulus_as_json(stimulus), records))
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
