"""Makes a counterexample, or a row of a trail, a line of steps that the page plays beside the law.

A line is a list of stimuli from the first state, and for each step what was recorded beside the law, if anything is to be
shown. In an engine's case only the last step differs. A recorded row is stepped up to its end, or to the first step that the
law does not accept. Not here: where the case or the trail comes from, and the tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from fateline_model import LAWS, IllFormed, Pipeline, Stimulus, load
from fateline_model.checker.scopes import instance_called
from fateline_model.checker.systems import AnyStimulus, BarrierSystem, InstanceOptions, PipelineSystem, System
from fateline_model.stimuli import Do
from fateline_model.stimuli_json import from_json

from ...compare.records import paired
from ...conform.barrier_driver import document_of as coalesce_json
from ...conform.machine_instance import coalesce_of
from ...conform.replay import BadCase, Case
from ...trails.accept import Acceptor, prescribed
from ...trails.check import TrailResult, of_the_run, unshown
from ...trails.pipeline import document_of
from ...trails.reader import BadTrail, RunTrail, partitions
from ...trails.reconstruct import named
from .tables import LawTables, Place, tabulate

ABSENT: Final = -1
"""The place of a record that one side does not have."""
LONGEST: Final = 500
"""The number of steps of a recorded row that are played."""


@dataclass(frozen=True)
class Beside:
    """What another engine or a trail recorded in a step. `records` is None if it answered with the text `said`.

    `differences` are those that the judge found in this step; the page marks what they name, and nothing else.
    """

    records: Sequence[Mapping[str, Any]] | None = None
    said: str = ""
    differences: tuple[str, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Line:
    """Stimuli from the first state of a system, and what was recorded beside the law."""

    system: System
    stimuli: Sequence[AnyStimulus]
    beside: Sequence[Beside | None]
    side: str
    """What stands beside the law, as a title."""
    title: str
    about: str
    document: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


class Example(NamedTuple):
    """One of several lines on a page."""

    name: str
    """Its name in the address: small letters, digits and `-`."""
    line: Line
    href: str
    """Where to read about it."""
    said: str
    """What the link to there says."""


class End(NamedTuple):
    """How one side of two cases ends: the fate of each token, by the law or by the records of an engine."""

    title: str
    fates: Mapping[str, str]


class Play(NamedTuple):
    """Everything that a page shows."""

    title: str
    about: str
    document: Mapping[str, Any] | None
    """The pipeline to draw."""
    tables: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    reached: bool = False
    """Whether states were left out because of the limit."""
    examples: tuple[Example, ...] = ()
    """Lines of which the address names one; then the page plays no other."""
    home: tuple[str, str] = ("", "")
    """What the page belongs to: a link, and what it says."""
    ends: tuple[End, ...] = ()
    """Of two cases side by side: how they end."""


def play_of(line: Line, limit: int) -> Play:
    """A line and the states around it."""
    tables, reached = tables_of(line, limit)
    notes = line.notes
    if reached:
        which = "around these steps" if line.stimuli else "the first that can be reached"
        count = f"{len(tables['states']):,}"
        notes = (*notes, f"The page has {count} states, {which}; there are more. Steps that lead to others are marked.")
    return Play(line.title, line.about, line.document, tables, notes, reached)


def tables_of(line: Line, limit: int) -> tuple[dict[str, Any], bool]:
    """The tables of a line with the states around it, and whether some were left out."""
    tables, (places,) = tabulate(line.system, limit, [line.stimuli])
    played = [line_in(tables, places, line)] if line.stimuli else []
    return {**tables.document(), "lines": played}, tables.reached


def play_of_examples(
    system: System, examples: Sequence[Example], title: str, about: str, limit: int, home: tuple[str, str]
) -> Play:
    """Several lines of one system, with the states around them all. The address of the page says which is played."""
    tables, places = tabulate(system, limit, [one.line.stimuli for one in examples])
    played = {one.name: line_in(tables, taken, one.line) for one, taken in zip(examples, places, strict=True)}
    made = {**tables.document(), "lines": [], "examples": played}
    return Play(title, about, examples[0].line.document, made, (), tables.reached, tuple(examples), home)


def together(systems: Sequence[System]) -> System:
    """One system that allows the rows and crashes of all, which are of one pipeline or of one instance."""
    pipelines = [one for one in systems if isinstance(one, PipelineSystem)]
    if not pipelines:
        return systems[0]
    rows, crashes = max(one.rows for one in pipelines), max(one.crashes for one in pipelines)
    return PipelineSystem(pipelines[0].pipeline, rows, crashes, InstanceOptions())


def line_in(tables: LawTables, places: Sequence[Place], line: Line) -> dict[str, Any]:
    """A line as a page has it: what it is called, and each step with what is recorded beside the law."""
    steps = [_step(tables, place, beside) for place, beside in zip(places, line.beside, strict=True)]
    return {"title": line.title, "about": line.about, "side": line.side, "line": steps}


def _step(tables: LawTables, place: Place, beside: Beside | None) -> dict[str, Any]:
    """A step of a line. Its rows are [record of the law, record beside it, mark]; a record that is absent is `ABSENT`."""
    if beside is None:
        return {"edge": place.edge}
    tables.name_laws(law for law, _ in beside.broken)
    told = {
        "edge": place.edge,
        "said": beside.said,
        "differences": beside.differences,
        "broken": [one for one in beside.broken if one[0] in LAWS],
    }
    if beside.records is None:
        return told
    pairs = paired(tables.written(place), [dict(record) for record in beside.records], beside.differences)
    rows = [
        [*(ABSENT if one is None else tables.record(dict(one)) for one in (pair.law, pair.engine)), pair.mark]
        for pair in pairs
    ]
    return {**told, "rows": rows}


# ------------------------------------------------------------------------------------------------- a counterexample

_NO_STEPS: Final = "a case of machine {} has no steps that can be played one by one; fateline replay shows it"


def line_of_case(case: Case) -> Line:
    """A counterexample as a line. Raises `BadCase` if it cannot be played."""
    document, steps = case.document.get("pipeline"), case.document["steps"]
    system: System
    stimuli: Sequence[AnyStimulus]
    if case.machine in ("pipeline", "batch"):
        system, stimuli = _pipeline_steps(document, steps)
    elif case.machine in ("barrier", "lifecycle"):
        system, stimuli = _small_steps(case, [str(step["says"]) for step in steps])
        document = _around_the_barrier(system)
    else:
        raise BadCase(_NO_STEPS.format(case.machine))
    laws = tuple((str(law[0]), str(law[1]) if len(law) > 1 else "") for law in case.document["laws"] if law)
    observed = str(case.document.get("observed") or "")
    beside = [Beside(step["records"], differences=tuple(step.get("differences", ()))) for step in steps]
    last = replace(beside[-1], differences=tuple(map(str, case.document.get("differences", ()))), broken=laws)
    beside[-1] = replace(last, records=None, said=observed) if observed and not last.records else last
    engine = case.document.get("engine")
    side = f"{engine['name']} {engine['version']}" if engine else "The law with one mistake"
    return Line(
        system, stimuli, beside, side, str(case.document["title"]), f"A counterexample of {len(steps)} steps; {case.instance}.",
        document,
    )  # fmt: skip


def _pipeline_steps(document: object, steps: Sequence[Mapping[str, Any]]) -> tuple[PipelineSystem, list[Stimulus]]:
    try:
        pipeline = load(document)
        stimuli = [from_json(step["stimulus"]) for step in steps]
    except (IllFormed, ValueError) as error:
        raise BadCase(str(error)) from error
    return _system(pipeline, stimuli), stimuli


def _small_steps(case: Case, says: Sequence[str]) -> tuple[System, list[AnyStimulus]]:
    """The steps of a case of one of the small machines, which are found by their texts."""
    instance = instance_called(case.instance)
    if instance is None:
        raise BadCase(f"there is no instance {case.instance!r} of the {case.machine} machine")
    state, stimuli = instance.system.first(), list[AnyStimulus]()
    for number, text in enumerate(says, 1):
        attempt = next((one for one in instance.system.attempts(state) if str(one.stimulus) == text), None)
        if attempt is None:
            raise BadCase(f"step {number}: {instance.name} has no stimulus {text!r} in this state")
        stimuli.append(attempt.stimulus)
        state = attempt.after or state
    return instance.system, stimuli


def _around_the_barrier(system: System) -> dict[str, Any] | None:
    """The pipeline around a single barrier, to draw it; None if there is no barrier."""
    if not isinstance(system, BarrierSystem):
        return None
    coalesce = coalesce_of(system)
    gate = {"name": "g", "kind": "gate", "routes": {"all": "fork"}}
    gate["fork"] = dict.fromkeys(coalesce.branches, coalesce.name)
    nodes = [
        {"name": "src", "kind": "source", "to": "g"},
        gate,
        coalesce_json(coalesce),
        {"name": coalesce.to, "kind": "sink"},
    ]
    return {"name": "barrier", "nodes": nodes}


def _system(pipeline: Pipeline, stimuli: Sequence[Stimulus]) -> PipelineSystem:
    """The pipeline with as many rows and crashes as the stimuli have."""
    rows = 1 + max((stimulus.row for stimulus in stimuli if stimulus.row is not None), default=0)
    crashes = sum(stimulus.do is Do.CRASH for stimulus in stimuli)
    return PipelineSystem(pipeline, min(rows, len(stimuli) + 1), crashes, InstanceOptions())


# ------------------------------------------------------------------------------------------------- a row of a trail


def line_of_row(trail: RunTrail, row: str, pipeline: tuple[Mapping[str, Any], Pipeline] | None = None) -> Line:
    """A row of a trail, with the rows that it meets in batches, as a line. Raises `BadTrail` if it cannot be stepped."""
    if pipeline is None:
        document: Mapping[str, Any] = document_of(trail)
        try:
            pipeline = document, load(document)
        except IllFormed as error:
            raise BadTrail(f"run {trail.run}: its nodes and edges do not make a pipeline:\n{error}") from error
    rows, found = next((rows, records) for rows, records in partitions(trail) if row in rows)
    alone = len(rows) == 1
    records = named(found, "0" if alone else None, trail.starts)
    ended, over = of_the_run(trail, TrailResult())
    acceptor = Acceptor(pipeline[1], unshown(trail))
    done = acceptor.judge(records, ended=ended, over=over, alone=alone, whole=trail.whole, ordered=trail.ordered)
    if not done.stimuli:
        raise BadTrail(f"row {row} of run {trail.run} has no records that imply a step")
    stimuli = prescribed(pipeline[1], done.stimuli[:LONGEST], records)
    beside: list[Beside | None] = [None] * len(stimuli)
    doubts = sorted(trail.not_known(rows) | set(done.in_doubt))
    notes = [f"Inferred or guessed, because not recorded: {', '.join(doubts)}."] if doubts else []
    if len(done.stimuli) > LONGEST:
        notes.append(f"The first {LONGEST} of {len(done.stimuli):,} steps are played.")
    elif done.differences:
        beside[-1] = Beside(done.observed, differences=done.differences, broken=() if doubts else done.broken)
        notes.append("The law does not accept the last step that is played; what came after it is not shown.")
        notes += ["What was inferred may be wrong there, so this is no breach."] if doubts else []
    elif not doubts:
        notes += [f"{law} {LAWS[law].title}: {message}" for law, message in done.broken]
    met = f" with {len(rows) - 1} rows that it meets in batches" if not alone else ""
    name = " It is named 0 here, as in the law." if alone and row != "0" else ""
    about = f"Row {row} of run {trail.run}{met}, played as it was recorded.{name}"
    return Line(
        _system(pipeline[1], stimuli), stimuli, beside, "The trail", f"Row {row}", about, pipeline[0], tuple(notes)
    )
