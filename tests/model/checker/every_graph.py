"""Graphs that only tests need: all of a size, the ill-formed ones too, and documents that are one change away. Not a test."""

from collections.abc import Iterator
from copy import deepcopy

from fateline_model.checker.shapes import Document
from fateline_model.checker.small_pipelines import Graph, debts, grow, in_order, is_well_formed


def every_graph(size: int) -> tuple[Graph, ...]:
    """Every graph of this size whose nodes can all be reached from the source, also ill-formed ones."""
    return in_order(grow((), size, lambda graph: True))


def well_formed(size: int) -> tuple[Graph, ...]:
    """Every well-formed graph of this size, gates that do not fork and nodes in a row included."""
    return in_order(graph for graph in grow((), size, lambda graph: debts(graph) is not None) if is_well_formed(graph))


def one_change_away(document: Document) -> Iterator[Document]:
    """One edge that leads elsewhere, or one branch more or less in the list of a coalesce."""
    heads = [node["name"] for node in document["nodes"] if node["kind"] != "source"]
    for place, node in enumerate(document["nodes"]):
        for head in heads:
            if node.get("to") not in (None, head):
                yield _changed(document, place, to=head)
            for branch, old in node.get("fork", {}).items():
                if old != head:
                    yield _changed(document, place, fork=node["fork"] | {branch: head})
        for branch in node.get("branches", ()):
            yield _changed(document, place, branches=[each for each in node["branches"] if each != branch])
        if "branches" in node:
            yield _changed(document, place, branches=[*node["branches"], "z"])


def _changed(document: Document, place: int, **keys: object) -> Document:
    changed = deepcopy(document)
    changed["nodes"][place] |= keys
    return changed
