"""Nothing is lost by the reduction: what can happen in a small pipeline happens in an irreducible one that is a little larger.

A *kind of step* is the stimulus without names, the kind of the node at which its token is afterwards, how much the token owes
there, and what is recorded. Every kind of step of every well-formed pipeline up to size 2 (of some of size 3 in the slow test)
is one of an irreducible pipeline up to size 4, apart from the steps to a node that owes nothing behind a transform.
"""

from collections.abc import Iterable
from functools import cache

import pytest

from fateline_model.checker.search import explore
from fateline_model.checker.small_pipelines import Graph, document, irreducible
from fateline_model.checker.systems import Attempt, InstanceOptions, PipelineSystem, State
from fateline_model.records import as_json
from fateline_model.state import Token, parse_token_name
from fateline_model.stimuli import Stimulus
from fateline_model.wellformed import Pipeline, load
from fateline_model.words import NodeKind

from .every_graph import well_formed

Kind = tuple[object, ...]
SAID = ("outcome", "verdict", "reason", "status", "trigger")
"""The columns of a record whose values are words of the law."""


def kinds_of(graphs: Iterable[Graph]) -> set[Kind]:
    """Every kind of step of these pipelines, with one row and every verdict."""
    met: set[Kind] = set()
    for graph in graphs:
        pipeline = load(document(graph))
        system = PipelineSystem(pipeline, 1, 0, InstanceOptions())

        def watch(attempt: Attempt, pipeline: Pipeline = pipeline) -> None:
            met.add(kind_of(pipeline, attempt))

        explore(system, (), watch=watch)
    return met


def kind_of(pipeline: Pipeline, attempt: Attempt) -> Kind:
    stimulus = attempt.stimulus
    assert isinstance(stimulus, Stimulus)
    records = sorted({_said(as_json(record)) for record in attempt.records})
    after = _token(attempt.after, stimulus) if attempt.after is not None else None
    verdict = (stimulus.verdict or "").partition(" ")[0]
    where = None if after is None else (_kind(pipeline, after), min(len(after.stack), 2), after.phase, after.via)
    return (str(stimulus.do), verdict, where, tuple(records))


def _said(record: dict[str, object]) -> tuple[str, ...]:
    return (str(record["rec"]), *(f"{column} {record[column]}" for column in SAID if record.get(column)))


def _token(state: State, stimulus: Stimulus) -> Token | None:
    place = parse_token_name(stimulus.token) if stimulus.token is not None else None
    rows = state.world[0].rows
    if place is None or place[0] >= len(rows):
        return None
    return next((token for token in rows[place[0]].tokens if token.name == place[1]), None)


def _kind(pipeline: Pipeline, token: Token) -> NodeKind | None:
    node = pipeline.nodes.get(token.node)
    return node.kind if node is not None else None


@cache
def of_irreducible(largest: int) -> set[Kind]:
    return kinds_of(graph for size in range(2, largest + 1) for graph in irreducible(size))


def left_out(every: set[Kind]) -> set[Kind]:
    """The kinds of steps that no irreducible pipeline has, without those that rule 3 leaves out on purpose."""
    return {kind for kind in every - of_irreducible(4) if not _behind_a_transform(kind)}


def _behind_a_transform(kind: Kind) -> bool:
    do, verdict, where, _ = kind
    idle = isinstance(where, tuple) and where[:2] in ((NodeKind.TRANSFORM, 0), (NodeKind.GATE, 0))
    return (do, verdict, idle) == ("finish", "pass", True)


def test_what_happens_in_the_smallest_pipelines_happens_in_irreducible_ones() -> None:
    every = kinds_of(graph for size in (1, 2) for graph in well_formed(size))
    assert len(every) > 25
    assert left_out(every) == set()


def test_a_class_that_is_too_small_is_noticed() -> None:
    """Without the pipelines of size 4 the kinds of steps of some of size 3 would be missing."""
    assert of_irreducible(4) - of_irreducible(3) != set()


@pytest.mark.slow
def test_what_happens_in_pipelines_of_three_nodes_happens_in_irreducible_ones() -> None:
    assert left_out(kinds_of(well_formed(3)[::300])) == set()
