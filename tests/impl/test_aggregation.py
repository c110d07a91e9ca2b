"""Batches: acceptance, the four triggers, the end, and what a crash leaves of them."""

from typing import Any

import pytest

from fateline_engine.errors import Refused
from fateline_engine.expressions import compile_expression
from fateline_engine.plugins import BatchOutputs, Drop, Failure
from fateline_engine.script import Kind, Verdict, Work
from fateline_engine.settings import Pipeline
from fateline_engine.words import Refusal
from tests.impl.harness import Trial, coalesce, fork, pipeline, sink, source, transform


def batches(**more: object) -> Pipeline:
    return pipeline(source("agg"), {"name": "agg", "kind": "aggregation", "to": "out", **more}, sink())


def rows(count: int) -> list[dict[str, object]]:
    return [{"v": value} for value in range(count)]


def told(trial: Trial) -> list[tuple[Any, ...]]:
    return [(b["batch"], b.get("trigger"), b["status"], b.get("outputs")) for b in trial.trail("batches")]


def test_count_then_end_of_source() -> None:
    trial = Trial(batches(count=2), rows(3))
    trial.run()
    assert told(trial) == [("agg#0", "count", "completed", 2), ("agg#1", "end_of_source", "completed", 1)]
    members = [(m["batch"], m["token"], m["ordinal"]) for m in trial.trail("members")]
    assert members == [("agg#0", "0:0", 0), ("agg#0", "1:0", 1), ("agg#1", "2:0", 0)]


def test_accepting_is_one_step_and_the_trigger_belongs_to_it() -> None:
    trial = Trial(batches(count=2), rows(2), each_step=True).started().read().to_rest().read().to_rest()
    (batch,) = trial.trail("batches")
    assert batch["status"] == "triggered"
    (last,) = [m for m in trial.trail("members") if m["token"] == "1:0"]
    buffered = [o for o in trial.trail("outcomes") if o["token"] == "1:0"]
    assert [o["outcome"] for o in buffered] == ["buffered"]
    assert {batch["tx"], last["tx"], buffered[0]["tx"]} == {batch["tx"]}


def test_a_timeout_fires_at_the_look_before_the_next_row() -> None:
    def later(token: Any, attempt: int) -> Verdict:
        return BatchOutputs(token.rows)

    trial = Trial(batches(timeout_seconds=1), rows(3), {"agg": later}, each_step=True).started()
    trial.read().to_rest()
    trial.clock.advance(999)
    assert trial.engine.runnable()[0].kind is Kind.READ
    trial.read().to_rest()
    trial.clock.advance(1)
    assert trial.engine.runnable()[0] == Work(Kind.DEADLINE, "agg", key=(0,))
    trial.finish()
    assert [(batch, trigger) for batch, trigger, *_ in told(trial)] == [
        ("agg#0", "timeout"),
        ("agg#1", "end_of_source"),
    ]


def test_a_condition_fires_when_it_is_true() -> None:
    trial = Trial(batches(condition="batch_count >= 2"), rows(3))
    trial.plugins.conditions["agg"] = compile_expression("batch_count >= 2")
    trial.run()
    assert [trigger for _, trigger, *_ in told(trial)] == ["condition", "end_of_source"]


def test_a_condition_on_age_is_looked_at_before_each_row() -> None:
    trial = Trial(batches(condition="batch_age_seconds >= 5"), rows(2)).started()
    trial.plugins.conditions["agg"] = compile_expression("batch_age_seconds >= 5")
    trial.read().to_rest()
    trial.clock.advance(5000)
    assert trial.engine.runnable()[0] == Work(Kind.CONDITION, "agg", key=(0,))


def test_outputs_are_children_of_the_first_member_in_the_step_in_which_all_are_consumed() -> None:
    trial = Trial(batches(count=2), rows(2), {"agg": lambda batch, attempt: BatchOutputs(({"v": 9},))})
    trial.run()
    consumed = [o for o in trial.trail("outcomes") if o["outcome"] == "consumed_in_batch"]
    (output,) = [token for token in trial.trail("tokens") if token.get("group_kind") == "batch"]
    assert {o["tx"] for o in consumed} == {output["tx"]}
    assert [(p["child"], p["parent"]) for p in trial.trail("parents")] == [("0:1", "0:0")]
    assert output["group"] == "agg#0"
    assert trial.sinks["out"].rows == [{"v": 9}]


@pytest.mark.parametrize(
    "verdict, status, fate",
    [(Drop(), "completed", "discarded:empty_batch"), (Failure("no"), "failed", "failed:batch_failed")],
)
def test_the_members_share_the_end_of_their_batch(verdict: Verdict, status: str, fate: str) -> None:
    trial = Trial(batches(count=2), rows(2), {"agg": lambda batch, attempt: verdict})
    trial.run()
    assert trial.fates() == {"0": fate, "1": fate}
    assert trial.trail("batches")[0]["status"] == status
    assert {o["batch"] for o in trial.trail("outcomes")} == {"agg#0"}


def test_passthrough_goes_on_as_the_members_with_new_data() -> None:
    doubled = lambda batch, attempt: BatchOutputs(tuple({"v": row["v"] * 2} for row in batch.rows))  # noqa: E731
    trial = Trial(batches(count=2, mode="passthrough"), rows(2), {"agg": doubled})
    trial.run()
    assert trial.fates() == {"0": "completed", "1": "completed"}
    assert trial.sinks["out"].rows == [{"v": 0}, {"v": 2}]


def test_passthrough_needs_a_row_for_each_member() -> None:
    short = {"agg": lambda batch, attempt: BatchOutputs(batch.rows[:1])}
    trial = Trial(batches(count=2, mode="passthrough"), rows(2), short)
    trial.run()
    assert set(trial.fates().values()) == {"failed:batch_failed"}


def test_members_of_a_failed_batch_lose_the_branches_they_owe() -> None:
    what = pipeline(
        source("split"), fork(a="keep", b="tb"),
        {"name": "keep", "kind": "aggregation", "to": "join", "mode": "passthrough", "count": 2},
        transform("tb", "join"), coalesce("join", "out", "a", "b"), sink(),
    )  # fmt: skip
    trial = Trial(what, rows(2), {"keep": lambda batch, attempt: Failure("no")})
    trial.run()
    assert trial.barriers() == {"join of 0": "branch_lost by loss: b; a", "join of 1": "branch_lost by loss: ; a"}
    assert [loss["token"] for loss in trial.trail("losses")] == ["0:1", "1:1"]


def test_a_flush_that_was_cut_is_run_again_with_the_next_attempt() -> None:
    attempts: list[int] = []

    def seen(batch: Any, attempt: int) -> Verdict:
        attempts.append(attempt)
        return BatchOutputs(batch.rows)

    trial = Trial(batches(count=2), rows(2), {"agg": seen}, each_step=True).started()
    trial.read().to_rest().read().to_rest()
    trial.engine.crash()
    trial.after_crash().engine.resume()
    assert attempts == [1]
    assert trial.landscape.conn.execute("SELECT attempt FROM batches").fetchone() == (1,)


def test_open_batches_and_their_deadlines_survive_a_crash() -> None:
    trial = Trial(batches(count=3, timeout_seconds=10), rows(3), each_step=True).started().read().to_rest()
    trial.engine.crash()
    trial.clock.advance(4000)
    trial.after_crash().engine.take_up()
    (batch,) = trial.engine.processor.aggregations["agg"].open.values()
    assert (len(batch.held), batch.deadline) == (1, 11_000)
    trial.finish()
    assert told(trial) == [("agg#0", "count", "completed", 3)]


@pytest.mark.parametrize(
    "work, refusal",
    [
        (Work(Kind.FLUSHED, "agg", key=(0,)), Refusal.BATCH_NOT_TRIGGERED),
        (Work(Kind.FLUSHED, "agg", key=(7,)), Refusal.UNKNOWN_BATCH),
        (Work(Kind.DEADLINE, "agg", key=(0,)), Refusal.NO_DEADLINE),
        (Work(Kind.CONDITION, "agg", key=(0,)), Refusal.NO_CONDITION),
        (Work(Kind.CONDITION, "agg", key=(5,)), Refusal.UNKNOWN_BATCH),
        (Work(Kind.FLUSH, "agg", key=(0,)), Refusal.SOURCE_NOT_ENDED),
    ],
)
def test_hostile_calls_are_refused(work: Work, refusal: Refusal) -> None:
    trial = Trial(batches(count=2), rows(2)).started().read().to_rest()
    with pytest.raises(Refused) as caught:
        trial.engine.do(work)
    assert caught.value.refusal is refusal


def test_a_batch_waits_for_the_flush_of_the_one_before() -> None:
    trial = Trial(batches(count=1), rows(2)).started().read().to_rest().read()
    with pytest.raises(Refused, match="batch_awaits_flush"):
        trial.engine.do(Work(Kind.ACCEPT, "agg", (1, 0)))
    assert not trial.runnable(Kind.ACCEPT)


def test_a_batch_is_not_flushed_while_something_upstream_could_reach_it() -> None:
    what = pipeline(
        source("t"), transform("t", "agg"), {"name": "agg", "kind": "aggregation", "to": "out", "count": 9}, sink()
    )
    trial = Trial(what, rows(2)).started().read().to_rest().read()
    trial.engine.do(Work(Kind.END_OF_SOURCE))
    with pytest.raises(Refused, match="upstream_in_flight"):
        trial.engine.do(Work(Kind.FLUSH, "agg", key=(0,)))
    trial.finish()
    assert told(trial) == [("agg#0", "end_of_source", "completed", 2)]
