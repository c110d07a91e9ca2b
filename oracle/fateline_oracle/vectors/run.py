"""Asks an engine what the vectors ask, and says how many it answers as the law does: published, and hidden ones.

An engine that was made to pass what is published, and no more, passes fewer of the hidden: the gap is flagged. Not here:
which law a difference breaks in what way (`judge/`), beyond the first that is named.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from fateline_model import load
from fateline_model.checker.scopes import Instance
from fateline_model.stimuli_json import from_json

from ..compare.capabilities import requirements, unrecorded
from ..conform.lockstep import Lockstep
from ..conform.machine_driver import MachineDriver
from ..conform.machine_instance import PORT_OF
from ..conform.replay import Replayed, side_of, small_steps, stepped
from ..ports.port import Engine, EngineFault, Hello, Port, Shows
from ..ports.validate import GuardedPipeline, asked_again
from .make import Graph, all_published, hidden_of, pipeline_of, vectors_of
from .store import BadVectors, Vector

GAP: Final = 0.05
"""So much more of the published than of the hidden is suspicious."""


@dataclass
class Score:
    """How many vectors were asked and passed, and which failed by which law."""

    asked: int = 0
    passed: int = 0
    steps: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    """By id: the law that is named first, or how the engine broke down."""
    first: Replayed | None = None
    """What came of the first that failed."""

    @property
    def share(self) -> float:
        return self.passed / self.asked if self.asked else 0.0


class Asker:
    """Asks an engine vector by vector; what an instance needs is made once for all of its vectors."""

    def __init__(self, engine: Engine, hello: Hello) -> None:
        self.engine, self.hello = engine, hello
        self._port: GuardedPipeline | None = None
        self._ready: dict[str, Lockstep | MachineDriver] = {}

    def ask(self, vector: Vector) -> Replayed:
        """One vector, to its end or to the first difference."""
        name, steps = str(vector.document["instance"]), vector.document["steps"]
        try:
            if vector.machine == "barrier":
                instance = _instances()[name]
                if name not in self._ready:
                    self._ready[name] = MachineDriver(side_of(self.engine, instance))
                driver = self._ready[name]
                assert isinstance(driver, MachineDriver)
                return small_steps(driver, instance, [str(step["says"]) for step in steps])
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
                self._port = GuardedPipeline(made)
            found = self._ready[name] = Lockstep(
                load(vector.pipeline), vector.pipeline, self._port, unrecorded=unrecorded(self.hello),
                refusals_have_reasons=Shows.REFUSALS in self.hello.shows,
            )  # fmt: skip
        return found

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
    """Ask every vector; to `stop` is to end at the first that fails."""
    score, asker = Score(), Asker(engine, hello)
    for vector in vectors:
        lacks = _lacks(hello, vector)
        if lacks is not None:
            score.skipped[lacks] += 1
            continue
        done = _asked(asker, vector)
        score.asked += 1
        score.steps += done.steps
        if done.found is None and done.fault is None:
            score.passed += 1
        else:
            score.failed[vector.id] = done.laws[0] if done.laws else str(done.fault)
            score.first = score.first or done
            if stop:
                break
        if progress is not None and score.asked % 50 == 0:
            progress(f"{score.asked:,} vectors, {len(score.failed)} failed")
    asker.close()
    return score


def _lacks(hello: Hello, vector: Vector) -> str | None:
    """Why a vector is not asked of this engine."""
    port = PORT_OF.get(vector.machine, Port.PIPELINE)
    if port not in hello.ports:
        return f"the engine offers no {port} port"
    if vector.machine == "barrier":
        return None
    missing = requirements(load(vector.pipeline)) - hello.does
    return f"the engine does not declare {', '.join(sorted(missing))}" if missing else None


def hidden(seed: int) -> Iterator[Vector]:
    """A set that only who knows the seed can know."""
    for instance in all_published():
        yield from _hidden_of(instance, seed)


def published_of(instance: Instance) -> Iterator[Vector]:
    """The published vectors of one instance; none where it is not published."""
    if instance.name in _instances():
        for document in vectors_of(instance, Graph(instance)):
            yield Vector(instance.machine, pipeline_of(instance), document)


def _hidden_of(instance: Instance, seed: int) -> Iterator[Vector]:
    for document in hidden_of(instance, Graph(instance), seed):
        yield Vector(instance.machine, pipeline_of(instance), document)


def gap(public: Score, secret: Score) -> bool:
    """Whether what is published is passed suspiciously better."""
    return bool(public.asked and secret.asked) and public.share - secret.share > GAP
