"""What is run to be broken off: scenarios of an instance, and what the law writes along them.

A scenario is a walk through the local graph without any crash, and on to the end of the run by the shortest way; between
them the walks take every step of the graph. A `Line` is what the law makes of one, step by step, and can branch off where
a crash came: the same steps after a crash and a resume. Not here: any engine.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from fateline_model import Accepted, Run, Stimulus, step
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem
from fateline_model.records import as_json
from fateline_model.stimuli import Do
from fateline_model.wellformed import Pipeline
from fateline_model.words import RunStatus

from ..compare.capabilities import is_supported
from ..compare.records import Keyed, keyed
from ..conform.edge_cover import plan
from ..conform.explore import ConcreteGraph, LocalGraph
from ..ports.port import Hello

CRASH_AND_RESUME: Final = (Stimulus(Do.CRASH), Stimulus(Do.RESUME))
STARTED: Final[Keyed] = {("runs",): (str(RunStatus.RUNNING), None)}
"""What is recorded of a run of which nothing has been read; the law writes it with its first word about the run."""


class Step(NamedTuple):
    """What the law writes in a step, and the run after it."""

    wrote: Keyed
    run: Run


class LawCache:
    """The law of one pipeline; what it said once is remembered."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._known: dict[tuple[Run, Stimulus], Step] = {}

    def take(self, run: Run, stimulus: Stimulus) -> Step:
        """A lawful step."""
        known = self._known.get((run, stimulus))
        if known is None:
            law = step(self.pipeline, run, stimulus)
            if not isinstance(law, Accepted):
                raise ValueError(f"{stimulus} is refused as {law}, and was to be a step of a scenario")
            known = self._known[run, stimulus] = Step(keyed(as_json(record) for record in law.records), law.run)
        return known


class Scenario:
    """A sequence of lawful stimuli with the run before each, and all that is recorded then."""

    def __init__(
        self, law: LawCache, stimuli: Sequence[Stimulus], runs: Sequence[Run], wanted: Sequence[Keyed]
    ) -> None:
        self.law = law
        self.stimuli = tuple(stimuli)
        self.runs = tuple(runs)
        self.wanted = tuple(wanted)

    @classmethod
    def of(cls, law: LawCache, stimuli: Sequence[Stimulus]) -> "Scenario":
        """From the first state."""
        return cls(law, (), (Run(),), (STARTED,))._on(stimuli)

    def after_a_crash(self, at: int) -> "Scenario":
        """The same with a crash and a resume behind its first `at` steps; they are steps of it.

        A crash that came there before, and whose resume was not committed, has left no trace.
        """
        before = Scenario(self.law, self.stimuli[:at], self.runs[: at + 1], self.wanted[: at + 1])
        rest = self.stimuli[at:]
        return before._on((*CRASH_AND_RESUME, *(rest[2:] if rest[:2] == CRASH_AND_RESUME else rest)))

    def _on(self, stimuli: Sequence[Stimulus]) -> "Scenario":
        runs, wanted = list(self.runs), list(self.wanted)
        for stimulus in stimuli:
            wrote, run = self.law.take(runs[-1], stimulus)
            runs.append(run)
            wanted.append({**wanted[-1], **wrote})
        return Scenario(self.law, (*self.stimuli, *stimuli), runs, wanted)


def scenarios(instance: Instance, hello: Hello, law: LawCache) -> Iterator[Scenario]:
    """The scenarios of an instance, the shortest first."""
    system = instance.system
    assert isinstance(system, PipelineSystem)
    orderly = PipelineSystem(system.pipeline, system.rows, 0, system.options._replace(hostile=False))
    ways = ConcreteGraph(orderly, partial(is_supported, hello), reduced=instance.machine == "pipeline")
    to_the_end = _to_the_end(ways.graph)
    walks = sorted((_whole(ways.graph, walk, to_the_end) for walk in plan(ways.graph.targets)), key=len)
    for walk in walks:
        here, said = ways.first(), []
        for stimulus in walk:
            taken = ways.take(here, stimulus)
            said.append(taken.stimulus)
            here = taken.to
        yield Scenario.of(law, said)


def _whole(graph: LocalGraph, walk: Sequence[int], to_the_end: Sequence[int | None]) -> list[Stimulus]:
    """The stimuli of a walk, and of the shortest way from where it ends to the end of the run."""
    places, state = list(walk), 0
    for place in places:
        state = graph.edges[state][place].target
    while (last := to_the_end[state]) is not None:
        places.append(last)
        state = graph.edges[state][last].target
    return graph.stimuli(places)


def _to_the_end(graph: LocalGraph) -> list[int | None]:
    """Of each state the edge that leads to a run that is over by the shortest way; none from there."""
    into: list[list[tuple[int, int]]] = [[] for _ in graph.states]
    for state, edges in enumerate(graph.edges):
        for place, edge in enumerate(edges):
            into[edge.target].append((state, place))
    ends = [number for number, state in enumerate(graph.states) if state.world[0].status is RunStatus.COMPLETED]
    found: list[int | None] = [None] * len(graph.states)
    known, waiting = set(ends), deque(ends)
    while waiting:
        for state, place in into[waiting.popleft()]:
            if state not in known:
                known.add(state)
                found[state] = place
                waiting.append(state)
    if len(known) < len(graph.states):
        raise ValueError(f"{len(graph.states) - len(known)} states lead to no end of the run")
    return found
