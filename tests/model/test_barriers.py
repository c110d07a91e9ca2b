"""When a coalesce is resolved and how, and what comes late to it, as short stories.

Every step of every story is judged by every law, and every refusal must leave the run as it was. Batches have a file of
their own (`test_batches.py`).
"""

import pytest

from fateline_model import Stimulus
from fateline_model.checker.shapes import (
    diamond,
    expand_then_fork,
)
from fateline_model.records import TokenRecord
from fateline_model.stimuli import Do
from fateline_model.words import MergeData, Refusal

from .scenario import Story, bring, through

OK, CONTRACTS, COLLISION = MergeData.OK, MergeData.CONTRACT_CONFLICT, MergeData.UNION_COLLISION


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
