"""Errors of nodes: the next attempt, the way out, or the end, as short stories.

Every step of every story is judged by every law, and every refusal must leave the run as it was. Batches have a file of
their own (`test_batches.py`).
"""

import pytest

from fateline_model.checker.shapes import (
    line,
    pipeline,
    retries,
    sink,
    source,
)
from fateline_model.records import OutcomeRecord

from .scenario import Story


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
