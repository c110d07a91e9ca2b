"""Batches: what closes one, what ends one, and what its members make of it; every step judged by every law."""

import pytest

from fateline_model.checker.shapes import batch, batch_in_branch, two_batches
from fateline_model.records import BatchRecord, OutcomeRecord, TokenRecord
from fateline_model.stimuli import Do, Stimulus
from fateline_model.words import MergeData, Refusal

from .scenario import Story


def filled(rows: int, mode: str = "transform", count: int = 2, timeout: bool = True, condition: bool = True) -> Story:
    """So many rows, each accepted by the aggregation."""
    story = Story(batch(mode, count, timeout, condition))
    for row in range(rows):
        story.read(row)
        story.accept(str(row))
    return story


# ------------------------------------------------------------------------------------------------- coming in


def test_accepting_is_one_step_visit_member_buffered() -> None:
    story = filled(1)
    assert story.batches == [("agg#0", "open", None, None)]
    assert story.visits == [("0", "agg", 0, "held", None)]
    assert story.members == [("agg#0", "0", 0)]
    assert story.outcomes == [("0", "buffered", None)]
    assert story.wrote_of(OutcomeRecord)[0].batch == "agg#0"
    assert story.fates == {}


def test_members_are_numbered_as_they_came_whatever_their_rows() -> None:
    story = Story(batch(count=3))
    for row in (2, 0):
        story.read(row)
        story.accept(str(row))
    assert story.members == [("agg#0", "0", 1)]
    assert story.run.batches[0].members == ("2", "0")


def test_a_member_is_held_and_can_do_nothing_by_itself() -> None:
    story = filled(1)
    assert story.refuses(Stimulus(Do.ACCEPT, token="0")) is Refusal.ALREADY_VISITING
    assert story.refuses(Stimulus(Do.BEGIN, token="0")) is Refusal.ALREADY_VISITING
    assert story.refuses(Stimulus(Do.FINISH, token="0", verdict="pass")) is Refusal.NOT_VISITING


# ------------------------------------------------------------------------------------------------- triggers


def test_the_member_that_fills_the_batch_triggers_it_in_the_step_of_its_acceptance() -> None:
    story = filled(2)
    assert story.members == [("agg#0", "1", 1)]
    assert story.batches == [("agg#0", "triggered", "count", None)]


def test_a_count_of_one_opens_and_triggers_in_one_step() -> None:
    story = filled(1, count=1)
    assert story.batches == [("agg#0", "open", None, None), ("agg#0", "triggered", "count", None)]


def test_timeout_and_condition_trigger_and_say_so() -> None:
    by_timeout, by_condition = filled(1), filled(1)
    by_timeout.deadline("agg#0")
    by_condition.condition("agg#0")
    assert by_timeout.batches == [("agg#0", "triggered", "timeout", None)]
    assert by_condition.batches == [("agg#0", "triggered", "condition", None)]


def test_the_end_of_the_source_triggers_once_nothing_upstream_can_come() -> None:
    story = filled(1)
    story.read(1)
    flush = Stimulus(Do.FLUSH, hold="agg#0")
    assert story.refuses(flush) is Refusal.SOURCE_NOT_ENDED
    story.do(Do.END_OF_SOURCE)
    assert story.refuses(flush) is Refusal.UPSTREAM_IN_FLIGHT
    story.accept("1")
    assert story.refuses(flush) is Refusal.BATCH_NOT_OPEN
    assert [record.trigger for record in story.all_of(BatchRecord)][-1] == "count"


def test_only_the_first_trigger_counts() -> None:
    story = filled(1)
    story.condition("agg#0")
    for do in (Do.DEADLINE, Do.CONDITION, Do.FLUSH):
        assert story.refuses(Stimulus(do, hold="agg#0")) is Refusal.BATCH_NOT_OPEN


def test_a_trigger_that_is_not_configured_does_not_exist() -> None:
    story = filled(1, timeout=False, condition=False)
    assert story.refuses(Stimulus(Do.DEADLINE, hold="agg#0")) is Refusal.NO_DEADLINE
    assert story.refuses(Stimulus(Do.CONDITION, hold="agg#0")) is Refusal.NO_CONDITION


def test_a_batch_that_never_was_has_no_trigger() -> None:
    story = filled(1)
    for do in (Do.DEADLINE, Do.CONDITION, Do.FLUSH):
        assert story.refuses(Stimulus(do, hold="agg#7")) is Refusal.UNKNOWN_BATCH


def test_after_a_trigger_the_next_member_opens_the_next_batch() -> None:
    story = filled(3)
    assert story.batches == [("agg#1", "open", None, None)]
    assert story.members == [("agg#1", "2", 0)]


def test_while_a_batch_awaits_its_flush_nothing_triggers_the_next() -> None:
    story = filled(3)
    story.read(3)
    assert story.refuses(Stimulus(Do.ACCEPT, token="3")) is Refusal.BATCH_AWAITS_FLUSH
    assert story.refuses(Stimulus(Do.DEADLINE, hold="agg#1")) is Refusal.BATCH_AWAITS_FLUSH
    assert story.refuses(Stimulus(Do.CONDITION, hold="agg#1")) is Refusal.BATCH_AWAITS_FLUSH
    story.flushed("agg#0", "empty")
    story.accept("3")
    assert story.batches == [("agg#1", "triggered", "count", None)]


# ------------------------------------------------------------------------------------------------- ends


def test_transform_consumes_every_member_in_the_step_that_makes_the_outputs() -> None:
    story = filled(2)
    story.flushed("agg#0", "outputs 2")
    assert story.batches == [("agg#0", "completed", "count", 2)]
    assert story.visits == [("0", "agg", 0, "completed", "flushed"), ("1", "agg", 0, "completed", "flushed")]
    assert story.outcomes == [("0", "consumed_in_batch", None), ("1", "consumed_in_batch", None)]
    assert story.parents == [("0.0", "0", 0), ("0.1", "0", 1)]
    assert story.hops == [("0.0", "agg", "continue", "out"), ("0.1", "agg", "continue", "out")]
    assert {(token.row, str(token.group_kind), token.group) for token in story.wrote_of(TokenRecord)} == {
        ("0", "batch", "agg#0")
    }


def test_outputs_are_of_the_first_members_row_even_if_a_later_row_came_first() -> None:
    story = Story(batch(count=2))
    for row in (5, 1):
        story.read(row)
        story.accept(str(row))
    story.flushed("agg#0", "outputs 1")
    assert story.parents == [("5.0", "5", 0)]


def test_passthrough_lets_the_members_go_on_as_themselves() -> None:
    story = filled(2, "passthrough")
    story.flushed("agg#0", "passed")
    assert story.batches == [("agg#0", "completed", "count", None)]
    assert (story.outcomes, story.made) == ([], [])
    assert story.hops == [("0", "agg", "continue", "out"), ("1", "agg", "continue", "out")]
    story.visit("0", "written")
    assert story.outcomes == [("0", "completed", None)]


def test_an_explicitly_empty_result_discards_every_member() -> None:
    story = filled(2)
    story.flushed("agg#0", "empty")
    assert story.batches[0][:3] == ("agg#0", "completed", "count")
    assert story.outcomes == [("0", "discarded", "empty_batch"), ("1", "discarded", "empty_batch")]
    assert {outcome.batch for outcome in story.wrote_of(OutcomeRecord)} == {"agg#0"}


@pytest.mark.parametrize(
    "mode, answer",
    [("transform", "error"), ("passthrough", "error"), ("passthrough", "outputs 1"), ("passthrough", "empty")],
)
def test_a_failed_flush_fails_every_member(mode: str, answer: str) -> None:
    """In passthrough there is one row a member, or the flush has failed."""
    story = filled(2, mode)
    story.flushed("agg#0", answer)
    assert story.batches == [("agg#0", "failed", "count", None)]
    assert story.visits == [("0", "agg", 0, "failed", "flush_failed"), ("1", "agg", 0, "failed", "flush_failed")]
    assert story.outcomes == [("0", "failed", "batch_failed"), ("1", "failed", "batch_failed")]
    assert story.made == []


@pytest.mark.parametrize(
    "answer",
    ["", "nonsense", "passed", "outputs", "outputs 0", "outputs -1", "outputs 1.5", "outputs 01", "empty 1", "error x"],
)
def test_an_answer_that_is_none_is_refused(answer: str) -> None:
    story = filled(2)
    assert story.refuses(Stimulus(Do.FLUSHED, hold="agg#0", verdict=answer)) is Refusal.NO_SUCH_VERDICT


def test_passed_is_all_there_is_to_say() -> None:
    story = filled(2, "passthrough")
    assert story.refuses(Stimulus(Do.FLUSHED, hold="agg#0", verdict="passed 2")) is Refusal.NO_SUCH_VERDICT


@pytest.mark.parametrize("answer", ["outputs 1", "nonsense"])
def test_what_is_not_triggered_is_not_flushed_whatever_the_answer(answer: str) -> None:
    story = filled(1)
    flushed = Stimulus(Do.FLUSHED, hold="agg#0", verdict=answer)
    assert story.refuses(flushed) is Refusal.BATCH_NOT_TRIGGERED
    assert list(Refusal).index(Refusal.BATCH_NOT_TRIGGERED) < list(Refusal).index(Refusal.NO_SUCH_VERDICT)
    story.deadline("agg#0")
    story.flushed("agg#0", "outputs 1")
    assert story.refuses(flushed) is Refusal.BATCH_NOT_TRIGGERED


def test_a_batch_that_is_not_open_is_told_so_before_its_configuration_and_the_source_are_asked() -> None:
    story = filled(1, count=1, timeout=False, condition=False)
    for do, other in (
        (Do.DEADLINE, Refusal.NO_DEADLINE),
        (Do.CONDITION, Refusal.NO_CONDITION),
        (Do.FLUSH, Refusal.SOURCE_NOT_ENDED),
    ):
        assert story.refuses(Stimulus(do, hold="agg#0")) is Refusal.BATCH_NOT_OPEN
        assert list(Refusal).index(Refusal.BATCH_NOT_OPEN) < list(Refusal).index(other)


# ------------------------------------------------------------------------------------------------- in a branch


def branched(policy: str) -> Story:
    """Two rows fork; branch `a` of each waits in one batch, branch `b` of each is held at the coalesce."""
    story = Story(batch_in_branch(policy))
    for row in (0, 1):
        story.forked(row)
        story.arrive(f"{row}/b")
        story.accept(f"{row}/a")
    return story


def test_members_carry_their_debt_through_the_batch() -> None:
    story = branched("require_all")
    story.flushed("agg#0", "passed")
    story.arrive("1/a")
    assert story.barriers == [("j@1", "merged", None, "arrival", "a,b", "")]


def test_a_failed_flush_loses_the_branch_that_each_member_owes_in_member_order() -> None:
    story = branched("require_all")
    story.flushed("agg#0", "error")
    assert story.losses == [("j@0", "a", "0/a", "failed"), ("j@1", "a", "1/a", "failed")]
    assert [resolution[:4] for resolution in story.barriers] == [
        ("j@0", "failed", "branch_lost", "loss"),
        ("j@1", "failed", "branch_lost", "loss"),
    ]
    assert story.outcomes == [
        ("0/a", "failed", "batch_failed"),
        ("0/b", "failed", "branch_lost"),
        ("1/a", "failed", "batch_failed"),
        ("1/b", "failed", "branch_lost"),
    ]


def test_each_merge_that_a_failed_flush_causes_has_data_of_its_own() -> None:
    """Two merges of one branch each: of neither is there anything to say but `ok`."""
    story = branched("best_effort")
    said = (MergeData.OK, MergeData.OK, MergeData.OK)
    flushed = Stimulus(Do.FLUSHED, hold="agg#0", verdict="error", data=said)
    assert story.refuses(flushed) is Refusal.NO_SUCH_DATA
    story.tell(flushed._replace(data=said[:2]))
    assert story.made == ["0/j", "1/j"]


def test_a_batch_behind_a_batch_is_flushed_after_it() -> None:
    story = Story(two_batches())
    story.read(0)
    story.accept("0")
    story.do(Do.END_OF_SOURCE)
    story.flush("first#0")
    story.flushed("first#0", "outputs 2")
    story.accept("0.0")
    assert story.refuses(Stimulus(Do.FLUSH, hold="second#0")) is Refusal.UPSTREAM_IN_FLIGHT
    story.accept("0.1")
    story.flush("second#0")
    assert story.batches == [("second#0", "triggered", "end_of_source", None)]


# ------------------------------------------------------------------------------------------------- crash and end


def test_a_crash_leaves_members_and_a_triggered_batch_as_they_were() -> None:
    story = filled(3)
    before = story.run
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    assert story.run == before
    assert (story.members, story.visits) == ([], [])
    story.flushed("agg#0", "outputs 1")
    assert story.made == ["0.0"]


def test_a_flush_cut_by_a_crash_is_run_again_and_the_batch_says_so() -> None:
    story = filled(3)
    story.do(Do.CRASH)
    story.do(Do.RESUME)
    assert story.batches == [("agg#0", "triggered", "count", None)]


@pytest.mark.parametrize("triggered", [False, True])
def test_a_run_is_not_over_while_a_batch_is_unfinished(triggered: bool) -> None:
    story = filled(1)
    story.do(Do.END_OF_SOURCE)
    if triggered:
        story.flush("agg#0")
    assert story.refuses(Stimulus(Do.RUN_OVER)) is Refusal.NOT_AT_REST
