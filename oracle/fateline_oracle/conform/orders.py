"""Order must not decide: the same outcomes of branches, told to one join in every order, and only the end compared.

For each policy, and for each assignment of *arrives* or *is lost* to the branches, the law has a set of possible ends: the end
of each order. An engine must end in one of them. Where the law has one end whatever the order is, two orders that end otherwise
are a finding by themselves, even if nothing else of the engine is believed. Nothing but ends is needed, so an
engine that records little is judged too.

An example: `require_all`, a arrives and b is lost. The law ends as failed in both orders. An engine that merges a if b is lost
first, and fails if a arrives first, is found twice.

An end is the verdict of the join and what became of each branch: merged, lost, ended in another way, or without an end. How an
engine calls the end of a late branch is a choice, so it is not compared. A branch that the engine could not be told about is
compared with nothing.

Not here: every step compared (`barrier_driver.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Final, NamedTuple

from fateline_model import Accepted, Pipeline
from fateline_model.barrier_machine import BarrierEvent, BarrierStimulus, barrier_step, initial
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import BarrierSystem
from fateline_model.records import as_json
from fateline_model.words import BarrierVerdict, Outcome

from ..compare.capabilities import requirements
from ..ports.port import Engine, EngineFault, Hello, RecordJson
from ..ports.validate import GuardedBarrier
from .barrier_driver import document_of
from .machine_instance import coalesce_of

OPEN: Final = "not resolved"
MERGED, LOST, ENDED, NO_END = "merged", "lost", "ended", "no end"
UNKNOWN: Final = "could not be told"

Order = tuple[BarrierStimulus, ...]


class End(NamedTuple):
    """The verdict of a join, and what became of each branch."""

    verdict: str
    branches: tuple[tuple[str, str], ...]

    def is_like(self, other: "End") -> bool:
        """True if the two agree in everything that is known of both."""
        return self.verdict == other.verdict and all(
            one == two or UNKNOWN in (one, two)
            for (_, one), (_, two) in zip(self.branches, other.branches, strict=True)
        )

    def __str__(self) -> str:
        return f"{self.verdict}; " + ", ".join(f"{branch} {what}" for branch, what in self.branches)


@dataclass(frozen=True)
class Disorder:
    """A finding: outcomes, and an order in which the engine ends otherwise than the law, or two that end differently."""

    instance: str
    outcomes: str
    allowed: tuple[End, ...]
    ends: tuple[tuple[Order, End], ...]
    """One order and its end, or two."""

    def __str__(self) -> str:
        lines = [f"{self.instance}: {self.outcomes}"]
        for order, end in self.ends:
            lines += [f"  {' '.join(map(str, order))}", f"      {end}"]
        return "\n".join([*lines, *(f"  the law: {end}" for end in self.allowed)])


@dataclass
class Orders:
    """What was compared, and what was found."""

    outcomes: int = 0
    orders: int = 0
    decides: list[Disorder] = field(default_factory=list)
    """Where the law lets the order decide: two orders with two ends of the law. That is no finding."""
    not_allowed: list[Disorder] = field(default_factory=list)
    differ: list[Disorder] = field(default_factory=list)
    """Two orders that end differently where the law has one end."""
    left_out: list[str] = field(default_factory=list)


def compare_orders(engine: Engine, hello: Hello, instances: Sequence[Instance]) -> Orders:
    """Tell each outcome in every order, and compare the ends. Raises `EngineFault`."""
    found = Orders()
    barrier = engine.barrier()
    if barrier is None:
        raise EngineFault("the engine offers no barrier port")
    port = GuardedBarrier(barrier, hello)
    for instance in instances:
        system = instance.system
        assert isinstance(system, BarrierSystem)
        if missing := requirements(system.pipeline) - hello.does:
            found.left_out.append(f"{instance.name}: the engine does not declare {', '.join(sorted(missing))}")
            continue
        document = document_of(coalesce_of(system))
        for outcomes, orders in _assignments(coalesce_of(system).branches):
            by_law = [(order, _end_by_law(system.pipeline, order)) for order in orders]
            allowed = tuple(dict.fromkeys(end for _, end in by_law))
            ends = [(order, _end_of(port, document, order)) for order in orders]
            found.outcomes += 1
            found.decides += _decides(instance.name, outcomes, allowed, by_law)
            found.orders += len(orders)
            found.not_allowed += _not_allowed(instance.name, outcomes, allowed, ends)
            if len(allowed) == 1:
                found.differ += _differ(instance.name, outcomes, allowed, ends)
    port.close()
    return found


def _assignments(branches: Sequence[str]) -> Iterator[tuple[str, list[Order]]]:
    for what in product((BarrierEvent.ARRIVE, BarrierEvent.LOSE), repeat=len(branches)):
        events = [BarrierStimulus(do, branch) for do, branch in zip(what, branches, strict=True)]
        text = ", ".join(f"{one.branch} {'arrives' if one.do is BarrierEvent.ARRIVE else 'is lost'}" for one in events)
        yield text, list(permutations(events))


def _not_allowed(
    name: str, outcomes: str, allowed: tuple[End, ...], ends: Sequence[tuple[Order, End]]
) -> Iterator[Disorder]:
    """The first order whose end the law does not allow."""
    wrong = next(((order, end) for order, end in ends if not any(end.is_like(one) for one in allowed)), None)
    if wrong is not None:
        yield Disorder(name, outcomes, allowed, (wrong,))


def _differ(
    name: str, outcomes: str, allowed: tuple[End, ...], ends: Sequence[tuple[Order, End]]
) -> Iterator[Disorder]:
    """The first order, and the first one that ends otherwise."""
    first, other = ends[0], next((one for one in ends if not one[1].is_like(ends[0][1])), None)
    if other is not None:
        yield Disorder(name, outcomes, allowed, (first, other))


def _decides(
    name: str, outcomes: str, allowed: tuple[End, ...], by_law: Sequence[tuple[Order, End]]
) -> Iterator[Disorder]:
    """The first order, and the first one to which the law gives another end."""
    first = by_law[0]
    other = next((one for one in by_law if one[1] != first[1]), None)
    if other is not None:
        yield Disorder(name, outcomes, allowed, (first, other))


def _end_by_law(pipeline: Pipeline, order: Order) -> End:
    run = initial(pipeline)
    records: list[RecordJson] = []
    for stimulus in order:
        step = barrier_step(pipeline, run, stimulus)
        if isinstance(step, Accepted):
            run = step.run
            records += [as_json(record) for record in step.records]
    return _end(records, {one.branch or "": f"0/{one.branch}" for one in order}, order, frozenset())


def _end_of(port: GuardedBarrier, document: Mapping[str, object], order: Order) -> End:
    tokens = port.start(document)
    records: list[RecordJson] = []
    untold: set[str] = set()
    for stimulus in order:
        reply = port.do(stimulus)
        records += reply.records
        if reply.unsupported is not None and stimulus.branch is not None:
            untold.add(stimulus.branch)
    return _end(records, tokens, order, frozenset(untold))


def _end(records: Sequence[RecordJson], tokens: Mapping[str, str], order: Order, untold: frozenset[str]) -> End:
    fates = {str(record.get("token")): str(record.get("outcome")) for record in records if record["rec"] == "outcomes"}
    verdicts = [str(record.get("verdict")) for record in records if record["rec"] == "barriers"]
    lost = {one.branch for one in order if one.do is BarrierEvent.LOSE}

    def became(branch: str) -> str:
        if branch in untold:
            return UNKNOWN
        fate = fates.get(tokens.get(branch, ""))
        return LOST if branch in lost else MERGED if fate == Outcome.COALESCED else ENDED if fate else NO_END

    branches = tuple((branch, became(branch)) for branch in sorted(str(one.branch) for one in order))
    known = {str(BarrierVerdict.MERGED), str(BarrierVerdict.FAILED)}
    return End(next((verdict for verdict in verdicts if verdict in known), OPEN), branches)
