"""Finding 16: nested joins.

Here each fork pushes a frame, its coalesce pops it, and the key of a barrier is the forked token: one row may
fork at several places at once, and also where two rows are under way together.
"""

from fateline_engine.plugins import Expand
from fateline_engine.script import Kind
from tests.impl.harness import Trial, coalesce, fails_for, fork, pipeline, sink, source, transform

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


TWICE = pipeline(
    source("x"), transform("x", "f", expands=True), fork("f", a="j", b="j"), coalesce("j", "out", "a", "b"), sink(),
)  # fmt: skip


def test_two_forks_of_one_row_at_one_coalesce_have_two_barriers() -> None:
    """The two children of an expansion fork at the same gate, and their branches arrive in turn."""
    trial = Trial(TWICE, answers={"x": lambda *_: Expand(({"v": 1}, {"v": 2}))}).started().read()
    for name in ("0", "0.0", "0.1", "0.0/a", "0.1/b"):
        trial.move(name)
    assert trial.barriers() == {}, "one branch of each fork has arrived, and nothing is decided"
    trial.move("0.1/a").move("0.0/b").finish()
    names = trial.names()
    merged: dict[str, list[str]] = {}
    for link in trial.trail("parents"):
        merged.setdefault(names[link["child"]], []).append(names[link["parent"]])
    assert merged["0.0/j"] == ["0.0/a", "0.0/b"]
    assert merged["0.1/j"] == ["0.1/a", "0.1/b"]
    assert trial.fates()["0.0/j"] == trial.fates()["0.1/j"] == "completed"


LOSING = pipeline(
    source("f"), fork("f", a="fa", b="j"), fork("fa", x="tx", y="ja"), transform("tx", "ja", on_error="discard"),
    coalesce("ja", "j", "x", "y"), coalesce("j", "out", "a", "b"), sink(),
)  # fmt: skip


def test_an_inner_barrier_that_fails_loses_the_branch_that_it_owed() -> None:
    trial = Trial(LOSING, answers={"tx": fails_for(0)})
    trial.run()
    assert trial.fates()["0/b"] == "failed:branch_lost"
    assert trial.barriers() == {"ja of 0/a": "branch_lost by loss: ; x", "j of 0": "branch_lost by loss: b; a"}
    assert trial.losses() == {"ja x": "quarantined", "j a": "barrier_failed"}
