"""What each stimulus does to a run, as short stories; batches have a file of their own.

Every step of every story is judged by every law, and every refusal must leave the run as it was.
"""

import pytest

from fateline_model import Run, Stimulus, step
from fateline_model.checker.shapes import (
    coalesce,
    diamond,
    expand_then_fork,
    fork,
    inner_partial,
    leaving,
    line,
    nested,
    partial,
    pipeline,
    quarantine,
    retries,
    sequential,
    sink,
    source,
    three_deep,
    work,
)
from fateline_model.records import BarrierRecord, OutcomeRecord, RunRecord, TokenRecord
from fateline_model.stimuli import Do
from fateline_model.words import MergeData, Refusal

from .scenario import Story

OK, CONTRACTS, COLLISION = MergeData.OK, MergeData.CONTRACT_CONFLICT, MergeData.UNION_COLLISION


def through(policy: str = "require_all", merge: str = "union", branches: int = 2, works: int | None = None) -> Story:
    """A diamond whose row has forked."""
    return Story(diamond(branches, policy, merge, works)).forked()


def bring(story: Story, branch: str, *data: MergeData) -> None:
    """A branch of the diamond passes its transform and arrives."""
    story.visit(f"0/{branch}", "pass")
    story.arrive(f"0/{branch}", *data)


# ------------------------------------------------------------------------------------------------- reading a row


def test_reading_a_row_writes_the_row_its_root_token_and_the_first_hop() -> None:
    story = Story(line())
    assert [type(record).__name__ for record in story.read(3)] == ["RowRecord", "TokenRecord", "HopRecord"]
    assert story.hops == [("3", "src", "continue", "t")]
    assert story.wrote_of(TokenRecord)[0].group_kind is None


def test_rows_may_be_read_in_any_order_and_are_kept_in_theirs() -> None:
    story = Story(line())
    story.read(2)
    story.read(0)
    assert [row.number for row in story.run.rows] == [0, 2]


def test_an_invalid_row_without_a_quarantine_sink_meets_its_fate_in_the_step_that_reads_it() -> None:
    story = Story(line())
    story.read(verdict="invalid")
    assert story.outcomes == [("0", "quarantined", "invalid_row")]
    assert story.hops == []
    assert story.wrote_of(OutcomeRecord)[0].sink is None
    story.over()


def test_an_invalid_row_with_a_quarantine_sink_is_quarantined_by_the_write_there() -> None:
    story = Story(quarantine())
    story.read(verdict="invalid")
    assert story.hops == [("0", "src", "on_error", "bad")]
    assert story.fates == {}
    story.visit("0", "written")
    assert story.outcomes == [("0", "quarantined", "invalid_row")]
    assert story.wrote_of(OutcomeRecord)[0].sink == "bad"


def test_an_invalid_row_that_its_quarantine_sink_refuses_fails() -> None:
    story = Story(quarantine())
    story.read(verdict="invalid")
    story.visit("0", "refused")
    assert story.outcomes == [("0", "failed", "node_failed")]


def test_a_valid_row_without_a_contract_is_refused_before_any_write() -> None:
    story = Story(line())
    assert story.refuses(Stimulus(Do.READ, row=0, verdict="no_contract")) is Refusal.NO_CONTRACT
    story.read()


# ------------------------------------------------------------------------------------------------- visits and fates


def test_the_end_of_a_visit_and_the_hop_it_causes_are_one_step() -> None:
    story = Story(line())
    story.read()
    story.begin("0")
    assert story.visits == [("0", "t", 0, "open", None)]
    story.finish("0", "pass")
    assert story.visits == [("0", "t", 0, "completed", "pass")]
    assert story.hops == [("0", "t", "continue", "g")]


def test_a_filter_discards() -> None:
    story = Story(line())
    story.read()
    story.visit("0", "drop")
    assert story.outcomes == [("0", "discarded", "filtered")]


@pytest.mark.parametrize(
    "route, label, sink_, fate",
    [("on", "continue", "out", "completed"), ("high", "high", "vip", "routed")],
)
def test_a_write_gives_the_fate_that_the_last_hop_decides(route: str, label: str, sink_: str, fate: str) -> None:
    story = Story(line())
    story.read()
    story.visit("0", "pass")
    story.visit("0", f"route {route}")
    assert story.hops == [("0", "g", label, sink_)]
    story.visit("0", "written")
    assert story.outcomes == [("0", fate, None)]
    assert story.wrote_of(OutcomeRecord)[0].sink == sink_


def test_a_gate_discards() -> None:
    story = Story(line())
    story.read()
    story.visit("0", "pass")
    story.visit("0", "route no")
    assert story.outcomes == [("0", "discarded", "gate_discard")]
    assert story.hops == []


def test_an_undeclared_label_is_an_error_of_the_gate() -> None:
    story = Story(line())
    story.read()
    story.visit("0", "pass")
    story.visit("0", "route nowhere")
    assert story.visits == [("0", "g", 0, "failed", "error")]
    assert story.hops == [("0", "g", "on_error", "bad")]


def test_an_undeclared_expansion_is_an_error_of_the_transform() -> None:
    story = Story(line())
    story.read()
    story.visit("0", "expand 2")
    assert story.visits == [("0", "t", 0, "failed", "error")]
    assert story.outcomes == [("0", "quarantined", "node_failed")]
    assert story.made == []


def test_a_transform_that_expands_cannot_merely_pass() -> None:
    story = Story(expand_then_fork())
    story.read()
    story.begin("0")
    assert story.refuses(Stimulus(Do.FINISH, token="0", verdict="pass")) is Refusal.NO_SUCH_VERDICT


@pytest.mark.parametrize("count", [1, 3])
def test_an_expansion_makes_its_children_in_one_step_with_the_parents_fate(count: int) -> None:
    story = Story(expand_then_fork())
    story.read()
    story.visit("0", f"expand {count}")
    assert story.made == [f"0.{n}" for n in range(count)]
    assert story.parents == [(f"0.{n}", "0", n) for n in range(count)]
    assert story.hops == [(f"0.{n}", "x", "continue", "g") for n in range(count)]
    (fate,) = story.wrote_of(OutcomeRecord)
    assert (fate.outcome, fate.group, fate.promised) == ("expanded", "0", str(count))
    assert {token.group for token in story.wrote_of(TokenRecord)} == {"0"}


def test_a_fork_makes_its_children_in_one_step_with_the_parents_fate() -> None:
    story = through()
    assert story.made == ["0/a", "0/b"]
    assert [token.branch for token in story.wrote_of(TokenRecord)] == ["a", "b"]
    assert story.hops == [("0/a", "g", "a", "ta"), ("0/b", "g", "b", "tb")]
    (fate,) = story.wrote_of(OutcomeRecord)
    assert (fate.outcome, fate.group, fate.promised) == ("forked", "0", "a,b")


# ------------------------------------------------------------------------------------------------- errors


def failing(on_error: str | None, attempts: int = 1) -> Story:
    """One transform with this `on_error`."""
    keys: dict[str, object] = {"attempts": attempts} if on_error is None else {"on_error": on_error}
    node = {"name": "t", "kind": "transform", "to": "out", **keys}
    side = [sink("bad")] if on_error == "bad" else []
    story = Story(pipeline("failing", source("t"), node, sink(), *side))
    story.read()
    return story


@pytest.mark.parametrize(
    "on_error, outcomes",
    [(None, [("0", "failed", "node_failed")]), ("discard", [("0", "quarantined", "node_failed")]), ("bad", [])],
)
def test_an_error_closes_the_visit_and_on_error_decides_in_the_same_step(
    on_error: str | None, outcomes: list[tuple[str, str, str | None]]
) -> None:
    story = failing(on_error)
    story.visit("0", "error")
    assert story.visits == [("0", "t", 0, "failed", "error")]
    assert story.outcomes == outcomes
    assert story.hops == ([("0", "t", "on_error", "bad")] if on_error == "bad" else [])
    assert all(outcome.error == "*" for outcome in story.wrote_of(OutcomeRecord))


def test_what_an_error_edge_brings_to_a_sink_is_diverted() -> None:
    story = failing("bad")
    story.visit("0", "error")
    story.visit("0", "written")
    assert story.outcomes == [("0", "diverted", "node_failed")]


def test_a_gates_error_takes_the_gates_own_way_out() -> None:
    story = Story(line())
    story.read()
    story.visit("0", "pass")
    story.visit("0", "error")
    assert story.hops == [("0", "g", "on_error", "bad")]


def test_a_sinks_refusal_leads_to_its_other_sink_and_ends_at_the_last() -> None:
    story = Story(line())
    story.read()
    story.visit("0", "pass")
    story.visit("0", "route high")
    story.visit("0", "refused")
    assert story.hops == [("0", "vip", "on_error", "bad")]
    story.visit("0", "refused")
    assert story.outcomes == [("0", "quarantined", "node_failed")]


def test_a_retryable_error_opens_the_next_attempt_in_the_same_step_while_one_is_left() -> None:
    story = Story(retries(3))
    story.read()
    story.begin("0")
    for attempt in range(2):
        story.finish("0", "error_retryable")
        assert story.visits == [
            ("0", "t", attempt, "failed", "error_retryable"),
            ("0", "t", attempt + 1, "open", None),
        ]
    story.finish("0", "error_retryable")
    assert story.visits == [("0", "t", 2, "failed", "error_retryable")]
    assert story.hops == [("0", "t", "on_error", "bad")]


def test_an_error_that_is_not_retryable_ends_the_attempts() -> None:
    story = Story(retries(3))
    story.read()
    story.visit("0", "error")
    assert story.hops == [("0", "t", "on_error", "bad")]


def test_attempts_are_counted_afresh_at_the_next_node() -> None:
    story = Story(retries(3))
    story.read()
    story.begin("0")
    story.finish("0", "error_retryable")
    story.finish("0", "pass")
    story.begin("0")
    assert story.visits == [("0", "out", 0, "open", None)]
    story.finish("0", "refused_retryable")
    story.finish("0", "written")
    assert story.visits == [("0", "out", 1, "completed", "written")]


def test_without_further_attempts_a_retryable_error_is_an_error() -> None:
    story = failing(None)
    story.visit("0", "error_retryable")
    assert story.outcomes == [("0", "failed", "node_failed")]


# ------------------------------------------------------------------------------------------------- barriers


def test_require_all_holds_until_the_last_branch_and_merges_in_declared_order() -> None:
    story = through("require_all")
    bring(story, "b")
    assert story.visits == [("0/b", "j", 0, "held", None)]
    assert story.barriers == []
    bring(story, "a")
    assert story.barriers == [("j@0", "merged", None, "arrival", "a,b", "")]
    assert story.visits == [
        ("0/a", "j", 0, "held", None),
        ("0/a", "j", 0, "completed", "merged"),
        ("0/b", "j", 0, "completed", "merged"),
    ]
    assert story.outcomes == [("0/a", "coalesced", None), ("0/b", "coalesced", None)]
    assert story.parents == [("0/j", "0/a", 0), ("0/j", "0/b", 1)]
    assert story.hops == [("0/j", "j", "continue", "out")]
    (merged,) = story.wrote_of(TokenRecord)
    assert (merged.row, merged.group_kind, merged.group) == ("0", "join", "0/j")
    assert story.token("0/j").stack == ()
    story.visit("0/j", "written")
    story.over()


def test_a_quorum_merges_at_the_quorum_and_the_rest_are_late() -> None:
    story = through("quorum:2", branches=3)
    bring(story, "c")
    bring(story, "a")
    assert story.barriers == [("j@0", "merged", None, "arrival", "a,c", "")]
    bring(story, "b")
    assert story.outcomes == [("0/b", "failed", "late_arrival_after_merge")]


def test_first_merges_at_the_first() -> None:
    story = through("first")
    bring(story, "b")
    assert story.barriers == [("j@0", "merged", None, "arrival", "b", "")]
    assert story.parents == [("0/j", "0/b", 0)]


def test_best_effort_merges_when_every_branch_has_arrived_or_is_lost() -> None:
    story = through("best_effort")
    bring(story, "a")
    assert story.barriers == []
    story.visit("0/b", "drop")
    assert story.losses == [("j@0", "b", "0/b", "discarded")]
    assert story.barriers == [("j@0", "merged", None, "loss", "a", "b")]
    assert story.made == ["0/j"]


def test_best_effort_fails_when_every_branch_is_lost() -> None:
    story = through("best_effort")
    story.visit("0/a", "drop")
    assert story.barriers == []
    story.visit("0/b", "error")
    assert story.barriers == [("j@0", "failed", "all_branches_lost", "loss", "", "a,b")]


def test_require_all_fails_at_the_first_loss_and_takes_the_held_with_it() -> None:
    story = through("require_all", branches=3)
    bring(story, "a")
    bring(story, "c")
    story.visit("0/b", "error")
    assert story.losses == [("j@0", "b", "0/b", "quarantined")]
    assert story.barriers == [("j@0", "failed", "branch_lost", "loss", "a,c", "b")]
    assert story.visits[1:] == [
        ("0/a", "j", 0, "failed", "barrier_failed"),
        ("0/c", "j", 0, "failed", "barrier_failed"),
    ]
    assert story.outcomes == [
        ("0/b", "quarantined", "node_failed"),
        ("0/a", "failed", "branch_lost"),
        ("0/c", "failed", "branch_lost"),
    ]


def test_a_quorum_fails_once_it_is_out_of_reach_and_not_before() -> None:
    story = through("quorum:2", branches=3)
    story.visit("0/a", "drop")
    assert (story.losses, story.barriers) == ([("j@0", "a", "0/a", "discarded")], [])
    story.visit("0/b", "drop")
    assert story.barriers == [("j@0", "failed", "quorum_impossible", "loss", "", "a,b")]


def test_first_fails_when_nobody_is_left() -> None:
    story = through("first")
    story.visit("0/a", "drop")
    story.visit("0/b", "drop")
    assert story.barriers == [("j@0", "failed", "all_branches_lost", "loss", "", "a,b")]


@pytest.mark.parametrize(
    "policy, arrives, verdict, reason",
    [
        ("require_all", True, "failed", "incomplete_branches"),
        ("quorum:2", True, "failed", "quorum_not_met"),
        ("quorum:1", False, "failed", "quorum_not_met"),
        ("best_effort", True, "merged", None),
        ("best_effort", False, "failed", "no_arrivals"),
        ("first", False, "failed", "no_arrivals"),
    ],
)
def test_a_deadline_resolves(policy: str, arrives: bool, verdict: str, reason: str | None) -> None:
    story = through(policy)
    if arrives:
        bring(story, "a")
    else:
        story.visit("0/a", "drop")
    story.deadline("j@0")
    assert story.barriers == [("j@0", verdict, reason, "deadline", "a" if arrives else "", "" if arrives else "a")]


@pytest.mark.parametrize("said", [CONTRACTS, COLLISION])
def test_a_merge_that_contradicts_itself_fails_its_barrier_and_the_run_goes_on(said: MergeData) -> None:
    story = through(merge="union:fail")
    bring(story, "a")
    bring(story, "b", said)
    assert story.barriers == [("j@0", "failed", str(said), "arrival", "a,b", "")]
    assert story.outcomes == [("0/a", "failed", str(said)), ("0/b", "failed", str(said))]
    story.over()


def test_a_merge_without_its_selected_branch_fails_and_losing_that_branch_alone_does_not() -> None:
    story = through("best_effort", "select:b")
    story.visit("0/b", "drop")
    assert story.barriers == []
    bring(story, "a")
    assert story.barriers == [("j@0", "failed", "select_branch_not_arrived", "arrival", "a", "b")]


@pytest.mark.parametrize(
    "policy, merge, branches, data",
    [
        ("require_all", "union", 2, COLLISION),
        ("require_all", "nested", 2, CONTRACTS),
        ("first", "union:fail", 2, COLLISION),
        ("first", "union:fail", 2, CONTRACTS),
    ],
)
def test_the_data_can_only_say_what_the_merge_kernel_could(
    policy: str, merge: str, branches: int, data: MergeData
) -> None:
    story = through(policy, merge, branches)
    story.visit("0/a", "pass")
    story.visit("0/b", "pass")
    if policy == "require_all":
        story.arrive("0/a")
    assert story.refuses(Stimulus(Do.ARRIVE, token="0/b", data=(data,))) is Refusal.NO_SUCH_DATA


def test_nothing_is_said_of_merges_that_do_not_happen() -> None:
    story = through()
    story.visit("0/a", "pass")
    assert story.refuses(Stimulus(Do.ARRIVE, token="0/a", data=(OK,))) is Refusal.NO_SUCH_DATA
    assert story.refuses(Stimulus(Do.CRASH, data=(OK,))) is Refusal.NO_SUCH_DATA


# ------------------------------------------------------------------------------------------------- late


def test_late_after_a_merge_is_one_step_and_names_the_merge() -> None:
    story = through("first")
    bring(story, "a")
    bring(story, "b")
    assert story.visits == [("0/b", "j", 0, "failed", "late")]
    assert story.outcomes == [("0/b", "failed", "late_arrival_after_merge")]
    assert (story.losses, story.barriers, story.hops) == ([], [], [])


def test_late_after_a_failure_names_the_failure() -> None:
    story = through("require_all", branches=3)
    story.visit("0/a", "drop")
    bring(story, "b")
    assert story.outcomes == [("0/b", "failed", "late_arrival_after_failure")]


def test_a_loss_after_the_resolution_leaves_no_record() -> None:
    story = through("first")
    bring(story, "a")
    story.visit("0/b", "drop")
    assert (story.losses, story.barriers) == ([], [])
    assert story.outcomes == [("0/b", "discarded", "filtered")]


def test_each_fork_of_a_row_has_its_own_barrier_and_none_makes_the_other_late() -> None:
    story = Story(expand_then_fork("first"))
    story.read()
    story.visit("0", "expand 2")
    for child in ("0.0", "0.1"):
        story.visit(child, "route all")
    story.arrive("0.0/b")
    story.arrive("0.1/b")
    assert story.barriers == [("j@0.1", "merged", None, "arrival", "b", "")]
    story.visit("0.0/a", "pass")
    story.arrive("0.0/a")
    assert story.outcomes == [("0.0/a", "failed", "late_arrival_after_merge")]


def test_late_is_late_however_many_barriers_were_resolved_in_between_and_across_a_crash() -> None:
    story = Story(diamond(2, "first"))
    story.forked(0)
    story.visit("0/a", "pass")
    story.arrive("0/a")
    for row in range(1, 50):
        story.forked(row)
        story.visit(f"{row}/a", "pass")
        story.arrive(f"{row}/a")
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    story.visit("0/b", "pass")
    story.arrive("0/b")
    assert story.outcomes == [("0/b", "failed", "late_arrival_after_merge")]


# ------------------------------------------------------------------------------------------------- nested and partial


def test_a_loss_climbs_through_nested_forks_in_the_step_that_loses_the_branch() -> None:
    story = Story(three_deep())
    story.forked()
    for name in ("0/a", "0/a/c"):
        story.visit(name, "route all")
    story.arrive("0/b")
    story.arrive("0/a/d")
    story.visit("0/a/c/e", "error")
    assert story.losses == [
        ("j3@0/a/c", "e", "0/a/c/e", "quarantined"),
        ("j2@0/a", "c", "0/a/c", "barrier_failed"),
        ("j1@0", "a", "0/a", "barrier_failed"),
    ]
    assert [(name, reason, trigger) for name, _, reason, trigger, _, _ in story.barriers] == [
        ("j3@0/a/c", "branch_lost", "loss"),
        ("j2@0/a", "branch_lost", "loss"),
        ("j1@0", "branch_lost", "loss"),
    ]
    assert story.outcomes[1:] == [("0/a/d", "failed", "branch_lost"), ("0/b", "failed", "branch_lost")]


def test_a_merge_inside_carries_the_debt_on_and_the_outer_merge_pays_it() -> None:
    story = Story(nested())
    story.forked()
    story.visit("0/a", "route all")
    story.arrive("0/a/q")
    story.visit("0/a/p", "pass")
    story.arrive("0/a/p")
    assert story.made == ["0/a/ji"]
    assert story.parents == [("0/a/ji", "0/a/p", 0), ("0/a/ji", "0/a/q", 1)]
    assert [frame.branch for frame in story.token("0/a/ji").stack] == ["a"]
    story.arrive("0/a/ji")
    story.visit("0/b", "pass")
    story.arrive("0/b")
    assert story.parents == [("0/j", "0/a/ji", 0), ("0/j", "0/b", 1)]


def test_a_merged_token_may_fork_again() -> None:
    story = Story(sequential())
    story.forked()
    story.arrive("0/b")
    story.visit("0/a", "pass")
    story.arrive("0/a")
    story.visit("0/j1", "route all")
    assert story.made == ["0/j1/c", "0/j1/d"]
    story.arrive("0/j1/d")
    story.visit("0/j1/c", "pass")
    story.arrive("0/j1/c")
    assert story.barriers == [("j2@0/j1", "merged", None, "arrival", "c,d", "")]


def test_a_branch_that_is_not_joined_owes_nothing_and_its_end_is_no_loss() -> None:
    story = Story(partial())
    story.forked()
    assert [len(story.token(f"0/{branch}").stack) for branch in "abcd"] == [1, 1, 0, 0]
    story.visit("0/c", "error")
    assert (story.losses, story.barriers) == ([], [])
    story.visit("0/d", "written")
    assert story.outcomes == [("0/d", "completed", None)]


def test_beneath_an_owed_branch_the_joined_siblings_hold_the_debt_alone() -> None:
    story = Story(inner_partial())
    story.forked()
    story.visit("0/a", "route all")
    assert [len(story.token(f"0/a/{branch}").stack) for branch in "pqr"] == [2, 2, 0]
    story.visit("0/a/r", "error")
    assert story.losses == []
    story.visit("0/a/p", "error")
    assert [(x[0], x[1], x[3]) for x in story.losses] == [
        ("ji@0/a", "p", "quarantined"),
        ("j@0", "a", "barrier_failed"),
    ]


def test_a_fork_none_of_whose_branches_is_joined_loses_the_branch_at_the_fork() -> None:
    story = Story(leaving())
    story.forked()
    story.arrive("0/b")
    story.visit("0/a", "route split")
    assert story.losses == [("j@0", "a", "0/a", "forked_away")]
    assert story.barriers == [("j@0", "failed", "branch_lost", "loss", "b", "a")]
    assert story.made == ["0/a/x", "0/a/y"]
    assert story.token("0/a/x").stack == ()


@pytest.mark.parametrize(
    "verdicts, reason",
    [
        (("route away",), "routed"),
        (("route no",), "discarded"),
        (("error",), "diverted"),
        (("route on", "error"), "diverted"),
        (("route on", "drop"), "discarded"),
    ],
)
def test_each_way_out_of_a_branch_is_a_loss_in_that_step(verdicts: tuple[str, ...], reason: str) -> None:
    story = Story(leaving("best_effort"))
    story.forked()
    for verdict in verdicts:
        story.visit("0/a", verdict)
    assert story.losses == [("j@0", "a", "0/a", reason)]


def test_a_branch_that_fails_without_a_way_out_is_lost_as_failed() -> None:
    document = diamond(2, "best_effort")
    for node in document["nodes"]:
        node.pop("on_error", None)
    story = Story(document).forked()
    story.visit("0/a", "error")
    assert story.losses == [("j@0", "a", "0/a", "failed")]
    assert story.outcomes == [("0/a", "failed", "node_failed")]


def test_the_write_after_a_loss_changes_nothing_more() -> None:
    story = Story(leaving("best_effort"))
    story.forked()
    story.visit("0/a", "route away")
    story.visit("0/a", "written")
    assert (story.losses, story.barriers) == ([], [])
    assert story.outcomes == [("0/a", "routed", None)]


# ------------------------------------------------------------------------------------------------- refusals


def test_a_barrier_without_an_event_has_no_deadline_and_no_flush() -> None:
    story = through()
    for do in (Do.DEADLINE, Do.FLUSH):
        assert story.refuses(Stimulus(do, hold="j@0")) is Refusal.UNKNOWN_BARRIER
    bring(story, "a")
    story.deadline("j@0")


def test_without_a_timeout_there_is_no_deadline() -> None:
    document = diamond(2)
    del document["nodes"][-2]["timeout_seconds"]
    story = Story(document).forked()
    bring(story, "a")
    assert story.refuses(Stimulus(Do.DEADLINE, hold="j@0")) is Refusal.NO_DEADLINE


def test_in_a_whole_pipeline_no_flush_of_a_barrier_is_ever_lawful() -> None:
    """Before the end of the source, after it while a branch is on its way, and once it is resolved."""
    story = through()
    bring(story, "a")
    flush = Stimulus(Do.FLUSH, hold="j@0")
    assert story.refuses(flush) is Refusal.SOURCE_NOT_ENDED
    story.do(Do.END_OF_SOURCE)
    assert story.refuses(flush) is Refusal.UPSTREAM_IN_FLIGHT
    story.visit("0/b", "drop")
    assert story.refuses(flush) is Refusal.ALREADY_RESOLVED


def test_what_is_held_further_inside_still_owes_the_outer_barrier() -> None:
    story = Story(nested("best_effort", "require_all"))
    story.forked()
    story.visit("0/a", "route all")
    story.visit("0/b", "pass")
    story.arrive("0/b")
    story.arrive("0/a/q")
    story.do(Do.END_OF_SOURCE)
    assert story.refuses(Stimulus(Do.FLUSH, hold="j@0")) is Refusal.UPSTREAM_IN_FLIGHT


@pytest.mark.parametrize(
    "stimulus, rule",
    [
        (Stimulus(Do.READ, row=0, verdict="valid"), Refusal.ROW_ALREADY_READ),
        (Stimulus(Do.READ, row=-1, verdict="valid"), Refusal.UNKNOWN_ROW),
        (Stimulus(Do.READ, verdict="valid"), Refusal.UNKNOWN_ROW),
        (Stimulus(Do.READ, row=1, verdict="nonsense"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.READ, row=1), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.BEGIN, token="0/x"), Refusal.UNKNOWN_TOKEN),
        (Stimulus(Do.BEGIN, token="1"), Refusal.UNKNOWN_TOKEN),
        (Stimulus(Do.BEGIN, token="00"), Refusal.UNKNOWN_TOKEN),
        (Stimulus(Do.BEGIN, token=""), Refusal.UNKNOWN_TOKEN),
        (Stimulus(Do.BEGIN), Refusal.UNKNOWN_TOKEN),
        (Stimulus(Do.BEGIN, token="0"), Refusal.HAS_FATE),
        (Stimulus(Do.BEGIN, token="0/a"), Refusal.ALREADY_VISITING),
        (Stimulus(Do.BEGIN, token="0/b"), Refusal.NOT_ITS_NEXT_NODE),
        (Stimulus(Do.BEGIN, token="0/c"), Refusal.ALREADY_VISITING),
        (Stimulus(Do.FINISH, token="0/b", verdict="pass"), Refusal.NOT_VISITING),
        (Stimulus(Do.FINISH, token="0/c", verdict="pass"), Refusal.NOT_VISITING),
        (Stimulus(Do.FINISH, token="0", verdict="pass"), Refusal.HAS_FATE),
        (Stimulus(Do.FINISH, token="0/a"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="written"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="route all"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="pass on"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="pass "), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="expand"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="expand 0"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="expand -1"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="expand 2.5"), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.FINISH, token="0/a", verdict="expand " + "9" * 5000), Refusal.NO_SUCH_VERDICT),
        (Stimulus(Do.ARRIVE, token="0/a"), Refusal.ALREADY_VISITING),
        (Stimulus(Do.ARRIVE, token="0/c"), Refusal.ALREADY_VISITING),
        (Stimulus(Do.ARRIVE, token="0"), Refusal.HAS_FATE),
        (Stimulus(Do.ARRIVE, token="1/a"), Refusal.UNKNOWN_TOKEN),
        (Stimulus(Do.ACCEPT, token="0/b"), Refusal.NOT_ITS_NEXT_NODE),
        (Stimulus(Do.DEADLINE, hold="j@1"), Refusal.UNKNOWN_BARRIER),
        (Stimulus(Do.DEADLINE, hold="agg#0"), Refusal.UNKNOWN_BATCH),
        (Stimulus(Do.DEADLINE), Refusal.UNKNOWN_BARRIER),
        (Stimulus(Do.CONDITION, hold="agg#0"), Refusal.UNKNOWN_BATCH),
        (Stimulus(Do.FLUSHED, hold="agg#0", verdict="passed"), Refusal.UNKNOWN_BATCH),
        (Stimulus(Do.RESUME), Refusal.RUN_UP),
        (Stimulus(Do.RUN_OVER), Refusal.SOURCE_NOT_ENDED),
    ],
)
def test_what_is_not_lawful_here_is_refused_by_its_rule(stimulus: Stimulus, rule: Refusal) -> None:
    """Of a fork of three, `a` is at work, `b` is on its way to the coalesce, and `c` is held there."""
    story = through("require_all", branches=3, works=1)
    story.arrive("0/c")
    story.begin("0/a")
    assert story.refuses(stimulus) is rule


def test_a_token_ready_elsewhere_cannot_arrive() -> None:
    story = through()
    assert story.refuses(Stimulus(Do.ARRIVE, token="0/a")) is Refusal.NOT_ITS_NEXT_NODE


def test_after_the_end_of_the_source_nothing_is_read_and_it_does_not_end_again() -> None:
    story = Story(line())
    story.do(Do.END_OF_SOURCE)
    assert story.refuses(Stimulus(Do.READ, row=0, verdict="valid")) is Refusal.SOURCE_ENDED
    assert story.refuses(Stimulus(Do.END_OF_SOURCE)) is Refusal.SOURCE_ENDED


def test_a_run_is_over_only_when_everything_is_at_rest_and_then_nothing_happens_in_it() -> None:
    story = Story(line())
    story.read()
    story.do(Do.END_OF_SOURCE)
    assert story.refuses(Stimulus(Do.RUN_OVER)) is Refusal.NOT_AT_REST
    story.visit("0", "drop")
    story.do(Do.RUN_OVER)
    assert story.wrote == (RunRecord("r", "line", story.run.status, 1),)
    for do in Do:
        assert story.refuses(Stimulus(do, row=0, token="0", verdict="valid")) is Refusal.RUN_OVER


def test_a_run_is_not_over_while_a_node_is_at_work_or_a_token_is_held() -> None:
    story = through(works=1)
    story.do(Do.END_OF_SOURCE)
    story.begin("0/a")
    assert story.refuses(Stimulus(Do.RUN_OVER)) is Refusal.NOT_AT_REST
    story.arrive("0/b")
    story.finish("0/a", "pass")
    assert story.refuses(Stimulus(Do.RUN_OVER)) is Refusal.NOT_AT_REST
    story.arrive("0/a")
    assert story.refuses(Stimulus(Do.RUN_OVER)) is Refusal.NOT_AT_REST
    story.visit("0/j", "written")
    story.do(Do.RUN_OVER)


def test_a_run_that_waits_for_nothing_but_a_held_token_is_not_over() -> None:
    """No graph comes to this; a state made by hand does."""
    story = through(works=1)
    story.arrive("0/b")
    story.do(Do.END_OF_SOURCE)
    (row,) = story.run.rows
    story.run = story.run._replace(rows=(row._replace(tokens=tuple(t for t in row.tokens if t.name != "/a")),))
    assert story.refuses(Stimulus(Do.RUN_OVER)) is Refusal.NOT_AT_REST


def first_of(*rules: Refusal) -> Refusal:
    """Of several rules that forbid a stimulus, the one that the book says is named."""
    return min(rules, key=list(Refusal).index)


@pytest.mark.parametrize(
    "stimulus, rules",
    [
        (Stimulus(Do.READ, row=-1, verdict="no_contract"), {Refusal.UNKNOWN_ROW, Refusal.NO_CONTRACT}),
        (Stimulus(Do.READ, row=0, verdict="no_contract"), {Refusal.ROW_ALREADY_READ, Refusal.NO_CONTRACT}),
        (Stimulus(Do.READ, row=0, verdict="nonsense"), {Refusal.ROW_ALREADY_READ, Refusal.NO_SUCH_VERDICT}),
        (Stimulus(Do.FINISH, token="0", verdict="nonsense"), {Refusal.HAS_FATE, Refusal.NO_SUCH_VERDICT}),
        (Stimulus(Do.FINISH, token="0/b", verdict="nonsense"), {Refusal.NOT_VISITING, Refusal.NO_SUCH_VERDICT}),
        (Stimulus(Do.FINISH, token="0/a", verdict="x", data=(OK,)), {Refusal.NO_SUCH_VERDICT, Refusal.NO_SUCH_DATA}),
        (Stimulus(Do.ACCEPT, token="0"), {Refusal.HAS_FATE, Refusal.NOT_ITS_NEXT_NODE}),
        (Stimulus(Do.BEGIN, token="0/c"), {Refusal.ALREADY_VISITING, Refusal.NOT_ITS_NEXT_NODE}),
        (Stimulus(Do.ARRIVE, token="0/a"), {Refusal.ALREADY_VISITING, Refusal.NOT_ITS_NEXT_NODE}),
        (Stimulus(Do.ARRIVE, token="0/c", data=(OK,)), {Refusal.ALREADY_VISITING, Refusal.BRANCH_HELD}),
        (Stimulus(Do.FLUSH, hold="j@0"), {Refusal.SOURCE_NOT_ENDED, Refusal.UPSTREAM_IN_FLIGHT}),
        (Stimulus(Do.FLUSH, hold="j@0", data=(OK,)), {Refusal.SOURCE_NOT_ENDED, Refusal.NO_SUCH_DATA}),
        (Stimulus(Do.RUN_OVER), {Refusal.SOURCE_NOT_ENDED, Refusal.NOT_AT_REST}),
        (Stimulus(Do.RUN_OVER, data=(OK,)), {Refusal.SOURCE_NOT_ENDED, Refusal.NO_SUCH_DATA}),
        (Stimulus(Do.RESUME, data=(OK,)), {Refusal.RUN_UP, Refusal.NO_SUCH_DATA}),
    ],
)
def test_of_several_rules_the_first_in_the_order_of_the_book_is_named(stimulus: Stimulus, rules: set[Refusal]) -> None:
    story = through("require_all", branches=3, works=1)
    story.arrive("0/c")
    story.begin("0/a")
    assert story.refuses(stimulus) is first_of(*rules)


@pytest.mark.parametrize(
    "stimulus, rules",
    [
        (Stimulus(Do.ARRIVE, token="0/a"), {Refusal.HAS_FATE, Refusal.BRANCH_HELD}),
        (Stimulus(Do.DEADLINE, hold="j@0"), {Refusal.ALREADY_RESOLVED, Refusal.NO_DEADLINE}),
        (Stimulus(Do.FLUSH, hold="j@0"), {Refusal.ALREADY_RESOLVED, Refusal.SOURCE_NOT_ENDED}),
    ],
)
def test_of_several_rules_about_a_resolved_barrier_too(stimulus: Stimulus, rules: set[Refusal]) -> None:
    document = diamond(2, "first")
    del document["nodes"][-2]["timeout_seconds"]
    story = Story(document).forked()
    bring(story, "a")
    assert story.refuses(stimulus) is first_of(*rules)


# ------------------------------------------------------------------------------------------------- crash and resume


def test_a_crash_writes_nothing_and_only_a_resume_is_lawful_after_it() -> None:
    story = through()
    before = story.run
    assert story.do(Do.CRASH) == ()
    assert story.run == before._replace(status=story.run.status)
    for do in Do:
        if do is not Do.RESUME:
            assert story.refuses(Stimulus(do, row=0, token="0/a", verdict="valid")) is Refusal.RUN_DOWN
    story.do(Do.RESUME)
    assert story.wrote_of(RunRecord) == [RunRecord("r", "diamond", story.run.status, None)]


def test_a_resume_says_how_many_rows_there_are_once_the_source_has_ended() -> None:
    story = Story(line())
    story.read()
    story.do(Do.END_OF_SOURCE)
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    assert [record.rows for record in story.wrote_of(RunRecord)] == [1]


def test_a_visit_that_was_cut_is_interrupted_and_the_next_attempt_opened() -> None:
    story = Story(retries(3))
    story.read()
    story.begin("0")
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    assert story.visits == [("0", "t", 0, "interrupted", None), ("0", "t", 1, "open", None)]


def test_an_interruption_is_no_try() -> None:
    """Three attempts, twice interrupted: five visits, and the last failure is the third."""
    story = Story(retries(3))
    story.read()
    story.begin("0")
    for _ in range(2):
        story.do(Do.CRASH)
        story.do(Do.RESUME)
    story.finish("0", "error_retryable")
    story.finish("0", "error_retryable")
    assert story.visits[-1] == ("0", "t", 4, "open", None)
    story.finish("0", "error_retryable")
    assert story.visits == [("0", "t", 4, "failed", "error_retryable")]
    assert story.hops == [("0", "t", "on_error", "bad")]


def test_what_is_held_stays_held_and_what_is_ready_stays_ready() -> None:
    story = through(branches=3)
    bring(story, "a")
    story.visit("0/c", "pass")
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    assert story.visits == []
    assert (story.token("0/a").phase, story.token("0/b").phase, story.token("0/c").phase) == ("held", "ready", "ready")
    story.arrive("0/c")
    bring(story, "b")
    assert story.barriers == [("j@0", "merged", None, "arrival", "a,b,c", "")]


def test_a_resolved_barrier_stays_resolved() -> None:
    story = through("first")
    bring(story, "a")
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    assert story.refuses(Stimulus(Do.DEADLINE, hold="j@0")) is Refusal.ALREADY_RESOLVED
    bring(story, "b")
    assert len(story.all_of(BarrierRecord)) == 1


def test_no_row_is_read_twice_across_a_crash() -> None:
    story = Story(line())
    story.read()
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    assert story.refuses(Stimulus(Do.READ, row=0, verdict="valid")) is Refusal.ROW_ALREADY_READ


# ------------------------------------------------------------------------------------------------- the whole


def test_a_step_is_a_function_of_its_arguments_alone() -> None:
    story = through("first")
    stimulus = Stimulus(Do.BEGIN, token="0/a")
    assert step(story.pipeline, story.run, stimulus) == step(story.pipeline, story.run, stimulus)
    assert step(story.pipeline, Run(), stimulus) is Refusal.UNKNOWN_TOKEN


def test_two_forks_of_one_row_name_their_tokens_apart() -> None:
    again = pipeline(
        "again",
        source("g1"),
        fork("g1", {"a": "j1", "b": "j1"}),
        coalesce("j1", ["a", "b"], "g2"),
        fork("g2", {"a": "ta", "b": "j2"}),
        work("ta", "j2"),
        coalesce("j2", ["a", "b"], "out"),
        sink(),
    )
    story = Story(again).forked()
    story.arrive("0/a")
    story.arrive("0/b")
    story.visit("0/j1", "route all")
    assert story.made == ["0/j1/a", "0/j1/b"]
