"""What `wellformed.py` derives is what follows from a list of every path, on every small pipeline."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from fateline_model import wellformed
from fateline_model.checker.shapes import SHAPES, Document
from fateline_model.checker.small_pipelines import document, irreducible
from fateline_model.pipeline import IllFormed, parse
from fateline_model.words import NodeKind
from fateline_oracle.law.patched import part, patched_model

from .every_graph import every_graph, one_change_away
from .paths import edges, every_path, is_accepted


def differences(derived: Any, document: Document) -> Iterator[str]:
    """Where a derivation says something else of a pipeline than its paths. `derived` is `wellformed`, or a patched copy."""
    paths = every_path(parse(document)[1])
    try:
        made = derived.load(document)
    except ValueError:
        if is_accepted(paths):
            yield "refused, and its paths fit together"
        return
    if not is_accepted(paths):
        yield "accepted, and its paths do not fit together"
        return
    if made.joined != {bracket: coalesce for bracket, (coalesce,) in paths.closed_by.items()}:
        yield f"joined: {made.joined}, by paths {paths.closed_by}"
    for name, node in paths.nodes.items():
        if node.kind is not NodeKind.SINK and made.stacks[name] not in paths.stacks(name):
            yield f"stack of {name}: {made.stacks[name]}, by paths {paths.stacks(name)}"
        if node.kind is NodeKind.GATE and paths.beneath(name) and {made.beneath[name]} != paths.beneath(name):
            yield f"beneath {name}: {made.beneath[name]}, by paths {paths.beneath(name)}"
        if node.kind is NodeKind.GATE and not paths.beneath(name) and made.beneath[name] != ():
            yield f"beneath {name}: {made.beneath[name]}, and none of its branches is joined"
    for edge in edges(paths):
        if {made.loses(edge.src, edge.label)} != paths.loses(edge.src, edge.label):
            yield f"loses {edge}: {made.loses(edge.src, edge.label)}"
    for src in paths.nodes:
        for dst in paths.nodes:
            if made.reaches(src, dst) != ((src, dst) in paths.before):
                yield f"reaches {src}, {dst}: {made.reaches(src, dst)}"


def all_differences(documents: Iterable[Document], derived: Any = wellformed) -> list[str]:
    return [found for one in documents for found in differences(derived, one)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_on_every_graph_of_at_most_three_nodes_ill_formed_ones_too(size: int) -> None:
    assert all_differences(_parsed(document(graph) for graph in every_graph(size))) == []


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_on_every_irreducible_pipeline(size: int) -> None:
    assert all_differences(document(graph) for graph in irreducible(size)) == []


@pytest.mark.parametrize("size", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_one_change_away_from_an_irreducible_pipeline(size: int) -> None:
    changed = (other for graph in irreducible(size) for other in one_change_away(document(graph)))
    assert all_differences(_parsed(changed)) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_on_every_pipeline_that_was_chosen(shape: str) -> None:
    assert all_differences([SHAPES[shape]()]) == []


@pytest.mark.parametrize(
    "find, replace, size",
    [
        ("kind is NodeKind.SINK or not self.stacks[dst]", "kind is NodeKind.SINK", 5),
        ("        self.beneath[name] = stack if any(ahead) else ()", "        self.beneath[name] = stack", 3),
        ("return src == dst or dst in self._reach[src]", "return dst in self._reach[src]", 2),
        ("return stack if joins[edge.dst] else ()", "return stack", 5),
        ("found |= joins[str(self.nodes[inner].to)]", "found |= joins[inner]", 4),
    ],
)
def test_a_wrong_derivation_is_noticed(find: str, replace: str, size: int) -> None:
    with patched_model("wellformed.py", find, replace) as broken:
        wrong = part(broken, "wellformed")
        assert all_differences((document(graph) for graph in irreducible(size)), wrong)


def _parsed(documents: Iterable[Document]) -> Iterator[Document]:
    """Those of which each node by itself, and each name, is in order, and that have no cycle: the others have no paths."""
    for one in documents:
        try:
            nodes = parse(one)[1]
        except IllFormed:
            continue
        by_name = {node.name: node for node in nodes}
        single = [*wellformed._name_problems(nodes), *(p for n in nodes for p in wellformed._node_problems(n, by_name))]
        if not single and not wellformed._Graph(by_name).cycle:
            yield one
