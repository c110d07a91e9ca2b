"""Databases of LangGraph: a graph with three branches of different lengths, a join, and a part made by Send."""

import operator
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypedDict

sys.path.append(str(Path(__file__).parents[3]))

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Send

from fateline_oracle.adapters.recording import change, die, in_child, record


class State(TypedDict):
    """Which nodes ran."""

    log: Annotated[list[str], operator.add]


way = ["none"]
"""What happens now: nothing, `lost` (branch c is not taken), `error` or `kill` (in branch b)."""


def work(name: str) -> State:
    if name == "b" and way[0] == "error":
        raise ValueError("branch b fails")
    if name == "b" and way[0] == "kill":
        die()
    return {"log": [name]}


def graph(saver: SqliteSaver) -> Any:
    made = StateGraph(State)
    for name in ("fork", "a", "a2", "b", "c", "join", "after", "part", "last"):
        made.add_node(name, lambda _, name=name: work(name))
    made.add_edge(START, "fork")
    made.add_edge("fork", "a")
    made.add_edge("a", "a2")
    made.add_conditional_edges("fork", lambda _: ["b"] if way[0] == "lost" else ["b", "c"], ["b", "c"])
    made.add_edge(["a2", "b", "c"], "join")
    made.add_edge("join", "after")
    made.add_conditional_edges("after", lambda _: [Send("part", {"log": []})] * 3, ["part"])
    made.add_edge("part", "last")
    return made.compile(checkpointer=saver)


def inputs(folder: Path, ways: list[str]) -> None:
    """One thread with an input for each way; `resume` goes on without a new one."""
    with closing(sqlite3.connect(folder / "checkpoints.db", check_same_thread=False)) as conn:
        app = graph(SqliteSaver(conn))
        for way[0] in ways:
            given: State | None = None if way[0] == "resume" else {"log": []}
            try:
                app.invoke(given, {"configurable": {"thread_id": "thread"}}, durability="sync")
            except ValueError:
                continue


def made(folder: Path, *ways: str) -> Path:
    inputs(folder, list(ways))
    return folder / "checkpoints.db"


def cut(folder: Path) -> Path:
    """The second input is cut off in branch b."""
    assert in_child(folder, "none", "kill") == -9
    return folder / "checkpoints.db"


record(
    {
        "joined": lambda folder: made(folder, "none", "none", "none"),
        "killed": cut,
        "failed": lambda folder: made(folder, "none", "error"),
        "resumed": lambda folder: made(folder, "error", "resume"),
        "lost": lambda folder: made(folder, "none", "lost"),
        "lost-then-input": lambda folder: made(folder, "none", "lost", "none"),
        "failed-then-input": lambda folder: made(folder, "error", "none"),
        "seeded": lambda folder: change(
            made(folder, "none"),
            "INSERT INTO writes SELECT thread_id, checkpoint_ns, checkpoint_id, 'nobody-sent-it', task_path, idx, "
            "channel, type, value FROM writes WHERE task_path = '~__pregel_pull, b'",
        ),
    },
    inputs,
)
