"""What is not lawful, and which rule forbids it.

Every step of every story is judged by every law, and every refusal must leave the run as it was. Batches have a file of
their own (`test_batches.py`).
"""

import pytest

from fateline_model import Stimulus
from fateline_model.checker.shapes import (
    diamond,
    line,
    nested,
)
from fateline_model.records import RunRecord
from fateline_model.stimuli import Do
from fateline_model.words import MergeData, Refusal

from .scenario import Story, bring, through

OK, CONTRACTS, COLLISION = MergeData.OK, MergeData.CONTRACT_CONFLICT, MergeData.UNION_COLLISION


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
