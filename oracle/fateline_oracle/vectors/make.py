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

from fateline_model import LAW_VERSION, Refusal, Stimulus
from fateline_model.checker.scopes import Instance, Sizes, beside_the_scopes, instances
from fateline_model.checker.systems import BarrierSystem, PipelineSystem, State, System
from fateline_model.checker.verify import stimulus_as_json
from fateline_model.records import as_json
from fateline_model.stimuli_json import from_json
from fateline_model.words import NodeKind

from ..compare.broken_laws import concerned
from ..compare.marks import marks_met, named_as
from ..conform.barrier_driver import document_of
from ..conform.edge_cover import plan
from ..conform.explore import ConcreteGraph, LocalGraph, local_graph

SCOPE: Final = "small"
"""The scope that is published: every kind of pipeline, with few branches and attempts."""
SMALLEST: Final = 3
"""Every pipeline up to this size is published. Those of one size more would make the set half as large again."""
LONGEST: Final = 40
"""The largest number of steps in a hidden walk."""
OF_A_KIND: Final = 12
"""Where rows meet or any token may be named: so many refused stimuli of one kind."""
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
        refusals = graph.refusals if instance.machine == "pipeline" else _few_of_each(system, graph)
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


def _few_of_each(system: System, graph: LocalGraph) -> list[list[tuple[Any, Refusal]]]:
    """The refused stimuli of each state, at most `OF_A_KIND` in all states that are refused by one rule and meet the same.

    Where rows meet, and where a caller may name any token, there are a hundred refusals for each step.
    """
    seen: Counter[object] = Counter()
    kept: list[list[tuple[Any, Refusal]]] = []
    for state, refusals in zip(graph.states, graph.refusals, strict=True):
        kept.append([])
        for stimulus, rule in refusals:
            kind = (rule, named_as(stimulus), marks_met(system.pipeline, state.world, stimulus))
            seen[kind] += 1
            if seen[kind] <= OF_A_KIND:
                kept[-1].append((stimulus, rule))
    return kept


def _everything(stimulus: Any, state: State) -> bool:
    return True


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
    for walk in plan(graph.targets) if instance.machine != "lifecycle" else _shortest(graph.targets):
        vector = document(instance, list(graph.steps(walk, tried)))
        if vector["id"] not in made:  # two walks may be the same in the names of their states
            made.add(vector["id"])
            yield vector


def _shortest(targets: list[list[int]]) -> Iterator[list[int]]:
    """For each step a shortest walk that ends in it, without the walks that begin another one.

    Engines support different operations of a token manager. A long walk would end at the first that an engine does not support.
    """
    paths: dict[int, list[int]] = {0: []}
    waiting = [0]
    for state in waiting:
        for k, target in enumerate(targets[state]):
            walk = [*paths[state], k]
            if target not in paths:
                paths[target] = walk
                waiting.append(target)
                if targets[target]:
                    continue
            yield walk


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
    """What an engine is given: the pipeline, for a single barrier the coalesce, for a token manager nothing."""
    if instance.document is not None:
        return dict(instance.document)
    if not isinstance(instance.system, BarrierSystem):
        return {}
    return document_of(next(n for n in instance.system.pipeline.nodes.values() if n.kind is NodeKind.COALESCE))


def _slug(name: str, own: str) -> str:
    words = "".join(char if char.isalnum() else "-" for char in name.lower())
    return "-".join([*(word for word in words.split("-") if word), own[:6]])


def all_published() -> list[Instance]:
    """The instances of the published scope without the larger ones of every pipeline, and those that need several rows."""
    smallest = {one.name for one in instances(Sizes(SMALLEST, 0))}
    chosen = (one for one in instances(SCOPE) if not one.is_one_of_all or one.name in smallest)
    return [*chosen, *beside_the_scopes()]
