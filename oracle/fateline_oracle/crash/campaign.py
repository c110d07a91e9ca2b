"""Crash-tests a whole scope in several processes, and adds up the results.

An engine runs in separate processes. Not here: one instance (`instance.py`), and real kills (`kill.py`).
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple

from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem

from ..conform.campaign import every_instance
from ..parallel import in_processes
from ..ports.hello import hello_of
from ..ports.port import Engine, EngineFault, Hello, OpenEngine
from ..ports.validate import asked_again
from ..shard import WHOLE, Shard
from .instance import CrashResult, crash_instance


class NoSuchFamily(ValueError):
    """The scope has no family of that name."""


@dataclass
class CrashCampaign:
    """The results of crash-testing an engine at a scope."""

    engine: str
    scope: str
    depth: int
    hello: Hello
    tortured: list[CrashResult] = field(default_factory=list)
    seconds: float = 0.0
    shards: tuple[Shard, ...] = (WHOLE,)
    """The shards that were crash-tested."""

    def total(self, of: Callable[[CrashResult], Counter[str]]) -> Counter[str]:
        """The sum of a count over all instances."""
        total: Counter[str] = Counter()
        for one in self.tortured:
            total.update(of(one))
        return total

    @property
    def leftovers(self) -> Counter[int]:
        total: Counter[int] = Counter()
        for one in self.tortured:
            total.update(one.leftovers)
        return total


def instances_to_crash(scope: str, family: str | None = None) -> tuple[Instance, ...]:
    """The instances of a scope that are pipelines, or those of one family. Of every pipeline of a size none is crashed here:
    there are too many. The law crashes those of size 4 once, at scope deep."""
    pipelines = (one for one in every_instance(scope) if isinstance(one.system, PipelineSystem))
    found = tuple(one for one in pipelines if not one.is_one_of_all)
    families = dict.fromkeys(one.family for one in found)
    if family is not None and family not in families:
        raise NoSuchFamily(f"scope {scope} has no family {family!r}; its families are: {', '.join(families)}")
    return tuple(one for one in found if family in (None, one.family))


def crash_scope(
    engine: str,
    scope: str,
    *,
    open_engine: OpenEngine,
    depth: int,
    jobs: int,
    family: str | None = None,
    shard: Shard = WHOLE,
    progress: Callable[[str], None] | None = None,
) -> CrashCampaign:
    """Crash-test an engine, named as in `engines.py`, at a scope."""
    started = time.perf_counter()
    order = places_to_crash(scope, family, shard)
    with _opened(engine, open_engine) as (_, hello):
        campaign = CrashCampaign(engine, scope, depth, hello, shards=(shard,))
    results: dict[int, CrashResult] = {}
    tasks = [_Task(scope, family, place, depth) for place in order]
    shared = partial(_opened, engine, open_engine)
    for task, done in in_processes(_work, tasks, jobs=jobs, shared=shared, died=_died):
        results[task.place] = done
        if progress is not None:
            crashed = sum(one.crashed.total() for one in results.values())
            broken = sum(one.found is not None for one in results.values())
            breaches = f", {broken} with a breach" if broken else ""
            progress(f"{len(results)} of {len(order)} instances, {crashed:,} boundaries{breaches}: {done.name}")
    campaign.tortured = [results[place] for place in sorted(order)]
    campaign.seconds = time.perf_counter() - started
    return campaign


def places_to_crash(scope: str, family: str | None = None, shard: Shard = WHOLE) -> list[int]:
    """The places of the instances of a shard in `instances_to_crash`, those that take longest first."""
    table = _table(scope, family)
    return shard.share(sorted(range(len(table)), key=lambda place: -_weight(table[place])))


@contextmanager
def _opened(engine: str, open_engine: OpenEngine) -> Iterator[tuple[Engine, Hello]]:
    with open_engine(engine) as made:
        yield made, hello_of(made)


class _Task(NamedTuple):
    scope: str
    family: str | None
    place: int
    depth: int


_table = cache(instances_to_crash)


def _work(here: tuple[Engine, Hello], task: _Task) -> CrashResult:
    instance = _table(task.scope, task.family)[task.place]
    try:
        return asked_again(lambda: crash_instance(*here, instance, depth=task.depth))
    except EngineFault as fault:
        return CrashResult(instance.family, instance.name, fault=str(fault))


def _died(task: _Task) -> CrashResult:
    instance = _table(task.scope, task.family)[task.place]
    fault = "the engine ended its process without an answer"
    return CrashResult(instance.family, instance.name, fault=fault)


def _weight(instance: Instance) -> int:
    """An estimate of how long an instance takes: verdicts, nodes and rows multiply."""
    system = instance.system
    assert isinstance(system, PipelineSystem)
    return sum(len(words) for words in system.verdicts.values()) * len(system.pipeline.nodes) * system.rows**4
