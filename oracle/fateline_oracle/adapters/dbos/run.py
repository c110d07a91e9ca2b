"""A small run of DBOS in the folder where it is started, to be cut off: a workflow, three children, a line of effects for each
step.

    python run.py         begins the run, or takes it up
"""

import os
from pathlib import Path

from dbos import DBOS, SetWorkflowID

RUN = "run"


@DBOS.step()
def work(name: str) -> str:
    with Path("effects.txt").open("a") as effects:
        effects.write(f"{name}\n")
    return name


@DBOS.workflow()
def branch(name: str) -> str:
    return work(name)


@DBOS.workflow()
def whole(names: str) -> str:
    handles = []
    for name in names:
        with SetWorkflowID(f"{DBOS.workflow_id}/{name}"):
            handles.append(DBOS.start_workflow(branch, name))
    return work("+".join(handle.get_result(polling_interval_sec=0.01) for handle in handles))


DBOS(
    config={
        "name": "fateline",
        "system_database_url": f"sqlite:///{os.getcwd()}/run.db",
        "log_level": "CRITICAL",
        "application_version": "1",
        "executor_id": "1",
        "notification_listener_polling_interval_sec": 0.01,
    }
)
DBOS.launch()
with SetWorkflowID(RUN):
    handle = DBOS.start_workflow(whole, "abc")  # a workflow with this id runs once
handle.get_result(polling_interval_sec=0.01)
DBOS.destroy()
