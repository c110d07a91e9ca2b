"""Drives the law and an engine together through the whole graph of one of the two small machines.

It takes every lawful step of the explored graph, and tries in each state every stimulus that the law refuses there,
once. Not here: what is compared (`lifecycle_driver.py`, `barrier_driver.py`), and pipelines (`batch_driver.py`).

Going on after a difference
---------------------------
A difference is noted by its kind (`compare/difference.py`), and the sweep goes on.

- If the records lead to the state of the law all the same (they differ only in words), law and engine go on together.
- Otherwise the step is *closed*: it is never taken again, and the walk ends there. What can be reached by other steps is
  planned again in the next round.
- A refused stimulus that the engine accepted without a record changes nothing. If it left records, the engine is started
  again, and the rest of the stimuli of that state is tried in the next round. After `ALIKE` failures of stimuli of one kind
  that met the same, others of this kind are no longer tried, because each costs a new start.

A stimulus that the port does not support closes its step in the same way, but it counts neither for nor against the engine,
and what lies only behind it is not part of the totals. The same holds for steps of which a profile declares that the engine
does something else. At most `ROUNDS` rounds and `STARTS` starts of the engine are spent on one instance; the result says if
they were used up.

How a case is made short: the states of the graph are gone through, nearest first, and in each the stimuli of the same kind
are tried after a shortest path. If the difference shows only because something was refused before (an engine may change
its memory and record nothing), the refused stimuli since the start are part of the case, and as many as possible are left
out.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, NamedTuple, TypeVar

from fateline_model import Pipeline, Refusal
from fateline_model.checker.systems import Attempt, State, System
from fateline_model.lifecycle import World
from fateline_model.records import Record, as_json

from ..compare.broken_laws import laws_broken_by
from ..compare.capabilities import lacking, unrecorded
from ..compare.data_laws import Broken
from ..compare.difference import Difference, Kind, wrong_refusal
from ..compare.marks import marks_met, named_as
from ..compare.questions import Step, step_of
from ..ports.port import EngineFault, Hello, RecordJson, Reply, Shows
from .edge_cover import plan
from .explore import Edge, LocalGraph, by_distance, local_graph
from .findings import ALIKE, Findings

S = TypeVar("S")
W = TypeVar("W", bound=World)

NOT_SUPPORTED = "the port does not support it"
ROUNDS: Final = 100
STARTS: Final = 3_000
TRIES: Final = 200
"""The largest number of cases that are asked to make one shorter."""


class Unsupported(Exception):
    """The port does not support a lawful stimulus; the message is its reason."""


class Recorded(NamedTuple):
    """What the engine recorded, how it differs from the law, the laws of data that it breaks, and whether it describes the
    state of the law all the same."""

    observed: tuple[RecordJson, ...]
    wrong: tuple[str, ...]
    broken: tuple[Broken, ...] = ()
    goes_on: bool = False


class SideBySide(ABC, Generic[S, W]):
    """A machine of the law and an engine, in the same state."""

    world: World
    silent: frozenset[str]
    """The laws about things that such a port, or this engine, does not show."""
    checked: Counter[str]
    """The questions of the laws of data."""

    def __init__(self, pipeline: Pipeline, hello: Hello, silent: frozenset[str]) -> None:
        self.pipeline = pipeline
        self.hello = hello
        self.silent = silent | lacking(hello)
        self.unrecorded = unrecorded(hello)
        self.checked = Counter()

    @abstractmethod
    def start(self) -> None:
        """Start both again from the first state."""

    @abstractmethod
    def is_supported(self, stimulus: S, state: State) -> bool:
        """True if the engine supports this stimulus in this state."""

    @abstractmethod
    def ask(self, stimulus: S) -> Reply:
        """Ask the engine."""

    @abstractmethod
    def compare(self, stimulus: S, records: tuple[Record, ...], after: World, reply: Reply) -> Recorded | None:
        """Compare what the engine recorded with what the law records. None means that they agree."""

    @abstractmethod
    def translated(self, reply: Reply) -> tuple[RecordJson, ...]:
        """What the engine recorded, with the names of the law."""


@dataclass
class SweepResult:
    """The coverage of a sweep, and what it found."""

    states: int = 0
    states_total: int = 0
    transitions: int = 0
    transitions_total: int = 0
    steps: int = 0
    refusals: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    steps_about: Counter[Step] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)
    fault: str | None = None
    bound: str | None = None
    """The bound that ended the sweep."""


class MachineDriver:
    """Takes law and engine from state to state."""

    def __init__(self, side: SideBySide[Any, Any]) -> None:
        self.side = side
        self.result = SweepResult()
        self.path: list[Any] = []
        """The lawful stimuli since the start."""
        self.asked: list[Any] = []
        """All stimuli since the start."""

    def start(self) -> None:
        """Start both again from the first state."""
        self.side.start()
        self.path, self.asked = [], []

    def attempted(self, attempt: Attempt) -> Difference | None:
        """Ask the engine a stimulus, lawful or refused, and compare."""
        if attempt.refusal is not None:
            return self.refused(attempt.stimulus, attempt.refusal)
        assert attempt.after is not None
        return self.stepped(Edge(attempt.stimulus, attempt.records, attempt.after, 0))

    def stepped(self, edge: Edge) -> Difference | None:
        """Take a lawful step, and compare. Raises `Unsupported` if the port does not support it."""
        reply = self._reply(edge.stimulus)
        if isinstance(reply, Reply) and reply.unsupported is not None:
            self.asked.pop()
            self.result.skipped[reply.unsupported] += 1
            raise Unsupported(reply.unsupported)
        self.path.append(edge.stimulus)
        self.result.steps += 1
        self.result.steps_about[step_of(edge.stimulus, edge.records)] += 1
        if not isinstance(reply, Reply):
            return self._failed(edge.records, reply)
        if reply.refused is not None:
            answer = f"{reply.refused}: {reply.message}"
            wrong = (f"the engine refuses a lawful stimulus ({answer})",)
            return self._difference(edge.records, edge.after, answer, Recorded((), wrong))
        found = self.side.compare(edge.stimulus, edge.records, edge.after.world, reply)
        difference = self._difference(edge.records, edge.after, found.observed, found) if found is not None else None
        if found is None or found.goes_on:
            self.side.world = edge.after.world
        return difference

    def refused(self, stimulus: Any, rule: Refusal) -> Difference | None:
        """Ask a stimulus that the law refuses."""
        reply = self._reply(stimulus)
        if isinstance(reply, Reply) and reply.unsupported is not None:
            self.asked.pop()
            self.result.skipped[reply.unsupported] += 1
            return None
        self.result.refusals += 1
        self.path.append(stimulus)
        try:
            if not isinstance(reply, Reply):
                return self._failed(rule, reply)
            wrong = wrong_refusal(rule, reply, rules_are_named=Shows.REFUSALS in self.side.hello.shows)
            if wrong is None:
                return None
            observed = self.side.translated(reply) or f"{reply.refused or 'accepted'}: {reply.message}"
            found = self._difference(rule, None, observed, Recorded((), (wrong.message,), goes_on=not reply.records))
            return replace(found, weak=wrong.weak)
        finally:
            self.path.pop()

    def _reply(self, stimulus: Any) -> Reply | EngineFault:
        self.asked.append(stimulus)
        try:
            return self.side.ask(stimulus)
        except EngineFault as fault:
            return fault

    def _failed(self, law: tuple[Record, ...] | Refusal, fault: EngineFault) -> Difference:
        """The engine failed where it should have answered. That names no law."""
        side = self.side
        met = marks_met(side.pipeline, side.world, self.path[-1])
        return Difference(tuple(self.path), _expected(law), str(fault), (str(fault),), (), met)

    def _difference(
        self,
        law: tuple[Record, ...] | Refusal,
        after: State | None,
        observed: tuple[RecordJson, ...] | str,
        found: Recorded,
    ) -> Difference:
        """The difference in the last stimulus of the path, with the laws that it breaks."""
        side, world, stimulus = self.side, after.world if after is not None else None, self.path[-1]
        laws = found.broken
        if found.wrong:
            laws += laws_broken_by(
                side.pipeline, side.world, stimulus, law, world, observed, found.wrong, silent=side.silent,
                unrecorded=side.unrecorded,
            )  # fmt: skip
        says = (*found.wrong, *(message for _, message in found.broken))
        met = marks_met(side.pipeline, side.world, stimulus)
        return Difference(tuple(self.path), _expected(law), observed, says, laws, met, found.goes_on)


def _expected(law: tuple[Record, ...] | Refusal) -> tuple[RecordJson, ...] | Refusal:
    return law if isinstance(law, Refusal) else tuple(as_json(record) for record in law)


class Sweep:
    """Goes through the whole graph of one instance on one engine."""

    def __init__(
        self,
        side: SideBySide[Any, Any],
        system: System,
        *,
        refusals: bool = True,
        stop_first: bool = False,
        declared: frozenset[str] = frozenset(),
    ) -> None:
        self.graph = local_graph(system, side.is_supported)
        self.driver = MachineDriver(side)
        self.side, self.result = side, self.driver.result
        self.refusals, self.stop_first, self.declared = refusals, stop_first, declared
        self._reached: set[int] = set()
        self._taken: set[tuple[int, int]] = set()
        self._closed: dict[tuple[int, int], bool] = {}
        """The closed steps. True: what lies only behind it is not part of the totals."""
        self._tried: Counter[int] = Counter()
        """For each state, how many of its refused stimuli were tried."""
        self._failures: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._whole: dict[Kind, tuple[Any, ...]] = {}
        """For each kind of finding, all stimuli since the start when it was first met."""
        self._starts = 0

    def run(self) -> SweepResult:
        """Sweep, until everything is taken, tried or closed, or until a bound is reached."""
        self.result.skipped[NOT_SUPPORTED] += self.graph.not_supported
        try:
            self._rounds()
        except EngineFault as fault:
            self.result.fault = str(fault)
        self._shorten()
        self._count()
        return self.result

    def _rounds(self) -> None:
        for _ in range(ROUNDS):
            walks = list(plan(self._open_targets(), self._wanted()))
            if not walks and not self._untried(0):
                return
            for walk in walks or [[]]:
                if self._starts >= STARTS:
                    self.result.bound = f"{STARTS:,} starts of the engine"
                    return
                self._walk(walk)
                if self.stop_first and self.result.findings.is_strong:
                    return
        if list(plan(self._open_targets(), self._wanted())):
            self.result.bound = f"{ROUNDS} rounds"

    def _walk(self, walk: Sequence[int]) -> None:
        """Take one walk, until its end or until law and engine part."""
        self._starts += 1
        self.driver.start()
        state = 0
        for k in (*walk, None):
            self._reached.add(state)
            if not self._try_refusals(state) or k is None or (state, k) in self._closed:
                return
            edge = self.graph.edges[state][k]
            try:
                found = self.driver.stepped(edge)
            except Unsupported:
                self._closed[state, k] = True
                return
            if found is not None:
                self._note(found, closed=not found.goes_on)
                if self.stop_first:
                    return
                if not found.goes_on:
                    self._closed[state, k] = found.is_declared(self.declared)
                    return
            self._taken.add((state, k))
            state = edge.target

    def _try_refusals(self, state: int) -> bool:
        """Try the stimuli that the law refuses in a state. False if law and engine part."""
        while self._untried(state):
            stimulus, rule = self.graph.refusals[state][self._tried[state]]
            self._tried[state] += 1
            alike = (named_as(stimulus), marks_met(self.side.pipeline, self.side.world, stimulus))
            if rule is Refusal.NO_SUCH_DATA:
                continue
            if self._failures[alike] >= ALIKE:
                self.result.skipped[f"{alike[0]} differed {ALIKE} times in this way before"] += 1
                continue
            found = self.driver.refused(stimulus, rule)
            if found is None:
                continue
            self._note(found, closed=False)
            if self.stop_first and not found.weak:
                return False
            if not found.goes_on:
                self._failures[alike] += 1
                return False
        return True

    def _untried(self, state: int) -> bool:
        return self.refusals and self._tried[state] < len(self.graph.refusals[state])

    def _note(self, found: Difference, *, closed: bool) -> None:
        if self.result.findings.is_new(found):
            self._whole[found.kind] = tuple(self.driver.asked)
        self.result.findings.note(found, closed=closed)

    # ------------------------------------------------------------------------------------------------ planning

    def _reachable(self, *, behind_findings: bool) -> set[int]:
        """The states that open steps lead to; with `behind_findings` also those behind steps that a finding closed."""
        targets, seen, waiting = self.graph.targets, {0}, [0]
        while waiting:
            state = waiting.pop()
            for k, target in enumerate(targets[state]):
                closed = (state, k) in self._closed and not (behind_findings and not self._closed[state, k])
                if target not in seen and not closed:
                    seen.add(target)
                    waiting.append(target)
        return seen

    def _open_targets(self) -> list[list[int]]:
        """The targets of all steps. A closed step becomes a loop, and so does every step of a state that cannot be reached."""
        reachable = self._reachable(behind_findings=False)
        return [
            [state if (state, k) in self._closed or state not in reachable else to for k, to in enumerate(out)]
            for state, out in enumerate(self.graph.targets)
        ]

    def _wanted(self) -> Any:
        """Says which steps a plan must take: those not taken yet, and one into each state in which refusals are untried."""
        reachable, targets = self._reachable(behind_findings=False), self.graph.targets
        into: dict[int, tuple[int, int]] = {}
        for state in sorted(reachable):
            for k, target in enumerate(targets[state]):
                if (state, k) not in self._closed and target != state and self._untried(target):
                    into.setdefault(target, (state, k))
        entries = set(into.values())

        def wanted(state: int, k: int) -> bool:
            if state not in reachable or (state, k) in self._closed:
                return False
            return (state, k) not in self._taken or (state, k) in entries

        return wanted

    def _count(self) -> None:
        totals = self._reachable(behind_findings=True)
        left_out = Counter(state for (state, _), without in self._closed.items() if without)
        result = self.result
        result.states, result.states_total = len(self._reached), len(totals)
        result.transitions = len(self._taken)
        result.transitions_total = sum(len(self.graph.edges[state]) - left_out[state] for state in totals)

    # ------------------------------------------------------------------------------------------------ short cases

    def _shorten(self) -> None:
        """Make the case of each kind as short as possible."""
        if self.result.fault is not None:
            return
        findings = self.result.findings
        for kind, found in list(findings.of_kind.items()):
            try:
                findings.shorten(kind, Shorter(self.side, self.graph, found.shortest).smallest(self._whole[kind]))
            except EngineFault:
                continue


class Shorter:
    """Makes the case of one difference shorter."""

    def __init__(self, side: SideBySide[Any, Any], graph: LocalGraph, found: Difference) -> None:
        self.graph, self.found = graph, found
        self.driver = MachineDriver(side)
        self.tries = 0

    def smallest(self, asked: tuple[Any, ...]) -> Difference:
        """The shortest case that was seen. `asked` are all stimuli since the start, refused ones too."""
        found = self.found
        for case in self._nearest(len(found.stimuli)):
            if (shorter := self._seen(case)) is not None:
                return shorter
        if (same := self._seen(found.stimuli)) is not None:
            return same
        whole = self._seen(asked)
        return self._without(whole) if whole is not None else found

    def _nearest(self, length: int) -> Iterator[tuple[Any, ...]]:
        """Cases of one stimulus of the kind after a shortest path, nearest states first."""
        for distance, path, state in by_distance(self.graph):
            if distance + 1 >= length:
                return
            edges = [edge.stimulus for edge in self.graph.edges[state]]
            for stimulus in (*edges, *(refused for refused, _ in self.graph.refusals[state])):
                if named_as(stimulus) == self.found.kind.stimulus:
                    yield (*path(), stimulus)

    def _without(self, best: Difference) -> Difference:
        """Leave out one stimulus after the other, from the end to the beginning."""
        place = len(best.stimuli) - 2
        while place >= 0:
            shorter = self._seen(best.stimuli[:place] + best.stimuli[place + 1 :])
            best = shorter or best
            place -= 1
        return best

    def _seen(self, stimuli: Sequence[Any]) -> Difference | None:
        """The difference in the last stimulus of a case, if it is of this kind and nothing before it ends the case."""
        if self.tries >= TRIES:
            return None
        self.tries += 1
        self.driver.start()
        state = 0
        for place, stimulus in enumerate(stimuli, 1):
            k = self.graph.places[state].get(stimulus)
            rule = next((rule for refused, rule in self.graph.refusals[state] if refused == stimulus), None)
            if k is None and rule is None:
                return None
            try:
                if k is not None:
                    found = self.driver.stepped(self.graph.edges[state][k])
                    state = self.graph.edges[state][k].target
                else:
                    assert rule is not None
                    found = self.driver.refused(stimulus, rule)
            except Unsupported:
                return None
            if place == len(stimuli):
                return replace(found, stimuli=tuple(stimuli)) if found and found.shows(self.found) else None
            if found is not None and not found.goes_on:
                return None
        return None
