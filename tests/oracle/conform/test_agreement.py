"""The reference engine keeps the law: driven through every state and every step of scope small, refusals in every state.

Law and engine were written apart; here they are stepped side by side, and what the engine wrote is compared in every step.
That the comparison can fail is shown by the zoo.
"""

from collections.abc import Sequence
from typing import Final

import pytest
from _pytest.mark import ParameterSet

from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle.conform.campaign import Plan, drive_one, every_instance
from fateline_oracle.conform.free_run import drive_free_runs
from fateline_oracle.conform.instance import InstanceResult, Strategy, drive_instance
from fateline_oracle.conform.machine_instance import drive_machine
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Drive, Shows
from fateline_oracle.reference.engine import ReferenceEngine

LONG: Final = (
    "batch mode=transform", "batch mode=passthrough count=2 timeout=True", "expand then fork", "inner partial", "partial",
    "twins policy=first", "two rows and a crash",
)  # fmt: skip
"""The beginnings of names of instances of more than two seconds; with the slow tests."""
EACH: Final = 5
"""Of every pipeline of size 4, each fifth is driven with the tests that are not slow."""


def _params(instances: Sequence[Instance], long: tuple[str, ...]) -> list[ParameterSet]:
    found = []
    for one in instances:
        rest = one.family == "every pipeline of size 4" and int(one.name.rpartition("=")[2]) % EACH != 0
        slow = rest or one.name.startswith(long)
        found.append(pytest.param(one, id=one.name, marks=[pytest.mark.slow] if slow else []))
    return found


SMALL = every_instance("small")
INSTANCES = _params(SMALL, LONG)
PIPELINES = _params([one for one in SMALL if one.machine in ("pipeline", "batch")], ())
CHOSEN = [one for one in SMALL if one.machine == "pipeline" and not one.is_one_of_all]
OF_SIZE_5 = [one for one in instances("standard") if one.family == "every pipeline of size 5"]


@pytest.mark.parametrize("instance", INSTANCES)
def test_the_engine_writes_what_the_law_writes_in_every_state(instance: Instance) -> None:
    engine = ReferenceEngine()
    if isinstance(instance.system, PipelineSystem):
        judged = drive_instance(engine, hello_of(engine), instance, Strategy.REFUSALS, seed=1)
    else:
        judged = drive_machine(engine, hello_of(engine), instance, refusals=True)
    assert (judged.found, judged.failures) == (None, [])
    assert judged.states == judged.states_total > 0
    assert judged.transitions == judged.transitions_total > 0
    assert judged.steps >= judged.transitions
    assert judged.refusals > 0


@pytest.mark.parametrize("instance", PIPELINES)
def test_whole_runs_leave_trails_that_the_law_accepts(instance: Instance) -> None:
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    drive_free_runs(judged, ReferenceEngine().trail(), instance, hello_of(ReferenceEngine()), seed=1)
    assert judged.found is None
    assert judged.steps > 0


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 12))])
def test_walks_at_random_through_pipelines_of_size_5_find_nothing(part: int) -> None:
    engine = ReferenceEngine()
    for instance in OF_SIZE_5[part::12]:
        judged = drive_instance(engine, hello_of(engine), instance, Strategy.RANDOM, seed=part, steps=150)
        assert (judged.found, judged.failures) == (None, []), instance.name
        assert judged.steps >= 150


@pytest.mark.parametrize("strategy", [Strategy.RANDOM, Strategy.ACCEPTANCE])
def test_other_ways_of_looking_find_nothing_either(strategy: Strategy) -> None:
    engine = ReferenceEngine()
    for instance in CHOSEN[:6]:
        judged = drive_instance(engine, hello_of(engine), instance, strategy, seed=2, steps=200)
        assert (judged.found, judged.failures) == (None, [])
        assert judged.steps > 0


def test_an_engine_that_keeps_its_own_schedule_is_not_driven_step_by_step() -> None:
    engine = ReferenceEngine()
    hello = hello_of(engine)._replace(drive=Drive.WHOLE_RUN)
    judged = drive_one(engine, hello, place_called("line"), Plan(Strategy.REFUSALS, 0))
    assert judged.states_total == 0
    assert list(judged.skipped) == ["the engine declares drive whole_run, so it is not driven step by step"]
    assert judged.checked["F2"] > 0  # by its whole runs


def test_a_whole_run_without_order_or_transactions_is_not_judged_by_laws_that_need_them() -> None:
    engine = ReferenceEngine()
    instance = place_called("line")
    for word, law, other in ((Shows.TX, "X3", "F3"), (Shows.SEQ, "F3", "X3")):
        hello = hello_of(engine)
        judged = InstanceResult(instance.family, instance.name, instance.machine)
        drive_free_runs(judged, engine.trail(), instance, hello._replace(shows=hello.shows - {word}), seed=1)
        assert (judged.checked[law], judged.checked[other] > 0, judged.found) == (0, True, None)
