"""Finding 17: a duplicate arrival must crash loudly.

Here it is refused with its reason, and leaves no trace.
"""

import pytest

from fateline_engine.errors import Refused
from fateline_engine.words import Refusal
from tests.impl.harness import Trial, diamond


def test_a_branch_that_has_arrived_does_not_arrive_again() -> None:
    trial = Trial(diamond(), each_step=True).started().read().move("0").move("0/a").move("0/a")
    executor = trial.engine.processor.coalesces["join"]
    held = executor.open[0, 0].held["a"]
    before = trial.landscape.snapshot()
    with pytest.raises(Refused) as caught:
        executor.arrive(held)
    assert caught.value.refusal is Refusal.BRANCH_HELD
    trial.engine.recorder.commit()
    assert trial.landscape.snapshot() == before
