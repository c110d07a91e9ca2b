"""Checks an engine in one instance of the lifecycle or the single-barrier machine. The result has the form of
`instance.py`.

Not here: the driving (`machine_driver.py`) and the comparing (`lifecycle_driver.py`, `barrier_driver.py`).
"""

import time
from typing import Any, Final

from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import BarrierSystem, LifecycleSystem
from fateline_model.pipeline import Node
from fateline_model.words import NodeKind

from ..compare.capabilities import requirements
from ..compare.questions import asked
from ..ports.port import Does, Engine, EngineFault, Hello, Port
from ..ports.validate import GuardedBarrier, GuardedLifecycle
from .barrier_driver import BarrierSideBySide, document_of
from .instance import InstanceResult
from .lifecycle_driver import LifecycleSideBySide
from .machine_driver import SideBySide, Sweep

PORT_OF: Final = {"barrier": Port.BARRIER, "lifecycle": Port.LIFECYCLE}


def drive_machine(
    engine: Engine,
    hello: Hello,
    instance: Instance,
    *,
    refusals: bool,
    stop_first: bool = False,
    declared: frozenset[str] = frozenset(),
) -> InstanceResult:
    """Drive an engine through an instance of one of the small machines. `declared` are the laws of its profile."""
    started = time.perf_counter()
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    if PORT_OF[instance.machine] not in hello.ports:
        judged.skipped[f"the engine offers no {PORT_OF[instance.machine]} port"] += 1
        return judged
    if missing := asks_for(instance) - hello.does:
        judged.skipped[f"the engine does not declare {', '.join(sorted(missing))}"] += 1
        return judged
    try:
        side = side_by_side(engine, hello, instance)
        assert side is not None
        sweep = Sweep(side, instance.system, refusals=refusals, stop_first=stop_first, declared=declared)
        swept = sweep.run()
    except EngineFault as fault:
        judged.fault = str(fault)
        return judged
    judged.states, judged.states_total = swept.states, swept.states_total
    judged.transitions, judged.transitions_total = swept.transitions, swept.transitions_total
    judged.steps, judged.refusals = swept.steps, swept.refusals
    judged.skipped.update(swept.skipped)
    judged.checked.update(side.checked)
    own = {law.id for law in instance.laws} - side.silent | {"Z1", "Z2", "D1"}
    counts = asked(swept.steps_about, swept.steps, swept.refusals)
    judged.checked.update({law: count for law, count in counts.items() if law in own})
    judged.fault, judged.findings, judged.bound = swept.fault, swept.findings, swept.bound
    if swept.findings:
        judged.steps_to_find = swept.steps + swept.refusals
    judged.seconds = time.perf_counter() - started
    return judged


def asks_for(instance: Instance) -> frozenset[Does]:
    """The capabilities that an instance needs."""
    if not isinstance(instance.system, BarrierSystem):
        return frozenset()
    return requirements(instance.system.pipeline)


def coalesce_of(system: BarrierSystem) -> Node:
    """The coalesce of a single barrier."""
    return next(node for node in system.pipeline.nodes.values() if node.kind is NodeKind.COALESCE)


def side_by_side(engine: Engine, hello: Hello, instance: Instance) -> SideBySide[Any, Any] | None:
    """The law and the engine in one object; None if the engine does not offer the port."""
    system = instance.system
    if isinstance(system, LifecycleSystem):
        lifecycle = engine.lifecycle()
        if lifecycle is None:
            return None
        return LifecycleSideBySide(GuardedLifecycle(lifecycle, hello), len(system.limits), hello)
    assert isinstance(system, BarrierSystem)
    barrier = engine.barrier()
    if barrier is None:
        return None
    port = GuardedBarrier(barrier, hello)
    return BarrierSideBySide(system.pipeline, document_of(coalesce_of(system)), port, hello)
