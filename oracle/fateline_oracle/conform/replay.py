"""Steps a saved counterexample again, on any engine: does the engine still break the same law at the same step?

A case is data by `specs/schemas/case.schema.json`. It comes from a file and is not trusted: its size is bounded, it is
validated, and it is stepped through the law first. Not here: finding cases, and showing them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from fateline_model import LAW_VERSION, LAWS, IllFormed, Stimulus, load
from fateline_model.checker.scopes import Instance, instance_called
from fateline_model.checker.systems import Attempt, InstanceOptions, PipelineSystem, State
from fateline_model.stimuli_json import from_json

from ..compare.difference import Difference
from ..compare.whole_run import WholeRun, run_of
from ..ports.port import Engine, EngineFault, Hello
from ..ports.validate import GuardedPipeline
from ..report.case import SCHEMA
from ..report.verdict import LawResult, Report, Verdict
from .case import WHOLE_RUN, CaseJson
from .findings import finding_of
from .free_run import PortRuns
from .lockstep import Lockstep
from .machine_driver import NOT_SUPPORTED, MachineDriver, SideBySide, Unsupported
from .machine_instance import side_by_side

LARGEST: Final = 4_194_304
STEPS: Final = 2_000


class BadCase(ValueError):
    """A case file cannot be used; the message says why."""


@dataclass(frozen=True)
class Case:
    """The parts of a case that a replay needs."""

    document: Mapping[str, Any]
    machine: str
    instance: str
    engine: str
    laws: tuple[str, ...]


@dataclass(frozen=True)
class Replayed:
    """The result of a replay. `found` is None if law and engine agree to the end, or as far as the port supports the steps."""

    found: Difference | None
    fault: str | None
    steps: int
    unsupported: str | None = None
    """Why the port does not support the step that would have come next."""

    def report(self, instance: str, laws: Iterable[str], reproduce: str) -> Report:
        """The result as a report. `laws` are those that the case is about."""
        found = self.found
        reasons = [reason for reason in (self.fault, self.unsupported) if reason is not None]
        results = {law: LawResult(Verdict.BREACHED, 1, 1) for law in self.laws}
        if not reasons:
            results = {**{law: LawResult(Verdict.HOLDS, 1) for law in (*laws, "D1")}, **results}
        return Report(
            law_version=LAW_VERSION,
            scope=instance,
            seed=None,
            laws={law: results[law] for law in LAWS if law in results},
            counts={"steps": self.steps},
            findings=(finding_of(found, instance),) if found is not None and found.laws else (),
            prevented=tuple(reasons),
            seconds=0.0,
            reproduce=reproduce,
        )

    @property
    def laws(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(law for law, _ in self.found.laws)) if self.found is not None else ()


def read_case(path: Path) -> Case:
    """Read a case file. Raises `BadCase` with the problem and the place."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadCase(f"{path}: the file has {path.stat().st_size:,} bytes; a case has at most {LARGEST:,}")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadCase(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadCase(f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BadCase(f"{path}: this is not a case: its `schema` is not {SCHEMA!r}")
    if document.get("law_version") != LAW_VERSION:
        raise BadCase(
            f"{path}: the case has law version {document.get('law_version')!r}; this judge has version {LAW_VERSION!r}"
        )
    try:
        said = msgspec.convert(document, CaseJson)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise BadCase(f"{path}: no case: {error}") from error
    if not 0 < len(said.steps) <= STEPS:
        raise BadCase(f"{path}: steps: give a list of 1 to {STEPS}")
    engine = said.engine.name if said.engine else ""
    return Case(document, said.machine, said.instance, engine, tuple(law[0] for law in said.laws if law))


def replay(case: Case, engine: Engine, hello: Hello) -> Replayed:
    """Step the case on an engine, to the first difference or to its end."""
    if case.machine in ("pipeline", "batch"):
        return _pipeline(case, engine, hello)
    if case.machine == WHOLE_RUN:
        return _whole_run(case, engine, hello)
    instance = instance_called(case.instance)
    if instance is None:
        raise BadCase(f"there is no instance {case.instance!r} of the {case.machine} machine")
    return _small(case, engine, hello, instance)


def _pipeline(case: Case, engine: Engine, hello: Hello) -> Replayed:
    document = case.document.get("pipeline")
    if not isinstance(document, dict):
        raise BadCase("the case has no pipeline")
    try:
        pipeline = load(document)
        stimuli = [from_json(step["stimulus"]) for step in case.document["steps"]]
    except (IllFormed, ValueError) as error:
        raise BadCase(str(error)) from error
    port = engine.pipeline()
    if port is None:
        raise BadCase("the engine offers no pipeline port")
    guard = GuardedPipeline(port, hello)
    lockstep = Lockstep(pipeline, document, guard, hello)
    try:
        lockstep.start()
        return stepped(lockstep, stimuli)
    except EngineFault as fault:
        return Replayed(None, str(fault), 0)
    finally:
        guard.close()


def _whole_run(case: Case, engine: Engine, hello: Hello) -> Replayed:
    """A case that is a whole run."""
    port = engine.trail()
    if port is None:
        raise BadCase("the engine offers no trail port, through which a whole run is asked for")
    document, whole = whole_run_in(case)
    system = PipelineSystem(load(document), len(whole.rows), 0, InstanceOptions())
    found = PortRuns(port, system, document, hello).checked(whole)
    if found is not None and not found.laws:
        return Replayed(None, found.differences[0], 1)
    return Replayed(found, None, 1)


def whole_run_in(case: Case) -> tuple[dict[str, Any], WholeRun]:
    """The pipeline and the run of a case that is a whole run."""
    document = case.document.get("pipeline")
    try:
        if not isinstance(document, dict):
            raise ValueError("the case has no pipeline")
        load(document)
        return document, run_of(case.document["steps"][-1]["stimulus"])
    except (IllFormed, ValueError) as error:
        raise BadCase(str(error)) from error


def stepped(lockstep: Lockstep, stimuli: list[Stimulus]) -> Replayed:
    """Take stimuli in the law and in the engine, in a run that was started, to the end or to the first difference that ends
    it. A difference behind which both can go on is the result if no later step differs."""
    before: Replayed | None = None
    for place, stimulus in enumerate(stimuli, 1):
        found = lockstep.do(stimulus)
        if found is not None:
            found = replace(found, stimuli=tuple(stimuli[:place]))
            before = _replayed(found, place)
            if not found.goes_on:
                return before
        elif lockstep.unsupported is not None:
            return before or Replayed(None, None, place - 1, unsupported=lockstep.unsupported)
    return before or Replayed(None, None, len(stimuli))


def _replayed(found: Difference, place: int) -> Replayed:
    return Replayed(found, None, place) if found.laws else Replayed(None, found.differences[0], place)


def _small(case: Case, engine: Engine, hello: Hello, instance: Instance) -> Replayed:
    """A case of the lifecycle or the single-barrier machine."""
    driver = MachineDriver(side_of(engine, hello, instance))
    return small_steps(driver, instance, [str(step.get("says")) for step in case.document["steps"]], {})


def side_of(engine: Engine, hello: Hello, instance: Instance) -> SideBySide[Any, Any]:
    """The law and the engine side by side, for an instance of one of the small machines."""
    side = side_by_side(engine, hello, instance)
    if side is None:
        raise BadCase(f"the engine offers no {instance.machine} port")
    return side


Attempts = dict[State, dict[str, Attempt]]
"""What can be tried in states of one of the small machines, by the text of the stimulus."""


def small_steps(driver: MachineDriver, instance: Instance, step_texts: list[str], known: Attempts) -> Replayed:
    """Take stimuli of one of the small machines, as `stepped` does. Each is looked up by its text, in `known` if it is there.

    A refused stimulus that the engine does not support is left out.
    """
    state = instance.system.first()
    before: Replayed | None = None
    asked = 0
    try:
        driver.start()
        for asked, says in enumerate(step_texts, 1):
            if state not in known:
                known[state] = {str(one.stimulus): one for one in instance.system.attempts(state)}
            attempt = known[state].get(says)
            if attempt is None:
                raise BadCase(f"step {asked}: {instance.name} has no stimulus {says!r} in this state")
            if not driver.side.is_supported(attempt.stimulus, state):
                if attempt.after is None:
                    continue
                raise Unsupported(NOT_SUPPORTED)
            found = driver.attempted(attempt)
            if found is not None:
                before = _replayed(replace(found, stimuli=tuple(driver.asked)), asked)
                if not found.goes_on:
                    return before
            state = attempt.after or state
    except Unsupported as reason:
        return before or Replayed(None, None, asked - 1, unsupported=str(reason))
    except EngineFault as fault:
        return Replayed(None, str(fault), asked)
    return before or Replayed(None, None, asked)
