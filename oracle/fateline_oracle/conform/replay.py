"""A saved counterexample stepped again, on any engine: does it still leave the law, at the same step, by the same law?

A case is data by `specs/schemas/case.schema.json`; it comes from a file and is not believed: bounded, validated, and
stepped through the law first. Not here: finding cases, and how they look.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fateline_model import LAW_VERSION, IllFormed, Refusal, Stimulus, load
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import BarrierSystem, LifecycleSystem
from fateline_model.stimuli_json import from_json
from fateline_model.words import NodeKind

from ..compare.capabilities import unshown
from ..ports.port import Engine, EngineFault, Hello, Shows
from ..ports.validate import GuardedBarrier, GuardedLifecycle, GuardedPipeline
from ..report.case import SCHEMA
from .barrier_driver import BarrierBeside, document_of
from .campaign import every_instance
from .instance import Found
from .lifecycle_driver import LifecycleBeside
from .lockstep import Divergence, Lockstep
from .machine_driver import Beside, Swept, step_once

LARGEST: Final = 4_194_304
STEPS: Final = 2_000


class BadCase(ValueError):
    """What is wrong with a case file."""


@dataclass(frozen=True)
class Case:
    """A case as far as a replay needs it."""

    document: Mapping[str, Any]
    machine: str
    instance: str
    engine: str
    laws: tuple[str, ...]


@dataclass(frozen=True)
class Replayed:
    """What came of a replay. `found` is None where law and engine agree to the end."""

    found: Found | None
    fault: str | None
    steps: int

    @property
    def laws(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(law for law, _ in self.found.laws)) if self.found is not None else ()


def read_case(path: Path) -> Case:
    """Read a case file, or say what is wrong with it."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadCase(f"{path}: {path.stat().st_size} bytes; a case has at most {LARGEST}")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadCase(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadCase(f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BadCase(f"{path}: no case: schema is not {SCHEMA!r}")
    if document.get("law_version") != LAW_VERSION:
        raise BadCase(
            f"{path}: of law version {document.get('law_version')!r}; this judge holds version {LAW_VERSION!r}"
        )
    steps = document.get("steps")
    if not isinstance(steps, list) or not 0 < len(steps) <= STEPS:
        raise BadCase(f"{path}: steps: give a list of 1 to {STEPS}")
    for place, step in enumerate(steps):
        if not isinstance(step, dict) or not isinstance(step.get("stimulus"), dict):
            raise BadCase(f"{path}: steps[{place}]: give an object with its stimulus")
    engine = document.get("engine")
    name = engine.get("name", "") if isinstance(engine, dict) else ""
    laws = document.get("laws") or []
    named = tuple(str(law[0]) for law in laws if isinstance(law, list) and law)
    return Case(document, str(document.get("machine")), str(document.get("instance")), str(name), named)


def replay(case: Case, engine: Engine, hello: Hello) -> Replayed:
    """Step the case on an engine, to the first difference or to its end."""
    if case.machine in ("pipeline", "batch"):
        return _pipeline(case, engine, hello)
    instance = next((one for one in every_instance("deep") if one.name == case.instance), None)
    if instance is None:
        raise BadCase(f"there is no instance {case.instance!r} of the {case.machine} machine")
    return _small(case, engine, instance)


def _pipeline(case: Case, engine: Engine, hello: Hello) -> Replayed:
    document = case.document.get("pipeline")
    if not isinstance(document, dict):
        raise BadCase("the case has no pipeline")
    try:
        pipeline = load(document)
        stimuli = [from_json(step["stimulus"]) for step in case.document["steps"]]
    except (IllFormed, ValueError) as error:
        raise BadCase(str(error)) from error
    port = engine.pipeline()
    if port is None:
        raise BadCase("the engine offers no pipeline port")
    guard = GuardedPipeline(port)
    lockstep = Lockstep(
        pipeline, document, guard, unshown=unshown(hello), refusals_have_reasons=Shows.REFUSALS in hello.shows
    )
    try:
        lockstep.start()
        return stepped(lockstep, stimuli)
    except EngineFault as fault:
        return Replayed(None, str(fault), 0)
    finally:
        guard.close()


def stepped(lockstep: Lockstep, stimuli: list[Stimulus]) -> Replayed:
    """Stimuli in the law and in the engine, from a run that was started, to the first difference or to their end."""
    for place, stimulus in enumerate(stimuli, 1):
        found: Divergence | None = lockstep.do(stimulus)
        if found is not None:
            if not found.laws:
                return Replayed(None, found.differences[0], place)
            expected = str(found.expected) if isinstance(found.expected, Refusal) else found.expected
            said = tuple(map(str, found.stimuli))
            made = Found(found.stimuli, said, expected, found.observed, found.differences, found.laws)
            return Replayed(made, None, place)
    return Replayed(None, None, len(stimuli))


def _small(case: Case, engine: Engine, instance: Instance) -> Replayed:
    """A case of the lifecycle or the single-barrier machine."""
    return small_steps(
        beside_of(engine, instance), instance, [str(step.get("says")) for step in case.document["steps"]]
    )


def small_steps(beside: Beside[Any, Any], instance: Instance, said_steps: list[str]) -> Replayed:
    """Stimuli of one of the smaller machines: they are found again by what they say."""
    state = instance.system.first()
    swept, path = Swept(), list[Any]()
    try:
        beside.start()
        for place, says in enumerate(said_steps, 1):
            offer = next((o for o in instance.system.attempts(state) if str(o.stimulus) == says), None)
            if offer is None:
                raise BadCase(f"step {place}: {says!r} is nothing that {instance.name} knows")
            path.append(offer.stimulus)
            if not step_once(beside, offer, path, swept) or swept.differences:
                break
            state = offer.after or state
    except EngineFault as fault:
        return Replayed(None, str(fault), len(path))
    if not swept.differences:
        return Replayed(None, None, len(path))
    said = tuple(map(str, path))
    return Replayed(
        Found(tuple(path), said, swept.expected, swept.observed, swept.differences, swept.laws), None, len(path)
    )


def beside_of(engine: Engine, instance: Instance) -> Beside[Any, Any]:
    """The law and the engine side by side, for an instance of one of the smaller machines."""
    system = instance.system
    if isinstance(system, LifecycleSystem):
        lifecycle = engine.lifecycle()
        if lifecycle is None:
            raise BadCase("the engine offers no lifecycle port")
        return LifecycleBeside(GuardedLifecycle(lifecycle), len(system.limits))
    barrier = engine.barrier()
    if barrier is None or not isinstance(system, BarrierSystem):
        raise BadCase("the engine offers no barrier port")
    node = next(node for node in system.pipeline.nodes.values() if node.kind is NodeKind.COALESCE)
    return BarrierBeside(system.pipeline, document_of(node), GuardedBarrier(barrier))
