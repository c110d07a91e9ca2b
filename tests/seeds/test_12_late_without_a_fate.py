"""Finding 12: a late arrival had a failed visit but no fate until later.

Here both are written in the step of its arrival, and so are in the database after the very commit that has the visit.
"""

from collections.abc import Callable
from typing import Any

from fateline_engine.script import Kind
from tests.impl.harness import Trial, diamond


def test_a_late_arrival_meets_its_fate_in_the_step_of_its_arrival() -> None:
    trial = Trial(diamond(policy="first"), each_step=True).started().read()
    trial.move("0").move("0/a").move("0/a").move("0/b")
    commits: list[tuple[int, int]] = []
    visits = "SELECT count(*) FROM trail_visits WHERE node = 'join' AND status = 'failed'"
    fates = "SELECT count(*) FROM trail_outcomes WHERE reason = 'late_arrival_after_merge'"

    def after(statement: str) -> None:
        if statement.upper().startswith("COMMIT"):
            found = (conn.execute(query).fetchone()[0] for query in (visits, fates))
            commits.append((next(found), next(found)))

    conn = trial.landscape.bare
    trial.landscape.watch(lambda bare: Watched(bare, after))
    (work,) = trial.runnable(Kind.ARRIVE)
    trial.engine.do(work)
    trial.landscape.watch(None)
    assert commits == [(1, 1)], "one commit, which has the failed visit and the fate"
    (visit,) = [v for v in trial.trail("visits") if v["node"] == "join" and v["status"] == "failed"]
    (fate,) = [o for o in trial.trail("outcomes") if o["token"] == visit["token"]]
    assert (fate["outcome"], fate["reason"]) == ("failed", "late_arrival_after_merge")
    assert fate["tx"] == visit["tx"]


class Watched:
    """A connection that reports each statement after it was executed."""

    def __init__(self, conn: Any, after: Callable[[str], None]) -> None:
        self._conn, self._after = conn, after

    def execute(self, statement: str, values: Any = ()) -> Any:
        cursor = self._conn.execute(statement, values)
        self._after(statement)
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)
