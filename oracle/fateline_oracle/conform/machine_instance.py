"""Checks an engine in one instance of the lifecycle or the single-barrier machine. The result has the form of
`instance.py`.

Not here: the driving (`machine_driver.py`) and the comparing (`lifecycle_driver.py`, `barrier_driver.py`).
"""

import time
from typing import Any, Final

from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import BarrierSystem, LifecycleSystem
from fateline_model.pipeline import Node
from fateline_model.words import NodeKind, Policy, Strategy

from ..compare.broken_laws import concerned
from ..compare.capabilities import POLICY, STRATEGY
from ..ports.port import Does, Engine, EngineFault, Hello, Port
from ..ports.validate import GuardedBarrier, GuardedLifecycle
from .barrier_driver import BarrierSideBySide, document_of
from .instance import InstanceResult
from .lifecycle_driver import LifecycleSideBySide
from .machine_driver import MachineDriver, SideBySide

PORT_OF: Final = {"barrier": Port.BARRIER, "lifecycle": Port.LIFECYCLE}


def drive_machine(engine: Engine, hello: Hello, instance: Instance, *, refusals: bool) -> InstanceResult:
    """Drive an engine through an instance of one of the small machines."""
    started = time.perf_counter()
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    if PORT_OF[instance.machine] not in hello.ports:
        judged.skipped[f"the engine offers no {PORT_OF[instance.machine]} port"] += 1
        return judged
    if missing := _asks_for(instance) - hello.does:
        judged.skipped[f"the engine does not declare {', '.join(sorted(missing))}"] += 1
        return judged
    try:
        side = side_by_side(engine, instance)
        assert side is not None
        swept = MachineDriver(side).sweep(instance.system, refusals=refusals)
    except EngineFault as fault:
        judged.fault = str(fault)
        return judged
    judged.states, judged.states_total = swept.states, swept.states_total
    judged.transitions, judged.transitions_total = swept.transitions, swept.transitions_total
    judged.steps, judged.refusals = swept.steps, swept.refusals
    judged.skipped.update(swept.skipped)
    asked = {law.id for law in instance.laws} - side.silent
    judged.checked.update({law: count for law, count in concerned(swept.kinds).items() if law in asked})
    judged.checked["Z1"] += swept.refusals
    judged.checked["D1"] += swept.steps
    judged.fault, judged.found = swept.fault, swept.difference
    if swept.difference is not None:
        judged.steps_to_find = swept.steps + swept.refusals
    judged.seconds = time.perf_counter() - started
    return judged


def _asks_for(instance: Instance) -> frozenset[Does]:
    """The capabilities that an instance needs."""
    if not isinstance(instance.system, BarrierSystem):
        return frozenset()
    node = coalesce_of(instance.system)
    return frozenset({POLICY[Policy(node.policy)], STRATEGY[Strategy(node.merge)]})


def coalesce_of(system: BarrierSystem) -> Node:
    """The coalesce of a single barrier."""
    return next(node for node in system.pipeline.nodes.values() if node.kind is NodeKind.COALESCE)


def side_by_side(engine: Engine, instance: Instance) -> SideBySide[Any, Any] | None:
    """The law and the engine in one object; None if the engine does not offer the port."""
    system = instance.system
    if isinstance(system, LifecycleSystem):
        lifecycle = engine.lifecycle()
        return LifecycleSideBySide(GuardedLifecycle(lifecycle), len(system.limits)) if lifecycle is not None else None
    assert isinstance(system, BarrierSystem)
    barrier = engine.barrier()
    if barrier is None:
        return None
    return BarrierSideBySide(system.pipeline, document_of(coalesce_of(system)), GuardedBarrier(barrier))
