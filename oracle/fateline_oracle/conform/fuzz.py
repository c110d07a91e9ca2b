"""A hunt: random walks over several rows, steered towards what was not seen before, until told to stop.

What it finds is made as small as possible, kept in a folder as a case, and stepped again before the next hunt. A hunt is a
function of its seed and of the engine: round n walks the same way whenever it comes. Not here: how it is shown.
"""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from fateline_model import LAW_VERSION, Stimulus
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import PipelineSystem

from ..compare.capabilities import is_supported, requirements, unrecorded
from ..compare.difference import Difference
from ..ports.port import Engine, EngineFault, Hello, Port, Shows
from ..ports.validate import GuardedPipeline, asked_again
from ..report.case import write_case
from .campaign import Campaign, every_instance
from .instance import InstanceResult
from .lockstep import Lockstep
from .replay import BadCase, read_case, replay
from .shrink import Shrinker
from .verdict import case_of

ROWS: Final = 3
STEPS: Final = 80
"""Stimuli in one walk."""
LOOKED_AT: Final = 6
"""So many lawful stimuli are looked at for one that leads to something new."""
REFUSED: Final = 0.12
"""How often something that the law refuses is tried."""
STATE: Final = "hunt.json"
LARGEST: Final = 64 * 1024 * 1024


class BadCorpus(ValueError):
    """Why a folder cannot be hunted in."""


class Event(NamedTuple):
    """Something worth telling: `replayed`, `new`, `known`, `fault`, `round`, or that one more was `walked`."""

    kind: str
    text: str
    case: str | None = None


@dataclass
class FuzzState:
    """How far a hunt has come; kept in the folder, so that the next goes on from here."""

    seed: int
    rounds: int = 0
    steps: int = 0
    refusals: int = 0
    seconds: float = 0.0
    seen: set[str] = field(default_factory=set)
    """Kinds of steps that were seen: what was asked, after what, and what the law writes."""
    shapes: dict[str, str] = field(default_factory=dict)
    """What was found, by law and shape, and the case that shows it."""
    faults: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        said = {"schema": "fateline.hunt/1", "law_version": LAW_VERSION, **vars(self), "seen": sorted(self.seen)}
        return json.dumps(said, indent=1) + "\n"


class Hunt:
    """Hunts in one engine, and keeps a corpus."""

    def __init__(self, engine: Engine, hello: Hello, name: str, folder: Path, seed: int | None) -> None:
        self.engine, self.hello, self.name, self.folder = engine, hello, name, folder
        self.told = _recall(folder, seed)
        if Port.PIPELINE not in hello.ports:
            raise BadCorpus("the engine offers no pipeline port, and a hunt takes pipelines")
        self.instances = [
            instance
            for instance in every_instance("standard")
            if isinstance(instance.system, PipelineSystem)
            and instance.machine == "pipeline"
            and requirements(instance.system.pipeline) <= hello.does
        ]
        if not self.instances:
            raise BadCorpus("the engine declares nothing that a pipeline of the scope asks for")
        self.still_broken = 0

    def replayed(self) -> Iterator[Event]:
        """Step every case of the corpus again, first of all."""
        for path in sorted(self.folder.glob("*.json")):
            if path.name == STATE:
                continue
            try:
                case = read_case(path)
                done = asked_again(partial(replay, case, self.engine, self.hello))
            except BadCase as error:
                raise BadCorpus(f"{path}: {error}") from None
            if done.found is None and done.fault is None:
                yield Event("replayed", "holds now", path.name)
            else:
                self.still_broken += 1
                yield Event("replayed", f"breaks {', '.join(done.laws) or done.fault}", path.name)

    def rounds(self) -> Iterator[Event]:
        """One walk a round, without end."""
        while True:
            started = time.perf_counter()
            yield from self._tried()
            self.told.rounds += 1
            self.told.seconds += time.perf_counter() - started
            yield Event("walked", "")

    def save(self) -> None:
        """Keep how far the hunt has come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / STATE).write_text(self.told.to_json(), encoding="utf-8")

    # ------------------------------------------------------------------------------------------------ one round

    def _tried(self) -> list[Event]:
        """What a round gives. A silent engine is asked once more: the same round, since it is drawn by its number."""
        try:
            return asked_again(lambda: list(self._round()))
        except EngineFault as fault:
            return [self._fault(str(fault))]

    def _round(self) -> Iterator[Event]:
        chance = random.Random(f"{self.told.seed}/{self.told.rounds}")
        instance = chance.choice(self.instances)
        system = instance.system
        assert isinstance(system, PipelineSystem)
        port = self.engine.pipeline()
        assert port is not None
        guard = GuardedPipeline(port)
        before = len(self.told.seen)
        try:
            lockstep = Lockstep(
                system.pipeline, instance.document or {}, guard, unrecorded=unrecorded(self.hello),
                refusals_have_reasons=Shows.REFUSALS in self.hello.shows,
            )  # fmt: skip
            found = self._walk(chance, instance, lockstep)
            self.told.steps += lockstep.tally.steps
            self.told.refusals += lockstep.tally.refusals
            if found is not None:
                yield from self._note(instance, system, found, lockstep)
        except EngineFault as fault:
            yield self._fault(f"{instance.name}: {fault}")
        finally:
            guard.close()
        if len(self.told.seen) > before:
            yield Event(
                "round", f"{len(self.told.seen) - before} kinds of steps seen for the first time: {instance.name}"
            )

    def _walk(self, chance: random.Random, instance: Instance, lockstep: Lockstep) -> Difference | None:
        system = instance.with_rows(chance.randint(1, ROWS))
        state: Any = system.first()
        last = ""
        lockstep.start()
        for _ in range(STEPS):
            offers = [
                (offer.stimulus, offer)
                for offer in system.attempts(state)
                if isinstance(offer.stimulus, Stimulus) and is_supported(self.hello, offer.stimulus, state)
            ]
            refused = [stimulus for stimulus, offer in offers if offer.after is None]
            lawful = [pair for pair in offers if pair[1].after is not None and not pair[1].out_of_bounds]
            if refused and chance.random() < REFUSED:
                found = lockstep.do(chance.choice(refused))
            elif not lawful:
                return None
            else:
                looked_at = [chance.choice(lawful) for _ in range(LOOKED_AT)]
                kinds = [self._kind(instance, last, stimulus, offer) for stimulus, offer in looked_at]
                place = next((place for place, kind in enumerate(kinds) if kind not in self.told.seen), 0)
                stimulus, offer = looked_at[place]
                skipped = lockstep.tally.skipped.total()
                found = lockstep.do(stimulus)
                if found is None and lockstep.tally.skipped.total() == skipped:
                    self.told.seen.add(kinds[place])
                    last, state = _word(stimulus), offer.after
            if found is not None:
                return found
        return None

    @staticmethod
    def _kind(instance: Instance, last: str, stimulus: Stimulus, offer: Any) -> str:
        wrote = "+".join(sorted({type(record).__name__.removesuffix("Record") for record in offer.records}))
        return f"{instance.family}: {last} > {_word(stimulus)}: {wrote}"

    def _note(
        self, instance: Instance, system: PipelineSystem, found: Difference, lockstep: Lockstep
    ) -> Iterator[Event]:
        small = Shrinker(system.pipeline, lambda: lockstep).smallest(found, None)
        if not small.laws:
            yield self._fault(f"{instance.name}: {small.differences[0]}")
            return
        law = str(small.law)
        shape = f"{law}: {' '.join(map(_word, small.stimuli))}"
        if shape in self.told.shapes:
            yield Event("known", shape, self.told.shapes[shape])
            return
        judged = InstanceResult(instance.family, instance.name, instance.machine, found=small)
        case = case_of(Campaign(self.name, "standard", self.told.seed, self.hello), judged, small)
        path = write_case(self.folder, f"{law}-{len(self.told.shapes):03d}-{instance.family}", case)
        self.told.shapes[shape] = path.name
        yield Event("new", f"{law} in {len(small.stimuli)} steps: {small.laws[0][1]}", path.name)

    def _fault(self, said: str) -> Event:
        self.told.faults[said] = self.told.faults.get(said, 0) + 1
        return Event("fault", said)


def _word(stimulus: Stimulus) -> str:
    """What is asked, names aside."""
    return f"{stimulus.do}({stimulus.verdict or ''})"


def _recall(folder: Path, seed: int | None) -> FuzzState:
    path = folder / STATE
    if not path.exists():
        return FuzzState(seed if seed is not None else random.SystemRandom().randrange(2**32))
    try:
        if path.stat().st_size > LARGEST:
            raise BadCorpus(f"{path}: larger than a hunt leaves it")
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("schema") != "fateline.hunt/1" or said.pop("law_version") != LAW_VERSION:
            raise BadCorpus(f"{path}: of another version; hunt in another folder")
        told = FuzzState(
            int(said["seed"]), int(said["rounds"]), int(said["steps"]), int(said["refusals"]), float(said["seconds"]),
            set(map(str, said["seen"])), {str(k): str(v) for k, v in said["shapes"].items()},
            {str(k): int(v) for k, v in said["faults"].items()},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BadCorpus):
            raise
        raise BadCorpus(
            f"{path}: is not what a hunt leaves ({type(error).__name__}); hunt in another folder"
        ) from error
    if seed is not None and seed != told.seed:
        raise BadCorpus(f"{path}: this hunt has seed {told.seed}; leave out --seed, or hunt in another folder")
    return told
