"""The reference engine keeps the law: guided walks over the pipelines of the small scope, refusals in every state.

Law and engine were written apart; here they are stepped side by side, and what the engine wrote is compared after every
stimulus. The walks are seeded. A second test breaks the engine and sees the walk say so, since a comparison that cannot
fail shows nothing.
"""

from collections.abc import Iterator

import pytest

from fateline_engine.aggregation import AggregationExecutor
from fateline_engine.coalesce import CoalesceExecutor
from fateline_engine.schedule import Schedule
from fateline_model import Refusal
from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle.judge.lockstep import Lockstep
from fateline_oracle.judge.walk import Walked, walk
from fateline_oracle.reference.pipeline import ReferencePort

STEPS = 150


@pytest.fixture
def port() -> Iterator[ReferencePort]:
    made = ReferencePort()
    yield made
    made.close()


def take_walk(instance: Instance, port: ReferencePort, steps: int = STEPS) -> Walked:
    assert instance.document is not None
    system = instance.with_rows(2)
    return walk(Lockstep(system.pipeline, instance.document, port), system, steps=steps, seed=1)


PIPELINES = [found for found in instances("small") if isinstance(found.system, PipelineSystem)]


@pytest.mark.parametrize("instance", PIPELINES, ids=lambda instance: instance.name)
def test_the_engine_writes_what_the_law_writes(instance: Instance, port: ReferencePort) -> None:
    walked = take_walk(instance, port)
    assert walked.divergence is None, f"\n{walked.divergence}"
    assert walked.steps >= STEPS
    assert walked.refusals > 0


def test_a_late_token_without_a_fate_is_seen(port: ReferencePort, monkeypatch: pytest.MonkeyPatch) -> None:
    late = CoalesceExecutor._late

    def forgetful(self: CoalesceExecutor, live: object, frame: object) -> None:
        ends = self.state.end
        self.state.end = lambda *_, **__: None  # type: ignore[method-assign]
        try:
            late(self, live, frame)  # type: ignore[arg-type]
        finally:
            self.state.end = ends  # type: ignore[method-assign]

    monkeypatch.setattr(CoalesceExecutor, "_late", forgetful)
    first = next(found for found in PIPELINES if "policy=first" in found.name and found.family == "diamond")
    walked = take_walk(first, port, steps=2000)
    assert walked.divergence is not None
    assert any("outcomes" in line and "missing" in line for line in walked.divergence.differences)


def test_a_trigger_that_lies_is_seen(port: ReferencePort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AggregationExecutor, "deadline", AggregationExecutor.flush)
    batch = next(found for found in PIPELINES if found.family == "batch")
    walked = take_walk(batch, port, steps=2000)
    assert walked.divergence is not None
    assert any("trigger is 'end_of_source'" in line for line in walked.divergence.differences)


def test_an_engine_that_takes_what_the_law_refuses_is_seen(
    port: ReferencePort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Schedule, "at_rest", lambda self: True)
    line = next(found for found in PIPELINES if found.family == "line")
    walked = take_walk(line, port, steps=2000)
    assert walked.divergence is not None
    assert walked.divergence.expected is Refusal.NOT_AT_REST
