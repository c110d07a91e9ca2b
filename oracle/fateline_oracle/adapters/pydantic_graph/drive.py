"""Drives a join of pydantic-graph: steps beside each other, each with a mapping edge to the join.

A step waits for an answer. It returns a list of one value, which goes to the join, or an empty one, so that nothing of its
branch goes there. The run is a task on a loop that is turned until nothing is left to do.
"""

import asyncio
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[3]))

try:
    from pydantic_graph import GraphBuilder, StepContext
    from pydantic_graph.join import ReduceFirstValue, ReducerContext, reduce_list_append
except ImportError:  # before version 2
    from pydantic_graph.beta import GraphBuilder, StepContext
    from pydantic_graph.beta.join import ReduceFirstValue, ReducerContext, reduce_list_append

from fateline_oracle.adapters.wire import Seen, Unsupported, serve

TURNS = 100
"""Turns of the loop after which nothing is left to do. An answer takes about ten."""


class Join:
    """A run of a graph with a step for each branch, a join, and one step after it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.run: asyncio.Task[list[str]] | None = None

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        self._drop()
        self.answers = {branch: self.loop.create_future() for branch in branches}
        self.arrived: list[str] = []
        self.lost: list[str] = []
        self.ran = False
        graph = GraphBuilder(output_type=list[str])
        first = ReduceFirstValue[list[str]]()

        def reduced(context: ReducerContext[object, object], current: list[str], branch: str) -> list[str]:
            self.arrived.append(branch)
            if policy == "first":
                return first(context, current, [branch])
            return reduce_list_append(current, branch)

        async def begin(_: StepContext[None, None, None]) -> None:
            pass

        async def after(context: StepContext[None, None, list[str]]) -> list[str]:
            self.ran = True
            return context.inputs

        begun, done = graph.step(begin), graph.step(after)
        join = graph.join(reduced, initial_factory=list[str])
        steps = [graph.step(self._waiting(branch), node_id=branch) for branch in branches]
        graph.add(graph.edge_from(graph.start_node).to(begun), graph.edge_from(begun).to(*steps))
        graph.add(*(graph.edge_from(step).map().to(join) for step in steps))
        graph.add(graph.edge_from(join).to(done), graph.edge_from(done).to(graph.end_node))
        self.run = self.loop.create_task(graph.build().run())
        self._turn()

    def arrive(self, branch: str) -> None:
        self._answer(branch, [branch])

    def lose(self, branch: str) -> None:
        self._answer(branch, [])

    def look(self) -> Seen:
        done = self.run is not None and self.run.done()
        return Seen(
            arrived=frozenset(self.arrived),
            lost=frozenset(self.lost),
            ran=self.ran,
            failed=done and not self.ran,
        )

    def _waiting(self, branch: str) -> Any:
        async def wait(_: StepContext[None, None, None]) -> list[str]:
            answer: list[str] = await self.answers[branch]
            if not answer:
                self.lost.append(branch)
            return answer

        return wait

    def _answer(self, branch: str, what: list[str]) -> None:
        if self.answers[branch].done():
            raise Unsupported(f"branch {branch} no longer waits")
        self.answers[branch].set_result(what)
        self._turn()

    def _turn(self) -> None:
        async def turn() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())

    def _drop(self) -> None:
        if self.run is not None:
            self.run.cancel()
            self._turn()
            if not self.run.cancelled():
                self.run.exception()  # a failure that was seen; asyncio would print it


serve("pydantic-graph", version("pydantic-graph"), ("best_effort", "first", "nested"), Join())
