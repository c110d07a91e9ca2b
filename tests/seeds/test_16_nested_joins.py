"""Finding 16: nested joins.

Here each fork pushes a frame, its coalesce pops it, and the key of a barrier is the forked token: one row may
fork at several places at once, and also where two rows are under way together.
"""

from fateline_engine.script import Kind
from tests.impl.harness import Trial, coalesce, fork, pipeline, sink, source

NESTED = pipeline(
    source("f"), fork("f", a="fa", b="fb"),
    fork("fa", x="ja", y="ja"), coalesce("ja", "j", "x", "y"),
    fork("fb", x="jb", y="jb"), coalesce("jb", "j", "x", "y"),
    coalesce("j", "out", "a", "b"), sink(),
)  # fmt: skip


def test_each_fork_of_each_row_has_a_barrier_of_its_own_which_joins_its_children_only() -> None:
    trial = Trial(NESTED, [{"v": 0}, {"v": 1}]).started().read().read().finish()
    names = trial.names()
    merged: dict[str, list[str]] = {}
    for link in trial.trail("parents"):
        merged.setdefault(names[link["child"]], []).append(names[link["parent"]])
    for row in ("0", "1"):
        assert merged[f"{row}/a/ja"] == [f"{row}/a/x", f"{row}/a/y"]
        assert merged[f"{row}/b/jb"] == [f"{row}/b/x", f"{row}/b/y"]
        assert merged[f"{row}/j"] == [f"{row}/a/ja", f"{row}/b/jb"]
        assert trial.fates()[f"{row}/j"] == "completed"
    assert len(trial.trail("barriers")) == 6


def test_the_inner_barriers_of_one_row_are_open_at_the_same_time() -> None:
    """One branch of each inner fork arrives, of both rows: four barriers wait, and none takes another's token."""
    trial = Trial(NESTED, [{"v": 0}, {"v": 1}]).started().read().read()
    for row in ("0", "1"):
        trial.move(row).move(f"{row}/a").move(f"{row}/b")
        trial.move(f"{row}/a/x").move(f"{row}/b/x")
    assert trial.barriers() == {}
    names = trial.names()
    held = {(names[visit["token"]], visit["node"]) for visit in trial.trail("visits") if visit["status"] == "held"}
    assert held == {(f"{row}/{outer}/x", f"j{outer}") for row in "01" for outer in "ab"}
    assert {work.node for work in trial.runnable(Kind.ARRIVE)} == {"ja", "jb"}
    trial.finish()
    assert set(trial.barriers().values()) == {"merged by arrival: x,y; ", "merged by arrival: a,b; "}
