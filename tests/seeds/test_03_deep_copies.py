"""Finding 3: each branch deep-copied the whole row: N copies of a wide row, no bound, no warning.

Here branches share the row, a change makes another row, and fan-out and row size have limits that say what to
set.
"""

import tracemalloc

import pytest

from fateline_engine.errors import LimitExceeded
from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import Pass
from fateline_engine.token_manager import Limits
from tests.impl.harness import Trial, fork, pipeline, sink, source, transform

BRANCHES = {f"b{index}": "out" for index in range(50)}


def test_fifty_branches_of_a_megabyte_share_it() -> None:
    trial = Trial(pipeline(source("split"), fork(**BRANCHES), sink()), [{"v": "x" * 1_000_000}]).started().read()
    tracemalloc.start()
    trial.move("0")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows = {id(live.info.data) for live in trial.engine.state.live.values()}
    assert len(trial.engine.state.live) == 50
    assert len(rows) == 1
    assert peak < 500_000


def test_a_wider_fork_than_allowed_says_what_to_raise() -> None:
    what = pipeline(source("split"), fork(**BRANCHES), sink())
    with pytest.raises(LimitExceeded, match=r"branches of split: 50 is more than the limit of 10; raise run\.fan_out"):
        Orchestrator(what, Landscape.open(":memory:"), script=Trial(what).script, limits=Limits(fan_out=10))


def test_what_one_branch_makes_is_not_seen_on_the_others() -> None:
    what = pipeline(
        source("split"), fork(a="ta", b="tb"), transform("ta", "left"), transform("tb", "right"), sink("left"), sink("right"),
    )  # fmt: skip
    trial = Trial(what, answers={"ta": lambda *_: Pass({"v": 9})})
    trial.run()
    assert (trial.sinks["left"].rows, trial.sinks["right"].rows) == ([{"v": 9}], [{"v": 0}])
