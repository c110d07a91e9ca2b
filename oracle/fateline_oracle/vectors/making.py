"""Makes vectors: walks that between them take every transition of the local graphs of a scope, refusals on the way.

A vector is a walk from the start. In each state, when it is first come to, everything is tried that the law refuses there.
What is published is the same whenever it is made; a hidden set is drawn from the same graphs by a seed. Not here: files.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from fateline_model import LAW_VERSION, Stimulus
from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import BarrierSystem, PipelineSystem
from fateline_model.checker.verify import stimulus_as_json
from fateline_model.records import Record, as_json
from fateline_model.words import NodeKind

from ..judge.barrier import document_of
from ..judge.blame import concerned
from ..judge.tour import plan

SCOPE: Final = "small"
"""The scope that is published: every kind of pipeline there is, with as few branches and attempts as show it."""
LONGEST: Final = 40
"""A hidden walk ends at the latest after so many steps."""
HIDDEN: Final = 3
"""So many hidden walks an instance."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One stimulus, and what the law writes, or the rule by which it refuses."""

    stimulus: Any
    records: tuple[Record, ...]
    refused: str | None

    def as_json(self) -> Document:
        said: Document = {"says": str(self.stimulus), "stimulus": stimulus_as_json(self.stimulus)}
        if self.refused is not None:
            return {**said, "refused": self.refused}
        return {**said, "records": [as_json(record) for record in self.records]}


@dataclass
class Graph:
    """The states of an instance by number: its lawful steps, with where each leads, and what is refused there."""

    edges: list[list[tuple[Any, tuple[Record, ...], int]]]
    refusals: list[list[tuple[Any, str]]]

    @property
    def targets(self) -> list[list[int]]:
        return [[target for _, _, target in edges] for edges in self.edges]

    @property
    def transitions(self) -> int:
        return sum(map(len, self.edges))


def published(instance: Instance) -> bool:
    """Whether an instance is in the published set: pipelines and single barriers. Operations of a token manager are calls
    with any arguments, which a list cannot hold."""
    return isinstance(instance.system, PipelineSystem | BarrierSystem)


def graph_of(instance: Instance) -> Graph:
    """Explore an instance, unreduced: a vector is read by somebody who knows no symmetry.

    Where rows meet, refusals are left out: there are a hundred of them for each step, and each is one of a single row too.
    """
    system = instance.system
    numbers: dict[Any, int] = {system.first(): 0}
    states = [system.first()]
    graph = Graph([], [])
    place = 0
    while place < len(states):
        edges, refusals = [], []
        for offer in system.offers(states[place]):
            if offer.refusal is not None:
                if instance.machine != "batch" and _can_be_told(offer.stimulus):
                    refusals.append((offer.stimulus, str(offer.refusal)))
            elif offer.after is not None and not offer.beyond:
                if offer.after not in numbers:
                    numbers[offer.after] = len(states)
                    states.append(offer.after)
                edges.append((offer.stimulus, offer.records, numbers[offer.after]))
        graph.edges.append(edges)
        graph.refusals.append(refusals)
        place += 1
    return graph


def _can_be_told(stimulus: Any) -> bool:
    """What a merge kernel is to say where it cannot is nothing that an engine is told."""
    return not isinstance(stimulus, Stimulus) or not stimulus.data


def vectors_of(instance: Instance, graph: Graph) -> Iterator[Document]:
    """The published vectors of one instance."""
    tried: set[int] = set()
    for walk in plan(graph.targets):
        yield document(instance, list(_steps(graph, walk, tried)))


def hidden_of(instance: Instance, graph: Graph, seed: int) -> Iterator[Document]:
    """Other walks through the same graph, that nobody can know who does not know the seed."""
    chance = random.Random(f"{seed}/{instance.name}")
    for _ in range(HIDDEN):
        walk: list[int] = []
        state = 0
        while graph.edges[state] and len(walk) < LONGEST:
            walk.append(chance.randrange(len(graph.edges[state])))
            state = graph.edges[state][walk[-1]][2]
        yield document(instance, list(_steps(graph, walk, set(range(len(graph.edges))))))


def _steps(graph: Graph, walk: Sequence[int], tried: set[int]) -> Iterator[Step]:
    state = 0
    for taken in (*walk, None):
        if state not in tried:
            tried.add(state)
            yield from (Step(stimulus, (), rule) for stimulus, rule in graph.refusals[state])
        if taken is not None:
            stimulus, records, state = graph.edges[state][taken]
            yield Step(stimulus, records, None)


def document(instance: Instance, steps: Sequence[Step]) -> Document:
    """A vector as data. Its id is made of what is asked, and not of how it is called."""
    said = [step.as_json() for step in steps]
    pipeline = pipeline_of(instance)
    asked = [step["stimulus"] for step in said]
    body = json.dumps([LAW_VERSION, instance.machine, pipeline, asked], sort_keys=True, separators=(",", ":"))
    name = sha256(body.encode()).hexdigest()[:16]
    kinds = Counter(frozenset(map(type, step.records)) for step in steps if step.refused is None)
    laws = [law for law, count in concerned(kinds).items() if count]
    return {"id": name, "slug": _slug(instance.name, name), "instance": instance.name, "laws": laws, "steps": said}


def pipeline_of(instance: Instance) -> Document:
    """What an engine is given to run: the pipeline, or of a single barrier the coalesce."""
    if instance.document is not None:
        return dict(instance.document)
    assert isinstance(instance.system, BarrierSystem)
    return document_of(next(n for n in instance.system.pipeline.nodes.values() if n.kind is NodeKind.COALESCE))


def _slug(name: str, own: str) -> str:
    words = "".join(char if char.isalnum() else "-" for char in name.lower())
    return "-".join([*(word for word in words.split("-") if word), own[:6]])


def all_published() -> list[Instance]:
    """The instances of the published scope."""
    return [instance for instance in instances(SCOPE) if published(instance)]
