"""What `conform` found in one shard, as data in its report, and the campaign of all shards made of it again.

What is read is not trusted: every value has its type, every law exists, and every stimulus is one of its machine. Not here:
reading files (`report/parts.py`), and what is concluded (`verdict.py`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from fateline_model import Stimulus
from fateline_model.barrier_machine import BarrierStimulus
from fateline_model.checker.scopes import NAMED, Instance
from fateline_model.laws import LAWS
from fateline_model.lifecycle import Operation
from fateline_model.stimuli_json import as_json, from_json

from ..compare.difference import Difference
from ..compare.whole_run import WholeRun, run_of
from ..ports.hello import hello_as_json, hello_in
from ..ports.port import EngineFault, Hello, RecordJson
from ..ports.profile import Profile
from ..ports.validate import check_records
from ..report.ledger import Ledger, Listed
from ..report.parts import LawId, Natural, Parts
from ..shard import Shard
from .campaign import Campaign, Selection, every_instance, places_to_drive
from .findings import Found
from .instance import InstanceResult
from .result import SelfTest

PLAIN: Final = ("states", "states_total", "transitions", "transitions_total", "steps", "refusals", "steps_to_find")
"""The counts of a result."""


class AskedOfEngine(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which engine was asked, what it declares, and in which scope."""

    engine: str
    declares: dict[str, Any]
    scope: Annotated[str, Meta(pattern=f"^(?:{'|'.join(NAMED)})$")]

    def __post_init__(self) -> None:
        assert self.hello  # words that do not exist are found here

    @property
    def hello(self) -> Hello:
        return hello_in(self.declares)


class Asked(AskedOfEngine, forbid_unknown_fields=True, kw_only=True):
    """What was asked for, and of which engine."""

    seed: Natural
    instances: tuple[str, ...]
    laws: tuple[LawId, ...]
    stop_first: bool
    profile: dict[LawId, str]
    ledger: str
    known: tuple[Listed, ...]
    no_longer_known: tuple[Listed, ...]
    self_tests: tuple[SelfTest, ...]

    @property
    def selection(self) -> Selection:
        return Selection(self.instances, self.laws)


class FoundJson(Struct, forbid_unknown_fields=True):
    """One kind of difference in one instance."""

    shortest: Difference
    count: Natural
    closed: Natural
    named: dict[LawId, Natural]


class ResultJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """The result of one instance."""

    counts: dict[str, Natural]
    skipped: dict[str, Natural]
    checked: dict[LawId, Natural]
    found: list[FoundJson]
    fault: str | None
    bound: str | None


def asked_of(
    campaign: Campaign, tests: Sequence[SelfTest], profile: Profile, ledger: Ledger, *, stop_first: bool
) -> Asked:
    """What a campaign was asked for."""
    return Asked(
        engine=campaign.engine,
        declares=hello_as_json(campaign.hello),
        scope=campaign.scope,
        seed=campaign.seed,
        instances=campaign.only.instances,
        laws=campaign.only.laws,
        stop_first=stop_first,
        profile=dict(profile.laws),
        ledger=ledger.path,
        known=ledger.entries,
        no_longer_known=ledger.expired,
        self_tests=tuple(tests),
    )


def results_of(campaign: Campaign) -> tuple[dict[str, ResultJson], dict[str, float]]:
    """The result of each instance, and how long it took."""
    return {one.name: result_json(one) for one in campaign.judged}, {one.name: one.seconds for one in campaign.judged}


def result_json(one: InstanceResult) -> ResultJson:
    """The result of one instance as data."""
    return ResultJson(
        counts={name: getattr(one, name) for name in PLAIN},
        skipped=one.skipped,
        checked=one.checked,
        found=[
            FoundJson(
                replace(kind.shortest, stimuli=tuple(map(_stimulus_json, kind.shortest.stimuli))),
                kind.count,
                kind.closed,
                kind.named,
            )
            for kind in one.findings
        ],
        fault=one.fault,
        bound=one.bound,
    )


def _stimulus_json(stimulus: Any) -> Any:
    if isinstance(stimulus, WholeRun):
        return stimulus.as_json()
    return as_json(stimulus) if isinstance(stimulus, Stimulus) else msgspec.to_builtins(stimulus)


# ------------------------------------------------------------------------------------------------------- and back


def campaign_of(parts: Parts) -> tuple[Campaign, Asked]:
    """The campaign of all shards, as if one machine had driven it. Raises `BadReport`."""
    asked = parts.asked(Asked)
    instances = every_instance(asked.scope)
    known = {instance.name: (place, instance) for place, instance in enumerate(instances)}

    def names(shard: Shard) -> list[str]:
        return [instances[place].name for place in places_to_drive(asked.scope, asked.selection, shard)]

    found = parts.results(names, lambda name, result: result_in(known[name][1], result))
    took = parts.seconds
    for name, one in found.items():
        one.seconds = took.get(name, 0.0)
    judged = sorted(found.values(), key=lambda one: known[one.name][0])
    total = sum(took.values())
    return Campaign(
        asked.engine, asked.scope, asked.seed, asked.hello, judged, total, asked.selection, parts.shards
    ), asked


def result_in(instance: Instance, document: Any) -> InstanceResult:
    """The result of an instance that `result_json` made this of."""
    said = msgspec.convert(document, ResultJson)
    result = InstanceResult(instance.family, instance.name, instance.machine, fault=said.fault, bound=said.bound)
    result.skipped, result.checked = Counter(said.skipped), Counter(said.checked)
    for name in PLAIN:
        setattr(result, name, said.counts[name])
    for one in said.found:
        shortest = _difference(instance, one.shortest)
        if shortest.law is not None and not one.named.get(shortest.law):
            raise ValueError(f"a case breaks {shortest.law}, and no difference of its kind does")
        result.findings.of_kind[shortest.kind] = Found(shortest, one.count, one.closed, Counter(one.named))
    return result


def _difference(instance: Instance, said: Difference) -> Difference:
    read = _STIMULI[instance.machine]
    *before, last = said.stimuli or (None,)
    if isinstance(last, Mapping) and "rows" in last:
        read = run_of
    stimuli = (*map(_STIMULI[instance.machine], before), *([read(last)] if said.stimuli else []))
    if not (said.laws or said.differences) or not {law for law, _ in said.laws} <= LAWS.keys():
        raise ValueError("a difference breaks laws that exist, or says what differed")
    for records in (said.expected, said.observed):
        refuse_bad_records(instance.name, () if isinstance(records, str) else records)
    return replace(said, stimuli=stimuli)


def refuse_bad_records(name: str, records: Sequence[RecordJson]) -> None:
    """Raise `ValueError` if an engine could not have given these records."""
    try:
        check_records(name, records)
    except EngineFault as problem:
        raise ValueError(str(problem)) from problem


_STIMULI: Final[Mapping[str, Callable[[Any], Any]]] = {
    "pipeline": from_json,
    "batch": from_json,
    "barrier": partial(msgspec.convert, type=BarrierStimulus),
    "lifecycle": partial(msgspec.convert, type=Operation),
}
"""What reads a stimulus of each machine."""
