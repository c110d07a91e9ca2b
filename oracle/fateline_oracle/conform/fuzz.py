"""Walks at random over several rows, prefers what was not seen before, and keeps what it finds.

A difference is made as short as possible, saved in a folder as a case, and stepped again at the start of the next hunt. The
folder is the *corpus* of one engine. A hunt depends only on its seed and on the engine: round n takes the same walk whenever it
is run.

Going on: behind a difference the round starts again, and no longer takes stimuli of the same kind that meet the same. So one
pervasive difference does not hide the others. Findings are told apart by their kind, as in `verdict.py`.

An engine that offers no pipeline port and runs whole is given whole runs with random answers instead of walks.

Not here: how it is shown (`cli/hunt.py`).
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from fateline_model import LAW_VERSION, Pipeline, Stimulus, World
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import Attempt, PipelineSystem, State
from fateline_model.laws import Law

from ..compare.capabilities import is_supported, requirements, why_not_judged
from ..compare.difference import Difference, Kind
from ..compare.marks import marks_met, named_as
from ..compare.questions import asked
from ..ports.port import Engine, EngineFault, Hello, Port
from ..ports.validate import GuardedPipeline, asked_again
from ..report.case import write_case
from ..report.law_results import law_results
from ..report.verdict import Report, Skipped
from .campaign import Campaign, every_instance
from .explore import LocalGraph, local_graph
from .findings import Findings, broken_by
from .free_run import PortRuns, runs_without, validity
from .instance import InstanceResult
from .lockstep import Lockstep
from .machine_driver import MachineDriver, Shorter, Unsupported
from .machine_instance import PORT_OF, asks_for, side_by_side
from .replay import BadCase, read_case, replay
from .shrink import Shrinker
from .verdict import case_of

ROWS: Final = 3
STEPS: Final = 80
"""The number of stimuli in one walk."""
STARTS: Final = 5
"""The largest number of times that one round starts again behind a difference."""
LOOKED_AT: Final = 6
"""The number of lawful stimuli that are drawn; the first of a kind not seen before is taken."""
REFUSED: Final = 0.12
"""The share of steps that try a stimulus which the law refuses."""
STATE: Final = "hunt.json"
LARGEST: Final = 64 * 1024 * 1024


class BadCorpus(ValueError):
    """The folder or the engine cannot be used for a hunt; the message says why."""


class Event(NamedTuple):
    """Something that happened in a hunt: `replayed`, `new`, `fault`, `round`, or `walked` after each round."""

    kind: str
    text: str
    case: str | None = None


@dataclass
class FuzzState:
    """The progress of a hunt. It is kept in the folder, so that the next hunt continues from it."""

    engine: str
    version: str
    seed: int
    rounds: int = 0
    steps: int = 0
    refusals: int = 0
    seconds: float = 0.0
    seen: set[str] = field(default_factory=set)
    """The kinds of steps seen: the stimulus, the one before it, and the kinds of records that the law writes."""
    cases: dict[str, str] = field(default_factory=dict)
    """The file name of the case of each finding, by its kind."""

    def to_json(self) -> str:
        document = {"schema": "fateline.hunt/2", "law_version": LAW_VERSION, **vars(self), "seen": sorted(self.seen)}
        return json.dumps(document, indent=1) + "\n"


class _Side(Protocol):
    """The law and an engine side by side, whatever the port."""

    pipeline: Pipeline

    def start(self) -> None: ...

    def attempt(self, attempt: Attempt) -> Difference | None:
        """Take a stimulus in both. Raises `Unsupported` if the port does not support it."""

    def is_supported(self, stimulus: Any, state: State) -> bool: ...

    def shortest(self, found: Difference) -> Difference: ...

    def counted(self) -> tuple[int, int, Counter[str]]:
        """The steps and the refused stimuli so far, and how often each law was asked about."""


class _OfPipeline:
    """A run of a pipeline."""

    def __init__(self, instance: Instance, guard: GuardedPipeline, hello: Hello) -> None:
        assert isinstance(instance.system, PipelineSystem)
        self.pipeline = instance.system.pipeline
        self.hello = hello
        self.lockstep = Lockstep(self.pipeline, instance.document or {}, guard, hello)

    def start(self) -> None:
        self.lockstep.start()

    def attempt(self, attempt: Attempt) -> Difference | None:
        assert isinstance(attempt.stimulus, Stimulus)
        found = self.lockstep.do(attempt.stimulus)
        if self.lockstep.unsupported is not None:
            raise Unsupported(self.lockstep.unsupported)
        return found

    def is_supported(self, stimulus: Any, state: State) -> bool:
        return isinstance(stimulus, Stimulus) and is_supported(self.hello, stimulus, state)

    def shortest(self, found: Difference) -> Difference:
        return Shrinker(self.pipeline, self.lockstep).smallest(found, None)

    def counted(self) -> tuple[int, int, Counter[str]]:
        self.lockstep.note_data()
        tally = self.lockstep.tally
        return tally.steps, tally.refusals, tally.checked + asked(tally.steps_about, tally.steps, tally.refusals)


class _OfMachine:
    """One of the small machines: the lifecycle of tokens, or a single barrier."""

    def __init__(self, driver: MachineDriver, graph: LocalGraph, laws: frozenset[str]) -> None:
        self.driver, self.graph, self.laws = driver, graph, laws
        self.pipeline = driver.side.pipeline

    def start(self) -> None:
        self.driver.start()

    def attempt(self, attempt: Attempt) -> Difference | None:
        return self.driver.attempted(attempt)

    def is_supported(self, stimulus: Any, state: State) -> bool:
        return self.driver.side.is_supported(stimulus, state)

    def shortest(self, found: Difference) -> Difference:
        return Shorter(self.driver.side, self.graph, found).smallest(tuple(self.driver.asked))

    def counted(self) -> tuple[int, int, Counter[str]]:
        result = self.driver.result
        checks = self.driver.side.checked + asked(result.steps_about, result.steps, result.refusals)
        return result.steps, result.refusals, Counter({law: n for law, n in checks.items() if law in self.laws})


class Hunt:
    """Hunts in one engine, and keeps a corpus of cases. `progress` says how far it has come, `findings` what is wrong now."""

    def __init__(self, engine: Engine, hello: Hello, name: str, folder: Path, seed: int | None) -> None:
        self.engine, self.hello, self.name, self.folder = engine, hello, name, folder
        self.progress, self.notes = _recall(folder, seed, hello)
        self.findings = Findings()
        """What was found in this session, by replaying the corpus and by walking."""
        self.case_of: dict[Kind, tuple[str, str]] = {}
        """The instance and the file name of the case of each finding of this session."""
        self.faults: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.replays = 0
        self._graphs: dict[str, LocalGraph] = {}
        self.instances = [instance for instance in every_instance("standard") if self._fits(instance)]
        if not self.instances:
            raise BadCorpus("the engine offers no port through which an instance of scope standard can be driven")

    def _fits(self, instance: Instance) -> bool:
        if isinstance(instance.system, PipelineSystem):
            offered = Port.PIPELINE in self.hello.ports or (
                Port.TRAIL in self.hello.ports and runs_without(self.hello) is None
            )
            return offered and requirements(instance.system.pipeline) <= self.hello.does
        return PORT_OF[instance.machine] in self.hello.ports and asks_for(instance) <= self.hello.does

    def replayed(self) -> Iterator[Event]:
        """Step every case of the corpus again."""
        for path in sorted(self.folder.glob("*.json")):
            if path.name == STATE:
                continue
            try:
                case = read_case(path)
                done = asked_again(partial(replay, case, self.engine, self.hello))
            except BadCase as error:
                raise BadCorpus(f"{path}: {error}") from None
            except EngineFault as fault:
                yield self._fault(str(fault))
                continue
            self.replays += 1
            if done.found is not None and done.found.laws:
                self.findings.note(done.found)
                self.case_of.setdefault(done.found.kind, (case.instance, path.name))
                yield Event("replayed", f"breaks {', '.join(done.laws)}", path.name)
            elif done.fault is not None:
                self.faults[done.fault] += 1
                yield Event("replayed", f"breaks down: {done.fault}", path.name)
            else:
                yield Event("replayed", "holds now", path.name)

    def rounds(self) -> Iterator[Event]:
        """Take one walk after the other, without end."""
        while True:
            started = time.perf_counter()
            yield from self._tried()
            self.progress.rounds += 1
            self.progress.seconds += time.perf_counter() - started
            yield Event("walked", "")

    def save(self) -> None:
        """Save the progress of the hunt."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / STATE).write_text(self.progress.to_json(), encoding="utf-8")

    def report(self, reproduce: str) -> Report:
        """What is wrong with the engine now. What an earlier hunt found and what was mended since is not in it."""
        checked = self.checked
        found = [one for one in self.findings if one.shortest.laws]
        where = self.case_of
        breached = broken_by(found)

        def not_judged(law: Law) -> str | None:
            return why_not_judged(law, self.hello, checked[law.id], "no walk asked about it")

        progress = self.progress
        return Report(
            law_version=LAW_VERSION,
            engine=(self.hello.name, self.hello.version),
            scope="hunt",
            seed=progress.seed,
            laws=law_results(checked, breached, not_judged=not_judged),
            counts={
                "walks": progress.rounds, "steps": progress.steps, "refusals": progress.refusals,
                "kinds_seen": len(progress.seen), "cases": len(progress.cases), "replayed": self.replays,
            },
            skipped=tuple(Skipped("stimuli", why, cases=count) for why, count in sorted(self.skipped.items())),
            findings=tuple(
                one.finding(name, (name,), str(self.folder / case))
                for one in found
                for name, case in [where[one.shortest.kind]]
            ),
            prevented=tuple(f"the engine broke down {n:,} times: {fault}" for fault, n in self.faults.items()),
            seconds=progress.seconds,
            reproduce=reproduce,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ one round

    def _tried(self) -> list[Event]:
        """The events of one round. If the engine is silent, the same round is tried once more; its number decides the walk."""
        try:
            return asked_again(lambda: list(self._round()))
        except EngineFault as fault:
            return [self._fault(str(fault))]

    def _round(self) -> Iterator[Event]:
        chance = random.Random(f"{self.progress.seed}/{self.progress.rounds}")
        instance = chance.choice(self.instances)
        before = len(self.progress.seen)
        if isinstance(instance.system, PipelineSystem) and Port.PIPELINE not in self.hello.ports:
            yield from self._whole_run(chance, instance, instance.system)
            return
        with self._side(instance) as side:
            try:
                yield from self._walks(chance, instance, side)
            except EngineFault as fault:
                yield self._fault(f"{instance.name}: {fault}")
            steps, refusals, checked = side.counted()
            self.progress.steps += steps
            self.progress.refusals += refusals
            self.checked += checked
        if len(self.progress.seen) > before:
            yield Event(
                "round", f"{len(self.progress.seen) - before} kinds of steps seen for the first time: {instance.name}"
            )

    def _whole_run(self, chance: random.Random, instance: Instance, system: PipelineSystem) -> Iterator[Event]:
        port = self.engine.trail()
        assert port is not None
        runs = PortRuns(port, system, dict(instance.document or {}), self.hello)
        try:
            found = runs.drawn(chance.randrange(2**32), validity(system))
            if found is not None:
                yield from self._note(instance, found, runs.shortest)
        except EngineFault as fault:
            yield self._fault(f"{instance.name}: {fault}")
        self.progress.steps += runs.result.steps
        self.checked.update(runs.asked)

    @contextmanager
    def _side(self, instance: Instance) -> Iterator[_Side]:
        if isinstance(instance.system, PipelineSystem):
            port = self.engine.pipeline()
            assert port is not None
            guard = GuardedPipeline(port, self.hello)
            try:
                yield _OfPipeline(instance, guard, self.hello)
            finally:
                guard.close()
            return
        side = side_by_side(self.engine, self.hello, instance)
        assert side is not None
        graph = self._graphs.get(instance.name)
        if graph is None:
            graph = self._graphs[instance.name] = local_graph(instance.system, side.is_supported)
        own = frozenset(law.id for law in instance.laws) - side.silent | {"Z1", "Z2", "D1"}
        yield _OfMachine(MachineDriver(side), graph, own)

    def _walks(self, chance: random.Random, instance: Instance, side: _Side) -> Iterator[Event]:
        """Walk, and again behind each difference, around the stimuli that differ."""
        around: set[tuple[str, tuple[str, ...]]] = set()
        for _ in range(STARTS):
            found = self._walk(chance, instance, side, around)
            if found is None:
                return
            around.add((named_as(found.stimuli[-1]), found.met))
            yield from self._note(instance, found, side.shortest)

    def _walk(
        self, chance: random.Random, instance: Instance, side: _Side, around: set[tuple[str, tuple[str, ...]]]
    ) -> Difference | None:
        system = instance.system
        if isinstance(system, PipelineSystem) and instance.machine == "pipeline":
            system = instance.with_rows(chance.randint(1, ROWS))
        state: Any = system.first()
        last = ""
        side.start()

        def is_known(attempt: Attempt, world: World) -> bool:
            return (
                bool(around)
                and (named_as(attempt.stimulus), marks_met(side.pipeline, world, attempt.stimulus)) in around
            )

        for _ in range(STEPS):
            offers = [one for one in system.attempts(state) if side.is_supported(one.stimulus, state)]
            offers = [one for one in offers if not is_known(one, state.world)]
            refused = [one for one in offers if one.after is None]
            lawful = [one for one in offers if one.after is not None and not one.out_of_bounds]
            try:
                if refused and chance.random() < REFUSED:
                    found = side.attempt(chance.choice(refused))
                elif not lawful:
                    return None
                else:
                    looked_at = [chance.choice(lawful) for _ in range(LOOKED_AT)]
                    kinds = [_kind(instance, last, one) for one in looked_at]
                    place = next((place for place, kind in enumerate(kinds) if kind not in self.progress.seen), 0)
                    found = side.attempt(looked_at[place])
                    if found is None:
                        self.progress.seen.add(kinds[place])
                        last, state = named_as(looked_at[place].stimulus), looked_at[place].after
            except Unsupported as reason:
                self.skipped[str(reason)] += 1
                return None
            if found is not None:
                return found
        return None

    def _note(
        self, instance: Instance, found: Difference, shortest: Callable[[Difference], Difference]
    ) -> Iterator[Event]:
        """Keep a finding. Its case is made short and saved the first time that its kind is met."""
        if not found.laws:
            yield self._fault(f"{instance.name}: {found.differences[0]}")
            return
        known = self.findings.of_kind.get(found.kind)
        if known is None:
            found = shortest(found)
            known = self.findings.of_kind.get(found.kind)
        self.findings.note(found)
        if known is not None:
            return
        small = found
        name = self.progress.cases.get(str(small.kind))
        if name is None or not (self.folder / name).exists():
            judged = InstanceResult(instance.family, instance.name, instance.machine)
            campaign = Campaign(self.name, "standard", self.progress.seed, self.hello)
            place = len(self.progress.cases)
            path = write_case(
                self.folder, f"{small.law}-{place:03d}-{instance.family}", case_of(campaign, judged, small)
            )
            name = self.progress.cases[str(small.kind)] = path.name
            yield Event("new", f"{small.law} in {len(small.stimuli)} steps: {small.laws[0][1]}", name)
        self.case_of[small.kind] = instance.name, name

    def _fault(self, message: str) -> Event:
        self.faults[message] += 1
        return Event("fault", message)


def _kind(instance: Instance, last: str, attempt: Attempt) -> str:
    wrote = "+".join(sorted({type(record).__name__.removesuffix("Record") for record in attempt.records}))
    return f"{instance.family}: {last} > {named_as(attempt.stimulus)}: {wrote}"


def _recall(folder: Path, seed: int | None, hello: Hello) -> tuple[FuzzState, list[str]]:
    """The progress of the last hunt in a folder, and a note if the engine has another version now."""
    path = folder / STATE
    if not path.exists():
        drawn = seed if seed is not None else random.SystemRandom().randrange(2**32)
        return FuzzState(hello.name, hello.version, drawn), []
    try:
        if path.stat().st_size > LARGEST:
            raise BadCorpus(f"{path}: larger than the {LARGEST:,} bytes that a hunt writes; hunt in another folder")
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("schema") != "fateline.hunt/2" or document.pop("law_version") != LAW_VERSION:
            raise BadCorpus(f"{path}: written by another version; hunt in another folder")
        found = FuzzState(
            str(document["engine"]), str(document["version"]), int(document["seed"]), int(document["rounds"]),
            int(document["steps"]), int(document["refusals"]), float(document["seconds"]), set(map(str, document["seen"])),
            {str(k): str(v) for k, v in document["cases"].items()},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BadCorpus):
            raise
        raise BadCorpus(f"{path}: not written by a hunt ({type(error).__name__}); hunt in another folder") from error
    if seed is not None and seed != found.seed:
        raise BadCorpus(f"{path}: this hunt has seed {found.seed}; leave out --seed, or hunt in another folder")
    if found.engine != hello.name:
        raise BadCorpus(f"{path}: this is the corpus of {found.engine}, not of {hello.name}; hunt in another folder")
    notes = []
    if found.version != hello.version:
        notes.append(f"the last hunt was in version {found.version}; its cases are stepped again in {hello.version}")
        found.version = hello.version
    return found, notes
