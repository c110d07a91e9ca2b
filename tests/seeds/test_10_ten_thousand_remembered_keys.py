"""Finding 10: 10,000 remembered keys, then late arrivals were misjudged.

Here a late arrival is known by its own barrier's key in the trail: there is no memory to run out, which a run
with as many barriers in between shows (a full one when slow tests are run).
"""

import pytest

from fateline_engine.script import Kind
from tests.impl.harness import Trial, diamond

MOVING = (Kind.BEGIN, Kind.FINISH, Kind.ARRIVE)


@pytest.mark.parametrize("between", [200, pytest.param(10_100, marks=pytest.mark.slow)])
def test_a_late_arrival_is_late_after_any_number_of_other_barriers(between: int) -> None:
    """Branch b of row 0 is not moved while all other rows run to their ends. Then it arrives."""
    trial = Trial(diamond(policy="first"), [{"v": row} for row in range(between + 1)]).started().read()
    late = (0, 2)
    trial.move("0").move("0/a").move("0/a")
    while works := [work for work in trial.runnable() if work.token != late and work.kind in (*MOVING, Kind.READ)]:
        trial.engine.do(next((work for work in works if work.kind is not Kind.READ), works[0]))
    trial.engine.commit()
    assert trial.engine.tokens.next_row == between + 1
    assert {work.token for work in trial.runnable() if work.kind in MOVING} == {late}
    assert len(trial.trail("barriers")) == between + 1
    trial.finish()
    query = "SELECT reason FROM fates WHERE row = 0 AND token = 2"
    assert trial.landscape.conn.execute(query).fetchone() == ("late_arrival_after_merge",)
    assert trial.landscape.conn.execute("SELECT status FROM runs").fetchone() == ("completed",)
