"""The search: visits every state of a system breadth first and checks every law on every step.

This is the naive search, against which every reduction is checked: no table, no symmetry unless a `Fold` is given, only
frozen states in a dictionary. It goes breadth first, so the first breach that it finds has the fewest stimuli. If it
reaches its bound, it reports that, and nothing is proved. Not here: what happens in a state (`systems.py`), and which
states are interchangeable (`symmetry.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..barrier_machine import BarrierStimulus
from ..laws import Law, StepView, WorldIndex, concerns
from ..lifecycle import Operation
from ..records import Record
from ..stimuli import Do
from ..words import Refusal
from .systems import AnyStimulus, Attempt, State, System

Fold = Callable[[State], tuple[State, int]]
"""Returns the representative of a state, and how many states it stands for."""


class Breach(NamedTuple):
    """A broken law, with the message of its predicate."""

    law: str
    message: str


class Walked(NamedTuple):
    """One step of a path: the stimulus, what was written, and the state after it."""

    stimulus: AnyStimulus
    records: tuple[Record, ...]
    state: State


@dataclass
class Counterexample:
    """The path to the first breach, fewest stimuli first; its last step is the one that breaks the laws named."""

    breaches: tuple[Breach, ...]
    path: tuple[Walked, ...]
    view: StepView | None = None


@dataclass
class Explored:
    """What a search found. `targets` gives for each state, by its number, the states that its steps lead to."""

    states: list[State] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    targets: list[list[int]] = field(default_factory=list)
    depth: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    stuck: State | None = None
    bound_reached: bool = False
    counterexample: Counterexample | None = None
    numbers: dict[State, int] = field(default_factory=dict)

    @property
    def transitions(self) -> int:
        return sum(len(targets) for targets in self.targets)

    @property
    def holds(self) -> bool:
        return self.counterexample is None and self.stuck is None and not self.bound_reached

    def has_cycle(self) -> bool:
        """Whether some run need never end: whether steps lead back to an earlier state."""
        incoming = [0] * len(self.states)
        for targets in self.targets:
            for target in targets:
                incoming[target] += 1
        free = [number for number, count in enumerate(incoming) if count == 0]
        seen = 0
        while free:
            seen += 1
            for target in self.targets[free.pop()]:
                incoming[target] -= 1
                if incoming[target] == 0:
                    free.append(target)
        return seen != len(self.states)


def explore(
    system: System,
    laws: Iterable[Law],
    *,
    fold: Fold | None = None,
    limit: int = 20_000_000,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[Attempt], None] | None = None,
) -> Explored:
    """Visit every state; stop at the first breach, at a stuck state, or at the limit."""
    asked = _Laws(laws)
    found = Explored()
    came_from: dict[int, tuple[int, AnyStimulus]] = {}
    first, weight = fold(system.first()) if fold else (system.first(), 1)
    _number(found, first, weight)
    place, layer_ends = 0, 1
    while place < len(found.states):
        if place == layer_ends:
            found.depth, layer_ends = found.depth + 1, len(found.states)
        if progress is not None and place % 2048 == 0:
            progress(len(found.states))
        state, steps = found.states[place], found.targets[place]
        before = WorldIndex(state.world)
        for attempt in system.attempts(state):
            refused, after = attempt.refusal, attempt.after or state
            view = StepView(system.pipeline, before, attempt.stimulus, attempt.records, after.world, refused)
            breaches = asked.breaches_of(view, found.checks)
            if refused is not None:
                found.refused[refused] += 1
            else:
                found.fired[kind_of(system, before, attempt)] += 1
                if watch is not None:
                    watch(attempt)
            if breaches:
                path = retrace(system, found, came_from, place, fold is None)
                last = Walked(attempt.stimulus, attempt.records, after)
                found.counterexample = Counterexample(tuple(breaches), (*path, last), view)
                return found
            if refused is not None or attempt.out_of_bounds:
                continue
            after, weight = fold(after) if fold else (after, 1)
            known = len(found.states)
            number = _number(found, after, weight)
            if number == known:
                came_from[number] = (place, attempt.stimulus)
            steps.append(number)
        if not steps and not system.may_stop(state):
            found.stuck = state
            found.counterexample = Counterexample((), retrace(system, found, came_from, place, fold is None))
            return found
        if len(found.states) > limit:
            found.bound_reached = True
            return found
        place += 1
    return found


def _number(found: Explored, state: State, weight: int) -> int:
    number = found.numbers.setdefault(state, len(found.states))
    if number == len(found.states):
        found.states.append(state)
        found.weights.append(weight)
        found.targets.append([])
    return number


class _Laws:
    """The laws of a search. Which of them a step can break depends on the kinds of its records and on a refusal."""

    def __init__(self, laws: Iterable[Law]) -> None:
        self._laws = [law for law in laws if law.predicate is not None]
        self._concerned: dict[frozenset[type] | None, list[Law]] = {}

    def breaches_of(self, view: StepView, checks: Counter[str]) -> list[Breach]:
        """Check every law that the step can break."""
        key = view.kinds if view.refusal is None else None
        concerned = self._concerned.get(key)
        if concerned is None:
            concerned = self._concerned[key] = [law for law in self._laws if concerns(law, view)]
        breaches = []
        for law in concerned:
            for check in law.predicate(view) if law.predicate is not None else ():
                checks[law.id] += 1
                if check is not None:
                    breaches.append(Breach(law.id, check))
        return breaches


def retrace(
    system: System,
    found: Explored,
    came_from: dict[int, tuple[int, AnyStimulus]],
    place: int,
    exact: bool,
) -> tuple[Walked, ...]:
    """The stimuli that led to a state, with their records. A folded search has lost the names and returns no stimuli."""
    if not exact:
        return ()
    stimuli: list[AnyStimulus] = []
    while place in came_from:
        place, stimulus = came_from[place]
        stimuli.append(stimulus)
    path: list[Walked] = []
    state = system.first()
    for stimulus in reversed(stimuli):
        attempt = next(o for o in system.attempts(state) if o.stimulus == stimulus and o.after is not None)
        state = attempt.after if attempt.after is not None else state
        path.append(Walked(stimulus, attempt.records, state))
    return tuple(path)


def kind_of(system: System, before: WorldIndex, attempt: Attempt) -> str:
    """The kind of a stimulus, without its names. The claims of reachability are about these kinds."""
    stimulus = attempt.stimulus
    if isinstance(stimulus, BarrierStimulus):
        return f"barrier {stimulus.do}"
    if isinstance(stimulus, Operation):
        return f"operation {stimulus.op}"
    word = (stimulus.verdict or "").partition(" ")[0]
    if stimulus.do in (Do.BEGIN, Do.FINISH):
        token = before.token(before.world[0].name, stimulus.token or "")
        node = system.pipeline.nodes[token.node].kind if token is not None else "?"
        return f"{stimulus.do} {node} {word}".rstrip()
    if stimulus.hold is not None and stimulus.do in (Do.DEADLINE, Do.FLUSH):
        return f"{stimulus.do} {'batch' if '#' in stimulus.hold else 'barrier'}"
    return f"{stimulus.do} {word}".rstrip()
