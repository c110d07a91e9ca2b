"""Finding 12: a late arrival had a failed visit but no fate until later.

Here both are written in the step of its arrival.
"""

from fateline_engine.script import Kind
from tests.impl.harness import Trial, diamond


def test_a_late_arrival_meets_its_fate_in_the_step_of_its_arrival() -> None:
    trial = Trial(diamond(policy="first"), each_step=True).started().read()
    trial.move("0").move("0/a").move("0/a").move("0/b")
    (work,) = trial.runnable(Kind.ARRIVE)
    trial.engine.do(work)
    (visit,) = [v for v in trial.trail("visits") if v["node"] == "join" and v["status"] == "failed"]
    (fate,) = [o for o in trial.trail("outcomes") if o["token"] == visit["token"]]
    assert (fate["outcome"], fate["reason"]) == ("failed", "late_arrival_after_merge")
    assert fate["tx"] == visit["tx"]
