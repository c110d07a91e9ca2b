"""A whole scope tortured, in several processes, and the sum of it.

An engine runs in processes of its own. Not here: one instance (`instance.py`), and real kills (`kills.py`).
"""

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem

from ..conform.campaign import every_instance
from ..engines import NoSuchEngine, engine_of
from ..ports.hello import hello_of
from ..ports.port import Engine, Hello
from .instance import Tortured, torture_instance

IN_WORKERS: Final = 100_000, 50, 100
"""When a worker looks for garbage in circles, of which there is none to speak of."""


@dataclass
class TortureCampaign:
    """What torturing an engine at a scope found."""

    engine: str
    scope: str
    depth: int
    hello: Hello
    tortured: list[Tortured] = field(default_factory=list)
    seconds: float = 0.0

    def total(self, of: Callable[[Tortured], Counter[str]]) -> Counter[str]:
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


def instances_to_torture(scope: str, family: str | None = None) -> tuple[Instance, ...]:
    """The instances of a scope that are pipelines, or those of one family."""
    found = tuple(one for one in every_instance(scope) if isinstance(one.system, PipelineSystem))
    families = dict.fromkeys(one.family for one in found)
    if family is not None and family not in families:
        raise NoSuchEngine(f"scope {scope} has no family {family!r}; there are: {', '.join(families)}")
    return tuple(one for one in found if family in (None, one.family))


def torture_scope(
    engine: str,
    scope: str,
    *,
    depth: int,
    jobs: int,
    family: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> TortureCampaign:
    """Torture an engine, named as in `judge/engines.py`, at a scope."""
    started = time.perf_counter()
    with engine_of(engine) as made:
        campaign = TortureCampaign(engine, scope, depth, hello_of(made))
    table = instances_to_torture(scope, family)
    results: dict[int, Tortured] = {}
    for place, done in _all(engine, table, depth, jobs):
        results[place] = done
        if progress is not None:
            crashed = sum(one.crashed.total() for one in results.values())
            broken = sum(one.found is not None for one in results.values())
            told = f", {broken} with a breach" if broken else ""
            progress(f"{len(results)} of {len(table)} instances, {crashed:,} boundaries{told}: {done.name}")
    campaign.tortured = [results[place] for place in range(len(table))]
    campaign.seconds = time.perf_counter() - started
    return campaign


def _all(engine: str, table: Sequence[Instance], depth: int, jobs: int) -> Iterator[tuple[int, Tortured]]:
    if jobs == 1:
        with engine_of(engine) as made:
            hello = hello_of(made)
            for place, instance in enumerate(table):
                yield place, torture_instance(made, hello, instance, depth=depth)
        return
    order = sorted(range(len(table)), key=lambda place: -_weight(table[place]))
    left = set(order)
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), _begin, (engine, table)) as pool:
        waiting = {pool.submit(_work, place, depth): place for place in order}
        try:
            for future in as_completed(waiting):
                left.discard(waiting[future])
                yield waiting[future], future.result()
        except BrokenProcessPool:
            for place in sorted(left):
                fault = "a process was taken down before this was done; --jobs 1 shows by which instance"
                yield place, Tortured(table[place].family, table[place].name, fault=fault)


def _weight(instance: Instance) -> int:
    """How long an instance will take, as a guess: nodes that decide multiply, and so do rows."""
    system = instance.system
    assert isinstance(system, PipelineSystem)
    return sum(len(words) for words in system.verdicts.values()) * len(system.pipeline.nodes) * system.rows**4


_HERE: dict[str, tuple[Engine, Hello, Sequence[Instance]]] = {}
_OPEN: Final = ExitStack()


def _begin(engine: str, table: Sequence[Instance]) -> None:
    """In a worker: the engine, once for all instances that come here."""
    gc.set_threshold(*IN_WORKERS)
    made = _OPEN.enter_context(engine_of(engine))
    _HERE["engine"] = made, hello_of(made), table


def _work(place: int, depth: int) -> Tortured:
    engine, hello, table = _HERE["engine"]
    return torture_instance(engine, hello, table[place], depth=depth)
