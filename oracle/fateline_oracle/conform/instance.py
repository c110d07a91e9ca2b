"""One instance of a scope judged on one engine: driven through its whole graph, and what came of it as plain data.

Not here: which instances, in how many processes, and what is made of it all (`campaign.py`).
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

from fateline_model import Pipeline, Stimulus
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem, State

from ..compare.broken_laws import concerned
from ..compare.capabilities import is_supported, requirements, unrecorded
from ..compare.difference import Difference
from ..compare.names import Names
from ..ports.port import Engine, EngineFault, Hello, RecordJson, Shows
from ..ports.validate import GuardedPipeline
from .batch_driver import BatchDriver, Walk, tour
from .edge_cover import plan
from .explore import ConcreteGraph
from .lockstep import Lockstep, Tally
from .shrink import Shrinker

ROWS: Final = 200
"""So many walks are taken side by side where rows do not meet."""


RUNS_AT_REST: Final = 60
"""So many runs are judged by their trails where that is what is asked for."""


class Strategy(StrEnum):
    """How stimuli are chosen."""

    GUIDED = "guided"
    REFUSALS = "refusals"
    RANDOM = "random"
    ACCEPTANCE = "acceptance"
    AUDIT = "audit"
    TORTURE = "torture"
    VECTORS = "vectors"


@dataclass
class InstanceResult:
    """What judging one instance found."""

    family: str
    name: str
    machine: str
    states: int = 0
    states_total: int = 0
    transitions: int = 0
    transitions_total: int = 0
    steps: int = 0
    refusals: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    found: Difference | None = None
    fault: str | None = None
    seconds: float = 0.0
    steps_to_find: int = 0


def drive_instance(
    engine: Engine, hello: Hello, instance: Instance, strategy: Strategy, *, seed: int, steps: int = 0
) -> InstanceResult:
    """Drive an engine through an instance of the pipeline machine.

    `steps` bounds a random walk; the others go through the whole graph.
    """
    started = time.perf_counter()
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    system = instance.system
    if not isinstance(system, PipelineSystem) or instance.document is None:
        raise TypeError(f"{instance.name} is no instance of the pipeline machine")
    missing = requirements(system.pipeline) - hello.does
    if missing:
        judged.skipped[f"the engine does not declare {', '.join(sorted(missing))}"] += 1
        return judged
    port = engine.pipeline()
    assert port is not None
    guard = GuardedPipeline(port)
    try:
        if strategy is Strategy.ACCEPTANCE:
            _at_rest(judged, hello, instance, system, guard, stepped_at_rest)
        elif strategy is Strategy.AUDIT:
            _at_rest(judged, hello, instance, system, guard, asked_at_rest)
        elif strategy is Strategy.RANDOM:
            _at_random(judged, hello, instance, system, guard, seed, steps)
        else:
            _through(judged, hello, instance, system, guard, strategy is Strategy.REFUSALS, seed)
    except EngineFault as fault:
        judged.fault = str(fault)
    finally:
        guard.close()
    judged.seconds = time.perf_counter() - started
    return judged


def _lockstep(hello: Hello, instance: Instance, system: PipelineSystem, guard: GuardedPipeline) -> Lockstep:
    return Lockstep(
        system.pipeline,
        instance.document or {},
        guard,
        unrecorded=unrecorded(hello),
        refusals_have_reasons=Shows.REFUSALS in hello.shows,
    )


# ------------------------------------------------------------------------------------------------- the whole graph


def _through(
    judged: InstanceResult,
    hello: Hello,
    instance: Instance,
    system: PipelineSystem,
    guard: GuardedPipeline,
    refusals: bool,
    seed: int,
) -> None:
    """Walks that between them take every edge. What the port cannot say after all is closed, and the rest planned anew."""
    ways = ConcreteGraph(system, partial(is_supported, hello), reduced=instance.machine == "pipeline")
    packed = BatchDriver(
        ways,
        instance.document or {},
        guard,
        together=instance.machine == "pipeline",
        unrecorded=unrecorded(hello),
        refusals=refusals,
        refusals_have_reasons=Shows.REFUSALS in hello.shows,
        seed=seed,
    )
    rows = ROWS if instance.machine == "pipeline" else 1
    while packed.trouble is None and (walks := _left(packed)):
        tour(packed, walks, rows=rows)
        if not packed.closed_anything():
            break
    _counted(judged, packed)
    if ways.graph.left_out:
        judged.skipped["what the engine does not declare, or cannot be told, is not asked of it"] += ways.graph.left_out
    packed.trouble = packed.trouble or packed.weak
    if packed.trouble is not None:
        judged.steps_to_find = packed.tally.steps + packed.tally.refusals
        _explain(judged, packed, partial(_lockstep, hello, instance, system, guard))


def _left(packed: BatchDriver) -> list[Walk]:
    """Walks over the edges that are open and not yet covered."""
    graph, covered = packed.ways.graph, packed.covered
    targets = packed.open_targets()
    wanted = lambda state, k: not covered.edges[state][k] and (state, k) not in packed.closed  # noqa: E731
    return [graph.stimuli(walk) for walk in plan(targets, wanted)]


def _counted(judged: InstanceResult, packed: BatchDriver) -> None:
    reachable = packed.reachable()
    edges = packed.covered.edges
    closed = Counter(state for state, _ in packed.closed)
    judged.states, judged.states_total = sum(packed.covered.states), len(reachable)
    judged.transitions = sum(map(sum, edges))
    judged.transitions_total = sum(len(edges[state]) - closed[state] for state in reachable)
    _tallied(judged, packed.tally)


def _tallied(judged: InstanceResult, tally: Tally) -> None:
    judged.steps, judged.refusals = tally.steps, tally.refusals
    judged.skipped.update(tally.skipped)
    judged.checked.update(tally.checked)
    judged.checked.update(concerned(tally.kinds))
    judged.checked["Z1"] += tally.refusals
    judged.checked["D1"] += tally.steps


def _explain(judged: InstanceResult, packed: BatchDriver, make: Callable[[], Lockstep]) -> None:
    """The difference by itself: in one row if it is one row's, else in the run as it was."""
    trouble = packed.trouble
    assert trouble is not None
    shrinker = Shrinker(packed.ways.system.pipeline, make)
    cases = [(trouble.row, packed.ways.graph), (trouble.run, None)]
    cases += [((*trouble.row, tried), packed.ways.graph) for tried in trouble.tried]
    for stimuli, graph in cases:
        if not stimuli:
            continue
        found = shrinker.first_difference(stimuli)
        if found is not None:
            _note(judged, shrinker.smallest(found, graph))
            return
    if trouble.fault:
        judged.fault = trouble.says[0]
        return
    judged.found = Difference(
        trouble.run,
        (),
        "only when several steps are committed at once",
        trouble.says,
        (("R1", "a step is another one when it is committed together with others"),),
    )


def _note(judged: InstanceResult, found: Difference) -> None:
    """A breach, or where the engine broke down: there no law is named, and nothing is said of it."""
    if found.laws:
        judged.found = found
    else:
        before = ", ".join(map(str, found.stimuli[-4:-1]))
        judged.fault = f"{found.differences[0]}{f', after {before}' if before else ''}"


# ------------------------------------------------------------------------------------------------- at rest


AtRest = Callable[[Pipeline, list[RecordJson]], tuple[Mapping[str, int], list[tuple[str, str]]]]
"""Judges the records of one run: what was checked how often, and the laws that are broken, each with words."""


def _at_rest(
    judged: InstanceResult,
    hello: Hello,
    instance: Instance,
    system: PipelineSystem,
    guard: GuardedPipeline,
    judge: AtRest,
) -> None:
    """Whole runs, judged by nothing but the trail that they leave: the longest walks of the graph, a run each."""
    ways = ConcreteGraph(system, partial(is_supported, hello), reduced=instance.machine == "pipeline")
    walks = sorted((ways.graph.stimuli(walk) for walk in plan(ways.graph.targets)), key=len, reverse=True)
    for walk in walks[:RUNS_AT_REST]:
        names, here = Names(), ways.first()
        guard.start(instance.document or {})
        for stimulus in walk:
            taken = ways.take(here, stimulus)
            reply = guard.do(names.asked(taken.stimulus))
            names.learn(reply.records)
            judged.steps += 1
            if reply.refused is not None or reply.unsupported is not None:
                break
            here = taken.to
        checked, laws = judge(system.pipeline, [{"run": "r", **record} for record in guard.trail()])
        judged.checked.update(checked)
        if laws:
            judged.steps_to_find = judged.steps
            judged.found = Difference(tuple(walk), (), "the trail at rest", tuple(m for _, m in laws), tuple(laws))
            return


def stepped_at_rest(pipeline: Pipeline, records: list[RecordJson]) -> tuple[Mapping[str, int], list[tuple[str, str]]]:
    """By stepping what the records tell through the law."""
    from ..trails.check import TrailResult, check_run
    from ..trails.reader import runs_of

    found = TrailResult()
    for run in runs_of(records):
        check_run(run, pipeline, found)
    return found.checked, [(finding.law, finding.message) for finding in found.findings]


def asked_at_rest(pipeline: Pipeline, records: list[RecordJson]) -> tuple[Mapping[str, int], list[tuple[str, str]]]:
    """By asking every query of them."""
    from ..audit.import_records import graph_records
    from ..audit.whole import audit_records

    runs = dict.fromkeys(str(record["run"]) for record in records)
    graphs = [record for run in runs for record in graph_records(pipeline, run)]
    found = audit_records([*graphs, *records])
    return found.checked, [(breach.law, breach.said) for breach in found.judged.breaches]


# ------------------------------------------------------------------------------------------------- at random


def _at_random(
    judged: InstanceResult,
    hello: Hello,
    instance: Instance,
    system: PipelineSystem,
    guard: GuardedPipeline,
    seed: int,
    steps: int,
) -> None:
    """What an ordinary test would do: any lawful stimulus, from the start to the end, again and again. Two rows."""
    chance = random.Random(seed)
    lockstep = _lockstep(hello, instance, system, guard)
    two = system if instance.machine == "batch" else instance.with_rows(2)
    while lockstep.tally.steps < steps:
        lockstep.start()
        state: State = two.first()
        while lockstep.tally.steps < steps:
            lawful = [
                (offer.stimulus, offer.after)
                for offer in two.attempts(state)
                if isinstance(offer.stimulus, Stimulus)
                and offer.after is not None
                and is_supported(hello, offer.stimulus, state)
            ]
            if not lawful:
                break
            stimulus, after = chance.choice(lawful)
            skipped = lockstep.tally.skipped.total()
            found = lockstep.do(stimulus)
            if found is not None:
                _tallied(judged, lockstep.tally)
                judged.steps_to_find = lockstep.tally.steps
                shrinker = Shrinker(system.pipeline, lambda: lockstep)
                _note(judged, shrinker.smallest(found, None))
                return
            if lockstep.tally.skipped.total() == skipped:
                state = after
    _tallied(judged, lockstep.tally)
