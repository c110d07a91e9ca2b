"""Asks an engine what the vectors ask, and says how many it answers as the law does: published, and hidden ones.

An engine that was made to pass what is published, and no more, passes fewer of the hidden: the gap is flagged. Not here:
which law a difference breaks in what way (`judge/`), beyond the first that is named.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from fateline_model import load
from fateline_model.checker.scopes import Instance

from ..judge.offered import asks_for
from ..judge.port import Engine, Hello, Port
from ..judge.replay import Case, replay
from ..judge.small import PORT_OF
from .keeping import Vector
from .making import Graph, all_published, hidden_of, pipeline_of

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

    @property
    def share(self) -> float:
        return self.passed / self.asked if self.asked else 0.0


def run(
    engine: Engine,
    hello: Hello,
    vectors: Iterable[Vector],
    *,
    stop: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Score:
    """Ask vector by vector; to `stop` is to end at the first that fails."""
    score = Score()
    for vector in vectors:
        lacks = _lacks(hello, vector)
        if lacks is not None:
            score.skipped[lacks] += 1
            continue
        case = Case(
            {**vector.document, "pipeline": vector.pipeline}, vector.machine, str(vector.document["instance"]), "", ()
        )
        done = replay(case, engine, hello)
        score.asked += 1
        score.steps += done.steps
        if done.found is None and done.fault is None:
            score.passed += 1
        else:
            score.failed[vector.id] = done.laws[0] if done.laws else str(done.fault)
            if stop:
                break
        if progress is not None and score.asked % 50 == 0:
            progress(f"{score.asked:,} vectors, {len(score.failed)} failed")
    return score


def _lacks(hello: Hello, vector: Vector) -> str | None:
    """Why a vector is not asked of this engine."""
    port = PORT_OF.get(vector.machine, Port.PIPELINE)
    if port not in hello.ports:
        return f"the engine offers no {port} port"
    if vector.machine == "barrier":
        return None
    missing = asks_for(load(vector.pipeline)) - hello.does
    return f"the engine does not declare {', '.join(sorted(missing))}" if missing else None


def hidden(seed: int) -> Iterator[Vector]:
    """A set that only who knows the seed can know."""
    for instance in all_published():
        yield from _hidden_of(instance, seed)


def _hidden_of(instance: Instance, seed: int) -> Iterator[Vector]:
    for document in hidden_of(instance, Graph(instance), seed):
        yield Vector(instance.machine, pipeline_of(instance), document)


def gap(public: Score, secret: Score) -> bool:
    """Whether what is published is passed suspiciously better."""
    return bool(public.asked and secret.asked) and public.share - secret.share > GAP
