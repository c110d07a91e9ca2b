"""Finding 17: a duplicate arrival must crash loudly.

Here it is refused with its reason, and leaves no trace.
"""

import pytest

from fateline_engine.errors import Refused
from fateline_engine.words import Refusal
from tests.impl.harness import Trial, coalesce, diamond, fails_for, fork, pipeline, sink, source, transform


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


def test_a_branch_that_was_lost_does_not_arrive() -> None:
    """Also while another branch is held, and a third one is awaited."""
    what = pipeline(
        source("split"), fork(a="join", b="tb", c="tc"), transform("tb", "join", on_error="discard"), transform("tc", "join"),
        coalesce("join", "out", "a", "b", "c", policy="best_effort", timeout_seconds=9), sink(),
    )  # fmt: skip
    trial = Trial(what, answers={"tb": fails_for(0)}).started().read().move("0").move("0/a")
    branch = next(live for live in trial.engine.state.live.values() if live.node.name == "tb")
    trial.move("0/b")
    with pytest.raises(Refused) as caught:
        trial.engine.processor.coalesces["join"].arrive(branch)
    assert caught.value.refusal is Refusal.BRANCH_LOST


def test_a_token_on_a_branch_that_the_coalesce_does_not_join_is_refused() -> None:
    trial = Trial(diamond()).started().read().move("0").move("0/a")
    stranger = next(live for live in trial.engine.state.live.values() if live.node.name == "join")
    frame = stranger.info.stack
    assert frame is not None
    stranger.info = stranger.info._replace(stack=frame._replace(branch="z"))
    with pytest.raises(Refused) as caught:
        trial.engine.processor.coalesces["join"].arrive(stranger)
    assert caught.value.refusal is Refusal.NO_FRAME


def test_a_loss_after_the_resolution_leaves_no_record() -> None:
    trial = Trial(diamond(policy="first"), answers={"tb": fails_for(0)}).started().read()
    trial.move("0").move("0/a").move("0/a").finish()
    assert trial.barriers() == {"join of 0": "merged by arrival: a; "}
    assert trial.losses() == {}
