"""Issues of pydantic-graph that were mended, as trails: `mended.py CASE FILE`. See mended.toml."""

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[3]))

try:
    from pydantic_graph import GraphBuilder, StepContext
    from pydantic_graph.join import reduce_list_append
except ImportError:  # before version 2
    from pydantic_graph.beta import GraphBuilder, StepContext
    from pydantic_graph.beta.join import reduce_list_append

from fateline_oracle.adapters.trail import one_join, one_token, write
from fateline_oracle.adapters.wire import Seen

AFTER = "after"
log: list[str] = []
"""What reached the join, and each run of the step after it, in order."""


def reduced(current: list[Any], what: Any) -> list[Any]:
    log.append("plain" if what == "plain" else "inner")
    return reduce_list_append(current, what)


class Graph:
    """A graph that begins with one step and ends with the step after the join."""

    def __init__(self) -> None:
        self.builder: Any = GraphBuilder(output_type=list)
        self.begin = self.step("begin", ["one", "two"])
        self.after = self.builder.step(self.ran, node_id=AFTER)
        self.join = self.builder.join(reduced, initial_factory=list)
        self.edge(self.builder.start_node, to=self.begin)
        self.edge(self.join, to=self.after)
        self.edge(self.after, to=self.builder.end_node)

    def step(self, name: str, gives: object) -> Any:
        async def run(_: StepContext[None, None, Any]) -> Any:
            return gives

        return self.builder.step(run, node_id=name)

    async def ran(self, context: StepContext[None, None, Any]) -> Any:
        log.append(AFTER)
        return context.inputs

    def edge(self, *sources: Any, to: Any) -> None:
        self.builder.add(self.builder.edge_from(*sources).to(*(to if isinstance(to, list) else [to])))

    def run(self) -> None:
        asyncio.run(self.builder.build().run())


def join_before_join(graph: Graph) -> None:
    """Two steps lead to an inner join, which leads to the join; a third step leads there at once."""
    a, b, plain = (graph.step(name, name) for name in ("a", "b", "plain"))
    inner = graph.builder.join(reduce_list_append, initial_factory=list)
    graph.edge(graph.begin, to=[a, b, plain])
    graph.edge(a, b, to=inner)
    graph.edge(inner, plain, to=graph.join)


def mapped(graph: Graph) -> None:
    """A list is mapped to a step that leads to the join; another step leads there at once."""
    many, one, plain = graph.step("many", ["one", "two"]), graph.step("one", "one"), graph.step("plain", "plain")
    graph.edge(graph.begin, to=[many, plain])
    graph.builder.add_mapping_edge(many, one, downstream_join_id=graph.join.id)
    graph.edge(one, plain, to=graph.join)


def step_behind_inner(graph: Graph) -> None:
    """A list is mapped to a step, then to an inner join and one more step before the join; another step leads there at once."""
    many, one, plain = graph.step("many", ["one", "two"]), graph.step("one", "one"), graph.step("plain", "plain")
    inner = graph.builder.join(reduce_list_append, initial_factory=list)
    tail = graph.step("tail", "tail")
    graph.edge(graph.begin, to=[many, plain])
    graph.builder.add_mapping_edge(many, one, downstream_join_id=inner.id)
    graph.edge(one, to=inner)
    graph.edge(inner, to=tail)
    graph.edge(tail, plain, to=graph.join)


def events() -> list[tuple[str, str, Seen]]:
    """Each arrival at the join, with what had arrived then, and whether the step after it ran before the next one."""
    found = []
    for place, what in enumerate(log):
        if what != AFTER:
            ran = AFTER in log[: place + 2]
            found.append(("arrive", what, Seen(frozenset(log[: place + 1]) - {AFTER}, ran=ran)))
    return found


number, file = sys.argv[1], Path(sys.argv[2])
graph = Graph()
{"3296": join_before_join, "6008": mapped, "7785": step_behind_inner}[number](graph)
graph.run()
if number == "6008":
    places = [place for place, what in enumerate(log) if what == AFTER]
    write(file, one_token([(AFTER, 2 * place, 2 * place + 1) for place in places], [AFTER], ended=True))
else:
    write(file, one_join("best_effort", ["inner", "plain"], events()))
