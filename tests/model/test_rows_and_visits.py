"""Reading a row, visiting nodes, and the fate that a visit gives, as short stories.

Every step of every story is judged by every law, and every refusal must leave the run as it was. Batches have a file of
their own (`test_batches.py`).
"""

import pytest

from fateline_model import Stimulus
from fateline_model.checker.shapes import (
    expand_then_fork,
    line,
    quarantine,
)
from fateline_model.records import OutcomeRecord, TokenRecord
from fateline_model.stimuli import Do
from fateline_model.words import Refusal

from .scenario import Story, through


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
