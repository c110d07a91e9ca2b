"""What the two smaller ports have in common: a machine of the law beside an engine, driven through its whole graph.

Every state and every lawful step of the explored graph, and in each state once every stimulus that the law refuses there.
What the port cannot say is left out of the graph, with what only that leads to, and counted. Not here: what is compared
(`lifecycle.py`, `barrier.py`), and pipelines, which are driven many rows at a time (`batch_driver.py`).
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from fateline_model import Pipeline, Refusal
from fateline_model.checker.systems import Attempt, LifecycleSystem, State, System
from fateline_model.lifecycle import World
from fateline_model.records import Record, as_json

from ..compare.broken_laws import blame
from ..compare.data_laws import Broken
from ..ports.port import EngineFault, Reply, Written
from .edge_cover import plan

S = TypeVar("S")
W = TypeVar("W", bound=World)


class Difference(NamedTuple):
    """What the engine wrote, and in what that is not the law's."""

    observed: tuple[Written, ...]
    wrong: tuple[str, ...]


class Beside(ABC, Generic[S, W]):
    """A machine of the law and an engine, in the same state."""

    world: World
    silent: frozenset[str]
    """Laws that speak of what such a port does not show."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @abstractmethod
    def start(self) -> None:
        """Both begin again from nothing."""

    @abstractmethod
    def sayable(self, stimulus: S, world: World) -> bool:
        """Whether the port has a way to say this here."""

    @abstractmethod
    def ask(self, stimulus: S) -> Reply:
        """The engine's answer."""

    @abstractmethod
    def compare(self, stimulus: S, records: tuple[Record, ...], reply: Reply) -> Difference | None:
        """What it wrote held against what the law writes."""

    @abstractmethod
    def translated(self, reply: Reply) -> tuple[Written, ...]:
        """What it wrote, in the names of the law."""


@dataclass
class Swept:
    """What a sweep covered, and the first difference."""

    states: int = 0
    states_total: int = 0
    transitions: int = 0
    transitions_total: int = 0
    steps: int = 0
    refusals: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    kinds: Counter[frozenset[type]] = field(default_factory=Counter)
    stimuli: tuple[Any, ...] = ()
    expected: tuple[Written, ...] | str = ()
    observed: tuple[Written, ...] | str = ()
    differences: tuple[str, ...] = ()
    laws: tuple[Broken, ...] = ()
    fault: str | None = None


class _Edge(NamedTuple):
    stimulus: Any
    records: tuple[Record, ...]
    after: State
    target: int


UNSAID = "the port has no way to say it"


def sweep(system: System, beside: Beside[Any, Any], *, refusals: bool = True) -> Swept:
    """Through the whole graph, until the engine leaves the law."""
    done = Swept()
    states, edges, refused = _explored(system, beside, done)
    done.states_total, done.transitions_total = len(states), sum(map(len, edges))
    visited: set[int] = set()
    covered: set[tuple[int, int]] = set()
    try:
        for walk in plan([[edge.target for edge in out] for out in edges]):
            beside.start()
            path: list[Any] = []
            state = 0
            for k in (*walk, None):
                if state not in visited:
                    visited.add(state)
                    if refusals and not all(_refuses(beside, *one, path, done) for one in refused[state]):
                        return done
                if k is None:
                    break
                edge = edges[state][k]
                path.append(edge.stimulus)
                if not _stepped(beside, edge, path, done):
                    return done
                covered.add((state, k))
                state = edge.target
    except EngineFault as fault:
        done.fault = str(fault)
    finally:
        done.states, done.transitions = len(visited), len(covered)
    return done


_Refused = list[tuple[Any, Refusal]]


def _explored(
    system: System, beside: Beside[Any, Any], done: Swept
) -> tuple[list[State], list[list[_Edge]], list[_Refused]]:
    """The graph of what can be said, and for each state what is to be refused there."""
    states = [system.first()]
    numbers = {states[0]: 0}
    edges: list[list[_Edge]] = []
    refused: list[_Refused] = []
    for state in states:
        out: list[_Edge] = []
        against: _Refused = []
        edges.append(out)
        refused.append(against)
        for offer in _sayable_offers(system, beside, state, done):
            if offer.out_of_bounds or offer.refusal is Refusal.NO_SUCH_DATA:
                continue
            if offer.refusal is not None:
                against.append((offer.stimulus, offer.refusal))
            elif offer.after is not None:
                target = numbers.setdefault(offer.after, len(states))
                if target == len(states):
                    states.append(offer.after)
                out.append(_Edge(offer.stimulus, offer.records, offer.after, target))
    return states, edges, refused


def _sayable_offers(system: System, beside: Beside[Any, Any], state: State, done: Swept) -> Iterator[Attempt]:
    """What can be said in a state. Most operations of a hostile caller cannot, and are not even tried in the law."""

    def sayable(stimulus: Any) -> bool:
        said = beside.sayable(stimulus, state.world)
        done.skipped[UNSAID] += not said
        return said

    if isinstance(system, LifecycleSystem):
        yield from system.attempts(state, sayable)
    else:
        yield from (offer for offer in system.attempts(state) if sayable(offer.stimulus))


def step_once(beside: Beside[Any, Any], offer: Attempt, path: list[Any], done: Swept) -> bool:
    """One offer of a system on the engine, lawful or to be refused; whether the two may go on from here."""
    if offer.refusal is not None:
        return _refuses(beside, offer.stimulus, offer.refusal, path[:-1], done)
    assert offer.after is not None
    return _stepped(beside, _Edge(offer.stimulus, offer.records, offer.after, 0), path, done)


def _stepped(beside: Beside[Any, Any], edge: _Edge, path: list[Any], done: Swept) -> bool:
    done.steps += 1
    done.kinds[frozenset(map(type, edge.records))] += 1
    reply = beside.ask(edge.stimulus)
    if reply.unsaid is not None:
        raise EngineFault(f"{edge.stimulus}: offered, and then unsaid ({reply.unsaid})")
    if reply.refused is not None:
        said = f"{reply.refused}: {reply.message}"
        wrong = Difference((), (f"the engine refuses what is lawful ({said})",))
        return _differ(beside, edge.stimulus, edge.records, edge.after.world, wrong, said, path, done)
    found = beside.compare(edge.stimulus, edge.records, reply)
    if found is not None:
        return _differ(beside, edge.stimulus, edge.records, edge.after.world, found, found.observed, path, done)
    beside.world = edge.after.world
    return True


def _refuses(beside: Beside[Any, Any], stimulus: Any, rule: Refusal, path: list[Any], done: Swept) -> bool:
    """Whether it is refused, for the law's reason and without a record."""
    reply = beside.ask(stimulus)
    if reply.unsaid is not None:
        done.skipped[reply.unsaid] += 1
        return True
    done.refusals += 1
    if reply.refused == rule and not reply.records:
        return True
    observed: tuple[Written, ...] | str = beside.translated(reply) or f"{reply.refused}: {reply.message}"
    weak = False
    if reply.refused is None:
        said = f"the law refuses this ({rule}), and the engine wrote {len(reply.records)} records"
    elif reply.records:
        said = "refused, but not without a trace"
    elif done.differences:
        return True  # another reason is a small thing, and one of them is enough
    else:
        weak = True
        said = f"refused as {reply.refused}, and the law says {rule}"
    found = Difference(observed if isinstance(observed, tuple) else (), (said,))
    _differ(beside, stimulus, rule, None, found, observed, [*path, stimulus], done)
    return weak


def _differ(
    beside: Beside[Any, Any],
    stimulus: Any,
    law: tuple[Record, ...] | Refusal,
    after: World | None,
    found: Difference,
    observed: tuple[Written, ...] | str,
    path: list[Any],
    done: Swept,
) -> bool:
    """Note the difference, with the laws that it breaks; False, to end the sweep."""
    done.stimuli, done.observed, done.differences = tuple(path), observed, found.wrong
    done.expected = str(law) if isinstance(law, Refusal) else tuple(as_json(record) for record in law)
    done.laws = blame(beside.pipeline, beside.world, stimulus, law, after, observed, found.wrong, silent=beside.silent)
    return False
