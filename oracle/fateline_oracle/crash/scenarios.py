"""Makes the scenarios of a crash test: lawful runs of an instance, with the records that the law writes along them.

What a scenario is
------------------
A scenario is a list of lawful stimuli from the start of a run to its end, without any crash. The scenarios of an instance are
walks of its edge cover (`conform/edge_cover.py`), each continued on a shortest path to a run that is over. Together they
take every step of the local graph, so every kind of write that the engine can make occurs in one of them.

The graph is explored with zero crashes, because the crashes are added by `instance.py`, at the boundaries of writes,
which the graph does not know.

What it knows
-------------
For each scenario of n stimuli the law gives n + 1 moments:

    stimuli        read(0)     begin(0)    finish(0, pass)  ...
    runs        0           1           2                3         runs[k]: the run after k stimuli
    wanted      0           1           2                3         wanted[k]: all records left after k stimuli

A crash state must equal `wanted[k]` for some k: a prefix of whole steps. Which k are possible depends on where the
crash came; `check.py` tries those.

Continuing after a crash
------------------------
`after_a_crash(k)` is the scenario that the engine goes on with: the first k stimuli, crash, resume, the rest. Crash and
resume are steps of the law, so `wanted` covers what a resume must record (interrupted visits, next attempts).

An example: `read begin finish`, crash state with one step committed: `read crash resume begin finish`. If the engine is
stopped again before its resume was committed, the first crash has left no trace, and the scenario is the same once
more, not `read crash resume crash resume begin finish`.

The prefix of a scenario is never stepped twice, and `LawCache` remembers each step of the law by run and stimulus,
because thousands of crash states share their steps.

Not here: any engine.
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
"""The records of a run of which no row has been read. The law writes them later, with its first record about the run."""


class Step(NamedTuple):
    """The records that the law writes in a step, and the run after it."""

    wrote: Keyed
    run: Run


class LawCache:
    """The law for one pipeline. Each step is remembered."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._known: dict[tuple[Run, Stimulus], Step] = {}

    def take(self, run: Run, stimulus: Stimulus) -> Step:
        """Take a lawful step."""
        known = self._known.get((run, stimulus))
        if known is None:
            law = step(self.pipeline, run, stimulus)
            if not isinstance(law, Accepted):
                raise ValueError(f"{stimulus} is refused as {law}; a scenario has lawful steps only")
            known = self._known[run, stimulus] = Step(keyed(as_json(record) for record in law.records), law.run)
        return known


class Scenario:
    """A sequence of lawful stimuli, with the run and all its records before each and at the end."""

    def __init__(
        self, law: LawCache, stimuli: Sequence[Stimulus], runs: Sequence[Run], wanted: Sequence[Keyed]
    ) -> None:
        self.law = law
        self.stimuli = tuple(stimuli)
        self.runs = tuple(runs)
        self.wanted = tuple(wanted)

    @classmethod
    def of(cls, law: LawCache, stimuli: Sequence[Stimulus]) -> "Scenario":
        """The scenario of these stimuli, from the first state."""
        return cls(law, (), (Run(),), (STARTED,))._on(stimuli)

    def after_a_crash(self, at: int) -> "Scenario":
        """The same scenario with a crash and a resume after its first `at` steps.

        If there is a crash already whose resume was not committed, it has left no trace and is replaced.
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
        here, stimuli = ways.first(), []
        for stimulus in walk:
            taken = ways.take(here, stimulus)
            stimuli.append(taken.stimulus)
            here = taken.to
        yield Scenario.of(law, stimuli)


def _whole(graph: LocalGraph, walk: Sequence[int], to_the_end: Sequence[int | None]) -> list[Stimulus]:
    """The stimuli of a walk, continued on a shortest path to the end of the run."""
    places, state = list(walk), 0
    for place in places:
        state = graph.edges[state][place].target
    while (last := to_the_end[state]) is not None:
        places.append(last)
        state = graph.edges[state][last].target
    return graph.stimuli(places)


def _to_the_end(graph: LocalGraph) -> list[int | None]:
    """For each state, the edge of a shortest path to a run that is over; None in such a state itself."""
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
        raise ValueError(f"{len(graph.states) - len(known)} states do not lead to the end of the run")
    return found
