"""Makes vectors: walks that together take every transition of the local graphs of a scope, with refusals on the way.

A vector is a walk from the start. In each state that no vector visited before, every stimulus that the law refuses
there is tried. The published vectors are the same whenever they are made; a hidden set is drawn from the same graphs by
a seed. Not here: files.
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
from fateline_model.checker.systems import BarrierSystem, PipelineSystem, State
from fateline_model.checker.verify import stimulus_as_json
from fateline_model.records import as_json
from fateline_model.stimuli_json import from_json
from fateline_model.words import NodeKind

from ..compare.broken_laws import concerned
from ..conform.barrier_driver import document_of
from ..conform.edge_cover import plan
from ..conform.explore import ConcreteGraph, local_graph

SCOPE: Final = "small"
"""The scope that is published: every kind of pipeline, with few branches and attempts."""
LONGEST: Final = 40
"""The largest number of steps in a hidden walk."""
HIDDEN: Final = 3
"""The number of hidden walks for each instance."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One stimulus, with the records that the law writes or the rule by which it refuses."""

    stimulus: Any
    records: Sequence[Document]
    refused: str | None
    kinds: frozenset[type] = frozenset()

    def as_json(self) -> Document:
        said: Document = {"says": str(self.stimulus), "stimulus": stimulus_as_json(self.stimulus)}
        return (
            {**said, "refused": self.refused} if self.refused is not None else {**said, "records": list(self.records)}
        )


class Graph:
    """The numbered states of an instance, and the steps of a walk through them.

    States that differ only in the names of branches that look alike are one state, as in `conform/explore.py`.
    """

    def __init__(self, instance: Instance) -> None:
        system = instance.system
        self._ways: ConcreteGraph | None = None
        if isinstance(system, PipelineSystem):
            self._ways = ConcreteGraph(system, _everything, reduced=instance.machine == "pipeline")
            graph = self._ways.graph
        else:
            graph = local_graph(system, _everything)
        self.edges = [[(edge.stimulus, edge.records, edge.target) for edge in own] for own in graph.edges]
        # Where rows meet there are a hundred refusals for each step; graphs of single rows have the same ones.
        refusals = graph.refusals if instance.machine != "batch" else [[] for _ in self.edges]
        self.refusals = [[(stimulus, str(rule)) for stimulus, rule in own if _is_json(stimulus)] for own in refusals]

    @property
    def targets(self) -> list[list[int]]:
        return [[target for _, _, target in edges] for edges in self.edges]

    @property
    def transitions(self) -> int:
        return sum(map(len, self.edges))

    def steps(self, walk: Sequence[int], tried: set[int]) -> Iterator[Step]:
        """The steps of a walk. In states that were not `tried`, with every refused stimulus."""
        state = 0
        here = self._ways.first() if self._ways is not None else None
        for taken in (*walk, None):
            if state not in tried:
                tried.add(state)
                for stimulus, rule in self.refusals[state]:
                    yield Step(here.say(stimulus) if here is not None else stimulus, (), rule)
            if taken is None:
                return
            stimulus, records, state = self.edges[state][taken]
            if here is None or self._ways is None:
                yield Step(stimulus, [as_json(record) for record in records], None, frozenset(map(type, records)))
            else:
                step = self._ways.take(here, stimulus)
                here = step.to
                yield Step(step.stimulus, step.expected, None, frozenset(map(type, step.records)))


def _everything(stimulus: Any, state: State) -> bool:
    return True


def published(instance: Instance) -> bool:
    """True if an instance is in the published set: pipelines and single barriers. The operations of a token manager have any
    arguments, so a list cannot hold them."""
    return isinstance(instance.system, PipelineSystem | BarrierSystem)


def _is_json(stimulus: Any) -> bool:
    """True if the stimulus survives the way through JSON and does not prescribe merge data, which a vector cannot inject."""
    if not isinstance(stimulus, Stimulus):
        return True
    try:
        return not stimulus.data and from_json(stimulus_as_json(stimulus)) == stimulus
    except ValueError:
        return False


def vectors_of(instance: Instance, graph: Graph) -> Iterator[Document]:
    """The published vectors of one instance."""
    tried: set[int] = set()
    made: set[str] = set()
    for walk in plan(graph.targets):
        vector = document(instance, list(graph.steps(walk, tried)))
        if vector["id"] not in made:  # two walks may be the same in the names of their states
            made.add(vector["id"])
            yield vector


def hidden_of(instance: Instance, graph: Graph, seed: int) -> Iterator[Document]:
    """Random walks through the same graph. Without the seed they are unknown."""
    chance = random.Random(f"{seed}/{instance.name}")
    for _ in range(HIDDEN):
        walk: list[int] = []
        state = 0
        while graph.edges[state] and len(walk) < LONGEST:
            walk.append(chance.randrange(len(graph.edges[state])))
            state = graph.edges[state][walk[-1]][2]
        yield document(instance, list(graph.steps(walk, set(range(len(graph.edges))))))


def document(instance: Instance, steps: Sequence[Step]) -> Document:
    """A vector as data. Its id depends on what is asked, not on names."""
    step_documents = [step.as_json() for step in steps]
    pipeline = pipeline_of(instance)
    asked = [step["stimulus"] for step in step_documents]
    body = json.dumps([LAW_VERSION, instance.machine, pipeline, asked], sort_keys=True, separators=(",", ":"))
    name = sha256(body.encode()).hexdigest()[:16]
    kinds = Counter(step.kinds for step in steps if step.refused is None)
    laws = [law for law, count in concerned(kinds).items() if count]
    return {
        "id": name,
        "slug": _slug(instance.name, name),
        "instance": instance.name,
        "laws": laws,
        "steps": step_documents,
    }


def pipeline_of(instance: Instance) -> Document:
    """What an engine is given: the pipeline, or for a single barrier the coalesce."""
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
