"""The coalesce: each policy at each event, debts that climb, late arrivals, failures as one."""

from typing import Any

import pytest

from fateline_engine.errors import Refused
from fateline_engine.landscape.recorder import RESOLUTION
from fateline_engine.merging import CannotMerge
from fateline_engine.plugins import Drop, Failure, Pass
from fateline_engine.script import Kind, Route, Verdict, Work
from fateline_engine.settings import Pipeline
from fateline_engine.state import Loss
from fateline_engine.words import LossReason, Reason, Refusal
from tests.impl.harness import Trial, coalesce, diamond, fails_for, fork, pipeline, sink, source, transform


def three(**more: object) -> Pipeline:
    return pipeline(
        source("split"),
        fork(a="ta", b="tb", c="tc"),
        *(transform(name, "join", on_error="bad") for name in ("ta", "tb", "tc")),
        coalesce("join", "out", "a", "b", "c", **more),
        sink("out"),
        sink("bad"),
    )


QUORUM: dict[str, object] = {"policy": "quorum", "quorum_count": 2}
BEST: dict[str, object] = {"policy": "best_effort", "timeout_seconds": 9}
FIRST: dict[str, object] = {"policy": "first", "timeout_seconds": 9}
ALL: dict[str, object] = {"timeout_seconds": 9}

MERGED, LATE_M, LATE_F = "coalesced", "failed:late_arrival_after_merge", "failed:late_arrival_after_failure"
LOST = "diverted:node_failed"

STORIES: list[tuple[dict[str, object], str, str, dict[str, str]]] = [
    (ALL, "a b c", "merged by arrival: a,b,c; ", {"a": MERGED, "b": MERGED, "c": MERGED}),
    (ALL, "c a b", "merged by arrival: a,b,c; ", {"a": MERGED, "b": MERGED, "c": MERGED}),
    (ALL, "a -b c", "branch_lost by loss: a; b", {"a": "failed:branch_lost", "b": LOST, "c": LATE_F}),
    (ALL, "-a b c", "branch_lost by loss: ; a", {"a": LOST, "b": LATE_F, "c": LATE_F}),
    (ALL, "a ! b c", "incomplete_branches by deadline: a; ", {"a": "failed:incomplete_branches", "b": LATE_F}),
    (QUORUM, "a b c", "merged by arrival: a,b; ", {"a": MERGED, "b": MERGED, "c": LATE_M}),
    (QUORUM, "a -b c", "merged by arrival: a,c; b", {"a": MERGED, "b": LOST, "c": MERGED}),
    (QUORUM, "a -b -c", "quorum_impossible by loss: a; b,c", {"a": "failed:quorum_impossible"}),
    (QUORUM, "-a -b c", "quorum_impossible by loss: ; a,b", {"c": LATE_F}),
    (QUORUM | ALL, "a ! b c", "quorum_not_met by deadline: a; ", {"a": "failed:quorum_not_met", "c": LATE_F}),
    (QUORUM | ALL, "-a ! b c", "quorum_not_met by deadline: ; a", {"b": LATE_F}),
    (BEST, "a b c", "merged by arrival: a,b,c; ", {"c": MERGED}),
    (BEST, "a -b c", "merged by arrival: a,c; b", {"a": MERGED, "c": MERGED}),
    (BEST, "a b -c", "merged by loss: a,b; c", {"a": MERGED, "b": MERGED}),
    (BEST, "-a -b -c", "all_branches_lost by loss: ; a,b,c", {"a": LOST}),
    (BEST, "a ! b c", "merged by deadline: a; ", {"a": MERGED, "b": LATE_M, "c": LATE_M}),
    (BEST, "-a ! b c", "no_arrivals by deadline: ; a", {"b": LATE_F}),
    (FIRST, "b a c", "merged by arrival: b; ", {"b": MERGED, "a": LATE_M, "c": LATE_M}),
    (FIRST, "-a b c", "merged by arrival: b; a", {"b": MERGED, "c": LATE_M}),
    (FIRST, "-a -b -c", "all_branches_lost by loss: ; a,b,c", {"c": LOST}),
    (FIRST, "-a ! b c", "no_arrivals by deadline: ; a", {"b": LATE_F, "c": LATE_F}),
]


@pytest.mark.parametrize("policy, events, barrier, fates", STORIES, ids=lambda value: str(value)[:30])
def test_a_story_ends_as_the_table_says(
    policy: dict[str, object], events: str, barrier: str, fates: dict[str, str]
) -> None:
    """``a`` arrives, ``-a`` is lost, ``!`` is the deadline."""
    lost = {event[1:] for event in events.split() if event.startswith("-")}

    def answer(branch: str) -> Any:
        return lambda token, attempt: Failure("lost") if branch in lost else Pass(token.data)

    answers = {f"t{branch}": answer(branch) for branch in "abc"}
    trial = Trial(three(**policy), answers=answers).started().read().move("0")
    for event in events.split():
        if event == "!":
            trial.engine.do(Work(Kind.DEADLINE, "join", key=(0, 0)))
        elif event.startswith("-"):
            trial.move(f"0/{event[1:]}")
        else:
            trial.move(f"0/{event}").move(f"0/{event}")
    assert trial.barriers() == {"join of 0": barrier}
    trial.finish()
    told = trial.fates()
    assert {branch: told[f"0/{branch}"] for branch in fates} == fates
    assert ("0/join" in told) == barrier.startswith("merged")


def nested(**more: object) -> Pipeline:
    return pipeline(
        source("g1"),
        fork("g1", a="g2", b="tb"),
        fork("g2", x="g3", y="ty"),
        fork("g3", p="tp", q="j3"),
        *(transform(name, to) for name, to in (("tb", "j1"), ("ty", "j2"), ("tp", "j3"))),
        coalesce("j3", "j2", "p", "q"),
        coalesce("j2", "j1", "x", "y", **more),
        coalesce("j1", "out", "a", "b"),
        sink(),
    )


def test_a_loss_climbs_through_every_barrier_in_one_step() -> None:
    trial = Trial(nested(), answers={"tp": fails_for(0)}).started().read().to_rest()
    told = trial.barriers()
    assert set(told) == {"j3 of 0/a/x", "j2 of 0/a", "j1 of 0"}
    assert trial.losses() == {"j3 p": "failed", "j2 x": "barrier_failed", "j1 a": "barrier_failed"}
    assert len({barrier["tx"] for barrier in trial.trail("barriers")}) == 1
    assert {loss["barrier"]: loss["token"] for loss in trial.trail("losses")}["j1/0:0"] == "0:1"


def test_an_inner_barrier_that_can_do_without_keeps_the_debt() -> None:
    trial = Trial(nested(policy="quorum", quorum_count=1), answers={"tp": fails_for(0)})
    trial.run()
    assert "j1 a" not in trial.losses()
    assert trial.fates()["0/a/x/q"] == "failed:late_arrival_after_failure"
    assert trial.fates()["0/j1"] == "completed"


def test_joins_nest_and_the_merged_token_holds_the_debt_beneath() -> None:
    trial = Trial(nested())
    trial.run()
    fates = trial.fates()
    assert fates["0/a/x/j3"] == fates["0/a/j2"] == "coalesced"
    assert fates["0/j1"] == "completed"


@pytest.mark.parametrize(
    "verdict, reason",
    [
        (Route("away"), "routed"), (Route("none"), "discarded"), (Route("nowhere"), "failed"),
        (Route("split"), "forked_away"), (Failure("no"), "failed"),
    ],
)  # fmt: skip
def test_a_branch_is_lost_in_the_step_in_which_no_path_leads_on(verdict: Verdict, reason: str) -> None:
    routes = {"on": "continue", "away": "out", "none": "discard", "split": "fork"}
    gate = {"name": "ga", "kind": "gate", "to": "join", "routes": routes, "fork": {"x": "out", "y": "bad"}}
    what = pipeline(
        source("split"), fork(a="ga", b="tb"), gate, transform("tb", "join"),
        coalesce("join", "out", "a", "b", policy="best_effort", timeout_seconds=9), sink("out"), sink("bad"),
    )  # fmt: skip
    trial = Trial(what, answers={"ga": lambda token, attempt: verdict}).started().read().move("0").move("0/a")
    assert trial.losses() == {"join a": reason}
    (loss,) = trial.trail("losses")
    assert loss["tx"] == max(visit["tx"] for visit in trial.trail("visits"))
    trial.finish()
    assert trial.barriers() == {"join of 0": "merged by arrival: b; a"}


def test_two_coalesces_of_one_fork_keep_their_branches_apart_also_after_a_crash() -> None:
    what = pipeline(
        source("split"), fork(a="ta", b="j", c="k", d="tc", e="out"), transform("ta", "j"), transform("tc", "k"),
        coalesce("j", "out", "a", "b"), coalesce("k", "out", "d", "c"), sink(),
    )  # fmt: skip
    trial = Trial(what, answers={"tc": fails_for(0)}, each_step=True).started().read().move("0")
    trial.move("0/b").move("0/c")
    trial.engine.crash()
    trial.after_crash().engine.resume()
    assert trial.barriers() == {"j of 0": "merged by arrival: a,b; ", "k of 0": "branch_lost by loss: c; d"}
    fates = trial.fates()
    assert (fates["0/j"], fates["0/c"], fates["0/e"]) == ("completed", "failed:branch_lost", "completed")


def test_quarantine_and_diversion_lose_the_branch_too() -> None:
    what = pipeline(
        source("split"), fork(a="ta", b="tb", c="join"), transform("ta", "join", on_error="discard"),
        transform("tb", "join", on_error="bad"),
        coalesce("join", "out", "a", "b", "c", policy="best_effort", timeout_seconds=9), sink("out"), sink("bad"),
    )  # fmt: skip
    trial = Trial(what, answers={"ta": fails_for(0), "tb": lambda token, attempt: Failure("no")})
    trial.run()
    assert trial.losses() == {"join a": "quarantined", "join b": "diverted"}
    assert trial.fates()["0/join"] == "completed"


def test_what_is_lost_after_the_resolution_leaves_no_record() -> None:
    trial = Trial(diamond(policy="first"), answers={"tb": fails_for(0)}).started().read()
    trial.move("0").move("0/a").move("0/a").move("0/b").finish()
    assert trial.losses() == {}
    assert trial.fates()["0/b"] == LOST


def test_a_filtered_token_loses_its_branch() -> None:
    trial = Trial(diamond(), answers={"ta": lambda token, attempt: Drop()})
    trial.run()
    assert trial.losses() == {"join a": "discarded"}
    assert trial.fates()["0/a"] == "discarded:filtered"


@pytest.mark.parametrize(
    "more, change, reason",
    [
        ({}, {"v": "text"}, Reason.CONTRACT_CONFLICT),
        ({"collisions": "fail"}, {"v": 5}, Reason.UNION_COLLISION),
        ({"merge": "select", "select_branch": "b", "policy": "first"}, {"v": 0}, Reason.SELECT_BRANCH_NOT_ARRIVED),
    ],
)
def test_a_merge_that_cannot_be_fails_the_barrier_and_not_the_run(
    more: dict[str, object], change: dict[str, object], reason: Reason
) -> None:
    answers = {"ta": lambda token, attempt: Pass(change)}
    trial = Trial(diamond(**more), [{"v": 0}, {"v": 0}], answers, contract={"v": "int"})
    summary = trial.run()
    assert summary.finished
    assert {barrier["reason"] for barrier in trial.trail("barriers")} == {reason}
    held = [visit for visit in trial.trail("visits") if visit["node"] == "join"]
    assert {visit["status"] for visit in held} == {"failed"}
    assert trial.fates()["0/a"] == f"failed:{reason}"


def test_a_script_may_say_what_the_merge_kernel_says() -> None:
    trial = Trial(diamond())
    trial.script.says = CannotMerge(Reason.UNION_COLLISION, "said so")
    trial.run()
    assert trial.fates()["0/a"] == trial.fates()["0/b"] == "failed:union_collision"


def test_a_late_token_is_late_by_its_own_barrier_however_many_there_were_and_across_a_crash() -> None:
    rows = [{"v": value} for value in range(300)]
    trial = Trial(diamond(policy="first"), rows, each_step=True).started().read()
    trial.move("0").move("0/a").move("0/a")
    for row in range(1, 300):
        trial.read()
        for token in ("1", "1", "2", "2"):  # the root, then branch a
            work = next(w for w in trial.runnable() if w.token == (row, int(token) - 1))
            trial.engine.do(work)
    trial.engine.crash()
    trial.after_crash().engine.take_up()
    executor = trial.engine.processor.coalesces["join"]
    assert not executor.open
    trial.finish()
    told = trial.fates()
    assert [told[f"{row}/b"] for row in range(300)] == [LATE_M] * 300


def test_the_late_look_up_is_by_the_key() -> None:
    trial = Trial(diamond()).started()
    (plan,) = trial.landscape.conn.execute(f"EXPLAIN QUERY PLAN {RESOLUTION}", (1, 1, 1, 1)).fetchall()
    assert "SEARCH" in plan[3]
    assert "PRIMARY KEY (run=? AND node=? AND row=? AND fork=?)" in plan[3]


def refusal_of(trial: Trial, work: Work) -> Refusal:
    before = trial.snapshot()
    with pytest.raises(Refused) as caught:
        trial.engine.do(work)
    assert trial.snapshot() == before
    return caught.value.refusal


def test_hostile_arrivals_are_refused() -> None:
    trial = Trial(diamond(), [{"v": 0}, {"v": 1}], each_step=True).started().read()
    assert refusal_of(trial, Work(Kind.ARRIVE, "join", (0, 0))) is Refusal.NOT_ITS_NEXT_NODE
    assert refusal_of(trial, Work(Kind.ARRIVE, "join", (4, 0))) is Refusal.UNKNOWN_TOKEN
    trial.move("0").move("0/a").move("0/a")
    assert refusal_of(trial, Work(Kind.ARRIVE, "join", (0, 1))) is Refusal.ALREADY_VISITING
    assert refusal_of(trial, Work(Kind.ARRIVE, "join", (0, 0))) is Refusal.HAS_FATE
    assert refusal_of(trial, Work(Kind.DEADLINE, "join", key=(0, 0))) is Refusal.NO_DEADLINE
    assert refusal_of(trial, Work(Kind.DEADLINE, "join", key=(0, 2))) is Refusal.UNKNOWN_BARRIER
    assert refusal_of(trial, Work(Kind.FLUSH, "join", key=(0, 0))) is Refusal.SOURCE_NOT_ENDED
    trial.to_rest()
    assert refusal_of(trial, Work(Kind.FLUSH, "join", key=(0, 0))) is Refusal.ALREADY_RESOLVED


def test_a_duplicate_and_a_stranger_are_refused_by_the_barrier_itself() -> None:
    trial = Trial(diamond(), each_step=True).started().read().move("0").move("0/a").move("0/a")
    executor = trial.engine.processor.coalesces["join"]
    held = next(iter(executor.open.values())).held["a"]
    stranger = held.info._replace(stack=None)
    for info, refusal in ((held.info, Refusal.BRANCH_HELD), (stranger, Refusal.NO_FRAME)):
        held.info = info
        with pytest.raises(Refused) as caught:
            executor.arrive(held)
        assert caught.value.refusal is refusal
    assert held.info.stack is None


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_a_merge_is_in_declared_order_whatever_the_order_of_arrival(order: str) -> None:
    answers = {f"t{branch}": lambda token, attempt: Pass({"v": token.branch}) for branch in "abc"}
    trial = Trial(three(), answers=answers).started().read().move("0")
    for branch in order:
        trial.move(f"0/{branch}").move(f"0/{branch}")
    trial.finish()
    names = trial.names()
    parents = [names[link["parent"]] for link in trial.trail("parents") if names[link["child"]] == "0/join"]
    assert parents == ["0/a", "0/b", "0/c"]
    assert trial.sinks["out"].rows == [{"v": "c"}]


def test_a_lost_branch_is_neither_lost_again_nor_does_it_arrive() -> None:
    what = diamond(policy="best_effort", timeout_seconds=9)
    trial = Trial(what, answers={"ta": fails_for(0)}).started().read().move("0")
    frame = trial.engine.state.live[0, 1].info.stack
    assert frame is not None
    trial.move("0/a")
    executor = trial.engine.processor.coalesces["join"]
    with pytest.raises(Refused, match="branch_lost"):
        executor.lose(Loss(frame, 0, 1, LossReason.FAILED))
    other = trial.engine.state.live[0, 2]
    other.info = other.info._replace(stack=frame)
    with pytest.raises(Refused, match="branch_lost"):
        executor.arrive(other)


def test_what_a_resolved_barrier_knew_of_is_refused_and_not_called_late() -> None:
    trial = Trial(diamond(), answers={"ta": fails_for(0)}).started().read().move("0")
    frame = trial.engine.state.live[0, 1].info.stack
    assert frame is not None
    trial.move("0/a")
    assert trial.barriers() == {"join of 0": "branch_lost by loss: ; a"}
    executor = trial.engine.processor.coalesces["join"]
    with pytest.raises(Refused, match="branch_lost"):
        executor.lose(Loss(frame, 0, 1, LossReason.FAILED))
    other = trial.engine.state.live[0, 2]
    other.info = other.info._replace(stack=frame)
    with pytest.raises(Refused, match="branch_lost"):
        executor.arrive(other)


def test_a_held_branch_is_not_lost() -> None:
    trial = Trial(diamond(policy="best_effort", timeout_seconds=9)).started().read().move("0").move("0/a").move("0/a")
    executor = trial.engine.processor.coalesces["join"]
    frame = next(iter(executor.open.values())).held["a"].info.stack
    assert frame is not None
    with pytest.raises(Refused, match="branch_held"):
        executor.lose(Loss(frame, 0, 1, LossReason.FAILED))


def test_a_first_barrier_that_holds_a_token_is_an_engine_bug_refused_loudly() -> None:
    trial = Trial(diamond(policy="first", timeout_seconds=9)).started().read().move("0").move("0/a")
    executor = trial.engine.processor.coalesces["join"]
    executor._rule = lambda *_: None  # type: ignore[method-assign]
    trial.move("0/a")
    with pytest.raises(Refused, match="first_has_arrived"):
        trial.engine.do(Work(Kind.DEADLINE, "join", key=(0, 0)))
