"""A crash at any boundary, then a resume, comes to the same end as no crash at all.

The pipelines are those in which most can be broken off: nested forks, a held barrier, a batch, retries, an invalid
row. What is compared is what the law compares: names, fates, barriers, merged data, and what the sinks hold.
"""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fateline_engine.errors import LandscapeError, Refused, ResumeRefused
from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import BatchOutputs, Expand, Failure, Pass
from fateline_engine.script import BatchInfo, Kind, Verdict
from fateline_engine.settings import Pipeline
from fateline_engine.words import RunStatus
from tests.impl.harness import (
    Answer,
    Crash,
    Trial,
    coalesce,
    diamond,
    fails_for,
    fork,
    pipeline,
    sink,
    source,
    transform,
)


def nested() -> Pipeline:
    return pipeline(
        source("g", on_error="bad"),
        fork("g", a="g2", b="tb"),
        fork("g2", x="tx", y="jin", z="tz"),
        transform("tx", "jin", attempts=3, on_error="bad"),
        transform("tz", "out"),
        coalesce("jin", "ta", "x", "y", policy="best_effort", timeout_seconds=60),
        transform("ta", "join"),
        transform("tb", "join"),
        coalesce("join", "exp", "a", "b"),
        transform("exp", "agg", expands=True),
        {"name": "agg", "kind": "aggregation", "to": "out", "count": 3},
        sink("out"),
        sink("bad"),
    )


def adds(name: str) -> Answer:
    return lambda token, attempt: Pass({**token.data, name: token.data["v"]})


def flaky(token: Any, attempt: int) -> Verdict:
    """Row 1 fails for good, row 2 at first."""
    if token.data["v"] == 1:
        return Failure("never", retryable=False)
    if token.data["v"] == 2 and flaky_calls(token.key) < 1:
        return Failure("not yet", retryable=True)
    return Pass({**token.data, "x": 1})


_CALLS: dict[object, int] = {}


def flaky_calls(key: object) -> int:
    """How often a token has failed: the world remembers, whatever the engine forgets."""
    before = _CALLS.get(key, 0)
    _CALLS[key] = before + 1
    return before


def sums(batch: BatchInfo, attempt: int) -> Verdict:
    return BatchOutputs(({"sum": [row["v"] for row in batch.rows]},))


ANSWERS: Mapping[str, Answer] = {
    "tx": flaky, "ta": adds("a"), "tb": adds("b"), "agg": sums,
    "exp": lambda token, attempt: Expand((token.data, {**token.data, "second": True})),
}  # fmt: skip
ROWS = [{"v": 0}, {"v": 1}, None, {"v": 2}, {"v": 3}]


def trial(each_step: bool) -> Trial:
    _CALLS.clear()
    return Trial(nested(), ROWS, ANSWERS, each_step)


def end(done: Trial) -> dict[str, Any]:
    """What must be the same however often it was broken off."""
    data = done.landscape.conn.execute("SELECT row, token, data FROM tokens ORDER BY row, token").fetchall()
    return {
        "fates": done.fates(),
        "barriers": done.barriers(),
        "losses": done.losses(),
        "data": data,
        "sinks": {name: one.rows for name, one in done.sinks.items()},
        "status": done.engine.recorder.status,
        "batches": [{k: b.get(k) for k in ("batch", "status", "trigger", "outputs")} for b in done.trail("batches")],
    }


@pytest.mark.parametrize("each_step, stride", [(True, 13), (False, 5), pytest.param(True, 1, marks=pytest.mark.slow)])
def test_a_crash_at_any_boundary_comes_to_the_same_end(each_step: bool, stride: int) -> None:
    whole = trial(each_step)
    whole.run()
    wanted = end(whole)
    assert wanted["status"] is RunStatus.COMPLETED
    assert wanted["sinks"]["out"], "nothing was written: the test would prove nothing"
    for crash_at in range(1, whole.script.boundaries, stride):
        broken = trial(each_step)
        broken.script.crash_at = crash_at
        with pytest.raises(Crash):
            broken.run()
        (status,) = broken.landscape.conn.execute("SELECT status FROM runs").fetchone()
        if status != "completed":
            broken.after_crash().engine.resume()
        assert end(broken) == wanted, f"crashed at boundary {crash_at}"


def test_crash_upon_crash_comes_to_the_same_end() -> None:
    whole = trial(True)
    whole.run()
    wanted = end(whole)
    broken = trial(True)
    broken.started()
    crashes = 0
    for _ in range(500):
        broken.after_crash()
        broken.script.boundaries, broken.script.crash_at = 0, 9
        try:
            broken.engine.resume()
            break
        except Crash:
            crashes += 1
    assert crashes > 10
    assert end(broken) == wanted


def test_an_open_visit_is_interrupted_and_the_next_attempt_does_not_count_as_a_retry() -> None:
    what = pipeline(source("t"), transform("t", "out", attempts=2), sink())
    broken = Trial(what, answers={"t": lambda token, attempt: Failure("no", True)}, each_step=True).started().read()
    for _ in range(3):
        broken.engine.do(broken.runnable(Kind.BEGIN)[0]) if broken.runnable(Kind.BEGIN) else None
        broken.engine.crash()
        broken.after_crash().engine.take_up()
    broken.finish()
    told = [(visit["attempt"], visit["status"]) for visit in broken.trail("visits")]
    assert told == [(0, "interrupted"), (1, "interrupted"), (2, "interrupted"), (3, "failed"), (4, "failed")]


def test_held_tokens_are_still_held_and_deadlines_count_from_recorded_times() -> None:
    broken = Trial(diamond(timeout_seconds=10), each_step=True).started().read()
    broken.move("0").move("0/a").move("0/a")
    broken.engine.crash()
    broken.clock.advance(4_000)
    broken.after_crash().engine.take_up()
    (work,) = broken.runnable(Kind.DEADLINE)
    holding = broken.engine.processor.coalesces["join"].open[work.key]  # type: ignore[index]
    assert holding.deadline == 11_000
    assert [visit["status"] for visit in broken.trail("visits") if visit["node"] == "join"] == ["held"]
    broken.finish()
    assert broken.fates()["0/join"] == "completed"


def test_a_deadline_counts_from_a_loss_that_came_before_the_first_arrival() -> None:
    what = diamond(policy="best_effort", timeout_seconds=10)
    broken = Trial(what, answers={"ta": fails_for(0)}, each_step=True).started().read().move("0")
    broken.move("0/a")
    broken.clock.advance(3000)
    broken.engine.crash()
    broken.after_crash().engine.take_up()
    joining = broken.engine.processor.coalesces["join"].open[0, 0]
    assert (joining.first_at, joining.deadline, set(joining.lost)) == (1000, 11_000, {"a"})


def test_a_barrier_with_a_loss_and_a_later_arrival_keeps_the_time_of_the_loss() -> None:
    what = pipeline(
        source("split"), fork(a="ta", b="join", c="tc"), transform("ta", "join"), transform("tc", "join"),
        coalesce("join", "out", "a", "b", "c", policy="best_effort", timeout_seconds=10), sink(),
    )  # fmt: skip
    broken = Trial(what, answers={"ta": fails_for(0)}, each_step=True).started().read().move("0").move("0/a")
    broken.clock.advance(3000)
    broken.move("0/b")
    broken.engine.crash()
    broken.after_crash().engine.take_up()
    joining = broken.engine.processor.coalesces["join"].open[0, 0]
    assert (joining.first_at, joining.deadline, set(joining.held)) == (1000, 11_000, {"b"})


def test_a_token_on_its_way_to_a_sink_owes_nothing_after_a_resume_either() -> None:
    answers: dict[str, Answer] = {
        "ta": fails_for(0), "bad": lambda token, attempt: Failure("full"),
    }  # fmt: skip
    what = diamond(policy="best_effort", timeout_seconds=10)
    broken = Trial(what, answers=answers, each_step=True).started().read().move("0").move("0/a")
    broken.engine.crash()
    broken.after_crash().engine.take_up()
    broken.move("0/a").finish()
    assert broken.fates()["0/a"] == "failed:node_failed"
    assert broken.losses() == {"join a": "diverted"}


def test_a_clock_that_was_set_back_makes_no_barrier_young_again() -> None:
    broken = Trial(diamond(timeout_seconds=10), [{"v": 0}, {"v": 1}], each_step=True).started()
    broken.clock.advance(50_000)
    broken.read().move("0").move("0/a").move("0/a")
    broken.engine.crash()
    broken.clock._now = 1000
    broken.after_crash().engine.take_up()
    broken.read().move("1").move("1/a").move("1/a")
    opened = broken.engine.processor.coalesces["join"].open.values()
    assert [joining.first_at for joining in opened] == [51_000, 51_000]


def test_the_same_row_and_root_token_go_on() -> None:
    broken = Trial(diamond(), [{"v": 0}, {"v": 1}], each_step=True).started().read()
    broken.engine.crash()
    broken.after_crash().engine.resume()
    assert [row["idx"] for row in broken.trail("rows")] == [0, 1]
    assert [token["token"] for token in broken.trail("tokens") if "group" not in token] == ["0:0", "1:0"]


def test_a_changed_pipeline_is_refused() -> None:
    broken = Trial(diamond(), each_step=True).started()
    broken.engine.crash()
    other = Orchestrator(
        diamond(policy="first"), broken.landscape, plugins=broken.plugins, script=broken.script, run_id="R"
    )
    with pytest.raises(ResumeRefused, match="another pipeline"):
        other.take_up()


def test_a_run_that_is_over_is_refused() -> None:
    done = Trial(diamond())
    done.run()
    with pytest.raises(ResumeRefused, match="is over"):
        done.fresh().take_up()


def test_a_run_that_is_up_is_not_resumed_and_one_that_is_down_does_nothing_else() -> None:
    broken = Trial(diamond(), each_step=True).started().read()
    with pytest.raises(Refused, match="run_up"):
        broken.engine.take_up()
    work = broken.runnable()[0]
    broken.engine.crash()
    assert broken.runnable() == []
    with pytest.raises(Refused, match="run_down"):
        broken.engine.do(work)


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    with Landscape.open(tmp_path / "l.db"), pytest.raises(LandscapeError, match="another process is writing"):
        Landscape.open(tmp_path / "l.db")
    Landscape.open(tmp_path / "l.db").close()


def test_what_was_not_confirmed_is_cut_from_the_sink() -> None:
    broken = Trial(diamond(), [{"v": 0}, {"v": 1}])
    broken.sinks["out"].rows = [{"old": 1}]
    broken.started().read().to_rest()
    assert [*broken.sinks["out"].rows] == [{"old": 1}, {"v": 0}]
    broken.sinks["out"].flush()  # the bytes are on the disk, the commit that confirms them is not
    broken.engine.crash()
    broken.after_crash().engine.resume()
    assert broken.sinks["out"].rows == [{"old": 1}, {"v": 0}, {"v": 1}]


@pytest.mark.parametrize("how", [KeyboardInterrupt])
def test_a_stopped_run_says_so_and_can_be_resumed(how: Callable[[], BaseException]) -> None:
    def stop(token: Any, attempt: int) -> Verdict:
        if token.data["v"] == 1 and not stopped:
            stopped.append(1)
            raise how()
        return Pass(token.data)

    stopped: list[int] = []
    broken = Trial(diamond(), [{"v": 0}, {"v": 1}, {"v": 2}], {"ta": stop})
    summary = broken.run()
    assert summary.status is RunStatus.INTERRUPTED
    assert "keyboard" in (summary.stopped_by or "")
    assert broken.landscape.conn.execute("SELECT status FROM runs").fetchone() == ("interrupted",)
    assert broken.after_crash().engine.resume().finished
    assert [row["v"] for row in broken.sinks["out"].rows] == [0, 1, 2]


def test_a_guard_that_refuses_a_commit_leaves_the_last_commit(tmp_path: Path) -> None:
    """A bug of ours in one step: nothing of its transaction is there."""
    broken = Trial(diamond(), each_step=True).started().read()
    before = broken.landscape.snapshot()
    broken.engine.recorder.step(5)
    broken.engine.recorder.fate(0, 0, "completed", sink=5)
    broken.engine.recorder.fate(0, 0, "failed", error=b"twice")
    with pytest.raises(Exception, match="fateline guard fates_written_once"):
        broken.engine.recorder.commit()
    assert broken.landscape.snapshot() == before
    assert isinstance(sqlite3.sqlite_version, str)


def test_the_order_of_fields_comes_back_too() -> None:
    answers: dict[str, Answer] = {
        "ta": lambda token, attempt: Pass({"w": 1, "v": 1}),
        "tb": lambda token, attempt: Pass({"v": 1, "w": 1}),
    }
    what = diamond(merge="select", select_branch="b")
    broken = Trial(what, answers=answers, each_step=True).started().read()
    broken.move("0").move("0/a").move("0/b").move("0/a").move("0/b")
    broken.engine.crash()
    broken.after_crash().engine.resume()
    assert [list(row) for row in broken.sinks["out"].rows] == [["v", "w"]]


def test_a_transform_that_only_turns_the_fields_around_is_remembered() -> None:
    answers: dict[str, Answer] = {
        "one": lambda token, attempt: Pass({"v": 1, "w": 1}),
        "two": lambda token, attempt: Pass({"w": 1, "v": 1}),
    }
    what = pipeline(source("one"), transform("one", "two"), transform("two", "out"), sink())
    broken = Trial(what, answers=answers, each_step=True).started().read().move("0").move("0")
    broken.engine.crash()
    broken.after_crash().engine.resume()
    assert [list(row) for row in broken.sinks["out"].rows] == [["w", "v"]]


def test_failing_rows_do_not_change_after_a_resume() -> None:
    """The error behind a diverted token is told from the trail, not from memory."""
    whole = Trial(diamond(), [{"v": 1}], {"ta": fails_for(1)}, each_step=True)
    whole.run()
    broken = Trial(diamond(), [{"v": 1}], {"ta": fails_for(1)}, each_step=True).started().read()
    broken.move("0").move("0/a")
    broken.engine.crash()
    broken.after_crash().engine.resume()

    def told(done: Trial) -> list[Any]:
        keys = ("outcome", "sink", "error", "reason")
        return [[outcome.get(key) for key in keys] for outcome in done.trail("outcomes") if "error" in outcome]

    assert sorted(told(broken), key=str) == sorted(told(whole), key=str)
