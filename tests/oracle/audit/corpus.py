"""Lawful trails for the audit's tests: walks through the law's local graphs, taken by the reference engine.

Here: the walks as records, with the graph of their pipeline. Not here: damage (`damage.py`).
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle.audit.adapters import find_adapter
from fateline_oracle.audit.import_records import graph_records
from fateline_oracle.audit.source import reading
from fateline_oracle.compare.names import Names
from fateline_oracle.conform.edge_cover import plan
from fateline_oracle.conform.explore import ConcreteGraph
from fateline_oracle.reference.pipeline import ReferencePort

Record = dict[str, Any]


def pipelines(scope: str = "small") -> list[Instance]:
    """The instances of a scope that have a pipeline."""
    return [instance for instance in instances(scope) if isinstance(instance.system, PipelineSystem)]


def records_of(path: Path) -> list[Record]:
    """What the audit reads in a database, as records."""
    found: list[Record] = []
    with reading(path, find_adapter(path)) as source:
        for relation in source.columns:
            rows = source.conn.execute(f"SELECT * FROM given_{relation}")
            names = [str(column[0]) for column in rows.description]
            for values in rows:
                pairs = zip(names, values, strict=True)
                found.append({"rec": relation, **{n: v for n, v in pairs if v is not None and n != "part"}})
    return found


@cache
def walks(name: str) -> tuple[list[Record], ...]:
    """The trails of four walks through the pipeline of this name, made once."""
    return tuple(walked(next(one for one in pipelines() if one.name == name), 4))


def walked(instance: Instance, most: int) -> Iterator[list[Record]]:
    """The trails of the longest walks that together go through every transition, each as a run of its own."""
    assert isinstance(instance.system, PipelineSystem)
    ways, port = ConcreteGraph(instance.system, lambda stimulus, state: True), ReferencePort()
    walks = sorted(map(ways.graph.stimuli, plan(ways.graph.targets)), key=len, reverse=True)
    for number, walk in enumerate(walks[:most]):
        port.start(instance.document or {})
        names, here = Names(), ways.first()
        for stimulus in walk:
            taken = ways.take(here, stimulus)
            names.learn(port.do(names.asked(taken.stimulus)).records)
            here = taken.to
        run = f"r{number}"
        yield [*graph_records(instance.system.pipeline, run), *({**record, "run": run} for record in port.trail())]
    port.close()
