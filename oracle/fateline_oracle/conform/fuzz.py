"""Walks at random over several rows, prefers what was not seen before, and keeps what it finds.

A difference is made as short as possible, saved in a folder as a case, and stepped again at the start of the next hunt.
A hunt depends only on its seed and on the engine: round n takes the same walk whenever it is run. Not here: how it is
shown.
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

from ..compare.capabilities import is_supported, requirements
from ..compare.difference import Difference
from ..ports.port import Engine, EngineFault, Hello, Port
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
"""The number of stimuli in one walk."""
LOOKED_AT: Final = 6
"""The number of lawful stimuli that are drawn; the first of a kind not seen before is taken."""
REFUSED: Final = 0.12
"""The share of steps that try a stimulus which the law refuses."""
STATE: Final = "hunt.json"
LARGEST: Final = 64 * 1024 * 1024


class BadCorpus(ValueError):
    """The folder or the engine cannot be used for a hunt; the message says why."""


class Event(NamedTuple):
    """Something that happened in a hunt: `replayed`, `new`, `known`, `fault`, `round`, or `walked` after each walk."""

    kind: str
    text: str
    case: str | None = None


@dataclass
class FuzzState:
    """The progress of a hunt. It is kept in the folder, so that the next hunt continues from it."""

    seed: int
    rounds: int = 0
    steps: int = 0
    refusals: int = 0
    seconds: float = 0.0
    seen: set[str] = field(default_factory=set)
    """The kinds of steps seen: the stimulus, the one before it, and the kinds of records that the law writes."""
    shapes: dict[str, str] = field(default_factory=dict)
    """The findings by law and shape, each with the file name of its case."""
    faults: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        document = {"schema": "fateline.hunt/1", "law_version": LAW_VERSION, **vars(self), "seen": sorted(self.seen)}
        return json.dumps(document, indent=1) + "\n"


class Hunt:
    """Hunts in one engine, and keeps a corpus of cases. `progress` says how far it has come."""

    def __init__(self, engine: Engine, hello: Hello, name: str, folder: Path, seed: int | None) -> None:
        self.engine, self.hello, self.name, self.folder = engine, hello, name, folder
        self.progress = _recall(folder, seed)
        if Port.PIPELINE not in hello.ports:
            raise BadCorpus("the engine offers no pipeline port; a hunt needs one")
        self.instances = [
            instance
            for instance in every_instance("standard")
            if isinstance(instance.system, PipelineSystem)
            and instance.machine == "pipeline"
            and requirements(instance.system.pipeline) <= hello.does
        ]
        if not self.instances:
            raise BadCorpus("the engine cannot run any pipeline of scope standard, by what it declares in `does`")
        self.still_broken = 0

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
            if done.found is None and done.fault is None:
                yield Event("replayed", "holds now", path.name)
            else:
                self.still_broken += 1
                yield Event("replayed", f"breaks {', '.join(done.laws) or done.fault}", path.name)

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
        system = instance.system
        assert isinstance(system, PipelineSystem)
        port = self.engine.pipeline()
        assert port is not None
        guard = GuardedPipeline(port, self.hello)
        before = len(self.progress.seen)
        try:
            lockstep = Lockstep(system.pipeline, instance.document or {}, guard, self.hello)
            found = self._walk(chance, instance, lockstep)
            self.progress.steps += lockstep.tally.steps
            self.progress.refusals += lockstep.tally.refusals
            if found is not None:
                yield from self._note(instance, system, found, lockstep)
        except EngineFault as fault:
            yield self._fault(f"{instance.name}: {fault}")
        finally:
            guard.close()
        if len(self.progress.seen) > before:
            yield Event(
                "round", f"{len(self.progress.seen) - before} kinds of steps seen for the first time: {instance.name}"
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
                place = next((place for place, kind in enumerate(kinds) if kind not in self.progress.seen), 0)
                stimulus, offer = looked_at[place]
                skipped = lockstep.tally.skipped.total()
                found = lockstep.do(stimulus)
                if found is None and lockstep.tally.skipped.total() == skipped:
                    self.progress.seen.add(kinds[place])
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
        small = Shrinker(system.pipeline, lockstep).smallest(found, None)
        if not small.laws:
            yield self._fault(f"{instance.name}: {small.differences[0]}")
            return
        law = str(small.law)
        shape = f"{law}: {' '.join(map(_word, small.stimuli))}"
        if shape in self.progress.shapes:
            yield Event("known", shape, self.progress.shapes[shape])
            return
        judged = InstanceResult(instance.family, instance.name, instance.machine)
        case = case_of(Campaign(self.name, "standard", self.progress.seed, self.hello), judged, small)
        path = write_case(self.folder, f"{law}-{len(self.progress.shapes):03d}-{instance.family}", case)
        self.progress.shapes[shape] = path.name
        yield Event("new", f"{law} in {len(small.stimuli)} steps: {small.laws[0][1]}", path.name)

    def _fault(self, message: str) -> Event:
        self.progress.faults[message] = self.progress.faults.get(message, 0) + 1
        return Event("fault", message)


def _word(stimulus: Stimulus) -> str:
    """The stimulus without its names."""
    return f"{stimulus.do}({stimulus.verdict or ''})"


def _recall(folder: Path, seed: int | None) -> FuzzState:
    path = folder / STATE
    if not path.exists():
        return FuzzState(seed if seed is not None else random.SystemRandom().randrange(2**32))
    try:
        if path.stat().st_size > LARGEST:
            raise BadCorpus(f"{path}: larger than the {LARGEST:,} bytes that a hunt writes; hunt in another folder")
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("schema") != "fateline.hunt/1" or document.pop("law_version") != LAW_VERSION:
            raise BadCorpus(f"{path}: written by another version; hunt in another folder")
        found = FuzzState(
            int(document["seed"]), int(document["rounds"]), int(document["steps"]), int(document["refusals"]),
            float(document["seconds"]), set(map(str, document["seen"])),
            {str(k): str(v) for k, v in document["shapes"].items()},
            {str(k): int(v) for k, v in document["faults"].items()},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BadCorpus):
            raise
        raise BadCorpus(f"{path}: not written by a hunt ({type(error).__name__}); hunt in another folder") from error
    if seed is not None and seed != found.seed:
        raise BadCorpus(f"{path}: this hunt has seed {found.seed}; leave out --seed, or hunt in another folder")
    return found
