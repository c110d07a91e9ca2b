"""Crash-tests one instance: runs every scenario under both commit policies, and resumes every distinct crash state.

The idea
--------
For each distinct crash state: restore it, check it, resume, finish the scenario, check again; then do the same with the crash
states met on the way, up to `depth` crashes in one run.

A *boundary* is a moment just before the engine writes something (a statement, a commit, a sink). A *crash state*
(`leftover` in counts) is what a kill at a boundary leaves on disk: the committed part of the database and the bytes of
the sinks. The engine gives each crash state a digest. Many boundaries leave the same state: between two commits nothing
new becomes durable. So a run with hundreds of boundaries has few crash states, and it is enough to resume each state
once. A boundary counts as crashed once its crash state has been resumed.

One scenario
------------
1. Run it undisturbed with one commit per step. This teaches the requests (`_learn`): token ids follow from the
   stimuli, so the same requests can be sent again. Then run it with the default commits (`_again`). Check the end of both.
2. For each boundary of that run whose digest is new (`_break_off`):
   a. `crash_to`: the engine restores the crash state and starts as a new process would.
   b. Its trail must be a prefix of whole steps (R1), its sinks must have what is committed (R4): `Judge.left`. This also
      gives `at`, the number of steps that are committed.
   c. Send `resume`, then the rest of the scenario from step `at`.
   d. Check the end of the run against the scenario with a crash after step `at` (R2, R3, R4): `Judge.end`.
   e. If `depth` allows, repeat 2 with the boundaries met in c.

An example
----------
Scenario `read begin finish`, one commit for each step. Boundaries of step 2: begin transaction, insert a visit, commit.
A kill at any of the three leaves the same state: step 1 is committed. It is restored once, `at` is 1, and the engine
gets `resume begin finish`. All three boundaries are crashed. After the commit there is a new state with `at` 2.

Which steps may be committed
----------------------------
A boundary met in step s of a run may find any number of steps from `since` to s committed; `since` is the number of
steps after the last resume. If that resume itself was not committed, the state may still be that of the crash before
(`before`). `Going` holds these bounds for a run that was resumed.

State and cost
--------------
`_seen` has the digests of all crash states of the instance that were resumed, over all scenarios. The longest scenario
comes first, so a crash state is continued on the longest way, and it is always crashed twice. After a breach, `shorter` looks
for one in the shortest scenario, because a person will read it.

What is given up: a crash state met again in another scenario is not resumed again, although that scenario goes on
differently. The database is not cut in the middle of a commit; SQLite is trusted with that, and `kill.py` kills real
processes.

Not here: what is right (`check.py`), and which instances (`campaign.py`).
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
    """A place where a run was crashed: the number of the boundary in that run, and the write that would have come next."""

    boundary: int
    write: str
    steps: int
    """The number of steps that were committed."""


@dataclass(frozen=True)
class Caught:
    """A breach: the scenario, its crashes, and what the engine then recorded, as data that can be pickled."""

    stimuli: tuple[Stimulus, ...]
    policy: CommitPolicy
    cuts: tuple[Cut, ...]
    observed: tuple[RecordJson, ...]
    laws: tuple[Broken, ...]

    @property
    def broken_off(self) -> tuple[Stimulus, ...]:
        """The scenario with its crashes and resumes."""
        stimuli = list(self.stimuli)
        for cut in self.cuts:
            stimuli[cut.steps : cut.steps] = CRASH_AND_RESUME
        return tuple(stimuli)


@dataclass
class CrashResult:
    """The result of crash-testing one instance."""

    family: str
    name: str
    scenarios: int = 0
    known: Counter[str] = field(default_factory=Counter)
    crashed: Counter[str] = field(default_factory=Counter)
    leftovers: Counter[int] = field(default_factory=Counter)
    """The number of distinct crash states that were resumed, by the number of crashes that led to them."""
    rows: int = 0
    tokens: int = 0
    effects: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    found: Caught | None = None
    fault: str | None = None
    seconds: float = 0.0


def declines(engine: Engine, hello: Hello, instance: Instance) -> str | None:
    """The reason why the engine is not crash-tested with this instance; None if it is."""
    if Does.BOUNDARIES not in hello.does or Does.CRASH not in hello.does:
        return "the engine does not declare that it can be killed at its write boundaries"
    missing = requirements(instance.system.pipeline) - hello.does
    return f"the engine does not declare {', '.join(sorted(missing))}" if missing else None


def crash_port(engine: Engine) -> GuardedCrash:
    """The crash port of an engine that declares `boundaries`."""
    made: object = engine.crash() if hasattr(engine, "crash") else None
    if not isinstance(made, CrashPort):
        raise EngineFault("hello: declares `boundaries`, but crash() gives no crash port")
    return GuardedCrash(made)


def crash_instance(engine: Engine, hello: Hello, instance: Instance, *, depth: int) -> CrashResult:
    """Crash an engine at every boundary of an instance. `depth` is the number of crashes in one run.

    The longest scenarios come first, because each crash state is resumed once. The first scenario always gets two crashes.
    """
    started = time.perf_counter()
    done = CrashResult(instance.family, instance.name)
    why = declines(engine, hello, instance)
    if why is not None:
        done.skipped[why] += 1
        return done
    port = crash_port(engine)
    driver = CrashDriver(port, hello, instance, done)
    try:
        lines = list(scenarios(instance, hello, driver.law))
        if not driver.all(reversed(lines), depth):
            driver.shorter(lines, depth)
    except EngineFault as fault:
        done.fault = str(fault)
    finally:
        port.close()
    driver.note()
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
        """Crash-test these scenarios, the first with at least two crashes. Returns False after a breach."""
        for number, line in enumerate(lines):
            self.scenario(line, depth if number else max(depth, 2))
            if self.done.found is not None:
                return False
        return True

    def shorter(self, lines: Iterable[Scenario], depth: int) -> None:
        """After a breach, look for one in the shortest scenario that has one, because a person will read it."""
        found, self.done.found = self.done.found, None
        self._seen.clear()
        with suppress(EngineFault):
            self.all(lines, depth)
        if self.done.found is None:
            self.done.found = found

    def note(self) -> None:
        """Add the counts of the judge to the result."""
        done, judge = self.done, self.judge
        done.checked, done.rows, done.tokens, done.effects = judge.checked, judge.rows, judge.tokens, judge.effects

    def scenario(self, line: Scenario, depth: int) -> None:
        """Run one scenario under each policy, first undisturbed, then with crashes."""
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
        """Run one scenario with crashes at exactly these boundaries."""
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
                raise EngineFault(f"the run has {len(met)} boundaries; the case crashes it at number {place}")
            fallen = self._fall(run, place, met, last=number == len(boundaries))
            if fallen is None:
                return
            run, met = fallen

    # Running

    def _learn(self, line: Scenario, met: list[tuple[int, Boundary]]) -> list[Request] | None:
        """Run the scenario, and return its requests with the ids of the engine. None if the port does not support one
        of them."""
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
                raise EngineFault(f"{stimulus} is refused in an undisturbed run ({reply.refused}: {reply.message})")
            names.learn(reply.records)
        return asked

    def _again(
        self, line: Scenario, asked: list[Request], policy: CommitPolicy, met: list[tuple[int, Boundary]]
    ) -> list[Request] | None:
        problem = self._go_on(line, asked, 0, met)
        if problem is None:
            return asked
        self._caught(line, policy, (), [("D1", f"the same stimuli with another commit policy: {problem}")])
        return None

    def _go_on(
        self, line: Scenario, asked: Sequence[Request], at: int, met: list[tuple[int, Boundary]] | None
    ) -> str | None:
        """Send the rest of a scenario. Returns a message if the engine refuses something."""
        for number, one in enumerate(asked, at + 1):
            reply = self.port.do(one)
            if met is not None:
                met += [(number, boundary) for boundary in self.port.boundaries()]
            if reply.refused is not None or reply.unsupported is not None:
                return f"{line.stimuli[number - 1]} is refused ({reply.refused}: {reply.message or reply.unsupported})"
        return None

    # Breaking off

    def _break_off(self, run: "Going", met: Sequence[tuple[int, Boundary]], depth: int) -> bool:
        """Restore and resume every crash state that was not seen before. Returns False after a breach."""
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
        """Restore one crash state, check it, resume, finish and check. Returns the new run and its boundaries; None
        after a breach."""
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
            problem = f"the engine does not resume the crashed run ({reply.refused}: {reply.message})"
            self._caught(run.line, run.policy, cuts, [("R2", problem)], trail)
            return None
        since = at + 2 if trail else 0
        more = [(since, boundary) for boundary in port.boundaries()]
        problem_after = self._go_on(line, asked, since, None if last else more)
        if problem_after is not None:
            self._caught(run.line, run.policy, cuts, [("R2", f"after the resume, {problem_after}")])
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
        """Check the end of a run. Returns True if it is a breach."""
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
    """A run so far: its scenario, the requests of its steps, the policy, and its crashes.

    `since` is the number of steps up to the last resume. `before` has the number of steps that were committed at the crash
    before that resume.
    """

    line: Scenario
    asked: Sequence[Request]
    policy: CommitPolicy
    cuts: tuple[Cut, ...]
    since: int = 0
    before: tuple[int, ...] = ()
