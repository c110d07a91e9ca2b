"""Databases of DBOS: a workflow that starts three others, waits for their results, and does one more step."""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from dbos import DBOS, SetWorkflowID

from fateline_oracle.adapters.recording import change, die, in_child, record

FILE = "system.sqlite"
way = ["none"]
"""What happens now: nothing, `error` (in branch b), `kill` (in branch b), or `first` (the first result is enough)."""


@DBOS.step()
def work(name: str) -> str:
    if name == "b" and way[0] == "error":
        raise ValueError("branch b fails")
    if name == "b" and way[0] == "kill":
        die()
    return name


@DBOS.workflow()
def inner(name: str) -> str:
    return work(name)


@DBOS.workflow()
def branch(name: str) -> str:
    """Branch c starts a workflow too."""
    if name != "c":
        return work(name)
    with SetWorkflowID(f"{DBOS.workflow_id}/inner"):
        return DBOS.start_workflow(inner, "inner").get_result(polling_interval_sec=0.01)


@DBOS.workflow()
def whole(names: str, first: bool) -> str:
    handles = []
    for name in names:
        with SetWorkflowID(f"{DBOS.workflow_id}/{name}"):
            handles.append(DBOS.start_workflow(branch, name))
    if first:
        return work(DBOS.wait_first(handles, polling_interval_sec=0.01).get_result(polling_interval_sec=0.01))
    return work("+".join(handle.get_result(polling_interval_sec=0.01) for handle in handles))


def runs(folder: Path, ways: list[str]) -> None:
    """A run for each way; `resume` waits for those that were cut off."""
    DBOS(
        config={
            "name": "fateline",
            "system_database_url": os.environ.get("FATELINE_ADDRESS") or f"sqlite:///{folder / FILE}",
            "log_level": "CRITICAL",
            "application_version": "1",
            "executor_id": "1",
            "notification_listener_polling_interval_sec": 0.01,
        }
    )
    DBOS.launch()
    for number, way[0] in enumerate(ways):
        with SetWorkflowID(f"run{number}"):
            handle = None if way[0] == "resume" else DBOS.start_workflow(whole, "abc", way[0] == "first")
        try:
            (handle or DBOS.retrieve_workflow("run1")).get_result(polling_interval_sec=0.01)
        except ValueError:
            continue
        for one in "abc":  # those that nobody waited for
            DBOS.retrieve_workflow(f"run{number}/{one}" if handle else f"run1/{one}").get_result(
                polling_interval_sec=0.01
            )
    DBOS.destroy()


def made(folder: Path, *ways: str) -> Path:
    runs(folder, list(ways))
    return folder / FILE


def cut(folder: Path, *ways: str) -> Path:
    """The second run is cut off in branch b; then the rest in a new process."""
    assert in_child(folder, "none", "kill") == -9
    return made(folder, *ways) if ways else folder / FILE


record(
    {
        "joined": lambda folder: made(folder, "none", "none"),
        "failed": lambda folder: made(folder, "none", "error"),
        "first": lambda folder: made(folder, "first"),
        "killed": cut,
        "resumed": lambda folder: cut(folder, "resume"),
        "seeded": lambda folder: change(
            made(folder, "none"), "DELETE FROM workflow_status WHERE workflow_uuid = 'run0/b'"
        ),
    },
    runs,
)
