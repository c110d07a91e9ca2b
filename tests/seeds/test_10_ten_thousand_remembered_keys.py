"""Finding 10: 10,000 remembered keys, then late arrivals were misjudged.

Here a late arrival is known by its own barrier's key in the trail: there is no memory to run out, which a run
with as many barriers in between shows (a full one when slow tests are run).
"""

import pytest

from fateline_engine.script import Kind
from tests.impl.harness import Trial, diamond


@pytest.mark.parametrize("between", [200, pytest.param(10_100, marks=pytest.mark.slow)])
def test_a_late_arrival_is_late_after_any_number_of_other_barriers(between: int) -> None:
    trial = Trial(diamond(policy="first"), [{"v": row} for row in range(between + 1)]).started().read()
    trial.move("0").move("0/a").move("0/a")
    late = trial.engine.state.live.pop((0, 2))  # branch b of row 0 sleeps
    while trial.engine.tokens.next_row <= between:
        trial.engine.do(trial.engine.schedule.first())
    while (work := trial.engine.schedule.first()).kind is not Kind.END_OF_SOURCE:
        trial.engine.do(work)
    trial.engine.recorder.commit()
    assert not trial.engine.processor.coalesces["join"].open
    trial.engine.state.live[0, 2] = late
    trial.engine.state.queue.append(late)
    assert trial.engine._loop().finished
    query = "SELECT reason FROM fates WHERE row = 0 AND token = 2"
    assert trial.landscape.conn.execute(query).fetchone() == ("late_arrival_after_merge",)
