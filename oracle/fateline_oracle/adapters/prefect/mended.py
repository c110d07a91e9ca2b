"""Issues of Prefect that were mended, as trails: `mended.py CASE FILE`. See mended.toml."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from fateline_oracle.adapters.trail import one_join, write
from fateline_oracle.adapters.wire import Seen

FOLDER = os.environ.setdefault(
    "PREFECT_HOME", tempfile.mkdtemp(prefix="fateline-prefect-")
)  # the tasks' processes inherit it
os.environ.update(
    PREFECT_API_DATABASE_CONNECTION_URL=f"sqlite+aiosqlite:///{FOLDER}/prefect.db",
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_LEVEL="CRITICAL",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="240",
)

from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner


@task
def branch(name: str) -> str:
    if name == "b":
        raise ValueError("branch b fails")
    return name


@task
def join() -> str:
    return "joined"


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def whole() -> list[str]:
    """The names of the states of a, b, and the join."""
    branches = [branch.submit(name) for name in "ab"]
    tasks = [*branches, join.submit(wait_for=branches)]
    for one in tasks:
        one.wait()
    return [one.state.name for one in tasks]


if __name__ == "__main__":
    states = whole()
    assert states[:2] == ["Completed", "Failed"], states
    ran = states[2] == "Completed"
    over = Seen(frozenset("a"), frozenset("b"), ran=ran, failed=not ran)
    seen = [("arrive", "a", Seen(frozenset("a"))), ("lose", "b", over)]
    write(Path(sys.argv[2]), one_join("require_all", "ab", seen))
