"""Drives a join of LangGraph: `add_edge` with a list of start nodes.

Branches wait in `interrupt`. A conditional edge behind each goes on to the join, or ends there, which loses the branch. Each
answer is given to a graph whose state is loaded from its checkpoint.
"""

import operator
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypedDict

sys.path.append(str(Path(__file__).parents[3]))

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from fateline_oracle.adapters.wire import Seen, Unsupported, serve


class State(TypedDict):
    """What each branch was told."""

    told: Annotated[dict[str, str], operator.or_]
    ran: Annotated[list[str], operator.add]


def led(branch: str, state: State) -> str:
    return branch if state["told"][branch] == "arrive" else END


class Join:
    """A node for each branch beside each other, what each leads to, the join, and nothing after it."""

    def __init__(self) -> None:
        self.threads = 0

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        graph = StateGraph(State)
        for branch in branches:
            graph.add_node(f"wait {branch}", lambda _, branch=branch: {"told": {branch: interrupt(branch)}})
            graph.add_node(branch, lambda _: {})
            graph.add_edge(START, f"wait {branch}")
            graph.add_conditional_edges(
                f"wait {branch}", lambda state, branch=branch: led(branch, state), [branch, END]
            )
        graph.add_node("join", lambda _: {"ran": ["join"]})
        graph.add_edge(list(branches), "join")
        self.threads += 1
        self.config: Any = {"configurable": {"thread_id": str(self.threads)}}
        self.app = graph.compile(checkpointer=InMemorySaver())
        self.app.invoke({"told": {}, "ran": []}, self.config)

    def arrive(self, branch: str) -> None:
        self._tell(branch, "arrive")

    def lose(self, branch: str) -> None:
        self._tell(branch, "lose")

    def look(self) -> Seen:
        state = self.app.get_state(self.config)
        told = dict(state.values["told"])
        for task in state.tasks:  # those of the superstep that is not complete
            told |= (task.result or {}).get("told", {})
        return Seen(
            arrived=frozenset(branch for branch, how in told.items() if how == "arrive"),
            lost=frozenset(branch for branch, how in told.items() if how == "lose"),
            ran=bool(state.values["ran"]),
        )

    def _tell(self, branch: str, how: str) -> None:
        waiting = {one.value: one.id for one in self.app.get_state(self.config).interrupts}
        if branch not in waiting:
            raise Unsupported(f"branch {branch} no longer waits")
        self.app.invoke(Command(resume={waiting[branch]: how}), self.config)


serve("LangGraph", version("langgraph"), ("require_all", "nested"), Join())
