"""A duty and a choice of the same subject are separate: records that differ in the choice alone break its law and no other.

Each case changes the records of one lawful step. The laws are asked about the state that the changed records describe, as
they are beside an engine. D2 is left out, because it compares the records with the state of the law.
"""

from collections.abc import Callable
from typing import Any

import pytest

from fateline_model import Accepted, Record, Run, StepView, step
from fateline_model.checker.shapes import batch, diamond, line, retries
from fateline_model.laws import ALL, LAWS, Level, checks
from fateline_model.laws.record_fold import recorded_run
from fateline_model.records import (
    BarrierRecord,
    HopRecord,
    OutcomeRecord,
    ParentRecord,
    RunRecord,
    TokenRecord,
    VisitRecord,
)
from fateline_model.stimuli import Do, Stimulus
from fateline_model.words import BarrierVerdict, Outcome, Reason, RunStatus, VisitStatus

from .scenario import Story

Change = Callable[[list[Record]], list[Record]]


def broken(story: Story, stimulus: Stimulus, change: Change) -> set[str]:
    """The laws that a step breaks whose records are changed."""
    done = step(story.pipeline, story.run, stimulus)
    assert isinstance(done, Accepted), done
    records = tuple(change(list(done.records)))
    assert records != done.records
    after, _ = recorded_run(StepView(story.pipeline, (story.run,), stimulus, records, (story.run,)))
    view = StepView(story.pipeline, (story.run,), stimulus, records, (after,))
    return {law.id for law in ALL if law.id != "D2" and any(check is not None for check in checks(law, view))}


def with_(kind: type[Record], **fields: Any) -> Change:
    """Every record of one relation, or those whose token is given as `of`, with other values."""
    of = fields.pop("of", None)

    def change(records: list[Record]) -> list[Record]:
        return [
            record._replace(**fields)
            if isinstance(record, kind) and of in (None, getattr(record, "token", getattr(record, "child", None)))
            else record
            for record in records
        ]

    return change


def both(*changes: Change) -> Change:
    def change(records: list[Record]) -> list[Record]:
        for one in changes:
            records = one(records)
        return records

    return change


def without(kind: type[Record], **fields: object) -> Change:
    def goes(record: Record) -> bool:
        return isinstance(record, kind) and all(getattr(record, name) == value for name, value in fields.items())

    return lambda records: [record for record in records if not goes(record)]


def also(*more: Record) -> Change:
    return lambda records: [*records, *more]


def backwards(records: list[Record]) -> list[Record]:
    """The ordinals of the lineage from the last to the first."""
    links = [record for record in records if isinstance(record, ParentRecord)]
    return [
        r._replace(ordinal=len(links) - 1 - (r.ordinal or 0)) if isinstance(r, ParentRecord) else r for r in records
    ]


def renamed(old: str, new: str) -> Change:
    """Another name of a token that the step makes, and its row."""

    def change(records: list[Record]) -> list[Record]:
        made = [_named(record, old, new) for record in records]
        return [r._replace(row=new[0]) if isinstance(r, TokenRecord) and r.token == new else r for r in made]

    return change


def _named(record: Record, old: str, new: str) -> Record:
    names: dict[str, Any] = {name: new for name, value in record._asdict().items() if value == old}
    return record._replace(**names)


# ------------------------------------------------------------------------------------------------- steps


def fork() -> tuple[Story, Stimulus]:
    story = Story(diamond())
    story.read()
    story.begin("0")
    return story, Stimulus(Do.FINISH, token="0", verdict="route all")


def last_arrival() -> tuple[Story, Stimulus]:
    story = Story(diamond(works=0)).forked()
    story.arrive("0/b")
    return story, Stimulus(Do.ARRIVE, token="0/a")


def loss() -> tuple[Story, Stimulus]:
    story = Story(diamond(works=1)).forked()
    story.arrive("0/b")
    story.begin("0/a")
    return story, Stimulus(Do.FINISH, token="0/a", verdict="drop")


def late() -> tuple[Story, Stimulus]:
    story = Story(diamond(policy="first", works=0)).forked()
    story.arrive("0/a")
    return story, Stimulus(Do.ARRIVE, token="0/b")


def flush() -> tuple[Story, Stimulus]:
    story = Story(batch())
    for row in range(2):
        story.read(row)
        story.accept(str(row))
    return story, Stimulus(Do.FLUSHED, hold="agg#0", verdict="outputs 1")


def retry() -> tuple[Story, Stimulus]:
    story = Story(retries())
    story.read()
    story.begin("0")
    return story, Stimulus(Do.FINISH, token="0", verdict="error_retryable")


def error() -> tuple[Story, Stimulus]:
    story = Story(line())
    story.read()
    story.visit("0", "pass")
    story.begin("0")
    return story, Stimulus(Do.FINISH, token="0", verdict="error")


def write() -> tuple[Story, Stimulus]:
    story = Story(line())
    story.read()
    story.visit("0", "pass")
    story.visit("0", "route on")
    story.begin("0")
    return story, Stimulus(Do.FINISH, token="0", verdict="written")


RUN = Run().name
LATE_FATE = without(OutcomeRecord, token="0/b")
HOP = HopRecord(RUN, "0/b", "0/b@j#0", "j", "continue", "out")

CHOICES: dict[str, tuple[Callable[[], tuple[Story, Stimulus]], Change, str]] = {
    "children of a fork in another order": (fork, backwards, "K4"),
    "parents of a merge in another order": (last_arrival, backwards, "C14"),
    "a barrier that gives another reason, and its tokens too": (
        loss,
        both(
            with_(BarrierRecord, reason=Reason.NO_ARRIVALS),
            with_(OutcomeRecord, of="0/b", reason=Reason.NO_ARRIVALS),
        ),
        "C15",
    ),
    "a barrier that fails as if its data could not be merged": (
        loss,
        both(
            with_(BarrierRecord, reason=Reason.CONTRACT_CONFLICT),
            with_(OutcomeRecord, of="0/b", reason=Reason.CONTRACT_CONFLICT),
        ),
        "C15",
    ),
    "a barrier that gives no reason": (
        loss,
        both(with_(BarrierRecord, reason=None), with_(OutcomeRecord, of="0/b", reason=None)),
        "C15",
    ),
    "held tokens that give another reason": (loss, with_(OutcomeRecord, of="0/b", reason=Reason.NODE_FAILED), "C15"),
    "a late token whose fate comes later": (late, LATE_FATE, "C16"),
    "a late token that gives another reason": (late, with_(OutcomeRecord, reason=Reason.BRANCH_LOST), "C16"),
    "a late token that is set aside": (late, with_(OutcomeRecord, outcome=Outcome.QUARANTINED), "C16"),
    "outputs of the last member": (flush, both(renamed("0.0", "1.0"), with_(ParentRecord, parent="1")), "B5"),
    "a number is left out between two attempts": (
        retry,
        lambda records: [
            r._replace(attempt=2) if isinstance(r, VisitRecord) and r.status is VisitStatus.OPEN else r for r in records
        ],
        "V5",
    ),
    "an error that leads to a sink without an edge": (error, with_(HopRecord, dst="vip"), "T4"),
    "a fate with a field more": (write, with_(OutcomeRecord, promised="1"), "F8"),
}


@pytest.mark.parametrize("name", CHOICES)
def test_records_that_differ_in_a_choice_break_its_law_alone(name: str) -> None:
    told, change, law = CHOICES[name]
    assert LAWS[law].level is Level.PROFILE
    assert broken(*told(), change) == {law}


DUTIES: dict[str, tuple[Callable[[], tuple[Story, Stimulus]], Change, str, str]] = {
    "a parent is left out": (last_arrival, without(ParentRecord, parent="0/b"), "C2", "C14"),
    "a barrier that had enough fails for want of it": (
        last_arrival,
        with_(BarrierRecord, verdict=BarrierVerdict.FAILED, reason=Reason.BRANCH_LOST),
        "C3",
        "C15",
    ),
    "a held token is set aside": (loss, with_(OutcomeRecord, of="0/b", outcome=Outcome.QUARANTINED), "C7", "C15"),
    "a late token goes on": (late, both(LATE_FATE, also(HOP)), "C5", "C15"),
    "a late token is called coalesced": (
        late,
        with_(OutcomeRecord, outcome=Outcome.COALESCED, error=None, reason=None, group="0/j"),
        "C5",
        "C15",
    ),
    "a late token becomes a parent": (late, also(ParentRecord(RUN, "0/j", "0/b", 1)), "C5", "C16"),
    "a late token ends twice": (late, also(OutcomeRecord(RUN, "0/b", Outcome.FAILED, error="*")), "C5", "C16"),
    "outputs of nobody": (flush, without(ParentRecord), "B1", "T4"),
    "outputs of a member that goes on": (flush, without(OutcomeRecord, token="0"), "B1", "B5"),
    "another attempt after a completed one": (
        retry,
        lambda records: [
            r._replace(status=VisitStatus.COMPLETED) if isinstance(r, VisitRecord) and r.attempt == 0 else r
            for r in records
        ],
        "V2",
        "V5",
    ),
    "another attempt while one is open": (retry, without(VisitRecord, attempt=0), "V2", "V5"),
    "an error that leads to a node that works": (error, with_(HopRecord, dst="t"), "T1", "T4"),
    "an edge that does not exist": (error, with_(HopRecord, label="elsewhere"), "T1", "T4"),
    "a fate with a field less": (write, with_(OutcomeRecord, sink=None), "F4", "F8"),
}


@pytest.mark.parametrize("name", DUTIES)
def test_records_that_break_a_duty_break_a_core_law_and_not_the_choice_beside_it(name: str) -> None:
    told, change, law, choice = DUTIES[name]
    assert LAWS[law].level is Level.CORE
    found = broken(*told(), change)
    assert law in found
    assert choice not in found


def test_a_late_token_without_a_fate_may_not_outlive_the_run() -> None:
    story, stimulus = late()
    done = step(story.pipeline, story.run, stimulus)
    assert isinstance(done, Accepted)
    records = tuple(LATE_FATE(list(done.records)))
    left, _ = recorded_run(StepView(story.pipeline, (story.run,), stimulus, records, (story.run,)))
    over = StepView(
        story.pipeline,
        (left,),
        Stimulus(Do.RUN_OVER),
        (RunRecord(left.name, None, RunStatus.COMPLETED, 1),),
        (left._replace(status=RunStatus.COMPLETED),),
    )
    assert list(checks(LAWS["C5"], over)).count("the run is over, and token 0/b came late and has no fate") == 1


def test_the_choices_are_profile_laws_and_the_duties_are_core() -> None:
    choices = {law.id for law in ALL if law.level is Level.PROFILE}
    assert choices >= {"F8", "K4", "C14", "C15", "C16", "B3", "B5", "V5", "T4"}
    assert not choices & {"F4", "K1", "C2", "C3", "C5", "C7", "B1", "V2", "T1"}
