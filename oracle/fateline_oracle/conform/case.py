"""A case as data, declared once: `specs/schemas/case.schema.json` is made from it, and what is read is validated by it.

Not here: how a case is written (`report/case.py`), and how one is replayed (`replay.py`).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..ports.port import CommitPolicy, Write

Natural = Annotated[int, Meta(ge=0)]
LawRecord = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "trail.schema.json"})]
WHOLE_RUN: Final = "whole run"
"""The machine of a case that is a run from its first row to its end, and has no other step."""

AnyRecord = Annotated[dict[str, Any], Meta(extra_json_schema={"required": ["rec"]})]
PipelineJson = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "pipeline.schema.json"})]


class StepJson(Struct, forbid_unknown_fields=True):
    """One stimulus and what was written."""

    says: Annotated[str, Meta(description="the stimulus in words")]
    stimulus: Annotated[dict[str, Any], Meta(description="stimulus.schema.json, or a call of another machine")]
    records: Annotated[
        list[AnyRecord],
        Meta(description="what was written; in the last step of an engine's case what the engine wrote, as it did"),
    ]
    differences: Annotated[list[str], Meta(description="in what a step before the last is another")] = []


class EngineJson(Struct):
    """The engine whose case it is."""

    name: str
    version: str


class CutJson(Struct, forbid_unknown_fields=True):
    """Where a run was broken off."""

    boundary: Annotated[Natural, Meta(description="its number in that run, from 0")]
    write: Annotated[Write, Meta(description="what would have come next")]
    steps: Annotated[Natural, Meta(description="how many were committed")]


class CaseJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """A counterexample."""

    schema: Literal["fateline.case/1"]
    law_version: str
    title: str
    machine: Literal["pipeline", "batch", "barrier", "lifecycle", "kernel", "torture", "whole run"]
    instance: Annotated[str, Meta(description="the instance of a scope")]
    pipeline: PipelineJson | None = None
    laws: Annotated[list[list[str]], Meta(description="the laws that the last step breaks, each with what was wrong")]
    steps: list[StepJson]
    expected: Annotated[
        list[LawRecord] | str | None,
        Meta(
            description="what the law writes in the last step, or the rule by which it refuses that step; null where the law "
            "does not come that far"
        ),
    ]
    reproduce: str
    engine: Annotated[EngineJson | UnsetType, Meta(description="absent for a case of the law's own mutants")] = UNSET
    seed: int = 0
    differences: Annotated[list[str], Meta(description="in what the last step is another")] = []
    legal: Annotated[list[str], Meta(description="what would have been lawful instead")] = []
    observed: Annotated[str, Meta(description="how the engine answered, where it wrote no records")] = ""
    policy: Annotated[CommitPolicy | UnsetType, Meta(description="of a torture: when the engine committed")] = UNSET
    cuts: Annotated[
        list[CutJson], Meta(description="of a torture: where the run was broken off, one after the other")
    ] = []


def schema() -> dict[str, Any]:
    """Its JSON Schema."""
    (case,), parts = msgspec.json.schema_components([CaseJson], ref_template="#/$defs/{name}")
    return {**case, "$defs": parts}
