"""Explores the local graph of an instance: its numbered states, and what can happen in each. Coverage is counted in it.

Two levels
----------
`LocalGraph` is explored once, breadth first, and reduced: branches that look alike are one branch (the symmetry of
`fateline_model.checker.symmetry`). Each state in it is the representative of all states that differ only in the names of such
branches. It says which stimuli are lawful in a state (edges), which are refused and by which rule, and where each edge leads.

An engine runs without any reduction. It stands in concrete states, and its tokens have concrete names. `ConcreteGraph`
connects the two: a `ConcreteState` knows the number of its representative, and which concrete name each name of the
representative stands for. So coverage is counted in few states, while the engine gets the stimuli of the state it is
in.

An example
----------
Gate `g` forks into branches `a` and `b`, which have the same nodes. In one run, `0/a` has arrived at the coalesce and `0/b` is
at work; in another run it is the other way round. Both states have one representative, say number 17, with `0/a`
arrived. The walk says `finish(0/b, pass)`. In the second run `ConcreteState.say` turns that into `finish(0/a, pass)`.

Rules that the rest relies on
-----------------------------
- State 0 is the first state, and a state's number is its rank in the order of discovery.
- `edges[n][k]` is edge `k` of state `n`. Its stimulus and its records have the names of that representative; `after` is the
  concrete state after it, `target` the number of the representative of `after`.
- `places[n][stimulus]` is `k` again.
- A stimulus that an engine does not support is left out of the graph, with the states that only it leads to, and counted.
- The law is stepped once for each concrete state and stimulus; the result is kept in `ConcreteState.taken`. If the
  concrete state is its own representative, the result of the exploration is used.

Given up: the whole graph is kept in memory. That is possible because one row is explored; two rows would need about the
square of it.

Not here: which walks to take (`edge_cover.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from fateline_model import Refusal, Stimulus, step
from fateline_model.checker.symmetry import Symmetry
from fateline_model.checker.systems import Attempt, LifecycleSystem, PipelineSystem, State, System
from fateline_model.records import Record, RunRecord, as_json
from fateline_model.stimuli import Do

from ..compare.questions import Step, step_of
from ..compare.records import Keyed, keyed

OF_THE_RUN: Final = frozenset({Do.END_OF_SOURCE, Do.CRASH, Do.RESUME, Do.RUN_OVER})
"""The stimuli that happen to the run as a whole, and therefore to every row."""


class Edge(NamedTuple):
    """A lawful stimulus of a state, the records that the law writes, the state after it, and the number of that state."""

    stimulus: Any
    records: tuple[Record, ...]
    after: State
    target: int


@dataclass
class LocalGraph:
    """Every state of an instance, with its edges and the stimuli that the law refuses in it. State 0 is the first."""

    states: list[State] = field(default_factory=list)
    edges: list[list[Edge]] = field(default_factory=list)
    refusals: list[list[tuple[Any, Refusal]]] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    places: list[dict[Any, int]] = field(default_factory=list)
    """For each state, the number of the edge of each stimulus."""
    left_out: int = 0
    """Lawful stimuli that the engine does not support."""
    not_supported: int = 0
    """All stimuli, lawful or refused, that the engine does not support."""

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
        """The stimuli of a walk from the first state. The walk is given by the numbers of its edges."""
        state, stimuli = 0, []
        for place in walk:
            edge = self.edges[state][place]
            stimuli.append(edge.stimulus)
            state = edge.target
        return stimuli


Supported = Callable[[Any, State], bool]
"""True if the engine supports a stimulus in a state."""
Fold = Callable[[State], State]
"""Gives the representative of a state."""


def local_graph(system: System, is_supported: Supported, fold: Fold | None = None) -> LocalGraph:
    """Explore an instance of any machine, as `fateline_model.checker.search` does, but without checking any law."""
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
    """The attempts that the engine supports in a state. The lifecycle port supports few of the operations of a hostile caller;
    the others are not stepped in the law at all."""
    if isinstance(system, LifecycleSystem):

        def can_be_asked(stimulus: Any) -> bool:
            supported = is_supported(stimulus, state)
            graph.not_supported += not supported
            return supported

        yield from system.attempts(state, can_be_asked)
        return
    for attempt in system.attempts(state):
        if is_supported(attempt.stimulus, state):
            yield attempt
        else:
            graph.not_supported += 1
            graph.left_out += attempt.refusal is None


def by_distance(graph: LocalGraph) -> Iterator[tuple[int, Callable[[], tuple[Any, ...]], int]]:
    """The states of a graph, nearest first, each with a function that gives a shortest path to it."""
    came: dict[int, tuple[int, Any] | None] = {0: None}
    concrete: dict[int, int] = {0: 0}
    waiting = [0]
    while waiting:
        ahead: list[int] = []
        for state in waiting:

            def path(at: int = state) -> tuple[Any, ...]:
                path_back: list[Any] = []
                while (step := came[at]) is not None:
                    at, stimulus = step
                    path_back.append(stimulus)
                return tuple(reversed(path_back))

            yield concrete[state], path, state
            for edge in graph.edges[state]:
                # A path is valid only if each state is its own representative: in other states the names differ.
                if edge.target not in came and graph.states[edge.target] == edge.after:
                    came[edge.target] = (state, edge.stimulus)
                    concrete[edge.target] = concrete[state] + 1
                    ahead.append(edge.target)
        waiting = ahead


class ConcreteStep:
    """One lawful step from a concrete state: the stimulus, the records that the law writes, and the state after it."""

    __slots__ = ("_without_run", "about", "expected", "records", "stimulus", "to", "wanted")

    def __init__(self, stimulus: Stimulus, records: tuple[Record, ...], to: "ConcreteState"):
        self.stimulus = stimulus
        self.records = records
        self.expected = [as_json(record) for record in records]
        self.wanted: Keyed = keyed(self.expected)
        self.about: Step = step_of(stimulus, records)
        self.to = to
        self._without_run: ConcreteStep | None = None

    def without_run(self) -> "ConcreteStep":
        """The step without the record of the run itself. It is made once."""
        if self._without_run is None:
            records = tuple(record for record in self.records if not isinstance(record, RunRecord))
            self._without_run = ConcreteStep(self.stimulus, records, self.to)
        return self._without_run


class ConcreteState:
    """A concrete state: the number of its representative, and the concrete name for each name of the representative."""

    __slots__ = ("names", "number", "state", "taken")

    def __init__(self, state: State, number: int, names: Mapping[str, str]) -> None:
        self.state = state
        self.number = number
        self.names = names
        self.taken: dict[Stimulus, ConcreteStep] = {}

    def say(self, stimulus: Stimulus) -> Stimulus:
        """A stimulus of the graph, with the names of this state."""
        if not self.names:
            return stimulus
        token = self.names.get(stimulus.token, stimulus.token) if stimulus.token is not None else None
        hold = self.names.get(stimulus.hold, stimulus.hold) if stimulus.hold is not None else None
        return stimulus._replace(token=token, hold=hold)


class ConcreteGraph:
    """The concrete states of one instance, made when they are first met."""

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
        """Take a step from here. `stimulus` has the names of the representative."""
        taken = here.taken.get(stimulus)
        if taken is None:
            concrete = here.say(stimulus)
            records, after = self._law(here, stimulus, concrete)
            taken = ConcreteStep(concrete, records, self._at(after))
            here.taken[stimulus] = taken
        return taken

    def _law(self, here: ConcreteState, stimulus: Stimulus, concrete: Stimulus) -> tuple[tuple[Record, ...], State]:
        """The records that the law writes, and the state after them."""
        graph = self.graph
        if graph.states[here.number] is here.state or graph.states[here.number] == here.state:
            edge = graph.edges[here.number][graph.places[here.number][stimulus]]
            return edge.records, edge.after
        law = step(self.system.pipeline, here.state.world[0], concrete)
        if isinstance(law, Refusal):
            raise ValueError(f"{concrete} is lawful in the graph, but refused here as {law}")
        return law.records, State((law.run,), here.state.crashes + (concrete.do is Do.CRASH))
