"""One barrier alone: any event in any order, duplicates and strangers included, and the flush row, which is law here."""

import pytest

from fateline_model import Accepted, BarrierEvent, BarrierStimulus, Record, Refusal, StepView, barrier_step
from fateline_model.barrier_machine import diamond, initial
from fateline_model.checker.shapes import coalesce, pipeline, sink, source
from fateline_model.laws import ALL, checks
from fateline_model.pipeline import parse
from fateline_model.records import BarrierRecord, OutcomeRecord
from fateline_model.words import MergeData

ARRIVE, LOSE, DEADLINE, FLUSH = BarrierEvent


class Alone:
    """One barrier, told event by event; every step is judged by every law."""

    def __init__(self, policy: str = "require_all", merge: str = "union", branches: str = "abc") -> None:
        node = coalesce("j", list(branches), "out", policy, merge)
        _, nodes = parse(pipeline("alone", source("g"), node, sink()))
        self.pipeline = diamond(nodes[1])
        self.run = initial(self.pipeline)
        self.wrote: tuple[Record, ...] = ()

    def tell(self, do: BarrierEvent, branch: str | None = None, *data: MergeData) -> "Alone":
        stimulus = BarrierStimulus(do, branch, data)
        result = barrier_step(self.pipeline, self.run, stimulus)
        assert isinstance(result, Accepted), f"{stimulus} is refused as {result}"
        view = StepView(self.pipeline, (self.run,), stimulus, result.records, (result.run,))
        assert [f"{law.id}: {check}" for law in ALL for check in checks(law, view) if check is not None] == []
        self.run, self.wrote = result.run, result.records
        return self

    def refuses(self, do: BarrierEvent, branch: str | None = None, *data: MergeData) -> Refusal:
        before = repr(self.run)
        result = barrier_step(self.pipeline, self.run, BarrierStimulus(do, branch, data))
        assert isinstance(result, Refusal), f"accepted: {result}"
        assert repr(self.run) == before
        return result

    @property
    def resolved(self) -> list[tuple[str, str | None, str, str | None, str | None]]:
        """The resolutions of the last step: verdict, reason, trigger, arrived, lost."""
        return [
            (str(r.verdict), r.reason and str(r.reason), str(r.trigger), r.arrived, r.lost)
            for r in self.wrote
            if isinstance(r, BarrierRecord)
        ]

    @property
    def fates(self) -> dict[str, str | None]:
        """The fates of the last step, each with its reason."""
        return {r.token: r.reason and str(r.reason) for r in self.wrote if isinstance(r, OutcomeRecord)}


def test_it_begins_forked_with_nothing_arrived() -> None:
    alone = Alone()
    (row,) = alone.run.rows
    assert [token.name for token in row.tokens] == ["", "/a", "/b", "/c"]
    assert row.barriers == ()


@pytest.mark.parametrize(
    "policy, arrived, lost, verdict, reason",
    [
        ("require_all", "a", "", "failed", "incomplete_branches"),
        ("quorum:2", "a", "", "failed", "quorum_not_met"),
        ("quorum:2", "", "b", "failed", "quorum_not_met"),
        ("best_effort", "ac", "", "merged", None),
        ("best_effort", "a", "c", "merged", None),
        ("best_effort", "", "c", "failed", "no_arrivals"),
        ("first", "", "bc", "failed", "no_arrivals"),
    ],
)
@pytest.mark.parametrize("closing", [DEADLINE, FLUSH])
def test_flush_and_deadline_close_a_barrier_alike(
    closing: BarrierEvent, policy: str, arrived: str, lost: str, verdict: str, reason: str | None
) -> None:
    alone = Alone(policy)
    for branch in arrived:
        alone.tell(ARRIVE, branch)
    for branch in lost:
        alone.tell(LOSE, branch)
    alone.tell(closing)
    assert alone.resolved == [(verdict, reason, str(closing), ",".join(arrived), ",".join(lost))]


@pytest.mark.parametrize("closing", [DEADLINE, FLUSH])
def test_nothing_closes_a_barrier_before_its_first_event_or_twice(closing: BarrierEvent) -> None:
    alone = Alone("best_effort")
    assert alone.refuses(closing) is Refusal.UNKNOWN_BARRIER
    alone.tell(ARRIVE, "a").tell(closing)
    for again in (DEADLINE, FLUSH):
        assert alone.refuses(again) is Refusal.ALREADY_RESOLVED


def test_without_a_timeout_it_is_flushed_and_has_no_deadline() -> None:
    alone = Alone("require_all")
    node = coalesce("j", ["a", "b"], "out")
    del node["timeout_seconds"]
    _, nodes = parse(pipeline("alone", source("g"), node, sink()))
    alone.pipeline = diamond(nodes[1])
    alone.run = initial(alone.pipeline)
    alone.tell(ARRIVE, "a")
    assert alone.refuses(DEADLINE) is Refusal.NO_DEADLINE
    assert alone.tell(FLUSH).resolved == [("failed", "incomplete_branches", "flush", "a", "")]


@pytest.mark.parametrize("branch", ["stranger", "", "j", "A", None])
@pytest.mark.parametrize("do", [ARRIVE, LOSE])
def test_a_stranger_owes_nothing_here(do: BarrierEvent, branch: str | None) -> None:
    assert Alone().refuses(do, branch) is Refusal.NO_FRAME


def test_a_branch_arrives_once() -> None:
    alone = Alone().tell(ARRIVE, "a")
    for again in (ARRIVE, LOSE):
        assert alone.refuses(again, "a") is Refusal.BRANCH_HELD


def test_a_branch_is_lost_once_and_does_not_arrive_afterwards() -> None:
    alone = Alone("best_effort").tell(LOSE, "a")
    for again in (ARRIVE, LOSE):
        assert alone.refuses(again, "a") is Refusal.BRANCH_LOST


def test_what_was_merged_neither_arrives_nor_is_lost_again() -> None:
    alone = Alone("first").tell(ARRIVE, "b")
    assert alone.resolved == [("merged", None, "arrival", "b", "")]
    for again in (ARRIVE, LOSE):
        assert alone.refuses(again, "b") is Refusal.BRANCH_HELD


def test_late_after_a_merge_and_late_after_a_failure() -> None:
    assert Alone("first").tell(ARRIVE, "b").tell(ARRIVE, "a").fates == {"0/a": "late_arrival_after_merge"}
    assert Alone("require_all").tell(LOSE, "b").tell(ARRIVE, "a").fates == {"0/a": "late_arrival_after_failure"}


def test_a_loss_after_the_resolution_changes_nothing_and_leaves_no_record() -> None:
    alone = Alone("first").tell(ARRIVE, "b")
    before = alone.run
    alone.tell(LOSE, "a").tell(LOSE, "a")
    assert alone.wrote == ()
    assert alone.run == before


def test_a_failure_takes_every_held_token_for_one_reason() -> None:
    alone = Alone("require_all").tell(ARRIVE, "c").tell(ARRIVE, "a").tell(LOSE, "b")
    assert alone.fates == {"0/b": "gate_discard", "0/a": "branch_lost", "0/c": "branch_lost"}


def test_a_merge_that_contradicts_itself_fails() -> None:
    alone = Alone("quorum:2", "union:fail").tell(ARRIVE, "a")
    assert alone.refuses(ARRIVE, "b", MergeData.OK, MergeData.OK) is Refusal.NO_SUCH_DATA
    alone.tell(ARRIVE, "b", MergeData.UNION_COLLISION)
    assert alone.resolved == [("failed", "union_collision", "arrival", "a,b", "")]


@pytest.mark.parametrize("merge", ["union", "nested", "select:a"])
def test_a_merged_row_that_is_too_large_fails_its_barrier(merge: str) -> None:
    """A limit is an engine's own. Whatever the strategy, the barrier fails with its own reason, and its tokens do too."""
    alone = Alone("quorum:2", merge).tell(ARRIVE, "a").tell(ARRIVE, "b", MergeData.MERGED_ROW_TOO_LARGE)
    assert alone.resolved == [("failed", "merged_row_too_large", "arrival", "a,b", "")]
    assert alone.fates == {"0/a": "merged_row_too_large", "0/b": "merged_row_too_large"}


def test_the_selected_branch_must_be_among_the_arrived() -> None:
    alone = Alone("quorum:2", "select:c").tell(ARRIVE, "a").tell(ARRIVE, "b")
    assert alone.resolved == [("failed", "select_branch_not_arrived", "arrival", "a,b", "")]


def test_a_stimulus_says_what_it_is() -> None:
    assert str(BarrierStimulus(ARRIVE, "a")) == "arrive(a)"
    assert str(BarrierStimulus(FLUSH, data=(MergeData.CONTRACT_CONFLICT,))) == "flush() [contract_conflict]"


def test_a_barrier_that_cannot_be_forked_to_cannot_begin() -> None:
    from fateline_model import load

    with pytest.raises(ValueError, match=r"finish\(0, route all\) was refused: no_such_verdict"):
        initial(load(pipeline("no fork", source("t"), {"name": "t", "kind": "transform", "to": "out"}, sink())))
