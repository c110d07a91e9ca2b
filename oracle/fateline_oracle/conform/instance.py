"""Drives an engine through one instance of the pipeline machine, and gives the result as plain data.

Not here: which instances, in how many processes, and what is concluded (`campaign.py`, `verdict.py`).
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

from fateline_model import Pipeline, Stimulus
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem, State

from ..compare.capabilities import is_supported, requirements
from ..compare.difference import Difference, Kind
from ..compare.names import Names
from ..compare.questions import asked
from ..ports.port import Engine, EngineFault, Hello, RecordJson
from ..ports.validate import GuardedPipeline
from .batch_driver import BatchDriver, Suspect, Trouble, Walk, tour
from .edge_cover import plan
from .explore import ConcreteGraph
from .findings import Findings
from .lockstep import Lockstep, Tally
from .shrink import Shrinker

ROWS: Final = 200
"""The number of walks that are taken as the rows of one run, in pipelines in which rows do not meet."""


ROUNDS: Final = 60
"""The largest number of times that the rest of a graph is planned again."""

SUSPECTS: Final = 400
"""The largest number of steps that are tried by themselves after a failure of the engine."""

RUNS_AT_REST: Final = 60
"""The number of runs that are checked by their trails alone, with the strategies that do so."""


class Strategy(StrEnum):
    """The ways to choose stimuli, or to check what they lead to."""

    GUIDED = "guided"
    REFUSALS = "refusals"
    RANDOM = "random"
    ACCEPTANCE = "acceptance"
    AUDIT = "audit"
    TORTURE = "torture"
    VECTORS = "vectors"


@dataclass
class InstanceResult:
    """The result of checking one instance."""

    family: str
    name: str
    machine: str
    states: int = 0
    states_total: int = 0
    transitions: int = 0
    transitions_total: int = 0
    steps: int = 0
    refusals: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)
    fault: str | None = None
    """The failure of the engine that ended the instance. Other failures are findings that name no law."""
    bound: str | None = None
    """The bound that ended the instance before everything was taken."""
    seconds: float = 0.0
    steps_to_find: int = 0

    @property
    def found(self) -> Difference | None:
        """The worst difference that breaks a law."""
        return self.findings.breach

    @property
    def failures(self) -> list[str]:
        """Where the engine failed instead of answering, in its own words."""
        return [*([self.fault] if self.fault is not None else []), *self.findings.failures]


def drive_instance(
    engine: Engine,
    hello: Hello,
    instance: Instance,
    strategy: Strategy,
    *,
    seed: int,
    steps: int = 0,
    stop_first: bool = False,
    declared: frozenset[str] = frozenset(),
) -> InstanceResult:
    """Drive an engine through an instance of the pipeline machine.

    `steps` limits a random walk, which ends at the first difference; the other strategies go through the whole graph.
    `declared` are the laws of the engine's profile.
    """
    started = time.perf_counter()
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    system = instance.system
    if not isinstance(system, PipelineSystem) or instance.document is None:
        raise TypeError(f"{instance.name} is not an instance of the pipeline machine")
    missing = requirements(system.pipeline) - hello.does
    if missing:
        judged.skipped[f"the engine does not declare {', '.join(sorted(missing))}"] += 1
        return judged
    port = engine.pipeline()
    assert port is not None
    guard = GuardedPipeline(port, hello, declared)
    try:
        if strategy is Strategy.ACCEPTANCE:
            _at_rest(judged, hello, instance, system, guard, stepped_at_rest)
        elif strategy is Strategy.AUDIT:
            _at_rest(judged, hello, instance, system, guard, asked_at_rest)
        elif strategy is Strategy.RANDOM:
            _at_random(judged, hello, instance, system, guard, seed, steps)
        else:
            ways = ConcreteGraph(system, partial(is_supported, hello), reduced=instance.machine == "pipeline")
            driver = BatchDriver(
                ways, instance.document or {}, guard, hello, together=instance.machine == "pipeline",
                refusals=strategy is Strategy.REFUSALS, stop_first=stop_first, seed=seed,
            )  # fmt: skip
            _WholeGraph(judged, driver, Lockstep(system.pipeline, instance.document, guard, hello), declared).run()
    except EngineFault as fault:
        judged.fault = str(fault)
    finally:
        guard.close()
    judged.seconds = time.perf_counter() - started
    return judged


# ------------------------------------------------------------------------------------------------- the whole graph


class _WholeGraph:
    """Takes walks that cover every edge, and plans again around edges that are closed.

    Each trouble of a run is found again by itself, in its row alone if possible, and made short, once for each kind. A
    trouble that is not found again and was not the first of its run may come from an earlier one: its edge is opened again.
    """

    def __init__(
        self, judged: InstanceResult, driver: BatchDriver, lockstep: Lockstep, declared: frozenset[str]
    ) -> None:
        self.judged, self.driver, self.declared = judged, driver, declared
        self.lockstep = lockstep
        self.graph = driver.ways.graph
        self._known: dict[Kind, Difference | None] = {}
        """By the kind of a trouble: the short case; None if it was not found again."""

    def run(self) -> None:
        """Drive, until everything is taken, tried or closed, or until a bound is reached."""
        judged, driver = self.judged, self.driver
        rows = ROWS if driver.together else 1
        for _ in range(ROUNDS):
            walks = self._walks()
            if not walks:
                break
            tour(driver, walks, rows=rows, after=self._settle)
            if self._ended:
                break
        else:
            judged.bound = f"{ROUNDS} rounds" if self._walks() else None
        self._count()
        if self.graph.left_out:
            judged.skipped["the engine does not declare or support these stimuli"] += self.graph.left_out

    @property
    def _ended(self) -> bool:
        return self.judged.fault is not None or (self.driver.stop_first and self.judged.findings.is_strong)

    def _walks(self) -> list[Walk]:
        """Walks over the open edges that are not covered, and into states whose refusals were not tried."""
        driver, covered = self.driver, self.driver.covered
        reachable, targets = driver.reachable(), self.graph.targets
        into: dict[int, tuple[int, int]] = {}
        if driver.refusals:
            for state in sorted(reachable):
                for k, target in enumerate(targets[state]):
                    if not covered.tried[target] and target != state and (state, k) not in driver.closed:
                        into.setdefault(target, (state, k))
        entries = set(into.values())

        def wanted(state: int, k: int) -> bool:
            if state not in reachable or (state, k) in driver.closed:
                return False
            return not covered.edges[state][k] or (state, k) in entries

        walks: list[Walk] = [self.graph.stimuli(walk) for walk in plan(driver.open_targets(), wanted)]
        return walks or ([[]] if driver.refusals and not covered.tried[0] else [])

    # ------------------------------------------------------------------------------------------------ after a run

    def _settle(self) -> bool:
        """Look at the troubles of the last run. False if the drive ends here."""
        driver, judged = self.driver, self.judged
        if (driver.troubles or driver.fault) and not judged.steps_to_find:
            judged.steps_to_find = driver.tally.steps + driver.tally.refusals
        for trouble in driver.troubles:
            self._note(trouble)
        if driver.fault is not None:
            self._failed(driver.fault, driver.suspects)
        return not self._ended

    def _note(self, trouble: Trouble) -> None:
        if trouble.kind not in self._known:
            found = self._alone(trouble)
            self._known[trouble.kind] = found
            if found is None and not trouble.alone:
                del self._known[trouble.kind]
                if trouble.edge is not None:
                    del self.driver.closed[trouble.edge]
                return
        found = self._known[trouble.kind] or self._only_together(trouble)
        self.judged.findings.note(found, closed=trouble.edge is not None)
        if trouble.edge is not None:
            self.driver.closed[trouble.edge] = found.is_declared(self.declared)

    def _alone(self, trouble: Trouble) -> Difference | None:
        """The difference found again: in its row alone, in its row with what was refused on the way, or in the run as it was.
        Then it is made short."""
        shrinker = Shrinker(self.driver.pipeline, self.lockstep)
        cases = [(trouble.row, True), (trouble.run, False)]
        cases += [((*trouble.row[:-1], tried), True) for tried in trouble.tried]
        cases += [(trouble.asked, False)]
        for stimuli, in_row in cases:
            found = shrinker.difference(stimuli) if stimuli else None
            if found is not None and (trouble.weak or not found.weak):
                return shrinker.smallest(found, self.graph if in_row and self.driver.together else None)
        return None

    @staticmethod
    def _only_together(trouble: Trouble) -> Difference:
        laws = trouble.laws or (("R1", "a step records something else when it is committed together with others"),)
        return Difference(trouble.run, (), "only when several steps are committed at once", trouble.says, laws)

    def _failed(self, fault: str, suspects: Sequence[Suspect]) -> None:
        """Find the steps that made the engine fail, and close them."""
        driver, findings = self.driver, self.judged.findings
        guilty = 0
        for suspect in suspects[:SUSPECTS]:
            shrinker = Shrinker(driver.pipeline, self.lockstep)
            found = shrinker.difference(suspect.row)
            if found is None:
                continue
            guilty += 1
            if findings.is_new(found):
                found = shrinker.smallest(found, self.graph if driver.together else None)
            findings.note(found, closed=suspect.edge is not None)
            if suspect.edge is not None:
                driver.closed[suspect.edge] = False
            else:
                driver.skip.setdefault(suspect.state, set()).add(suspect.row[-1])
                driver.covered.tried[suspect.state] = 0
        if not guilty:
            self.judged.fault = fault

    # ------------------------------------------------------------------------------------------------ counting

    def _count(self) -> None:
        driver, judged = self.driver, self.judged
        totals, edges = driver.reachable(behind_findings=True), driver.covered.edges
        left_out = Counter(state for (state, _), without in driver.closed.items() if without)
        judged.states, judged.states_total = sum(driver.covered.states), len(totals)
        judged.transitions = sum(map(sum, edges))
        judged.transitions_total = sum(len(edges[state]) - left_out[state] for state in totals)
        _add_tally(judged, driver.tally)


def _add_tally(judged: InstanceResult, tally: Tally) -> None:
    judged.steps, judged.refusals = tally.steps, tally.refusals
    judged.skipped.update(tally.skipped)
    judged.checked.update(tally.checked)
    judged.checked.update(asked(tally.steps_about, tally.steps, tally.refusals))


# ------------------------------------------------------------------------------------------------- at rest


AtRest = Callable[[Pipeline, list[RecordJson]], tuple[Mapping[str, int], list[tuple[str, str]]]]
"""Checks the records of one run. Gives the number of checks by law, and the broken laws, each with a message."""


def _at_rest(
    judged: InstanceResult,
    hello: Hello,
    instance: Instance,
    system: PipelineSystem,
    guard: GuardedPipeline,
    judge: AtRest,
) -> None:
    """Take the longest walks of the graph, one run for each, and check only the trail that each run leaves."""
    ways = ConcreteGraph(system, partial(is_supported, hello), reduced=instance.machine == "pipeline")
    walks = sorted((ways.graph.stimuli(walk) for walk in plan(ways.graph.targets)), key=len, reverse=True)
    for walk in walks[:RUNS_AT_REST]:
        names, here = Names(), ways.first()
        guard.start(instance.document or {})
        for stimulus in walk:
            taken = ways.take(here, stimulus)
            reply = guard.do(names.asked(taken.stimulus))
            names.learn(reply.records)
            judged.steps += 1
            if reply.refused is not None or reply.unsupported is not None:
                break
            here = taken.to
        checked, laws = judge(system.pipeline, [{"run": "r", **record} for record in guard.trail()])
        judged.checked.update(checked)
        if laws:
            judged.steps_to_find = judged.steps
            judged.findings.note(
                Difference(tuple(walk), (), "the trail at rest", tuple(m for _, m in laws), tuple(laws))
            )
            return


def stepped_at_rest(pipeline: Pipeline, records: list[RecordJson]) -> tuple[Mapping[str, int], list[tuple[str, str]]]:
    """Check records by stepping the stimuli that they imply through the law."""
    from ..trails.check import TrailResult, check_run
    from ..trails.reader import runs_of

    found = TrailResult()
    for run in runs_of(records):
        check_run(run, pipeline, found)
    return found.checked, [(finding.law, finding.message) for finding in found.findings]


def asked_at_rest(pipeline: Pipeline, records: list[RecordJson]) -> tuple[Mapping[str, int], list[tuple[str, str]]]:
    """Check records with the queries of the audit."""
    from ..audit.import_records import graph_records
    from ..audit.whole import audit_records

    runs = dict.fromkeys(str(record["run"]) for record in records)
    graphs = [record for run in runs for record in graph_records(pipeline, run)]
    found = audit_records([*graphs, *records])
    return found.checked, [(breach.law, breach.said) for breach in found.judged.breaches]


# ------------------------------------------------------------------------------------------------- at random


def _at_random(
    judged: InstanceResult,
    hello: Hello,
    instance: Instance,
    system: PipelineSystem,
    guard: GuardedPipeline,
    seed: int,
    steps: int,
) -> None:
    """Do what an ordinary test does: take any lawful stimulus, in runs of two rows, again and again."""
    chance = random.Random(seed)
    lockstep = Lockstep(system.pipeline, instance.document or {}, guard, hello)
    two = system if instance.machine == "batch" else instance.with_rows(2)
    while lockstep.tally.steps < steps:
        lockstep.start()
        state: State = two.first()
        while lockstep.tally.steps < steps:
            lawful = [
                (offer.stimulus, offer.after)
                for offer in two.attempts(state)
                if isinstance(offer.stimulus, Stimulus)
                and offer.after is not None
                and is_supported(hello, offer.stimulus, state)
            ]
            if not lawful:
                break
            stimulus, after = chance.choice(lawful)
            skipped = lockstep.tally.skipped.total()
            found = lockstep.do(stimulus)
            if found is not None:
                _add_tally(judged, lockstep.tally)
                judged.steps_to_find = lockstep.tally.steps
                judged.findings.note(Shrinker(system.pipeline, lockstep).smallest(found, None))
                return
            if lockstep.tally.skipped.total() == skipped:
                state = after
    _add_tally(judged, lockstep.tally)
