"""Drives a `Merge` of SpiffWorkflow, which is a join that takes the data of all inputs.

Branches are manual tasks, and a lost branch is a task that was cancelled.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from SpiffWorkflow.specs.Merge import Merge
from SpiffWorkflow.specs.Simple import Simple
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.workflow import Workflow

try:
    from SpiffWorkflow.util.task import TaskState
except ImportError:  # before version 3
    from SpiffWorkflow.task import TaskState

from fateline_oracle.adapters.wire import Seen, Unsupported, serve


class Join:
    """A fork, a manual task for each branch, the join, and a task after it."""

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        try:
            spec = WorkflowSpec(name="one join", addstart=True)
        except TypeError:  # before version 3 there is always a start
            spec = WorkflowSpec(name="one join")
        fork = Simple(spec, "fork")
        spec.start.connect(fork)
        threshold = {"require_all": None, "first": 1, "quorum": quorum}[policy]
        join = Merge(spec, "join", split_task="fork", threshold=threshold)
        for branch in branches:
            task = Simple(spec, f"branch {branch}", manual=True)
            fork.connect(task)
            task.connect(join)
        join.connect(Simple(spec, "after"))
        self.branches = branches
        self.workflow = Workflow(spec)
        self._go_on()

    def arrive(self, branch: str) -> None:
        self._waiting(branch).run()
        self._go_on()

    def lose(self, branch: str) -> None:
        self._waiting(branch).cancel()
        self._go_on()

    def look(self) -> Seen:
        ended = {branch: self._task(branch).state for branch in self.branches}
        return Seen(
            arrived=frozenset(branch for branch, state in ended.items() if state == TaskState.COMPLETED),
            lost=frozenset(
                branch for branch, state in ended.items() if state in (TaskState.CANCELLED, TaskState.ERROR)
            ),
            ran=any(task.state == TaskState.COMPLETED for task in self._tasks("after")),
        )

    def _go_on(self) -> None:
        """Run everything that is ready and is no branch. A run may end by making a waiting task ready, so once more."""
        self.workflow.run_all()
        while any(not task.task_spec.manual for task in self.workflow.get_tasks(state=TaskState.READY)):
            self.workflow.run_all()

    def _task(self, branch: str) -> Task:
        (task,) = self._tasks(f"branch {branch}")
        return task

    def _tasks(self, name: str) -> list[Task]:
        return [task for task in self.workflow.get_tasks() if task.task_spec.name == name]

    def _waiting(self, branch: str) -> Task:
        task = self._task(branch)
        if task.state != TaskState.READY:
            raise Unsupported(f"the task of branch {branch} no longer waits")
        return task


serve("SpiffWorkflow", version("SpiffWorkflow"), ("require_all", "first", "quorum", "nested"), Join())
