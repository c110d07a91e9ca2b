"""Every small pipeline: the generator leaves none out, makes none twice, and means by *well-formed* what the law means."""

from random import Random

import pytest

from fateline_model.checker.small_pipelines import (
    NOWHERE,
    SINK,
    Graph,
    Inner,
    canonical,
    document,
    grow,
    irreducible,
    is_irreducible,
    is_well_formed,
)
from fateline_model.pipeline import IllFormed
from fateline_model.wellformed import load
from fateline_model.words import NodeKind

from .every_graph import every_graph, well_formed

SIZES = {1: 0, 2: 2, 3: 8, 4: 60, 5: 458}
OF_TWO_BRANCHES = {2: 2, 3: 4, 4: 38, 5: 240}


def accepted(graph: Graph) -> bool:
    try:
        load(document(graph))
    except IllFormed:
        return False
    return True


@pytest.mark.parametrize("size", SIZES)
def test_there_are_as_many_irreducible_pipelines_of_a_size_as_when_they_were_counted_first(size: int) -> None:
    graphs = irreducible(size)
    assert len(graphs) == SIZES[size]
    assert sum(all(len(node.heads) <= 2 for node in graph) for graph in graphs) == OF_TWO_BRANCHES.get(size, 0)
    assert list(graphs) == sorted(set(graphs))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_of_every_graph_the_law_accepts_just_those_that_the_generator_calls_well_formed(size: int) -> None:
    every = every_graph(size)
    assert {graph for graph in every if accepted(graph)} == set(well_formed(size))
    assert any(not accepted(graph) for graph in every)


@pytest.mark.parametrize("size", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_the_irreducible_are_all_well_formed_graphs_that_the_definition_fits(size: int) -> None:
    """What is left off while a graph grows could not have become irreducible."""
    assert tuple(graph for graph in well_formed(size) if is_irreducible(graph)) == irreducible(size)


def test_a_graph_left_off_too_early_is_missed() -> None:
    """The test above can fail: without gates that both fork and go on, fewer are made."""

    def keep(graph: Graph) -> bool:
        return not (graph[-1].heads and graph[-1].to != NOWHERE)

    assert len([graph for graph in grow((), 3, keep) if is_irreducible(graph)]) < SIZES[3]


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_the_law_accepts_every_irreducible_pipeline(size: int) -> None:
    assert all(accepted(graph) for graph in irreducible(size))


def renumbered(graph: Graph, random: Random) -> Graph:
    """The same graph with its nodes in another order that still leads downwards, and its branches shuffled."""
    waiting, order = set(range(len(graph))), list[int]()
    while waiting:
        ready = [place for place in sorted(waiting) if not set(graph[place].ahead) & waiting]
        order.append(random.choice(ready))
        waiting.remove(order[-1])
    number = {old: new for new, old in enumerate(order)} | {SINK: SINK, NOWHERE: NOWHERE}

    def shuffled(heads: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(random.sample([number[head] for head in heads], len(heads)))

    return tuple(Inner(graph[old].kind, number[graph[old].to], shuffled(graph[old].heads)) for old in order)


def test_names_and_the_order_of_branches_make_no_other_pipeline() -> None:
    random = Random(20261129)
    graphs = irreducible(4)
    for graph in graphs:
        assert {canonical(renumbered(graph, random)) for _ in range(10)} == {graph}
    assert any(renumbered(graph, random) != graph for graph in graphs)


def test_a_fork_to_two_coalesces_is_ill_formed_just_where_something_is_owed() -> None:
    fork = Inner(NodeKind.GATE, NOWHERE, (0, 0, 1, 1))
    free = (Inner(NodeKind.COALESCE, SINK), Inner(NodeKind.COALESCE, SINK), fork)
    assert is_well_formed(free)
    assert accepted(free)
    joins = (Inner(NodeKind.COALESCE, SINK), Inner(NodeKind.COALESCE, 0), Inner(NodeKind.COALESCE, SINK))
    owing = (*joins, Inner(NodeKind.GATE, NOWHERE, (1, 1, 2, 2)), Inner(NodeKind.GATE, NOWHERE, (0, 3)))
    assert not is_well_formed(owing)
    assert not accepted(owing)
