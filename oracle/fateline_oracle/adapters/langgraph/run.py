"""A small run of LangGraph in the folder where it is started, to be cut off: a fork, three branches, a join; a line of effects
for each node.

    python run.py         begins the run, or goes on from its last checkpoint
"""

import operator
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph


class State(TypedDict):
    """Which nodes ran."""

    log: Annotated[list[str], operator.add]


def work(name: str) -> State:
    with Path("effects.txt").open("a") as effects:
        effects.write(f"{name}\n")
    return {"log": [name]}


graph = StateGraph(State)
for node in ("fork", "a", "b", "c", "join"):
    graph.add_node(node, lambda _, node=node: work(node))
graph.add_edge(START, "fork")
for node in "abc":
    graph.add_edge("fork", node)
graph.add_edge(["a", "b", "c"], "join")
with closing(sqlite3.connect("run.db", check_same_thread=False)) as conn:
    app = graph.compile(checkpointer=SqliteSaver(conn))
    config: Any = {"configurable": {"thread_id": "thread"}}
    begun = app.get_state(config).created_at is not None
    app.invoke(None if begun else {"log": []}, config, durability="sync")
