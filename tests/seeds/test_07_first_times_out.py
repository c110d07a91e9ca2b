"""Finding 7: a timed-out `first` barrier was ignored.

Here it fails with `no_arrivals`; one that holds a token at that moment cannot be, and is refused loudly.
"""

from fateline_engine.plugins import Failure
from fateline_engine.script import Kind, Work
from tests.impl.harness import Trial, diamond


def test_a_first_barrier_without_arrivals_fails_at_its_deadline() -> None:
    what = diamond(policy="first", timeout_seconds=5)
    trial = Trial(what, answers={"ta": lambda token, attempt: Failure("lost")}).started().read().move("0").move("0/a")
    trial.clock.advance(5000)
    trial.engine.do(Work(Kind.DEADLINE, "join", key=(0, 0)))
    trial.finish()
    assert trial.barriers() == {"join of 0": "no_arrivals by deadline: ; a"}
    assert trial.fates()["0/b"] == "failed:late_arrival_after_failure"
