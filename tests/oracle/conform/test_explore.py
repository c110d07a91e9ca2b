"""The local graph: counted as the checker counts it, and read alike from every state that looks like another."""

import pytest

from fateline_model import Stimulus
from fateline_model.checker.scopes import instances
from fateline_model.checker.systems import PipelineSystem, State
from fateline_oracle.conform.explore import ConcreteGraph
from fateline_oracle.law.verification import read_lock

SYMMETRIC = [
    found
    for found in instances("small")
    if found.machine == "pipeline" and found.family in ("untimed diamond", "twins", "leaving")
]


def ways_of(name: str) -> ConcreteGraph:
    instance = next(found for found in instances("small") if found.name == name)
    assert isinstance(instance.system, PipelineSystem)
    return ConcreteGraph(instance.system, lambda stimulus, state: True)


@pytest.mark.parametrize("instance", SYMMETRIC, ids=lambda instance: instance.name)
def test_it_has_the_states_and_edges_that_the_checker_counts(instance: object) -> None:
    name = instance.name  # type: ignore[attr-defined]
    graph = ways_of(name).graph
    assert [len(graph.states), graph.transitions] == read_lock()["small"]["instances"][name][:2]


def test_from_a_state_that_looks_like_another_the_same_stimuli_lead_to_the_same_states() -> None:
    """The names of a state are read in its own: what is said to it is lawful, and leads where the graph says."""
    ways = ways_of("untimed diamond policy=require_all timed=False")
    waiting, seen, renamed = [ways.first()], set[State](), 0
    while waiting:
        here = waiting.pop()
        if here.state in seen:
            continue
        seen.add(here.state)
        said = set[Stimulus]()
        for edge in ways.graph.edges[here.number]:
            taken = ways.take(here, edge.stimulus)
            said.add(taken.stimulus)
            renamed += taken.stimulus != edge.stimulus
            assert taken.to.number == edge.target
            waiting.append(taken.to)
        assert len(said) == len(ways.graph.edges[here.number])
    assert len(seen) > len(ways.graph.states)
    assert renamed > 0
