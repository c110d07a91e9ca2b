"""The local graph of an instance: its states, numbered, and what can happen in each; the denominator of coverage.

One row is explored with branches that look alike reduced to one. An engine walks unreduced, so a concrete state knows its
representative's number and how its names read there: a stimulus of the graph is said in the names of the state in which
it is asked (`Ways`). What the law writes in a step is worked out once and kept. Not here: which walks to take
(`edge_cover.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fateline_model import Refusal, Stimulus, step
from fateline_model.checker.symmetry import Symmetry
from fateline_model.checker.systems import PipelineSystem, State
from fateline_model.records import Record, as_json
from fateline_model.stimuli import Do

from ..compare.records import Keyed, keyed

OF_THE_RUN: Final = frozenset({Do.END_OF_SOURCE, Do.CRASH, Do.RESUME, Do.RUN_OVER})
"""What happens to the run as a whole, and so to every row at once."""


class Edge(NamedTuple):
    """A lawful stimulus of a state, in its names, what the law writes, the state after it and the number of that."""

    stimulus: Stimulus
    records: tuple[Record, ...]
    after: State
    target: int


@dataclass
class LocalGraph:
    """Every state of an instance, the first is number 0; its edges, and the stimuli that the law refuses there."""

    states: list[State] = field(default_factory=list)
    edges: list[list[Edge]] = field(default_factory=list)
    refusals: list[list[tuple[Stimulus, Refusal]]] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    places: list[dict[Stimulus, int]] = field(default_factory=list)
    """For each state, which of its edges a stimulus is."""
    left_out: int = 0
    """Lawful stimuli that cannot be said to the engine at all."""

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


Sayable = Callable[[Stimulus, State], bool]
"""Whether a stimulus can be said to an engine in a state."""


def local_graph(system: PipelineSystem, symmetry: Symmetry | None, sayable: Sayable) -> LocalGraph:
    """Explore an instance; as `explore` does it, without asking any law."""
    graph = LocalGraph()
    fold = (lambda state: symmetry.fold(state)[0]) if symmetry is not None else (lambda state: state)
    graph.number(fold(system.first()))
    place = 0
    while place < len(graph.states):
        state = graph.states[place]
        for offer in system.attempts(state):
            stimulus = offer.stimulus
            if not isinstance(stimulus, Stimulus):
                continue
            if not sayable(stimulus, state):
                graph.left_out += offer.refusal is None
            elif offer.refusal is not None:
                graph.refusals[place].append((stimulus, offer.refusal))
            elif offer.after is not None and not offer.out_of_bounds:
                graph.places[place][stimulus] = len(graph.edges[place])
                target = graph.number(fold(offer.after))
                graph.edges[place].append(Edge(stimulus, offer.records, offer.after, target))
        place += 1
    return graph


class Taken:
    """One lawful step from a concrete state: what is asked, what the law writes, and where it leads."""

    __slots__ = ("expected", "kinds", "stimulus", "to", "wanted")

    def __init__(self, stimulus: Stimulus, expected: list[dict[str, object]], kinds: frozenset[type], to: "Here"):
        self.stimulus = stimulus
        self.expected = expected
        self.wanted: Keyed = keyed(expected)
        self.kinds = kinds
        self.to = to


class Here:
    """A concrete state: its number in the graph, and the names of the representative read in its own."""

    __slots__ = ("names", "number", "state", "taken")

    def __init__(self, state: State, number: int, names: Mapping[str, str]) -> None:
        self.state = state
        self.number = number
        self.names = names
        self.taken: dict[Stimulus, Taken] = {}

    def say(self, stimulus: Stimulus) -> Stimulus:
        """A stimulus of the graph in the names of this state."""
        if not self.names:
            return stimulus
        token = self.names.get(stimulus.token, stimulus.token) if stimulus.token is not None else None
        hold = self.names.get(stimulus.hold, stimulus.hold) if stimulus.hold is not None else None
        return stimulus._replace(token=token, hold=hold)


class Ways:
    """The concrete states of one instance, as they are met."""

    def __init__(self, system: PipelineSystem, sayable: Sayable, *, reduced: bool = True) -> None:
        self.system = system
        self.symmetry = Symmetry(system.pipeline, system.verdicts) if reduced else None
        self.graph = local_graph(system, self.symmetry, sayable)
        self._here: dict[State, Here] = {}

    def first(self) -> Here:
        return self._at(self.system.first())

    def _at(self, state: State) -> Here:
        here = self._here.get(state)
        if here is None:
            folded, names = state, dict[str, str]()
            if self.symmetry is not None:
                folded = self.symmetry.fold(state)[0]
                names = {renamed: name for name, renamed in self.symmetry.names(state).items() if name != renamed}
            here = self._here[state] = Here(state, self.graph.numbers[folded], names)
        return here

    def take(self, here: Here, stimulus: Stimulus) -> Taken:
        """A step of the graph from here; `stimulus` in the names of the representative."""
        taken = here.taken.get(stimulus)
        if taken is None:
            said = here.say(stimulus)
            records, after = self._law(here, stimulus, said)
            expected = [as_json(record) for record in records]
            taken = Taken(said, expected, frozenset(map(type, records)), self._at(after))
            here.taken[stimulus] = taken
        return taken

    def _law(self, here: Here, stimulus: Stimulus, said: Stimulus) -> tuple[tuple[Record, ...], State]:
        """What the law writes and where it leads; worked out already where the state is its own representative."""
        graph = self.graph
        if graph.states[here.number] is here.state or graph.states[here.number] == here.state:
            edge = graph.edges[here.number][graph.places[here.number][stimulus]]
            return edge.records, edge.after
        law = step(self.system.pipeline, here.state.world[0], said)
        if isinstance(law, Refusal):
            raise ValueError(f"{said} leads on in the graph, and is refused as {law}")
        return law.records, State((law.run,), here.state.crashes + (said.do is Do.CRASH))
