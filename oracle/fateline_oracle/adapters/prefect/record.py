"""Databases of Prefect: a flow with three tasks beside each other, a task that takes the results of all, and one after it."""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from fateline_oracle.adapters.recording import change, die, in_child, record

FILE = "prefect.db"
NO_HISTORY = ("block_schema_reference", "block_schema", "block_type", "event_resources", "events")
"""Tables that are emptied, since nothing of what is audited is in them, and they are most of a database."""


def flows(folder: Path, ways: list[str]) -> None:
    """A flow run for each way: nothing, `error` (in branch b), `tolerant` (the join takes errors too), `retry`, `kill`."""
    os.environ.update(
        PREFECT_HOME=str(folder),
        PREFECT_API_DATABASE_CONNECTION_URL=f"sqlite+aiosqlite:///{folder / FILE}",
        DO_NOT_TRACK="1",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY="false",
        PREFECT_LOGGING_LEVEL="CRITICAL",
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
    )
    os.environ.pop("PREFECT_API_URL", None)
    from prefect import allow_failure, flow, task
    from prefect.runtime import task_run
    from prefect.task_runners import ThreadPoolTaskRunner

    @task
    def root(way: str) -> str:
        return way

    @task(retries=1)
    def branch(way: str, name: str) -> str:
        if name == "b" and (way in ("error", "tolerant") or (way == "retry" and task_run.run_count == 1)):
            raise ValueError("branch b fails")
        if name == "b" and way == "kill":
            die()
        return name

    @task
    def join(parts: list[str]) -> str:
        return "+".join(map(str, parts))

    @task
    def after(joined: str) -> str:
        return joined

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
    def whole(way: str) -> str:
        first = root.submit(way)
        parts = [branch.submit(first, name) for name in "abc"]
        joined = join.submit([allow_failure(part) for part in parts] if way == "tolerant" else parts)
        return after.submit(joined).result(raise_on_failure=False)

    for way in ways:
        whole(way, return_state=True)


def made(folder: Path, *ways: str) -> Path:
    """In a child, since the server that a flow starts ends with its process."""
    assert in_child(folder, *ways) == 0
    return change(folder / FILE, *(f"DELETE FROM {table}" for table in NO_HISTORY))


def cut(folder: Path) -> Path:
    assert in_child(folder, "none", "kill") == -9
    return change(folder / FILE, *(f"DELETE FROM {table}" for table in NO_HISTORY))


record(
    {
        "joined": lambda folder: made(folder, "none", "retry", "tolerant"),
        "failed": lambda folder: made(folder, "none", "error"),
        "killed": cut,
        "seeded": lambda folder: change(
            made(folder, "none"),
            "INSERT INTO task_run_state "
            "(id, created, updated, type, timestamp, name, message, state_details, data, task_run_id) "
            "SELECT '00000000-0000-0000-0000-' || substr(id, 25), created, updated, type, "
            "strftime('%Y-%m-%d %H:%M:%f', timestamp, '+5 seconds') || '000', name, message, state_details, data, task_run_id "
            "FROM task_run_state WHERE type IN ('RUNNING', 'COMPLETED') AND task_run_id = ("
            "SELECT id FROM task_run WHERE task_key LIKE 'join-%')",
        ),
    },
    flows,
)
