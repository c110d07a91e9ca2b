"""Finding 16: nested joins.

Here each fork pushes a frame, its coalesce pops it, and the key of a barrier is the forked token: one row may
fork at several places at once.
"""

from tests.impl.harness import Trial, coalesce, fork, pipeline, sink, source


def test_two_inner_forks_of_one_row_have_a_barrier_each_beneath_an_outer_one() -> None:
    what = pipeline(
        source("f"), fork("f", a="fa", b="fb"),
        fork("fa", x="ja", y="ja"), coalesce("ja", "j", "x", "y"),
        fork("fb", x="jb", y="jb"), coalesce("jb", "j", "x", "y"),
        coalesce("j", "out", "a", "b"), sink(),
    )  # fmt: skip
    trial = Trial(what, [{"v": 0}, {"v": 1}])
    trial.run()
    assert set(trial.barriers()) == {
        f"{join} of {row}" for row in (0, 1) for join in ("j",)
    } | {f"ja of {row}/a" for row in (0, 1)} | {f"jb of {row}/b" for row in (0, 1)}  # fmt: skip
    assert [trial.fates()[f"{row}/j"] for row in (0, 1)] == ["completed", "completed"]
