"""One instance of the lifecycle or the single-barrier machine judged on one engine, in the terms of `instance.py`.

Not here: the driving (`machine_driver.py`) and the comparing (`lifecycle.py`, `barrier.py`).
"""

import time
from typing import Any, Final

from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import BarrierSystem, LifecycleSystem
from fateline_model.words import NodeKind, Policy, Strategy

from ..compare.broken_laws import concerned
from ..compare.capabilities import POLICY, STRATEGY
from ..ports.port import Engine, EngineFault, Hello, Port
from ..ports.validate import GuardedBarrier, GuardedLifecycle
from .barrier_driver import BarrierBeside, document_of
from .instance import Found, Judged
from .lifecycle_driver import LifecycleBeside
from .machine_driver import Beside, sweep

PORT_OF: Final = {"barrier": Port.BARRIER, "lifecycle": Port.LIFECYCLE}


def judge_small(engine: Engine, hello: Hello, instance: Instance, *, refusals: bool) -> Judged:
    """Drive an engine through an instance of one of the smaller machines."""
    started = time.perf_counter()
    judged = Judged(instance.family, instance.name, instance.machine)
    if PORT_OF[instance.machine] not in hello.ports:
        judged.skipped[f"the engine offers no {PORT_OF[instance.machine]} port"] += 1
        return judged
    try:
        beside = _beside(engine, hello, instance, judged)
        if beside is None:
            return judged
        swept = sweep(instance.system, beside, refusals=refusals)
    except EngineFault as fault:
        judged.fault = str(fault)
        return judged
    judged.states, judged.states_total = swept.states, swept.states_total
    judged.transitions, judged.transitions_total = swept.transitions, swept.transitions_total
    judged.steps, judged.refusals = swept.steps, swept.refusals
    judged.skipped.update(swept.skipped)
    asked = {law.id for law in instance.laws} - beside.silent
    judged.checked.update({law: count for law, count in concerned(swept.kinds).items() if law in asked})
    judged.checked["Z1"] += swept.refusals
    judged.checked["D1"] += swept.steps
    judged.fault = swept.fault
    if swept.differences:
        judged.steps_to_find = swept.steps + swept.refusals
        said = tuple(str(stimulus) for stimulus in swept.stimuli)
        judged.found = Found(swept.stimuli, said, swept.expected, swept.observed, swept.differences, swept.laws)
    judged.seconds = time.perf_counter() - started
    return judged


def _beside(engine: Engine, hello: Hello, instance: Instance, judged: Judged) -> Beside[Any, Any] | None:
    system = instance.system
    if isinstance(system, LifecycleSystem):
        lifecycle = engine.lifecycle()
        assert lifecycle is not None
        return LifecycleBeside(GuardedLifecycle(lifecycle), len(system.limits))
    assert isinstance(system, BarrierSystem)
    node = next(node for node in system.pipeline.nodes.values() if node.kind is NodeKind.COALESCE)
    missing = {POLICY[Policy(node.policy)], STRATEGY[Strategy(node.merge)]} - hello.does
    if missing:
        judged.skipped[f"the engine does not declare {', '.join(sorted(missing))}"] += 1
        return None
    barrier = engine.barrier()
    assert barrier is not None
    return BarrierBeside(system.pipeline, document_of(node), GuardedBarrier(barrier))
