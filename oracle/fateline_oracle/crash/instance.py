"""One instance tortured: every scenario run under both policies of commit, every distinct leftover resumed and judged.

A scenario is run to its end while the engine tells of each write boundary what a kill there would leave. To each leftover
that was not met before the engine falls back, is judged, resumes, and goes on with the same scenario; what was met on the
way there is fallen back to in turn, as deep as is asked. Boundaries with a leftover that was resumed are crashed. Not
here: what is right (`check.py`), and which instances (`campaign.py`).
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fateline_model import Run, Stimulus
from fateline_model.checker.scopes import Instance
from fateline_model.stimuli import Do

from ..compare.capabilities import requirements, unrecorded
from ..compare.data_laws import Broken
from ..compare.names import Names
from ..ports.port import Boundary, CommitPolicy, CrashPort, Does, Engine, EngineFault, Hello, RecordJson, Request
from ..ports.validate import GuardedCrash
from .check import Judge
from .scenarios import CRASH_AND_RESUME, LawCache, Scenario, scenarios

RESUME: Final = Request(Stimulus(Do.RESUME))


class Cut(NamedTuple):
    """A place where a run was broken off: its number among the boundaries of that run, and what would have come next."""

    boundary: int
    write: str
    steps: int
    """So many steps of the line were committed by then."""


@dataclass(frozen=True)
class Caught:
    """A breach: the scenario, where it was broken off, and what the engine then recorded; data that travel."""

    stimuli: tuple[Stimulus, ...]
    policy: CommitPolicy
    cuts: tuple[Cut, ...]
    observed: tuple[RecordJson, ...]
    laws: tuple[Broken, ...]

    @property
    def broken_off(self) -> tuple[Stimulus, ...]:
        """The scenario with its crashes and resumes."""
        said = list(self.stimuli)
        for cut in self.cuts:
            said[cut.steps : cut.steps] = CRASH_AND_RESUME
        return tuple(said)


@dataclass
class CrashResult:
    """What torturing one instance found."""

    family: str
    name: str
    scenarios: int = 0
    known: Counter[str] = field(default_factory=Counter)
    crashed: Counter[str] = field(default_factory=Counter)
    leftovers: Counter[int] = field(default_factory=Counter)
    """Distinct ones that were resumed, by how many crashes it took to get there."""
    rows: int = 0
    tokens: int = 0
    effects: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    found: Caught | None = None
    fault: str | None = None
    seconds: float = 0.0


def declines(engine: Engine, hello: Hello, instance: Instance) -> str | None:
    """Why the engine is not tortured with this instance; None if it is."""
    if Does.BOUNDARIES not in hello.does or Does.CRASH not in hello.does:
        return "the engine does not declare that it can be killed at its write boundaries"
    missing = requirements(instance.system.pipeline) - hello.does
    return f"the engine does not declare {', '.join(sorted(missing))}" if missing else None


def crash_port(engine: Engine) -> GuardedCrash:
    """The port of an engine that declares it."""
    made: object = engine.crash() if hasattr(engine, "crash") else None
    if not isinstance(made, CrashPort):
        raise EngineFault("hello: says that its boundaries are told, and gives no crash port")
    return GuardedCrash(made)


def crash_instance(engine: Engine, hello: Hello, instance: Instance, *, depth: int) -> CrashResult:
    """Break an engine off at every boundary of an instance; `depth` is how often in one run.

    Longest scenarios first: a leftover is resumed once, and then goes on the longest way that there is. The very first one
    is broken off twice in any case.
    """
    started = time.perf_counter()
    done = CrashResult(instance.family, instance.name)
    why = declines(engine, hello, instance)
    if why is not None:
        done.skipped[why] += 1
        return done
    port = crash_port(engine)
    torture = CrashDriver(port, hello, instance, done)
    try:
        lines = list(scenarios(instance, hello, torture.law))
        if not torture.all(reversed(lines), depth):
            torture.shorter(lines, depth)
    except EngineFault as fault:
        done.fault = str(fault)
    finally:
        port.close()
    torture.note()
    done.seconds = time.perf_counter() - started
    return done


class CrashDriver:
    """The scenarios of one instance on one engine."""

    def __init__(self, port: GuardedCrash, hello: Hello, instance: Instance, done: CrashResult) -> None:
        self.port = port
        self.done = done
        self.document = instance.document or {}
        self.law = LawCache(instance.system.pipeline)
        self.judge = Judge(instance.system.pipeline, unrecorded(hello), accept_leftovers=False)
        self._seen: set[str] = set()

    def all(self, lines: Iterable[Scenario], depth: int) -> bool:
        """These scenarios, the first of them broken off twice in any case; false after a breach."""
        for number, line in enumerate(lines):
            self.scenario(line, depth if number else max(depth, 2))
            if self.done.found is not None:
                return False
        return True

    def shorter(self, lines: Iterable[Scenario], depth: int) -> None:
        """A breach was found, and somebody will read it: look for one in the shortest scenario that has one."""
        found, self.done.found = self.done.found, None
        self._seen.clear()
        with suppress(EngineFault):
            self.all(lines, depth)
        if self.done.found is None:
            self.done.found = found

    def note(self) -> None:
        """Add what the judge looked at."""
        done, judge = self.done, self.judge
        done.checked, done.rows, done.tokens, done.effects = judge.checked, judge.rows, judge.tokens, judge.effects

    def scenario(self, line: Scenario, depth: int) -> None:
        """One scenario under each policy, undisturbed and then broken off."""
        self.done.scenarios += 1
        self.judge.accept_leftovers = depth > 1
        asked = None
        for policy in CommitPolicy:
            self.port.begin(self.document, policy)
            met = [(0, boundary) for boundary in self.port.boundaries()]
            asked = self._learn(line, met) if asked is None else self._again(line, asked, policy, met)
            if asked is None or self._ended(line, policy, ()):
                return
            if not self._break_off(Going(line, asked, policy, ()), met, depth):
                return

    def replay(self, stimuli: Sequence[Stimulus], policy: CommitPolicy, boundaries: Sequence[int]) -> None:
        """One scenario broken off at these boundaries and no others."""
        line = Scenario.of(self.law, stimuli)
        asked, met = None, list[tuple[int, Boundary]]()
        for each in (CommitPolicy.STEP, policy):
            self.port.begin(self.document, each)
            met = [(0, boundary) for boundary in self.port.boundaries()]
            asked = self._learn(line, met) if asked is None else self._again(line, asked, each, met)
            if asked is None or self._ended(line, each, ()):
                return
        run = Going(line, asked or [], policy, ())
        for number, place in enumerate(boundaries, 1):
            if place >= len(met):
                raise EngineFault(f"the run has {len(met)} boundaries, and was to be broken off at number {place}")
            fallen = self._fall(run, place, met, last=number == len(boundaries))
            if fallen is None:
                return
            run, met = fallen

    # Running

    def _learn(self, line: Scenario, met: list[tuple[int, Boundary]]) -> list[Request] | None:
        """The scenario as the engine is asked it, learnt while it is asked."""
        names, asked = Names(), []
        names.learn(self.port.trail())
        for number, stimulus in enumerate(line.stimuli, 1):
            asked.append(names.asked(stimulus))
            reply = self.port.do(asked[-1])
            met += [(number, boundary) for boundary in self.port.boundaries()]
            if reply.unsupported is not None:
                self.done.skipped[reply.unsupported] += 1
                return None
            if reply.refused is not None:
                raise EngineFault(f"undisturbed, {stimulus} is refused ({reply.refused}: {reply.message})")
            names.learn(reply.records)
        return asked

    def _again(
        self, line: Scenario, asked: list[Request], policy: CommitPolicy, met: list[tuple[int, Boundary]]
    ) -> list[Request] | None:
        said = self._go_on(line, asked, 0, met)
        if said is None:
            return asked
        self._caught(line, policy, (), [("D1", f"the same stimuli, committed otherwise: {said}")])
        return None

    def _go_on(
        self, line: Scenario, asked: Sequence[Request], at: int, met: list[tuple[int, Boundary]] | None
    ) -> str | None:
        """The rest of a line; what is refused, if something is."""
        for number, one in enumerate(asked, at + 1):
            reply = self.port.do(one)
            if met is not None:
                met += [(number, boundary) for boundary in self.port.boundaries()]
            if reply.refused is not None or reply.unsupported is not None:
                return f"{line.stimuli[number - 1]} is refused ({reply.refused}: {reply.message or reply.unsupported})"
        return None

    # Breaking off

    def _break_off(self, run: "Going", met: Sequence[tuple[int, Boundary]], depth: int) -> bool:
        """Fall back to every leftover that was not met before; false after a breach."""
        todo = [place for place, (_, boundary) in enumerate(met) if self._is_new(boundary.digest)]
        for place in todo:
            fallen = self._fall(run, place, met, last=depth == 1)
            if fallen is None:
                self._count(met[: place + 1])
                return False
            if depth > 1 and not self._break_off(*fallen, depth - 1):
                return False
        self._count(met)
        return True

    def _is_new(self, digest: str) -> bool:
        before = len(self._seen)
        self._seen.add(digest)
        return len(self._seen) > before

    def _count(self, met: Iterable[tuple[int, Boundary]]) -> None:
        for _, boundary in met:
            self.done.known[boundary.write] += 1
            self.done.crashed[boundary.write] += boundary.digest in self._seen

    def _fall(
        self, run: "Going", place: int, met: Sequence[tuple[int, Boundary]], *, last: bool
    ) -> tuple["Going", list[tuple[int, Boundary]]] | None:
        """Fall back to one leftover, judge it, resume and go on to the end; what that came to, or None after a breach."""
        step, boundary = met[place]
        port = self.port
        port.crash_to(boundary.digest, None if last else run.policy)
        self.done.leftovers[len(run.cuts) + 1] += 1
        trail = port.trail()
        steps = [*run.before, *range(run.since, step + 1)]
        at, broken = self.judge.left(run.line, steps, trail, port.sinks()) if trail else (0, [])
        cuts = (*run.cuts, Cut(place, boundary.write, at))
        if broken:
            self._caught(run.line, run.policy, cuts, broken, trail)
            return None
        port.boundaries()
        reply = port.do(RESUME)
        line = run.line.after_a_crash(at) if trail else run.line
        asked = list(run.asked[at + 2 if at in run.before else at :])
        if reply.refused is not None or reply.unsupported is not None:
            said = f"the run that was broken off is not taken up again ({reply.refused}: {reply.message})"
            self._caught(run.line, run.policy, cuts, [("R2", said)], trail)
            return None
        since = at + 2 if trail else 0
        more = [(since, boundary) for boundary in port.boundaries()]
        said_no = self._go_on(line, asked, since, None if last else more)
        if said_no is not None:
            self._caught(run.line, run.policy, cuts, [("R2", f"after the resume {said_no}")])
            return None
        if self._ended(line, run.policy, cuts, run.line.runs[at]):
            return None
        then = Going(
            line, [*run.asked[:at], RESUME, RESUME, *asked] if trail else run.asked, run.policy, cuts, since, (at,)
        )
        return then, more

    def _ended(
        self, line: Scenario, policy: CommitPolicy, cuts: tuple[Cut, ...], broken_off: Run | None = None
    ) -> bool:
        """Whether the end of a run is a breach."""
        trail = self.port.trail()
        broken = self.judge.end(line, trail, self.port.sinks(), broken_off)
        if broken:
            self._caught(line, policy, cuts, broken, trail)
        return bool(broken)

    def _caught(
        self,
        line: Scenario,
        policy: CommitPolicy,
        cuts: tuple[Cut, ...],
        broken: Sequence[Broken],
        trail: Sequence[RecordJson] | None = None,
    ) -> None:
        observed = tuple(self.port.trail() if trail is None else trail)
        stimuli = tuple(one for one in line.stimuli if one.do not in (Do.CRASH, Do.RESUME))
        self.done.found = Caught(stimuli, policy, cuts, observed, tuple(broken))


class Going(NamedTuple):
    """A run as it went so far: its line, how its steps were asked, the policy, and where it was broken off before.

    `since` is the number of steps after which the last resume had come, `before` what was committed when it had not.
    """

    line: Scenario
    asked: Sequence[Request]
    policy: CommitPolicy
    cuts: tuple[Cut, ...]
    since: int = 0
    before: tuple[int, ...] = ()
