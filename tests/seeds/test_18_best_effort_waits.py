"""Finding 18: best_effort waits for the deadline or for all accounted.

Here it merges at the very event that accounts for the last branch, an arrival or a loss, and else at its
deadline.
"""

import pytest

from fateline_engine.script import Kind
from tests.impl.harness import Trial, diamond, fails_for

BEST = diamond(policy="best_effort", timeout_seconds=5)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_it_merges_when_all_are_accounted_for(order: str) -> None:
    trial = Trial(BEST, answers={"tb": fails_for(0)}).started().read().move("0")
    for branch in order:
        trial.move(f"0/{branch}")
        if branch == "a":
            trial.move("0/a")
    trigger = "loss" if order == "ab" else "arrival"
    assert trial.barriers() == {"join of 0": f"merged by {trigger}: a; b"}


def test_it_waits_until_its_deadline_and_no_longer() -> None:
    trial = Trial(BEST, [{"v": 0}, {"v": 1}]).started().read().move("0").move("0/a").move("0/a")
    late = trial.engine.state.live.pop((0, 2))
    trial.engine.state.queue.clear()
    trial.clock.advance(4999)
    assert trial.engine.schedule.first().kind is Kind.READ
    trial.engine.schedule.looked = False
    trial.clock.advance(1)
    work = trial.engine.schedule.first()
    assert work.kind is Kind.DEADLINE
    trial.engine.do(work)
    assert trial.barriers() == {"join of 0": "merged by deadline: a; "}
    assert late.info.branch == "b"
