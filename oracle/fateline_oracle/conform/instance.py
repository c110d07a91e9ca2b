"""Drives an engine through one instance of the pipeline machine, and gives the result as plain data.

Not here: which instances, in how many processes, and what is concluded (`campaign.py`, `verdict.py`).
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
"""The number of walks that are taken as the rows of one run, in pipelines in which rows do not meet."""


RUNS_AT_REST: Final = 60
"""The number of runs that are checked by their trails alone, with the strategies that do so."""


class Strategy(StrEnum):
    """The ways to choose stimuli, or to check what they lead to."""

    GUIDED = "guided"
    REFUSALS = "refusals"
    RANDOM = "random"
    ACCEPTANCE = "acceptance"
    AUDIT = "audit"
    TORTURE = "torture"
    VECTORS = "vectors"


@dataclass
class InstanceResult:
    """The result of checking one instance."""

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

    `steps` limits a random walk; the other strategies go through the whole graph.
    """
    started = time.perf_counter()
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    system = instance.system
    if not isinstance(system, PipelineSystem) or instance.document is None:
        raise TypeError(f"{instance.name} is not an instance of the pipeline machine")
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
            _whole_graph(judged, hello, instance, system, guard, strategy is Strategy.REFUSALS, seed)
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


def _whole_graph(
    judged: InstanceResult,
    hello: Hello,
    instance: Instance,
    system: PipelineSystem,
    guard: GuardedPipeline,
    refusals: bool,
    seed: int,
) -> None:
    """Take walks that cover every edge. Edges that the port does not support are closed, and the rest is planned again."""
    ways = ConcreteGraph(system, partial(is_supported, hello), reduced=instance.machine == "pipeline")
    driver = BatchDriver(
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
    while driver.trouble is None and (walks := _remaining_walks(driver)):
        tour(driver, walks, rows=rows)
        if not driver.closed_anything():
            break
    _count_coverage(judged, driver)
    if ways.graph.left_out:
        judged.skipped["the engine does not declare or support these stimuli"] += ways.graph.left_out
    driver.trouble = driver.trouble or driver.weak
    if driver.trouble is not None:
        judged.steps_to_find = driver.tally.steps + driver.tally.refusals
        _isolate(judged, driver, partial(_lockstep, hello, instance, system, guard))


def _remaining_walks(driver: BatchDriver) -> list[Walk]:
    """Walks over the edges that are open and not yet covered."""
    graph, covered = driver.ways.graph, driver.covered
    targets = driver.open_targets()
    wanted = lambda state, k: not covered.edges[state][k] and (state, k) not in driver.closed  # noqa: E731
    return [graph.stimuli(walk) for walk in plan(targets, wanted)]


def _count_coverage(judged: InstanceResult, driver: BatchDriver) -> None:
    reachable = driver.reachable()
    edges = driver.covered.edges
    closed = Counter(state for state, _ in driver.closed)
    judged.states, judged.states_total = sum(driver.covered.states), len(reachable)
    judged.transitions = sum(map(sum, edges))
    judged.transitions_total = sum(len(edges[state]) - closed[state] for state in reachable)
    _add_tally(judged, driver.tally)


def _add_tally(judged: InstanceResult, tally: Tally) -> None:
    judged.steps, judged.refusals = tally.steps, tally.refusals
    judged.skipped.update(tally.skipped)
    judged.checked.update(tally.checked)
    judged.checked.update(concerned(tally.kinds))
    judged.checked["Z1"] += tally.refusals
    judged.checked["D1"] += tally.steps


def _isolate(judged: InstanceResult, driver: BatchDriver, make: Callable[[], Lockstep]) -> None:
    """Find the difference again by itself: in its row alone, or else in the run as it was. Then shorten it."""
    trouble = driver.trouble
    assert trouble is not None
    shrinker = Shrinker(driver.ways.system.pipeline, make)
    cases = [(trouble.row, driver.ways.graph), (trouble.run, None)]
    cases += [((*trouble.row, tried), driver.ways.graph) for tried in trouble.tried]
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
        (("R1", "a step records something else when it is committed together with others"),),
    )


def _note(judged: InstanceResult, found: Difference) -> None:
    """Note a breach, or a failure of the engine; a failure names no law."""
    if found.laws:
        judged.found = found
    else:
        before = ", ".join(map(str, found.stimuli[-4:-1]))
        judged.fault = f"{found.differences[0]}{f', after {before}' if before else ''}"


# ------------------------------------------------------------------------------------------------- at rest


AtRest = Callable[[Pipeline, list[RecordJson]], tuple[Mapping[str, int], list[tuple[str, str]]]]
"""Checks the records of one run. Gives the number of checks by law, and the broken laws, each with a message."""


def _at_rest(
    judged: InstanceResult,
    hello: Hello,
    instance: Instance,
    system: PipelineSystem,
    guard: GuardedPipeline,
    judge: AtRest,
) -> None:
    """Take the longest walks of the graph, one run for each, and check only the trail that each run leaves."""
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
    """Check records by stepping the stimuli that they imply through the law."""
    from ..trails.check import TrailResult, check_run
    from ..trails.reader import runs_of

    found = TrailResult()
    for run in runs_of(records):
        check_run(run, pipeline, found)
    return found.checked, [(finding.law, finding.message) for finding in found.findings]


def asked_at_rest(pipeline: Pipeline, records: list[RecordJson]) -> tuple[Mapping[str, int], list[tuple[str, str]]]:
    """Check records with the queries of the audit."""
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
    """Do what an ordinary test does: take any lawful stimulus, in runs of two rows, again and again."""
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
                _add_tally(judged, lockstep.tally)
                judged.steps_to_find = lockstep.tally.steps
                shrinker = Shrinker(system.pipeline, lambda: lockstep)
                _note(judged, shrinker.smallest(found, None))
                return
            if lockstep.tally.skipped.total() == skipped:
                state = after
    _add_tally(judged, lockstep.tally)
