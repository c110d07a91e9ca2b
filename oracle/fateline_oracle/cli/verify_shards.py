"""What `verify` found in one shard, as data in its report, and the report of all shards made of it again.

What is read is not trusted: every value has its type, and every law exists. Not here: reading files (`report/parts.py`), the
totals (`law/verification.py`), and what is concluded (`verify.py`).
"""

from collections import Counter
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from fateline_model.checker.rows import Count
from fateline_model.checker.scopes import NAMED, Instance, Sizes
from fateline_model.checker.verify import Finding, Step, Verified

from ..conform.shard_results import refuse_bad_records
from ..law.verification import KERNELS, ScopeReport, instances_by_name, names_to_verify, scope_report
from ..report.parts import LawId, Natural, Parts

LARGEST_SPLIT: Final = 6
"""The largest size of which the pipelines are split: to list those of the next size takes longer than a merge should."""
COUNTS: Final = ("states", "transitions", "unreduced", "depth")


class Asked(Struct, forbid_unknown_fields=True, kw_only=True):
    """What was asked for: a scope, or every pipeline up to a size."""

    scope: Annotated[str, Meta(pattern=f"^(?:{'|'.join(NAMED)})$")] | None
    largest: Annotated[int, Meta(ge=2, le=LARGEST_SPLIT)] | None
    crashes: Annotated[int, Meta(ge=0, le=3)]

    def __post_init__(self) -> None:
        if (self.scope is None) == (self.largest is None):
            raise ValueError("either a scope or a size is verified")

    @property
    def chosen(self) -> str | Sizes:
        return Sizes(self.largest, self.crashes) if self.largest is not None else str(self.scope)


class StepJson(Struct, forbid_unknown_fields=True):
    """One step of a counterexample."""

    says: str
    stimulus: dict[str, Any]
    records: list[dict[str, Any]]


class FindingJson(Struct, forbid_unknown_fields=True):
    """A counterexample; without laws it is a stuck state."""

    laws: list[tuple[LawId, str]]
    steps: list[StepJson]


class ResultJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """What was found in one instance, or in the kernels."""

    counts: dict[str, Natural]
    rows: list[tuple[Natural, Natural, Natural, Natural]]
    checks: dict[LawId, Natural]
    fired: dict[str, Natural]
    refused: dict[str, Natural]
    finding: FindingJson | None
    bound_reached: bool
    endless: bool
    digest: Annotated[str, Meta(pattern="^(?:[0-9a-f]{16})?$")]


def asked_of(chosen: str | Sizes) -> Asked:
    """What was asked for, as data."""
    if isinstance(chosen, str):
        return Asked(scope=chosen, largest=None, crashes=0)
    return Asked(scope=None, largest=chosen.largest, crashes=chosen.crashes)


def results_of(report: ScopeReport) -> tuple[dict[str, ResultJson], dict[str, float]]:
    """What was found in each instance and in the kernels, and how long each took."""
    return {one.name: result_json(one) for one in report.verified}, report.seconds


def result_json(one: Verified) -> ResultJson:
    """What was found in one instance, as data."""
    finding = one.finding
    return ResultJson(
        counts={name: getattr(one, name) for name in COUNTS},
        rows=[(count.rows, count.states, count.transitions, count.reduced) for count in one.counts],
        checks=one.checks, fired=one.fired, refused=one.refused,
        finding=FindingJson(finding.laws, [StepJson(step.says, step.stimulus, step.records) for step in finding.steps])
        if finding is not None
        else None,
        bound_reached=one.bound_reached, endless=one.endless, digest=one.digest,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- and back


def report_of(parts: Parts) -> tuple[ScopeReport, str | Sizes]:
    """The report of all shards, as if one machine had verified them. Raises `BadReport`."""
    chosen = parts.asked(Asked).chosen
    found = parts.results(
        lambda shard: names_to_verify(chosen, shard),
        lambda name, document: result_in(instances_by_name(chosen).get(name), document),
    )
    seconds = {name: parts.seconds.get(name, 0.0) for name in found}
    return scope_report(chosen, found, seconds, parts.shards, sum(seconds.values())), chosen


def result_in(instance: Instance | None, document: Any) -> Verified:
    """What `result_json` made this of: of an instance, or of the kernels."""
    said = msgspec.convert(document, ResultJson)
    one = (
        Verified(instance.family, instance.name, instance.machine, instance.crashes, line=instance.line)
        if instance is not None
        else Verified(KERNELS, KERNELS, "kernel", 0)
    )
    for name in COUNTS:
        setattr(one, name, said.counts[name])
    one.counts = [Count(*row) for row in said.rows]
    one.checks, one.fired, one.refused = Counter(said.checks), Counter(said.fired), Counter(said.refused)
    one.bound_reached, one.endless, one.digest = said.bound_reached, said.endless, said.digest
    if said.finding is not None:
        for step in said.finding.steps:
            refuse_bad_records(one.name, step.records)
        steps = [Step(step.says, step.stimulus, step.records) for step in said.finding.steps]
        one.finding = Finding(said.finding.laws, steps)
    return one
