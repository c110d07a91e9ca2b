"""Drives one engine through every instance of a scope, in several processes, and adds up the results.

An engine runs in separate processes, so an engine that ends its process does not end the judge. Not here: one instance
(`instance.py`, `machine_instance.py`), and what is concluded (`verdict.py`).
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Final, NamedTuple

from fateline_model.checker.scopes import Instance, beside_the_scopes, instances
from fateline_model.checker.systems import PipelineSystem

from ..compare.capabilities import requirements
from ..law.verification import SOME_STEPS, locked_steps
from ..parallel import in_processes
from ..ports.hello import hello_of
from ..ports.port import Drive, Engine, EngineFault, EngineSilent, Hello, OpenEngine, Port
from ..ports.validate import asked_again
from ..shard import WHOLE, Shard, missing_of
from .free_run import drive_free_runs
from .instance import InstanceResult, Strategy, drive_instance
from .machine_instance import drive_machine


class BadSelection(ValueError):
    """No instance has a name that was asked for; the message says so."""


class Selection(NamedTuple):
    """The part of a scope that is checked. Nothing named: all of it."""

    instances: tuple[str, ...] = ()
    """Patterns of names of instances, as in a shell."""
    laws: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not (self.instances or self.laws)

    def places(self, table: Sequence[Instance]) -> list[int]:
        """The places of the chosen instances. Raises `BadSelection` if a pattern fits none."""
        fits = {pattern: _fitting(table, pattern) for pattern in self.instances}
        if unknown := [pattern for pattern, places in fits.items() if not places]:
            raise BadSelection(f"the scope has no instance {unknown[0]!r}; --list shows all")
        return sorted(set().union(*fits.values())) if fits else list(range(len(table)))


EVERYTHING: Final = Selection()


def _fitting(table: Sequence[Instance], pattern: str) -> set[int]:
    return {place for place, one in enumerate(table) if one.name == pattern or fnmatchcase(one.name, pattern)}


@dataclass
class Campaign:
    """The results of driving an engine through a scope."""

    engine: str
    scope: str
    seed: int
    hello: Hello
    judged: list[InstanceResult] = field(default_factory=list)
    seconds: float = 0.0
    only: Selection = EVERYTHING
    shards: tuple[Shard, ...] = (WHOLE,)
    """The shards that were driven."""

    @property
    def is_whole(self) -> bool:
        """True if nothing of the scope was left out."""
        return self.only.is_whole and not missing_of(self.shards)

    @property
    def checked(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for judged in self.judged:
            total.update(judged.checked)
        return total

    @property
    def skipped(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for judged in self.judged:
            total.update(judged.skipped)
        return total


SILENT_AT_MOST: Final = 3
"""The number of instances with a silent engine after which a process no longer waits for it."""

WHERE_ROWS_MEET: Final = ("batch", "lifecycle")


@cache
def every_instance(scope: str) -> tuple[Instance, ...]:
    """The instances that an engine is driven through at a scope.

    Scopes small and deep: all of their instances. Scope standard: of every pipeline of a size, and where rows meet (batches,
    hostile callers) and graphs grow with every pair of states, only the instances of scope small, without hostile batches,
    which would take half as long as all the others; and all other instances of one row. Every scope also has the instances
    that need more than one row.
    """
    chosen = (one for one in instances(scope) if scope != "standard" or _is_standard(one))
    return (*chosen, *beside_the_scopes())


@cache
def names_of_small() -> frozenset[str]:
    """The names of the instances of scope small."""
    return frozenset(instance.name for instance in instances("small"))


def _is_standard(instance: Instance) -> bool:
    if instance.machine not in WHERE_ROWS_MEET and not instance.is_one_of_all:
        return True
    hostile = isinstance(instance.system, PipelineSystem) and instance.system.options.hostile
    return instance.name in names_of_small() and not hostile


def run_campaign(
    engine: str,
    scope: str,
    *,
    open_engine: OpenEngine,
    seed: int,
    jobs: int,
    strategy: Strategy = Strategy.REFUSALS,
    stop_first: bool = False,
    declared: frozenset[str] = frozenset(),
    only: Selection = EVERYTHING,
    shard: Shard = WHOLE,
    progress: Callable[[str], None] | None = None,
) -> Campaign:
    """Drive an engine, named as in `engines.py`, through a scope. The result has its breaches and its failures.

    With `stop_first` each instance ends at its first difference. `declared` are the laws of the engine's profile.
    """
    started = time.perf_counter()
    order = places_to_drive(scope, only, shard)
    with _opened(engine, open_engine) as worker:
        campaign = Campaign(engine, scope, seed, worker.hello, only=only, shards=(shard,))
    results: dict[int, InstanceResult] = {}
    tasks = [_Task(scope, place, Plan(strategy, seed, stop_first, declared)) for place in order]
    shared = partial(_opened, engine, open_engine)
    for task, judged in in_processes(_work, tasks, jobs=jobs, shared=shared, died=_died):
        results[task.place] = judged
        if progress is not None:
            broken = sum(one.found is not None for one in results.values())
            breaches = f", {broken} with a breach" if broken else ""
            progress(f"{len(results)} of {len(order)} instances{breaches}: {judged.name}")
    campaign.judged = [results[place] for place in sorted(order)]
    campaign.seconds = time.perf_counter() - started
    return campaign


def places_to_drive(scope: str, only: Selection = EVERYTHING, shard: Shard = WHOLE) -> list[int]:
    """The places of the chosen instances of a shard in the scope, those that take longest first."""
    table, known = every_instance(scope), locked_steps(scope)
    return shard.share(sorted(only.places(table), key=lambda place: -_weight(table[place], known)))


def _weight(instance: Instance, steps: Mapping[str, int]) -> int:
    """An estimate of how long an instance takes. The longest are started first."""
    return steps.get(instance.name, SOME_STEPS) * (4 if instance.machine in ("batch", "lifecycle") else 1)


@dataclass
class _Worker:
    """The engine of one process."""

    engine: Engine
    hello: Hello
    silent: int = 0
    """The number of instances in which the engine was silent twice."""


@contextmanager
def _opened(engine: str, open_engine: OpenEngine) -> Iterator[_Worker]:
    with open_engine(engine) as made:
        yield _Worker(made, hello_of(made))


class Plan(NamedTuple):
    """How an instance is driven."""

    strategy: Strategy
    seed: int
    stop_first: bool = False
    declared: frozenset[str] = frozenset()


class _Task(NamedTuple):
    scope: str
    place: int
    plan: Plan


def _work(worker: _Worker, task: _Task) -> InstanceResult:
    instance = every_instance(task.scope)[task.place]
    try:
        if worker.silent == SILENT_AT_MOST:
            raise EngineFault(f"not driven: the engine was silent in {SILENT_AT_MOST} instances before this one")
        return asked_again(lambda: drive_one(worker.engine, worker.hello, instance, task.plan))
    except EngineFault as fault:
        worker.silent += isinstance(fault.__cause__, EngineSilent)
        return InstanceResult(instance.family, instance.name, instance.machine, fault=str(fault))


def _died(task: _Task) -> InstanceResult:
    instance = every_instance(task.scope)[task.place]
    fault = "the engine ended its process without an answer"
    return InstanceResult(instance.family, instance.name, instance.machine, fault=fault)


def drive_one(engine: Engine, hello: Hello, instance: Instance, plan: Plan) -> InstanceResult:
    """Drive an engine through one instance of any machine, and check whole runs if the engine offers them."""
    strategy, seed, stop_first, declared = plan
    if not isinstance(instance.system, PipelineSystem):
        refusals = strategy is Strategy.REFUSALS
        return drive_machine(engine, hello, instance, refusals=refusals, stop_first=stop_first, declared=declared)
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    if Port.PIPELINE in hello.ports and hello.drive is not Drive.LOCKSTEP:
        judged.skipped[f"the engine declares drive {hello.drive}, so it is not driven step by step"] += 1
    elif Port.PIPELINE in hello.ports:
        judged = drive_instance(engine, hello, instance, strategy, seed=seed, stop_first=stop_first, declared=declared)
    else:
        judged.skipped[f"the engine offers no {Port.PIPELINE} port"] += 1
    trail = engine.trail() if Port.TRAIL in hello.ports else None
    if trail is not None and _runs_whole(instance, hello) and not judged.findings and judged.fault is None:
        drive_free_runs(judged, trail, instance, hello, seed)
    return judged


def _runs_whole(instance: Instance, hello: Hello) -> bool:
    """True if the instance is in scope small and the engine can run its pipeline."""
    system = instance.system
    return (
        instance.name in names_of_small()
        and isinstance(system, PipelineSystem)
        and requirements(system.pipeline) <= hello.does
    )
