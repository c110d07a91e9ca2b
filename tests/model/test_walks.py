"""Random walks over random pipelines: every law at every step, and the trail alone tells where everything stands.

The trail is read here by a reader of its own, which knows records and nothing of how the machine remembers.
"""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fateline_model import Pipeline, Record, Run, Stimulus, load
from fateline_model.checker.shapes import SHAPES
from fateline_model.checker.systems import Attempt, InstanceOptions, PipelineSystem, State
from fateline_model.kernels import Mark
from fateline_model.records import (
    BarrierRecord,
    BatchRecord,
    HopRecord,
    LossRecord,
    MemberRecord,
    OutcomeRecord,
    ParentRecord,
    RowRecord,
    RunRecord,
    TokenRecord,
    VisitRecord,
)
from fateline_model.state import barrier_name, token_name
from fateline_model.stimuli import Do
from fateline_model.words import OUTCOMES, LossReason, Reason, RunStatus

from .composing import Composer, Document, documents
from .scenario import Story, breaches

ROWS, CRASHES = 2, 2
PATIENT = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


class Trail:
    """What an auditor knows: the records, read in order, later ones of the same id in place of the earlier."""

    def __init__(self) -> None:
        self.rows: set[str] = set()
        self.tokens: dict[str, TokenRecord] = {}
        self.parents: dict[str, list[str]] = {}
        self.heads: dict[str, str] = {}
        self.visits: dict[str, VisitRecord] = {}
        self.fates: dict[str, str] = {}
        self.members: dict[str, list[str]] = {}
        self.batches: dict[str, BatchRecord] = {}
        self.barriers: dict[str, BarrierRecord] = {}
        self.losses: dict[str, set[str]] = {}
        self.run: RunRecord | None = None

    def read(self, record: Record) -> None:
        match record:
            case RunRecord():
                self.run = record
            case RowRecord():
                assert record.row not in self.rows
                self.rows.add(record.row)
            case TokenRecord():
                assert record.token not in self.tokens
                self.tokens[record.token] = record
            case ParentRecord():
                self.parents.setdefault(record.child, []).append(record.parent)
            case HopRecord():
                self.heads[record.token] = record.dst
            case VisitRecord():
                self.visits[record.visit] = record
            case OutcomeRecord() if OUTCOMES[record.outcome].terminal:
                assert record.token not in self.fates
                self.fates[record.token] = str(record.outcome)
            case MemberRecord():
                self.members.setdefault(record.batch, []).append(record.token)
            case BatchRecord():
                self.batches[record.batch] = record
            case BarrierRecord():
                assert record.barrier not in self.barriers
                self.barriers[record.barrier] = record
            case LossRecord():
                self.losses.setdefault(record.barrier, set()).add(record.branch)

    def standing(self, token: str) -> list[tuple[str, str, int | None]]:
        """The visits of a token that are not closed: where, how, and which attempt."""
        own = [visit for visit in self.visits.values() if visit.token == token]
        return [(v.node, str(v.status), v.attempt) for v in own if v.status in ("open", "held")]

    def line(self, token: str) -> set[str]:
        """The token and all it comes from."""
        found, waiting = set(), [token]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.parents.get(name, [])
        return found


def agrees(pipeline: Pipeline, trail: Trail, run: Run) -> None:
    """The state says nothing that the trail does not tell, and the trail nothing that the state contradicts."""
    assert trail.rows == {str(row.number) for row in run.rows}
    assert set(trail.tokens) == {token_name(row.number, token.name) for row in run.rows for token in row.tokens}
    assert set(trail.parents) == {name for name, token in trail.tokens.items() if token.group is not None}
    nowhere = set(trail.tokens) - set(trail.heads)
    assert {trail.fates.get(name) for name in nowhere} <= {"quarantined"}
    assert not nowhere & {visit.token for visit in trail.visits.values()}
    assert trail.fates == {
        token_name(r.number, t.name): t.fate for r in run.rows for t in r.tokens if t.fate is not None
    }
    for row in run.rows:
        for token in row.tokens:
            name = token_name(row.number, token.name)
            assert trail.tokens[name].row == str(row.number)
            assert trail.tokens[name].group_kind == token.made
            assert {frame.fork for frame in token.stack} <= {other[1:] for other in trail.line(name)}
            assert {f"{row.number}{f.fork}/{f.branch}" for f in token.stack} <= trail.line(name)
            if token.fate is not None:
                assert trail.standing(name) == []
                continue
            assert trail.heads[name] == token.node
            status = {"ready": None, "visiting": "open", "held": "held", "buffered": "held"}[token.phase]
            assert trail.standing(name) == ([(token.node, status, token.attempt)] if status else [])
            assert token.batch is None or name in trail.members[token.batch]
        for barrier in row.barriers:
            name = barrier_name(row.number, barrier)
            resolved = trail.barriers.get(name)
            assert (resolved.verdict if resolved is not None else None) == barrier.verdict
            marks = dict(zip(pipeline.nodes[barrier.node].branches, barrier.marks, strict=True))
            assert {branch for branch, mark in marks.items() if mark is Mark.LOST} == trail.losses.get(name, set())
            children = {f"{row.number}{barrier.fork}/{branch}": branch for branch in marks}
            held = {
                children[child]
                for token in row.tokens
                if [visit[:2] for visit in trail.standing(token_name(row.number, token.name))]
                == [(barrier.node, "held")]
                for child in trail.line(token_name(row.number, token.name)) & set(children)
            }
            assert held == {branch for branch, mark in marks.items() if mark is Mark.HELD}
    assert {batch.name: str(batch.status) for batch in run.batches} == {
        name: str(record.status) for name, record in trail.batches.items()
    }
    for batch in run.batches:
        if batch.members:
            assert list(batch.members) == trail.members[batch.name]
    ended = trail.run is not None and trail.run.rows is not None
    assert run.source_ended == ended
    if run.status is RunStatus.COMPLETED:
        assert trail.run is not None
        assert trail.run.status is RunStatus.COMPLETED
        assert trail.run.rows == len(run.rows)


@PATIENT
@given(documents())
def test_whatever_is_composed_of_good_pieces_is_well_formed(document: Document) -> None:
    made = load(document)
    assert set(made.order) == {node["name"] for node in document["nodes"]}


RARE = (Do.CRASH, Do.END_OF_SOURCE, Do.FLUSH, Do.DEADLINE)
GOOD = ("pass", "written", "route all", "route on", "expand 2", "outputs 2", "passed", "valid")


def lawful(system: PipelineSystem, state: State) -> list[Attempt]:
    return [attempt for attempt in system.attempts(state) if attempt.after is not None]


def pick(random: Random, attempts: list[Attempt]) -> Attempt:
    """Any of them; but what ends things early, or cuts them, less often, and what leads on more often."""
    stimuli = [(attempt, attempt.stimulus) for attempt in attempts if isinstance(attempt.stimulus, Stimulus)]
    usual = [attempt for attempt, stimulus in stimuli if stimulus.do not in RARE]
    good = [attempt for attempt, stimulus in stimuli if attempt in usual and stimulus.verdict in (None, *GOOD)]
    chance = random.random()
    return random.choice(good if good and chance < 0.6 else usual if usual and chance < 0.94 else attempts)


def walk(document: Document, random: Random) -> Counter[str]:
    """One run of two rows with crashes, judged and audited at every step. What it met."""
    system = PipelineSystem(load(document), ROWS, CRASHES, InstanceOptions(invalid_rows=True))
    state, trail, met = system.first(), Trail(), Counter[str]()
    while attempts := lawful(system, state):
        attempt = pick(random, attempts)
        assert isinstance(attempt.stimulus, Stimulus)
        assert attempt.after is not None
        before, after = state.world[0], attempt.after.world[0]
        assert breaches(system.pipeline, before, attempt.stimulus, attempt.records, after) == []
        for record in attempt.records:
            trail.read(record)
            met[kind(record)] += 1
        met[str(attempt.stimulus.do)] += 1
        agrees(system.pipeline, trail, after)
        state = attempt.after
    assert system.may_stop(state), "stuck"
    return met


def kind(record: Record) -> str:
    if isinstance(record, OutcomeRecord):
        return f"{record.outcome} {record.reason or ''}".strip()
    if isinstance(record, BarrierRecord):
        return f"{record.verdict} {record.reason or ''}".strip()
    return f"lost {record.reason}" if isinstance(record, LossRecord) else type(record).__name__


@PATIENT
@given(documents(), st.randoms(use_true_random=True))
def test_the_trail_is_the_truth_and_every_law_holds_along_every_walk_to_its_end(
    document: Document, random: Random
) -> None:
    walk(document, random)


@pytest.mark.slow
def test_walks_meet_what_there_is_to_meet() -> None:
    """Else they would be walks around the block: the same walk, over pipelines of a fixed seed."""
    random, met = Random(2), Counter[str]()
    for _ in range(300):
        met += walk(Composer(random.choice).document(), random)
    outcomes = {str(outcome) for outcome in OUTCOMES}
    assert outcomes <= {word.split()[0] for word in met}
    assert {f"lost {reason}" for reason in LossReason} <= set(met)
    assert {str(do) for do in Do} - set(met) == set()
    reasons = {word.partition(" ")[2] for word in met}
    by_a_limit = {str(Reason.MERGED_ROW_TOO_LARGE)}  # a limit is an engine's own: the checker does not branch on it
    assert {str(reason) for reason in Reason} - reasons == by_a_limit


def test_the_auditors_reader_notices_what_the_state_does_not_tell() -> None:
    """The test of the test: a trail that lacks one record, any record, no longer agrees or cannot be read."""
    story, told = Story(SHAPES["nested"]()), 0
    story.forked()
    story.visit("0/a", "route all")
    story.arrive("0/a/q")
    story.visit("0/a/p", "error")
    agrees(story.pipeline, retold(story.records), story.run)
    for place, record in enumerate(story.records):
        lacking = [*story.records[:place], *story.records[place + 1 :]]
        superseded = isinstance(record, VisitRecord | HopRecord) and any(
            type(other) is type(record) and other[:2] == record[:2] for other in story.records[place + 1 :]
        )
        ended = isinstance(record, HopRecord) and record.token in story.fates
        if superseded or ended or (isinstance(record, VisitRecord) and record.status == "open"):
            continue
        with pytest.raises((AssertionError, KeyError)):
            agrees(story.pipeline, retold(lacking), story.run)
        told += 1
    assert told > 20


def retold(records: list[Record]) -> Trail:
    trail = Trail()
    for record in records:
        trail.read(record)
    return trail
