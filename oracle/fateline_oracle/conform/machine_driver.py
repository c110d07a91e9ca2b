"""Drives the law and an engine together through the whole graph of one of the two small machines.

It takes every lawful step of the explored graph, and tries in each state every stimulus that the law refuses there,
once. Stimuli that the port does not support are left out of the graph, with the states that only they lead to, and
counted. The first difference ends the sweep. A refusal by the wrong rule is only remembered, and is reported if no
other difference is found. Not here: what is compared (`lifecycle_driver.py`, `barrier_driver.py`), and pipelines
(`batch_driver.py`).
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from fateline_model import Pipeline, Refusal
from fateline_model.checker.systems import Attempt, State, System
from fateline_model.lifecycle import World
from fateline_model.records import Record, as_json

from ..compare.broken_laws import laws_broken_by
from ..compare.difference import Difference, wrong_refusal
from ..ports.port import EngineFault, RecordJson, Reply
from .edge_cover import plan
from .explore import Edge, LocalGraph, local_graph

S = TypeVar("S")
W = TypeVar("W", bound=World)

NOT_SUPPORTED = "the port does not support it"


class Recorded(NamedTuple):
    """What the engine recorded, and how it differs from the law."""

    observed: tuple[RecordJson, ...]
    wrong: tuple[str, ...]


class SideBySide(ABC, Generic[S, W]):
    """A machine of the law and an engine, in the same state."""

    world: World
    silent: frozenset[str]
    """The laws about things that such a port does not show."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @abstractmethod
    def start(self) -> None:
        """Start both again from the first state."""

    @abstractmethod
    def is_supported(self, stimulus: S, world: World) -> bool:
        """True if the port supports this stimulus in this state."""

    @abstractmethod
    def ask(self, stimulus: S) -> Reply:
        """Ask the engine."""

    @abstractmethod
    def compare(self, stimulus: S, records: tuple[Record, ...], reply: Reply) -> Recorded | None:
        """Compare what the engine recorded with what the law records. None means that they agree."""

    @abstractmethod
    def translated(self, reply: Reply) -> tuple[RecordJson, ...]:
        """What the engine recorded, with the names of the law."""


@dataclass
class SweepResult:
    """The coverage of a sweep, and the difference that it found."""

    states: int = 0
    states_total: int = 0
    transitions: int = 0
    transitions_total: int = 0
    steps: int = 0
    refusals: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    kinds: Counter[frozenset[type]] = field(default_factory=Counter)
    difference: Difference | None = None
    fault: str | None = None


class MachineDriver:
    """Takes law and engine from state to state. `weak` is the first refusal by the wrong rule."""

    def __init__(self, side: SideBySide[Any, Any]) -> None:
        self.side = side
        self.result = SweepResult()
        self.weak: Difference | None = None
        self.path: list[Any] = []

    def sweep(self, system: System, *, refusals: bool = True) -> SweepResult:
        """Go through the whole graph, until the first difference."""
        graph = local_graph(system, lambda stimulus, state: self.side.is_supported(stimulus, state.world))
        result = self.result
        result.skipped[NOT_SUPPORTED] += graph.not_supported
        result.states_total, result.transitions_total = len(graph.states), graph.transitions
        states: set[int] = set()
        edges: set[tuple[int, int]] = set()
        try:
            result.difference = self._walk(graph, states, edges, refusals) or self.weak
        except EngineFault as fault:
            result.fault, result.difference = str(fault), self.weak
        finally:
            result.states, result.transitions = len(states), len(edges)
        return result

    def _walk(
        self, graph: LocalGraph, states: set[int], edges: set[tuple[int, int]], refusals: bool
    ) -> Difference | None:
        for walk in plan(graph.targets):
            self.start()
            state = 0
            for k in (*walk, None):
                if state not in states:
                    states.add(state)
                    for stimulus, rule in graph.refusals[state] if refusals else ():
                        if rule is not Refusal.NO_SUCH_DATA and (found := self.refused(stimulus, rule)) is not None:
                            return found
                if k is None:
                    break
                if (found := self.stepped(graph.edges[state][k])) is not None:
                    return found
                edges.add((state, k))
                state = graph.edges[state][k].target
        return None

    def start(self) -> None:
        """Start both again from the first state."""
        self.side.start()
        self.path = []

    def attempted(self, attempt: Attempt) -> Difference | None:
        """Ask the engine a stimulus, lawful or refused, and compare."""
        if attempt.refusal is not None:
            return self.refused(attempt.stimulus, attempt.refusal)
        assert attempt.after is not None
        return self.stepped(Edge(attempt.stimulus, attempt.records, attempt.after, 0))

    def stepped(self, edge: Edge) -> Difference | None:
        """Take a lawful step, and compare."""
        self.path.append(edge.stimulus)
        self.result.steps += 1
        self.result.kinds[frozenset(map(type, edge.records))] += 1
        reply = self.side.ask(edge.stimulus)
        if reply.unsupported is not None:
            raise EngineFault(f"{edge.stimulus}: the port declares it, but does not support it ({reply.unsupported})")
        if reply.refused is not None:
            answer = f"{reply.refused}: {reply.message}"
            return self._difference(
                edge.records, edge.after, answer, [f"the engine refuses a lawful stimulus ({answer})"]
            )
        found = self.side.compare(edge.stimulus, edge.records, reply)
        if found is not None:
            return self._difference(edge.records, edge.after, found.observed, found.wrong)
        self.side.world = edge.after.world
        return None

    def refused(self, stimulus: Any, rule: Refusal) -> Difference | None:
        """Ask a stimulus that the law refuses."""
        reply = self.side.ask(stimulus)
        if reply.unsupported is not None:
            self.result.skipped[reply.unsupported] += 1
            return None
        self.result.refusals += 1
        wrong = wrong_refusal(rule, reply)
        if wrong is None or (wrong.weak and self.weak is not None):
            return None
        observed = self.side.translated(reply) or f"{reply.refused}: {reply.message}"
        self.path.append(stimulus)
        found = self._difference(rule, None, observed, [wrong.message])
        self.path.pop()
        if not wrong.weak:
            return found
        self.weak = found
        return None

    def _difference(
        self,
        law: tuple[Record, ...] | Refusal,
        after: State | None,
        observed: tuple[RecordJson, ...] | str,
        wrong: Sequence[str],
    ) -> Difference:
        """The difference in the last stimulus of the path, with the laws that it breaks."""
        side, world = self.side, after.world if after is not None else None
        laws = laws_broken_by(side.pipeline, side.world, self.path[-1], law, world, observed, wrong, silent=side.silent)
        expected = law if isinstance(law, Refusal) else tuple(as_json(record) for record in law)
        return Difference(tuple(self.path), expected, observed, tuple(wrong), laws)
