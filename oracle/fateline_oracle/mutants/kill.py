"""Looks for the first law that notices a mutant, by each strategy, over the families in which it shows.

Not here: the mutants, and what is printed of it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

from fateline_model.checker.scopes import Instance, beside_the_scopes, instance_called, instances
from fateline_model.checker.systems import PipelineSystem

from ..compare.difference import Difference
from ..conform.campaign import names_of_small
from ..conform.instance import InstanceResult, Strategy, drive_instance
from ..conform.machine_instance import drive_machine
from ..crash.instance import crash_instance
from ..ports.hello import hello_of
from ..ports.port import Engine, EngineFault, Hello
from ..ports.validate import asked_again
from ..trails.reconstruct import named
from ..vectors.run import published_of, run
from .mutant import Mutant
from .sandbox import sandboxed

RANDOM_STEPS: Final = 400
"""So many steps at random in each instance before it is given up: what an ordinary test would spend."""


@dataclass
class MutantResult:
    """What became of one mutant under one strategy. A tortured mutant knows one only."""

    bug: Mutant
    strategy: Strategy
    steps: int = 0
    """Steps and refusals until it was noticed, over all instances that were tried; of a torture, boundaries crashed."""
    first: str | None = None
    """The law that is named first, or the guard that refused."""
    named: tuple[str, ...] = ()
    instance: str = ""
    found: Difference | None = None
    fault: str | None = None
    seconds: float = 0.0
    tried: list[str] = field(default_factory=list)

    @property
    def noticed(self) -> bool:
        return self.first is not None

    @property
    def killed(self) -> bool:
        """Whether it was noticed by what must notice it: its own law, or the guard that it should run into."""
        if self.bug.guard is not None:
            return self.fault is not None and f"fateline guard {self.bug.guard}" in self.fault
        return self.bug.law in self.named


def hunt(bug: Mutant, strategy: Strategy, *, seed: int = 0) -> MutantResult:
    """One mutant, one strategy; ends at the first instance in which it is noticed. The tortured are tortured."""
    strategy = Strategy.TORTURE if bug.tortured else strategy
    started = time.perf_counter()
    hunted = MutantResult(bug, strategy)
    with sandboxed(bug) as engine:
        try:
            hello = hello_of(engine)
            for instance in places(bug):
                judged = asked_again(partial(_judge, engine, hello, instance, strategy, seed))
                hunted.tried.append(instance.name)
                hunted.steps += judged.steps_to_find or judged.steps + judged.refusals
                if judged.found is not None:
                    hunted.named = tuple(dict.fromkeys(law for law, _ in judged.found.laws))
                    hunted.first, hunted.found = next(iter(hunted.named), None), judged.found
                if judged.failures and (judged.found is None or judged.found.weak):
                    hunted.fault = judged.failures[0]
                    hunted.first = guard_in(hunted.fault) or "broke down"
                if hunted.noticed:
                    hunted.instance = instance.name
                    break
        except EngineFault as fault:
            hunted.fault, hunted.first = str(fault), "broke down"
    hunted.seconds = time.perf_counter() - started
    return hunted


def guard_in(fault: str) -> str | None:
    """The guard of the database that a fault speaks of."""
    _, guard, rest = fault.partition("fateline guard ")
    return f"guard {rest.partition(':')[0]}" if guard else None


def place_called(name: str) -> Instance:
    """The instance of that name."""
    found = instance_called(name, "standard")
    assert found is not None, f"there is no instance {name}"
    return found


@cache
def _standard() -> tuple[Instance, ...]:
    return (*instances("standard"), *beside_the_scopes())


def places(bug: Mutant) -> Iterator[Instance]:
    """The instances in which to look: of scope small where the place is a family of it, else by the name's beginning."""
    known, small = _standard(), names_of_small()
    for place in bug.places:
        if any(instance.family == place for instance in known if instance.name in small):
            yield from (instance for instance in known if instance.family == place and instance.name in small)
        else:
            yield from (instance for instance in known if instance.name.startswith(place))


def _judge(engine: Engine, hello: Hello, instance: Instance, strategy: Strategy, seed: int) -> InstanceResult:
    if strategy is Strategy.TORTURE:
        return _torture(engine, hello, instance)
    if strategy is Strategy.VECTORS:
        return _by_vectors(engine, hello, instance)
    if isinstance(instance.system, PipelineSystem):
        return drive_instance(engine, hello, instance, strategy, seed=seed, steps=RANDOM_STEPS, stop_first=True)
    return drive_machine(engine, hello, instance, refusals=strategy is Strategy.REFUSALS, stop_first=True)


def _torture(engine: Engine, hello: Hello, instance: Instance) -> InstanceResult:
    """What torture finds, in the form of any other judging."""
    done = crash_instance(engine, hello, instance, depth=2)
    judged = InstanceResult(instance.family, instance.name, instance.machine, fault=done.fault, seconds=done.seconds)
    judged.steps_to_find = done.crashed.total()
    if done.found is not None:
        stimuli, said = done.found.broken_off, tuple(message for _, message in done.found.laws)
        observed = tuple(named(done.found.observed))
        judged.findings.note(Difference(stimuli, (), observed, said, done.found.laws))
    return judged


def _by_vectors(engine: Engine, hello: Hello, instance: Instance) -> InstanceResult:
    """What the published vectors of an instance find by themselves."""
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    score = run(engine, hello, published_of(instance), stop=True)
    judged.steps_to_find = score.steps
    if score.first is not None:
        judged.fault = score.first.fault
        if score.first.found is not None:
            judged.findings.note(score.first.found)
    return judged
