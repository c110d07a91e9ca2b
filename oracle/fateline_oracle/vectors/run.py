"""Runs vectors on an engine, published and hidden ones, and counts how many it answers as the law does.

An engine that was made to pass only the published vectors passes fewer of the hidden ones; this gap is reported. Not
here: more than the first law that a failure breaks (`conform/`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from fateline_model import load
from fateline_model.checker.scopes import Instance
from fateline_model.stimuli_json import from_json

from ..compare.capabilities import requirements
from ..compare.questions import asked
from ..conform.lockstep import Lockstep, Tally
from ..conform.machine_driver import MachineDriver, SweepResult
from ..conform.machine_instance import PORT_OF, asks_for
from ..conform.replay import Attempts, Replayed, side_of, small_steps, stepped
from ..ports.port import Engine, EngineFault, Hello, Port
from ..ports.validate import GuardedPipeline, asked_again
from .make import Graph, all_published, hidden_of, pipeline_of, vectors_of
from .store import BadVectors, Vector

GAP: Final = 0.05
"""The difference between the shares passed above which the gap is reported."""


class Failure(NamedTuple):
    """A vector that an engine failed."""

    instance: str
    replayed: Replayed


@dataclass
class Score:
    """The number of vectors asked and passed, those that failed by their ids, and how often each law was asked about."""

    asked: int = 0
    passed: int = 0
    steps: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: dict[str, Failure] = field(default_factory=dict)
    checked: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        return self.passed / self.asked if self.asked else 0.0

    @property
    def first(self) -> Replayed | None:
        """The result of the first vector that failed."""
        return next((one.replayed for one in self.failed.values()), None)


class Asker:
    """Runs vectors on an engine. What an instance needs is made once for all its vectors."""

    def __init__(self, engine: Engine, hello: Hello) -> None:
        self.engine, self.hello = engine, hello
        self._port: GuardedPipeline | None = None
        self._ready: dict[str, Lockstep | MachineDriver] = {}
        self._attempts: dict[str, Attempts] = {}

    def ask(self, vector: Vector) -> Replayed:
        """Run one vector, to its end or to the first difference."""
        try:
            name, steps = str(vector.document["instance"]), vector.document["steps"]
            if vector.machine in PORT_OF:
                instance = _instances()[name]
                if name not in self._ready:
                    self._ready[name] = MachineDriver(side_of(self.engine, self.hello, instance))
                driver = self._ready[name]
                assert isinstance(driver, MachineDriver)
                return small_steps(
                    driver, instance, [str(step["says"]) for step in steps], self._attempts.setdefault(name, {})
                )
            lockstep = self._lockstep(name, vector)
            lockstep.start()
            return stepped(lockstep, [from_json(step["stimulus"]) for step in steps])
        except EngineFault as fault:
            return Replayed(None, str(fault), 0)
        except (KeyError, TypeError, ValueError) as error:
            raise BadVectors(f"vector {vector.id}: {type(error).__name__}: {error}") from error

    def _lockstep(self, name: str, vector: Vector) -> Lockstep:
        found = self._ready.get(name)
        if not isinstance(found, Lockstep):
            if self._port is None:
                made = self.engine.pipeline()
                assert made is not None
                self._port = GuardedPipeline(made, self.hello)
            found = self._ready[name] = Lockstep(load(vector.pipeline), vector.pipeline, self._port, self.hello)
        return found

    def checked(self) -> Counter[str]:
        """How often each law was asked about so far."""
        total: Counter[str] = Counter()
        for driver in self._ready.values():
            if isinstance(driver, Lockstep):
                driver.note_data()
                tally: Tally | SweepResult = driver.tally
                total.update(driver.tally.checked)
            else:
                tally = driver.result
                total.update(driver.side.checked)
            total.update(asked(tally.steps_about, tally.steps, tally.refusals))
        return total

    def close(self) -> None:
        if self._port is not None:
            self._port.close()


def _asked(asker: Asker, vector: Vector) -> Replayed:
    try:
        return asked_again(lambda: asker.ask(vector))
    except EngineFault as fault:
        return Replayed(None, str(fault), 0)


@cache
def _instances() -> dict[str, Instance]:
    return {instance.name: instance for instance in all_published()}


def run(
    engine: Engine,
    hello: Hello,
    vectors: Iterable[Vector],
    *,
    stop: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Score:
    """Run every vector. With `stop`, end at the first that fails."""
    score, asker = Score(), Asker(engine, hello)
    for vector in vectors:
        lacks = _lacks(hello, vector)
        if lacks is not None:
            score.skipped[lacks] += 1
            continue
        done = _asked(asker, vector)
        score.steps += done.steps
        if done.unsupported is not None:
            score.skipped[done.unsupported] += 1
            continue
        score.asked += 1
        if done.found is None and done.fault is None:
            score.passed += 1
        else:
            score.failed[vector.id] = Failure(str(vector.document["instance"]), done)
            if stop:
                break
        if progress is not None and score.asked % 50 == 0:
            progress(f"{score.asked:,} vectors, {len(score.failed)} failed")
    score.checked = asker.checked()
    asker.close()
    return score


def _lacks(hello: Hello, vector: Vector) -> str | None:
    """The reason why a vector is not run on this engine; None if it is."""
    port = PORT_OF.get(vector.machine, Port.PIPELINE)
    if port not in hello.ports:
        return f"the engine offers no {port} port"
    instance = _instances().get(str(vector.document["instance"]))
    try:
        small = vector.machine in PORT_OF and instance is not None
        missing = (asks_for(instance) if small and instance else requirements(load(vector.pipeline))) - hello.does
    except ValueError as error:
        raise BadVectors(f"vector {vector.id}: {error}") from error
    return f"the engine does not declare {', '.join(sorted(missing))}" if missing else None


def hidden(seed: int) -> Iterator[Vector]:
    """The hidden set of a seed."""
    for instance in all_published():
        yield from _hidden_of(instance, seed)


def published_of(instance: Instance) -> Iterator[Vector]:
    """The published vectors of one instance; nothing if it is not published."""
    if instance.name in _instances():
        for document in vectors_of(instance, Graph(instance)):
            yield Vector(instance.machine, pipeline_of(instance), document)


def _hidden_of(instance: Instance, seed: int) -> Iterator[Vector]:
    for document in hidden_of(instance, Graph(instance), seed):
        yield Vector(instance.machine, pipeline_of(instance), document)


def gap(public: Score, secret: Score) -> bool:
    """True if the published vectors are passed suspiciously better than the hidden ones."""
    return bool(public.asked and secret.asked) and public.share - secret.share > GAP
