"""The local graph of an instance: its states, numbered, and what can happen in each; the denominator of coverage.

One row is explored with branches that look alike reduced to one. An engine walks unreduced, so a concrete state knows its
representative's number and how its names read there: a stimulus of the graph is said in the names of the state in which
it is asked (`Ways`). What the law writes in a step is worked out once and kept. Not here: which walks to take
(`edge_cover.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from fateline_model import Refusal, Stimulus, step
from fateline_model.checker.symmetry import Symmetry
from fateline_model.checker.systems import Attempt, LifecycleSystem, PipelineSystem, State, System
from fateline_model.records import Record, as_json
from fateline_model.stimuli import Do

from ..compare.records import Keyed, keyed

OF_THE_RUN: Final = frozenset({Do.END_OF_SOURCE, Do.CRASH, Do.RESUME, Do.RUN_OVER})
"""What happens to the run as a whole, and so to every row at once."""


class Edge(NamedTuple):
    """A lawful stimulus of a state, in its names, what the law writes, the state after it and the number of that."""

    stimulus: Any
    records: tuple[Record, ...]
    after: State
    target: int


@dataclass
class LocalGraph:
    """Every state of an instance, the first is number 0; its edges, and the stimuli that the law refuses there."""

    states: list[State] = field(default_factory=list)
    edges: list[list[Edge]] = field(default_factory=list)
    refusals: list[list[tuple[Any, Refusal]]] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    places: list[dict[Any, int]] = field(default_factory=list)
    """For each state, which of its edges a stimulus is."""
    left_out: int = 0
    """Lawful stimuli that the engine does not support."""
    not_supported: int = 0
    """All stimuli that it does not support."""

    @property
    def transitions(self) -> int:
        return sum(map(len, self.edges))

    @property
    def targets(self) -> list[list[int]]:
        return [[edge.target for edge in edges] for edges in self.edges]

    def number(self, state: State) -> int:
        number = self.numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.edges.append([])
            self.refusals.append([])
            self.places.append({})
        return number

    def stimuli(self, walk: Iterable[int]) -> list[Stimulus]:
        """A walk from the first state, given by the numbers of its edges."""
        state, said = 0, []
        for place in walk:
            edge = self.edges[state][place]
            said.append(edge.stimulus)
            state = edge.target
        return said


Supported = Callable[[Any, State], bool]
"""Whether an engine can be asked a stimulus in a state."""
Fold = Callable[[State], State]
"""Gives the representative of a state."""


def local_graph(system: System, is_supported: Supported, fold: Fold | None = None) -> LocalGraph:
    """Explore an instance of any machine; as `fateline_model.checker.search` does it, without asking any law."""
    graph = LocalGraph()
    same = fold or (lambda state: state)
    graph.number(same(system.first()))
    place = 0
    while place < len(graph.states):
        state = graph.states[place]
        for attempt in _supported(system, state, is_supported, graph):
            if attempt.refusal is not None:
                graph.refusals[place].append((attempt.stimulus, attempt.refusal))
            elif attempt.after is not None and not attempt.out_of_bounds:
                graph.places[place][attempt.stimulus] = len(graph.edges[place])
                target = graph.number(same(attempt.after))
                graph.edges[place].append(Edge(attempt.stimulus, attempt.records, attempt.after, target))
        place += 1
    return graph


def _supported(system: System, state: State, is_supported: Supported, graph: LocalGraph) -> Iterator[Attempt]:
    """What an engine can be asked in a state. Most operations of a hostile caller cannot be said at the lifecycle port, so
    they are not even tried in the law."""
    if isinstance(system, LifecycleSystem):

        def can_be_said(stimulus: Any) -> bool:
            supported = is_supported(stimulus, state)
            graph.not_supported += not supported
            return supported

        yield from system.attempts(state, can_be_said)
        return
    for attempt in system.attempts(state):
        if is_supported(attempt.stimulus, state):
            yield attempt
        else:
            graph.not_supported += 1
            graph.left_out += attempt.refusal is None


class ConcreteStep:
    """One lawful step from a concrete state: what is asked, what the law writes, and where it leads."""

    __slots__ = ("expected", "kinds", "stimulus", "to", "wanted")

    def __init__(
        self, stimulus: Stimulus, expected: list[dict[str, object]], kinds: frozenset[type], to: "ConcreteState"
    ):
        self.stimulus = stimulus
        self.expected = expected
        self.wanted: Keyed = keyed(expected)
        self.kinds = kinds
        self.to = to


class ConcreteState:
    """A concrete state: its number in the graph, and the names of the representative read in its own."""

    __slots__ = ("names", "number", "state", "taken")

    def __init__(self, state: State, number: int, names: Mapping[str, str]) -> None:
        self.state = state
        self.number = number
        self.names = names
        self.taken: dict[Stimulus, ConcreteStep] = {}

    def say(self, stimulus: Stimulus) -> Stimulus:
        """A stimulus of the graph in the names of this state."""
        if not self.names:
            return stimulus
        token = self.names.get(stimulus.token, stimulus.token) if stimulus.token is not None else None
        hold = self.names.get(stimulus.hold, stimulus.hold) if stimulus.hold is not None else None
        return stimulus._replace(token=token, hold=hold)


class ConcreteGraph:
    """The concrete states of one instance, as they are met."""

    def __init__(self, system: PipelineSystem, is_supported: Supported, *, reduced: bool = True) -> None:
        self.system = system
        self.symmetry = symmetry = Symmetry(system.pipeline, system.verdicts) if reduced else None
        fold = (lambda state: symmetry.fold(state)[0]) if symmetry is not None else None
        self.graph = local_graph(system, is_supported, fold)
        self._here: dict[State, ConcreteState] = {}

    def first(self) -> ConcreteState:
        return self._at(self.system.first())

    def _at(self, state: State) -> ConcreteState:
        here = self._here.get(state)
        if here is None:
            folded, names = state, dict[str, str]()
            if self.symmetry is not None:
                folded = self.symmetry.fold(state)[0]
                names = {renamed: name for name, renamed in self.symmetry.names(state).items() if name != renamed}
            here = self._here[state] = ConcreteState(state, self.graph.numbers[folded], names)
        return here

    def take(self, here: ConcreteState, stimulus: Stimulus) -> ConcreteStep:
        """A step of the graph from here; `stimulus` in the names of the representative."""
        taken = here.taken.get(stimulus)
        if taken is None:
            said = here.say(stimulus)
            records, after = self._law(here, stimulus, said)
            expected = [as_json(record) for record in records]
            taken = ConcreteStep(said, expected, frozenset(map(type, records)), self._at(after))
            here.taken[stimulus] = taken
        return taken

    def _law(self, here: ConcreteState, stimulus: Stimulus, said: Stimulus) -> tuple[tuple[Record, ...], State]:
        """What the law writes and where it leads; worked out already where the state is its own representative."""
        graph = self.graph
        if graph.states[here.number] is here.state or graph.states[here.number] == here.state:
            edge = graph.edges[here.number][graph.places[here.number][stimulus]]
            return edge.records, edge.after
        law = step(self.system.pipeline, here.state.world[0], said)
        if isinstance(law, Refusal):
            raise ValueError(f"{said} leads on in the graph, and is refused as {law}")
        return law.records, State((law.run,), here.state.crashes + (said.do is Do.CRASH))
