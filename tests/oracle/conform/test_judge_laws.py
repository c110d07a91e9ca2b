"""The laws of the judge about its answers, on engines with a seeded bug: the speed of an engine changes no verdict (J6), the
commands do not contradict each other (J7), and each counterexample is short and shows the bug again (J9)."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from fateline_model.checker.scopes import Instance, families
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle import limits
from fateline_oracle.audit.import_records import copy_records, graph_records
from fateline_oracle.audit.summary import tell
from fateline_oracle.audit.whole import Wanted, audit
from fateline_oracle.compare.difference import Difference
from fateline_oracle.conform.campaign import Campaign, Plan, Selection, drive_one, run_campaign
from fateline_oracle.conform.case import WHOLE_RUN
from fateline_oracle.conform.free_run import ROWS, SeededVerdicts
from fateline_oracle.conform.fuzz import Hunt
from fateline_oracle.conform.instance import InstanceResult, Strategy
from fateline_oracle.conform.machine_instance import PORT_OF
from fateline_oracle.conform.replay import BadCase, Case, Replayed, replay
from fateline_oracle.conform.result import SelfTest
from fateline_oracle.conform.verdict import case_of, conclude
from fateline_oracle.mutants import MUTANTS
from fateline_oracle.mutants.kill import places
from fateline_oracle.mutants.sandbox import sandboxed
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Engine, EngineFault, EngineSilent, Hello
from fateline_oracle.ports.profile import Profile
from fateline_oracle.ports.validate import guarded
from fateline_oracle.report.verdict import Report, Verdict
from fateline_oracle.trails.check import TrailResult, check_run, report_of
from fateline_oracle.trails.reader import runs_of
from fateline_oracle.vectors.run import Score, published_of, run
from fateline_oracle.vectors.verdict import conclude as conclude_vectors

from .limited import Limited, all_but

SEEN: Final = (SelfTest("a", "b", "C16", "C16", 1),)
DRIVEN: Final = [name for name, bug in MUTANTS.items() if not bug.tortured and bug.guard is None]
QUICK: Final = ("two-recorders-unguarded", "over-while-tokens-live-unguarded", "late-without-a-fate", "quorum-waits-in-vain",
                "a-fork-in-two-steps-unguarded")  # fmt: skip
"""Bugs of different ports and laws. In the first, conformance and vectors once contradicted each other about R2; in the second
about V1."""

bugs = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in DRIVEN]
)


@contextmanager
def found_in(name: str) -> Iterator[tuple[Engine, Hello, Instance, InstanceResult]]:
    """An engine with a bug, and what driving it finds in the first instance in which the bug shows."""
    with sandboxed(MUTANTS[name]) as engine:
        hello = hello_of(engine)
        for instance in places(MUTANTS[name]):
            judged = drive_one(engine, hello, instance, Plan(Strategy.REFUSALS, 0))
            if judged.findings:
                yield engine, hello, instance, judged
                return
    pytest.fail("driving the engine does not show its bug")


def case_document(hello: Hello, judged: InstanceResult, found: Difference) -> dict[str, Any]:
    """The case as it is read from a file."""
    document: dict[str, Any] = json.loads(
        json.dumps(case_of(Campaign("x", "small", 0, hello, [judged]), judged, found))
    )
    return document


def replayed(document: dict[str, Any], engine: Engine, hello: Hello) -> Replayed:
    return replay(Case(document, document["machine"], document["instance"], "x", ()), engine, hello)


@bugs
def test_a_counterexample_shows_the_bug_again_and_no_step_can_be_left_out(name: str) -> None:
    with found_in(name) as (engine, hello, _, judged):
        for one in judged.findings:
            document = case_document(hello, judged, one.shortest)
            if document["machine"] == WHOLE_RUN:
                assert replayed(document, engine, hello).found is not None
                continue
            again = replayed(document, engine, hello)
            assert (again.found or again.fault) is not None, document["title"]
            assert again.steps == len(document["steps"]), "nothing before the last step differs"
            if again.found is not None:
                assert again.found.shows(one.shortest)
            for place in range(len(document["steps"]) - 1):
                steps = [step for number, step in enumerate(document["steps"]) if number != place]
                assert not _shown_by({**document, "steps": steps}, one.shortest, engine, hello), steps


def _shown_by(document: dict[str, Any], found: Difference, engine: Engine, hello: Hello) -> bool:
    try:
        shorter = replayed(document, engine, hello).found
    except BadCase:
        return False  # the law has no such step
    return shorter is not None and len(shorter.stimuli) == len(document["steps"]) and shorter.shows(found)


def contradictions(one: Report, other: Report) -> dict[str, tuple[object, object]]:
    """The laws that hold in one report and are broken in the other."""
    both = {law: (one.laws[law].verdict, other.laws[law].verdict) for law in one.laws.keys() & other.laws.keys()}
    return {law: pair for law, pair in both.items() if set(pair) == {Verdict.HOLDS, Verdict.BREACHED}}


@bugs
def test_no_two_commands_contradict_each_other_about_an_engine(name: str, tmp_path: Path) -> None:
    with found_in(name) as (engine, hello, instance, judged):
        driven = conclude(Campaign("x", "small", 0, hello, [judged]), SEEN, Profile(), "again").report
        vectors = conclude_vectors(hello, run(engine, hello, published_of(instance)), Score(), 0, 0.0, "again").report
        if vectors.counts["published"]:
            assert contradictions(driven, vectors) == {}
        if name in QUICK:
            hunt = Hunt(engine, hello, "x", tmp_path, 1)
            for _, _ in zip(range(12), hunt.rounds(), strict=False):
                pass
            hunted = {law for law, result in hunt.report("again").laws.items() if result.verdict is Verdict.BREACHED}
            elsewhere = {law for law in hunted if driven.laws[law].verdict is Verdict.HOLDS}
            for finding in hunt.report("again").findings:
                assert finding.law not in elsewhere or instance.name not in finding.instances


WITHOUT_A_PIPELINE: Final = {
    *(family for family, machine in families("standard").items() if machine in PORT_OF), "two rows to merge",
}  # fmt: skip
IN_PIPELINES: Final = [name for name in DRIVEN if MUTANTS[name].places[0] not in WITHOUT_A_PIPELINE]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in IN_PIPELINES]
)
def test_no_two_commands_contradict_each_other_about_a_trail(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sandboxed(MUTANTS[name]) as engine:
        instance, port = next(iter(places(MUTANTS[name]))), engine.trail()
        assert port is not None
        assert isinstance(instance.system, PipelineSystem)
        answers = SeededVerdicts(instance.system, 1)
        monkeypatch.setattr(limits, "_silence", 3.0)
        try:
            written = guarded("run", lambda: list(port.run(instance.document or {}, ["valid"] * ROWS, answers)))
        except (EngineFault, EngineSilent) as fault:
            pytest.skip(f"the run does not come to its end: {fault}")
    found = TrailResult()
    for trail in runs_of(written):
        check_run(trail, instance.system.pipeline, found)
    graph = [record for one in runs_of(written) for record in graph_records(instance.system.pipeline, one.run)]
    copy = tmp_path / "copy.db"
    asked = audit(Wanted(copy, copy_records([*graph, *written], copy, whole=True)))
    stepped, queried = report_of(found, "again"), tell(asked, None, "x", "again", 50).report
    assert [law for law, pair in contradictions(stepped, queried).items() if pair[0] is Verdict.HOLDS] == []
    # A fault may have several names. Stepping says which rules the step breaks, a query which facts are not as they must be.
    assert stepped.verdict is not Verdict.BREACHED or queried.verdict is Verdict.BREACHED or broken_by_order(stepped)


def broken_by_order(stepped: Report) -> bool:
    """True if only laws are broken of which a query cannot know: which records a step writes."""
    return {law for law, one in stepped.laws.items() if one.verdict is Verdict.BREACHED} <= {"D2", "R1", "R2"}


# ------------------------------------------------------------------------------------------------- slow engines


class Slow(Limited):
    """The reference engine, which takes so many seconds for each answer of its barrier."""

    def __init__(self, seconds: float) -> None:
        super().__init__(all_but())
        self._seconds = seconds

    def says(self, stimulus: object) -> bool:
        time.sleep(self._seconds)
        return True


BARRIER: Final = "barrier branches=2 policy=quorum:2 merge=union:fail"


def verdict_of(engine: Engine) -> Report:
    @contextmanager
    def opened(_: str) -> Iterator[Engine]:
        yield engine

    campaign = run_campaign("x", "small", open_engine=opened, seed=1, jobs=1, only=Selection((BARRIER,)))
    return conclude(campaign, SEEN, Profile(), "again").report


def test_an_engine_that_is_ten_times_as_slow_gets_the_same_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_silence", 0.5)
    quick, slow = verdict_of(Slow(0.0)), verdict_of(Slow(0.01))
    assert {law: one.verdict for law, one in slow.laws.items()} == {law: one.verdict for law, one in quick.laws.items()}
    assert (slow.prevented, slow.findings) == (quick.prevented, ())
