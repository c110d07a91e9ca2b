"""Forks inside forks, and forks that are joined in part, as short stories.

Every step of every story is judged by every law, and every refusal must leave the run as it was. Batches have a file of
their own (`test_batches.py`).
"""

import pytest

from fateline_model.checker.shapes import (
    diamond,
    inner_partial,
    leaving,
    nested,
    partial,
    sequential,
    three_deep,
)

from .scenario import Story


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
