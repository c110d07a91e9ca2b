"""Drives a `parallel` of the AWS Durable Execution SDK in the process of its testing package.

Branches wait for callbacks, and a lost branch is one whose callback failed. Each answer is seen by a new invocation, which
replays the handler.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).parents[3]))

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import CompletionConfig, ParallelBranch, ParallelConfig
from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from fateline_oracle.adapters.wire import Seen, Unsupported, serve

SUCCEEDED, FAILED = ENDS = ("ContextSucceeded", "ContextFailed")
PATIENCE: Final = 20.0
"""The seconds that an invocation may take."""
POLICIES: Final[dict[str, Callable[[int, int], CompletionConfig]]] = {
    "require_all": lambda _, __: CompletionConfig.all_successful(),
    "first": lambda _, __: CompletionConfig.first_successful(),
    "quorum": lambda quorum, branches: CompletionConfig(
        min_successful=quorum, tolerated_failure_count=branches - quorum
    ),
}


class Join:
    """One execution: the parallel operation, and a callback after it that is never answered."""

    def __init__(self) -> None:
        self.runner: Any = None

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        completion = POLICIES[policy](quorum or 1, len(branches))

        def branch(name: str) -> ParallelBranch:
            return ParallelBranch(lambda context: context.create_callback(name=name).result(), name=name)

        @durable_execution
        def handler(event: Any, context: DurableContext) -> str:
            config = ParallelConfig(completion_config=completion)
            context.parallel([branch(name) for name in branches], name="join", config=config)
            context.create_callback(name="after").result()
            return "ended"

        if self.runner is not None:
            self.runner.close()
        self.runner = DurableFunctionTestRunner(handler, poll_interval=0.02)
        self.execution = self.runner.run_async(input="{}", timeout=3600)
        self.branches = branches
        self.told: set[str] = set()
        self._until(1)

    def arrive(self, branch: str) -> None:
        self._tell(branch, lambda callback: self.runner.send_callback_success(callback, b'"came"'))

    def lose(self, branch: str) -> None:
        error = ErrorObject("lost", "Lost", None, None)
        self._tell(branch, lambda callback: self.runner.send_callback_failure(callback, error))

    def look(self) -> Seen:
        """A parallel operation that ended because all its branches ended has failed if none of them succeeded."""
        ends = {event["Name"]: event for event in self._history() if event["EventType"] in ENDS}
        lost = frozenset(branch for branch in self.branches if ends.get(branch, {}).get("EventType") == FAILED)
        came = frozenset(branch for branch in self.branches if ends.get(branch, {}).get("EventType") == SUCCEEDED)
        if "join" not in ends:
            return Seen(came, lost)
        payload = json.loads(ends["join"][f"{SUCCEEDED}Details"]["Result"]["Payload"])
        reason = payload["v"]["completionReason"]["v"]
        failed = reason == "FAILURE_TOLERANCE_EXCEEDED" or (reason == "ALL_COMPLETED" and not came)
        return Seen(came, lost, ran=not failed, failed=failed)

    def _history(self) -> list[dict[str, Any]]:
        return [
            event.to_dict()
            for event in self.runner.get_execution_history(self.execution, include_execution_data=True).events
        ]

    def _tell(self, branch: str, answer: Callable[[str], None]) -> None:
        if branch in self.told:
            raise Unsupported(f"the callback of branch {branch} was answered")
        if self.look().over:
            raise Unsupported("the operation has ended, and no branch of it is run any more")
        self.told.add(branch)
        before = self._invocations()
        answer(self.runner.wait_for_callback(self.execution, name=branch))
        self._until(before + 1)

    def _invocations(self) -> int:
        return sum(event["EventType"] == "InvocationCompleted" for event in self._history())

    def _until(self, invocations: int) -> None:
        """Wait until this number of invocations has ended."""
        end = time.monotonic() + PATIENCE
        while self._invocations() < invocations:
            if time.monotonic() > end:
                raise TimeoutError(f"no invocation within {PATIENCE} s")
            time.sleep(0.005)


logging.disable(logging.CRITICAL)
serve("AWS Durable Execution", version("aws-durable-execution-sdk-python"), (*POLICIES, "nested"), Join())
