"""Histories of AWS Durable Execution: an execution that runs branches in a `parallel`, and one step after it."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import (
    CompletionConfig,
    Duration,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
)
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

NAMES = "abc"
TWICE = StepConfig(
    retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=2, initial_delay=Duration.from_seconds(1)))
)
ONCE = StepConfig(retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=1)))
Body = Callable[[DurableContext], Any]


def works(name: str, config: StepConfig = ONCE, fails: int = 0) -> Body:
    """A step that fails so many times."""
    left = [fails]

    def step(_: Any) -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise ValueError(f"{name} fails")
        return name

    return lambda context: context.step(step, name=f"do {name}", config=config)


def waits(name: str) -> Body:
    """A callback that nobody answers."""
    return lambda context: context.create_callback(name=f"ask {name}").result()


def joins(bodies: dict[str, Body], completion: CompletionConfig) -> Body:
    """A `parallel` of these branches, then a step."""
    branches = [ParallelBranch(body, name=name) for name, body in bodies.items()]

    def run(context: DurableContext) -> Any:
        context.parallel(branches, name="join", config=ParallelConfig(completion_config=completion)).throw_if_error()
        return context.step(lambda _: "after", name="after")

    return run


ALL, FIRST, ANY = (
    CompletionConfig.all_successful(),
    CompletionConfig.first_successful(),
    CompletionConfig.all_completed(),
)


def plain(**others: Body) -> dict[str, Body]:
    return {name: works(name) for name in NAMES} | others


def history(*bodies: Body, ends: bool = True, without: str = "") -> str:
    """The events of an execution for each body, as JSON lines. The end of the branch `without` is left out."""
    lines = []
    for number, body in enumerate(bodies):
        handler = durable_execution(lambda _, context, body=body: body(context))
        with DurableFunctionTestRunner(handler, poll_interval=0.02) as runner:
            execution = runner.run_async(input=json.dumps(f"input {number}"), timeout=3600)
            if ends:
                runner.wait_for_result(execution)
            else:
                runner.wait_for_callback(execution, name="ask b")
            events = runner.get_execution_history(execution, include_execution_data=True).events
            lines += [{"DurableExecutionArn": f"{execution}-{number}", **event.to_dict()} for event in events]
    gone = ("ContextSucceeded", without)
    kept = (line for line in lines if (line["EventType"], line.get("Name")) != gone)
    return "".join(json.dumps(line, default=str) + "\n" for line in kept)


CASES: dict[str, Callable[[], str]] = {
    "joined": lambda: history(joins(plain(), ALL), joins(plain(c=joins(plain(), ALL)), ALL)),
    "failed": lambda: history(joins(plain(b=works("b", fails=1)), ALL)),
    "retried": lambda: history(joins(plain(b=works("b", TWICE, fails=1)), ALL)),
    "first": lambda: history(joins(plain(b=waits("b")), FIRST)),
    "tolerated": lambda: history(joins(plain(b=works("b", fails=1)), ANY)),
    "waiting": lambda: history(joins(plain(b=waits("b")), ALL), ends=False),
    "seeded": lambda: history(joins(plain(), ALL), without="b"),
}

logging.disable(logging.CRITICAL)
for case in sys.argv[2:] or CASES:
    Path(sys.argv[1], f"{case}.jsonl").write_text(CASES[case](), encoding="utf-8")
    print(case, flush=True)
