"""A campaign: every instance of a scope judged on one engine, in several processes, and the sum of it.

An engine runs in processes of its own, so one that dies takes no judge with it. Not here: one instance (`instance.py`,
`small.py`), and what is concluded (`conform.py`).
"""

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from fateline_model.checker.scopes import Instance, beside_the_scopes, instances
from fateline_model.checker.systems import PipelineSystem

from ..compare.capabilities import asks_for
from ..engines import engine_of
from ..law.verification import read_lock
from ..ports.hello import hello_of
from ..ports.port import Engine, EngineFault, Hello, Port
from .free_run import judge_whole
from .instance import Judged, Strategy, judge_instance
from .machine_instance import judge_small

MACHINES: Final = ("pipeline", "batch", "barrier", "lifecycle")


@dataclass
class Campaign:
    """What judging an engine at a scope found."""

    engine: str
    scope: str
    seed: int
    hello: Hello
    judged: list[Judged] = field(default_factory=list)
    seconds: float = 0.0

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


WHERE_ROWS_MEET: Final = ("batch", "lifecycle")


def every_instance(scope: str) -> tuple[Instance, ...]:
    """The instances that an engine is driven through at a scope.

    Local graphs are those of one row, so of the standard scope all that are of one row. Where rows meet, in batches and
    under hostile callers, they grow with every pair of states: there the standard scope has what scope small has, without
    the hostile batches, which take as long as half of the rest. Scopes small and deep have everything. Beside them
    stands what a scope of single rows cannot have.
    """
    small = {instance.name for instance in instances("small")}
    chosen = (one for one in instances(scope) if scope != "standard" or _is_standard(one, small))
    return (*chosen, *beside_the_scopes())


def _is_standard(instance: Instance, small: Container[str]) -> bool:
    if instance.machine not in WHERE_ROWS_MEET:
        return True
    hostile = isinstance(instance.system, PipelineSystem) and instance.system.menu.hostile
    return instance.name in small and not hostile


@cache
def _table(scope: str) -> tuple[Instance, ...]:
    return every_instance(scope)


def run_campaign(
    engine: str,
    scope: str,
    *,
    seed: int,
    jobs: int,
    strategy: Strategy = Strategy.REFUSALS,
    progress: Callable[[str], None] | None = None,
) -> Campaign:
    """Judge an engine, named as in `engines.py`, at a scope. What it breaks and where it breaks down is in the result."""
    started = time.perf_counter()
    with engine_of(engine) as made:
        campaign = Campaign(engine, scope, seed, hello_of(made))
    table = _table(scope)
    order = sorted(range(len(table)), key=lambda place: -_weight(table[place], scope))
    results: dict[int, Judged] = {}
    for place, judged in _all(engine, scope, order, seed, jobs, strategy):
        results[place] = judged
        if progress is not None:
            broken = sum(one.found is not None for one in results.values())
            told = f", {broken} with a breach" if broken else ""
            progress(f"{len(results)} of {len(table)} instances{told}: {judged.name}")
    campaign.judged = [results[place] for place in range(len(table))]
    campaign.seconds = time.perf_counter() - started
    return campaign


def _weight(instance: Instance, scope: str) -> int:
    """How long an instance will take, as a guess: the longest are begun first."""
    lock = read_lock().get(scope)
    locked = lock["instances"].get(instance.name) if lock is not None else None
    steps = int(str(locked[1])) if locked is not None else 500
    return steps * (4 if instance.machine in ("batch", "lifecycle") else 1)


def _all(
    engine: str, scope: str, order: list[int], seed: int, jobs: int, strategy: Strategy
) -> Iterator[tuple[int, Judged]]:
    if jobs == 1:
        with engine_of(engine) as made:
            hello = hello_of(made)
            for place in order:
                yield place, _one(made, hello, _table(scope)[place], strategy, seed)
        return
    left, together = list(order), True
    while left:
        # An engine that takes its process down breaks the pool. From then on instances are tried one by one, so that
        # the one that does it is known.
        batch = list(left) if together else left[:1]
        workers = jobs if together else 1
        with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _begin, (engine, scope)) as pool:
            waiting = {pool.submit(_work, place, strategy, seed): place for place in batch}
            try:
                for future in as_completed(waiting):
                    place, judged = waiting[future], future.result()
                    left.remove(place)
                    yield place, judged
            except BrokenProcessPool:
                if not together:
                    instance = _table(scope)[left.pop(0)]
                    fault = "the engine took its process down: it ended without an answer"
                    yield batch[0], Judged(instance.family, instance.name, instance.machine, fault=fault)
                together = False


_HERE: dict[str, tuple[Engine, Hello, str]] = {}
_OPEN: Final = ExitStack()


def _begin(engine: str, scope: str) -> None:
    """In a worker: the engine, once for all instances that come here."""
    gc.set_threshold(
        100_000, 50, 100
    )  # graphs are large and hold no cycles: looking for them costs a tenth of the time
    made = _OPEN.enter_context(engine_of(engine))
    _HERE["engine"] = made, hello_of(made), scope


def _work(place: int, strategy: Strategy, seed: int) -> Judged:
    engine, hello, scope = _HERE["engine"]
    return _one(engine, hello, _table(scope)[place], strategy, seed)


def _one(engine: Engine, hello: Hello, instance: Instance, strategy: Strategy, seed: int) -> Judged:
    try:
        if not isinstance(instance.system, PipelineSystem):
            return judge_small(engine, hello, instance, refusals=strategy is Strategy.REFUSALS)
        judged = Judged(instance.family, instance.name, instance.machine)
        if Port.PIPELINE in hello.ports:
            judged = judge_instance(engine, hello, instance, strategy, seed=seed)
        else:
            judged.skipped[f"the engine offers no {Port.PIPELINE} port"] += 1
        trail = engine.trail() if Port.TRAIL in hello.ports else None
        if trail is not None and _runs_whole(instance, hello) and judged.found is None and judged.fault is None:
            judge_whole(judged, trail, instance, seed)
        return judged
    except EngineFault as fault:
        return Judged(instance.family, instance.name, instance.machine, fault=str(fault))


def _runs_whole(instance: Instance, hello: Hello) -> bool:
    """Whole runs are of the pipelines of scope small that the engine can run."""
    system = instance.system
    small = instance.name in {one.name for one in instances("small")}
    return small and isinstance(system, PipelineSystem) and asks_for(system.pipeline) <= hello.does
