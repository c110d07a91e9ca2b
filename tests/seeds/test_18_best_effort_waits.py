"""Finding 18: best_effort waits for the deadline or for all accounted.

Here it merges at the very event that accounts for the last branch, an arrival or a loss, and else at its
deadline.
"""

import pytest

from fateline_engine.script import Kind
from tests.impl.harness import Trial, coalesce, diamond, fails_for, fork, pipeline, sink, source

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
    """Branch b waits in a batch that is not full, so only branch a arrives before the deadline."""
    what = pipeline(
        source("split"), fork(a="join", b="wait"),
        {"name": "wait", "kind": "aggregation", "to": "join", "mode": "passthrough", "count": 2},
        coalesce("join", "out", "a", "b", policy="best_effort", timeout_seconds=5), sink(),
    )  # fmt: skip
    trial = Trial(what, [{"v": 0}, {"v": 1}]).started().read().to_rest()
    trial.clock.advance(4999)
    assert trial.runnable()[0].kind is Kind.READ
    assert trial.barriers() == {}
    trial.clock.advance(1)
    assert trial.runnable()[0].kind is Kind.DEADLINE
    trial.engine.do(trial.runnable()[0])
    assert trial.barriers() == {"join of 0": "merged by deadline: a; "}
