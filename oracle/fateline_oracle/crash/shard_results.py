"""What `torture` found in one shard, as data in its report, and the crash test of all shards made of it again.

What is read is not trusted: every value has its type, every law exists, and every stimulus is one of the law. Not here:
reading files (`report/parts.py`), and what is concluded (`verdict.py`).
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from fateline_model.checker.scopes import Instance
from fateline_model.stimuli_json import as_json, from_json

from ..conform.shard_results import AskedOfEngine, refuse_bad_records
from ..ports.hello import hello_as_json
from ..ports.port import CommitPolicy, Write
from ..reference.faulty_process import Fault, FaultKind
from ..report.parts import LawId, Natural, Parts
from ..shard import Shard
from .campaign import CrashCampaign, instances_to_crash, places_to_crash
from .instance import Caught, CrashResult, Cut
from .kill import KillResult, Trial

COUNTS: Final = ("scenarios", "rows", "tokens", "effects")
KILL_COUNTS: Final = ("trials", "missed", "rows", "tokens", "effects")
PROCESSES: Final = "processes of shard"
"""Begins the name of the member that has the real processes of a shard."""

Place = Annotated[int, Meta(ge=0, le=100_000)]
LawBroken = tuple[LawId, str]
Name = Annotated[str, Meta(pattern=r"^[^/\\\x00]{1,200}$")]


class Asked(AskedOfEngine, forbid_unknown_fields=True, kw_only=True):
    """What was asked for, and of which engine."""

    depth: Annotated[int, Meta(ge=1, le=3)]
    family: str | None
    kills: Natural
    faults: Natural
    seed: Natural | None
    """Null if nothing was left to chance."""

    @property
    def disturbs(self) -> bool:
        """True if real processes were disturbed; only the reference engine can be run as one."""
        return bool(self.kills or self.faults) and not self.engine


class CutJson(Struct, forbid_unknown_fields=True):
    """A crash in a scenario."""

    boundary: Place
    write: Write
    steps: Place


class CaughtJson(Struct, forbid_unknown_fields=True):
    """A breach in one instance."""

    stimuli: list[dict[str, Any]]
    policy: CommitPolicy
    cuts: list[CutJson]
    observed: list[dict[str, Any]]
    laws: Annotated[list[LawBroken], Meta(min_length=1)]


class ResultJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """The result of one instance."""

    counts: dict[str, Natural]
    known: dict[Write, Natural]
    crashed: dict[Write, Natural]
    leftovers: list[Natural]
    """The crash states after one crash, after two, and so on."""
    checked: dict[LawId, Natural]
    skipped: dict[str, Natural]
    found: CaughtJson | None
    fault: str | None


class TrialJson(Struct, forbid_unknown_fields=True):
    """A breach of a real process. The pipeline is the name of its folder."""

    pipeline: Name
    policy: CommitPolicy
    how: FaultKind
    seed: Natural
    faults: list[Fault]
    laws: list[LawBroken]


class KilledJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """The result of the real processes of a shard."""

    counts: dict[str, Natural]
    disturbed: dict[FaultKind, Natural]
    at: dict[str, Natural]
    checked: dict[LawId, Natural]
    findings: list[TrialJson]


def results_of(
    campaign: CrashCampaign, killed: KillResult | None, shard: Shard
) -> tuple[dict[str, object], dict[str, float]]:
    """The result of each instance and of the real processes, and how long each took."""
    results: dict[str, object] = {one.name: result_json(one) for one in campaign.tortured}
    seconds = {one.name: one.seconds for one in campaign.tortured}
    if killed is not None:
        results[processes(shard)], seconds[processes(shard)] = killed_json(killed), killed.seconds
    return results, seconds


def processes(shard: Shard) -> str:
    """The name of the real processes of a shard among its results."""
    return f"{PROCESSES} {shard}"


def asked_of(
    campaign: CrashCampaign, *, family: str | None = None, kills: int = 0, faults: int = 0, seed: int | None = None
) -> Asked:
    """What a crash test was asked for."""
    return Asked(
        engine=campaign.engine, declares=hello_as_json(campaign.hello), scope=campaign.scope, depth=campaign.depth,
        family=family, kills=kills, faults=faults, seed=seed if kills or faults else None,
    )  # fmt: skip


def result_json(one: CrashResult) -> ResultJson:
    """The result of one instance as data."""
    found = one.found
    return ResultJson(
        counts={name: getattr(one, name) for name in COUNTS},
        known={Write(write): count for write, count in one.known.items()},
        crashed={Write(write): count for write, count in one.crashed.items()},
        leftovers=[one.leftovers[depth] for depth in range(1, max(one.leftovers, default=0) + 1)],
        checked=one.checked,
        skipped=one.skipped,
        found=None
        if found is None
        else CaughtJson(
            [as_json(stimulus) for stimulus in found.stimuli],
            found.policy,
            [CutJson(cut.boundary, Write(cut.write), cut.steps) for cut in found.cuts],
            [dict(record) for record in found.observed],
            list(found.laws),
        ),
        fault=one.fault,
    )


def killed_json(killed: KillResult) -> KilledJson:
    """The result of real processes as data."""
    return KilledJson(
        counts={name: getattr(killed, name) for name in KILL_COUNTS},
        disturbed={FaultKind(kind): count for kind, count in killed.disturbed.items()},
        at=killed.at,
        checked=killed.checked,
        findings=[
            TrialJson(trial.pipeline.parent.name, trial.policy, trial.how, trial.seed, list(faults), list(laws))
            for trial, faults, laws in killed.findings
        ],
    )


# ------------------------------------------------------------------------------------------------------- and back


def crash_test_of(parts: Parts) -> tuple[CrashCampaign, KillResult | None, Asked]:
    """The crash test of all shards, as if one machine had made it. Raises `BadReport`."""
    asked = parts.asked(Asked)
    instances = {one.name: one for one in instances_to_crash(asked.scope)}

    def names(shard: Shard) -> list[str]:
        table = instances_to_crash(asked.scope, asked.family)
        chosen = [table[place].name for place in places_to_crash(asked.scope, asked.family, shard)]
        return [*chosen, *([processes(shard)] if asked.disturbs else [])]

    def decode(name: str, document: Any) -> CrashResult | KillResult:
        return killed_in(document) if name.startswith(PROCESSES) else result_in(instances[name], document)

    found, took = parts.results(names, decode), parts.seconds
    killed = KillResult() if asked.disturbs else None
    for name, one in found.items():
        one.seconds = took.get(name, 0.0)
        if killed is not None and isinstance(one, KillResult):
            killed.add(one)
            killed.seconds += one.seconds
    tortured = [found[name] for name in instances if name in found]
    crashed = [one for one in tortured if isinstance(one, CrashResult)]
    total = sum(one.seconds for one in crashed)
    return (
        CrashCampaign(asked.engine, asked.scope, asked.depth, asked.hello, crashed, total, parts.shards),
        killed,
        asked,
    )


def result_in(instance: Instance, document: Any) -> CrashResult:
    """The result of an instance that `result_json` made this of."""
    said = msgspec.convert(document, ResultJson)
    return CrashResult(
        instance.family, instance.name, **_counts(said.counts, COUNTS),
        known=Counter({str(write): count for write, count in said.known.items()}),
        crashed=Counter({str(write): count for write, count in said.crashed.items()}),
        leftovers=Counter({depth: count for depth, count in enumerate(said.leftovers, 1) if count}),
        checked=Counter(said.checked), skipped=Counter(said.skipped), fault=said.fault,
        found=_caught(instance.name, said.found) if said.found is not None else None,
    )  # fmt: skip


def _caught(name: str, said: CaughtJson) -> Caught:
    refuse_bad_records(name, said.observed)
    cuts = tuple(Cut(cut.boundary, cut.write, cut.steps) for cut in said.cuts)
    return Caught(tuple(map(from_json, said.stimuli)), said.policy, cuts, tuple(said.observed), tuple(said.laws))


def killed_in(document: Any) -> KillResult:
    """The result of real processes that `killed_json` made this of."""
    said = msgspec.convert(document, KilledJson)
    return KillResult(
        **_counts(said.counts, KILL_COUNTS), disturbed=Counter({str(kind): n for kind, n in said.disturbed.items()}),
        at=Counter(said.at), checked=Counter(said.checked),
        findings=[
            (Trial(Path(one.pipeline, "pipeline.yaml"), one.policy, one.how, one.seed), tuple(one.faults), tuple(one.laws))
            for one in said.findings
        ],
    )  # fmt: skip


def _counts(said: dict[str, int], names: Sequence[str]) -> dict[str, Any]:
    return {name: said[name] for name in names}
