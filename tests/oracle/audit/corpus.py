"""Lawful trails for the audit's tests: walks through the law's local graphs, taken by the reference engine.

Here: the walks as records, with the graph of their pipeline. Not here: damage (`damage.py`).
"""

import json
from collections.abc import Iterator
from typing import Any

from fateline_model import Pipeline
from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import PipelineSystem
from fateline_model.pipeline import Node
from fateline_oracle.judge.graph import Ways
from fateline_oracle.judge.names import Names
from fateline_oracle.judge.tour import plan
from fateline_oracle.reference.pipeline import ReferencePort

Record = dict[str, Any]
CONFIG = (
    "branches", "policy", "quorum_count", "timeout_seconds", "merge", "select_branch", "collisions", "attempts", "expands",
    "mode", "count", "condition",
)  # fmt: skip


def pipelines(scope: str = "small") -> list[Instance]:
    """The instances of a scope that have a pipeline."""
    return [instance for instance in instances(scope) if isinstance(instance.system, PipelineSystem)]


def graph(pipeline: Pipeline, run: str) -> Iterator[Record]:
    """The nodes and edges of a pipeline as records."""
    for node in pipeline.nodes.values():
        yield {
            "rec": "nodes",
            "run": run,
            "node": node.name,
            "kind": str(node.kind),
            "config": json.dumps(config(node)),
        }
    for (src, label), dst in pipeline.edges.items():
        yield {"rec": "edges", "run": run, "src": src, "label": label, "dst": dst}


def config(node: Node) -> dict[str, object]:
    kinds = {"coalesce": CONFIG[:7], "transform": CONFIG[7:9], "gate": (), "sink": CONFIG[7:8], "source": ()}
    names = kinds.get(str(node.kind), ("mode", "count", "timeout_seconds", "condition"))
    said = {name: getattr(node, name) for name in names}
    return {name: value for name, value in said.items() if value not in (None, ())}


def walked(instance: Instance, most: int) -> Iterator[list[Record]]:
    """The trails of the longest walks that together go through every transition, each as a run of its own."""
    assert isinstance(instance.system, PipelineSystem)
    ways, port = Ways(instance.system, lambda stimulus, state: True), ReferencePort()
    walks = sorted(map(ways.graph.stimuli, plan(ways.graph.targets)), key=len, reverse=True)
    for number, walk in enumerate(walks[:most]):
        port.start(instance.document or {})
        names, here = Names(), ways.first()
        for stimulus in walk:
            taken = ways.take(here, stimulus)
            names.learn(port.do(names.asked(taken.stimulus)).records)
            here = taken.to
        run = f"r{number}"
        yield [*graph(instance.system.pipeline, run), *({**record, "run": run} for record in port.trail())]
    port.close()
