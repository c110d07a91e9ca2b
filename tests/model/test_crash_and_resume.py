"""What a crash leaves and how the run goes on, as short stories.

Every step of every story is judged by every law, and every refusal must leave the run as it was. Batches have a file of
their own (`test_batches.py`).
"""

from fateline_model import Stimulus
from fateline_model.checker.shapes import (
    line,
    retries,
)
from fateline_model.records import BarrierRecord, RunRecord
from fateline_model.stimuli import Do
from fateline_model.words import Refusal

from .scenario import Story, bring, through


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
