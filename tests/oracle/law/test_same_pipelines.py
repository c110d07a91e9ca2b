"""Law and engine accept the same pipelines (decision 0030), and refuse the others with a reason."""

from collections.abc import Iterable

import pytest

from fateline_engine import topology
from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import Edge, GateNode, SettingsError, read_pipeline
from fateline_model.checker.shapes import Document
from fateline_model.checker.small_pipelines import document, irreducible
from fateline_model.pipeline import IllFormed
from fateline_model.wellformed import load
from tests.model.checker.every_graph import every_graph, one_change_away


def law_refuses(document: Document) -> tuple[str, ...]:
    try:
        load(document)
    except IllFormed as refused:
        return tuple(f"{problem.found}{problem.remedy}" for problem in refused.problems)
    return ()


def engine_refuses(document: Document) -> tuple[str, ...]:
    try:
        ExecutionGraph.build(read_pipeline(document))
    except SettingsError as refused:
        return tuple(problem.message for problem in refused.problems)
    return ()


def accepted_by_both(documents: Iterable[Document]) -> int:
    """The number of pipelines that both accept. Fails if they differ about one, or if a refusal has no reason."""
    accepted = 0
    for one in documents:
        law, engine = law_refuses(one), engine_refuses(one)
        assert bool(law) == bool(engine), f"law: {law}\nengine: {engine}\n{one}"
        assert all((*law, *engine))
        accepted += not law
    return accepted


@pytest.mark.parametrize("size", [1, 2, 3])
def test_of_every_graph_of_at_most_three_nodes(size: int) -> None:
    documents = [document(graph) for graph in every_graph(size)]
    assert 0 < accepted_by_both(documents) < len(documents)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_of_irreducible_pipelines_they_accept_all(size: int) -> None:
    documents = [document(graph) for graph in irreducible(size)]
    assert accepted_by_both(documents) == len(documents)


@pytest.mark.parametrize("size", [2, 3, 4, pytest.param(5, marks=pytest.mark.slow)])
def test_of_pipelines_one_change_away_from_an_irreducible_one(size: int) -> None:
    documents = [changed for graph in irreducible(size) for changed in one_change_away(document(graph))]
    assert 0 < accepted_by_both(documents) < len(documents)


def test_an_engine_that_carries_a_debt_behind_the_edge_that_loses_it_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the engine did before decision 0030."""
    right = topology.edge_stack

    def carried(known: topology.Topology, edge: Edge) -> topology.Stack:
        node = known.nodes[edge.src]
        is_branch = isinstance(node, GateNode) and edge.label in node.fork
        return right(known, edge) if is_branch else known.stacks[edge.src]

    monkeypatch.setattr(topology, "edge_stack", carried)
    refused = [graph for graph in irreducible(5) if engine_refuses(document(graph))]
    assert refused
    assert all("a token there could owe either" in engine_refuses(document(graph))[0] for graph in refused)
