"""Walks over a local graph, many of them as the rows of one run: every step at the engine's own pace.

Batches apart rows never meet, so walks that agree on what happens to the run as a whole (the end of the source, crashes,
resumes, the end) can be taken side by side, a row each: one step of every row, then one commit, compared row by row. In
every state that is new, all that the law refuses there is tried first. Where rows do meet, in batches, one walk is one
run. Not here: which walks (`edge_cover.py`), and what to do about a difference (`shrink.py`).
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from fateline_model import Refusal, Stimulus
from fateline_model.stimuli import Do

from ..compare.data_laws import Broken, DataTrail
from ..compare.difference import wrong_refusal
from ..compare.names import Names
from ..compare.records import Unrecorded, differences, keyed
from ..ports.port import EngineFault, PipelinePort, RecordJson, Reply, Request
from .explore import OF_THE_RUN, ConcreteGraph, ConcreteState, ConcreteStep
from .lockstep import DATA_NOT_INJECTABLE, Tally

Walk = Sequence[Stimulus]
"""Stimuli of the graph, from its first state."""

LOOKED_AT: Final = 12
"""So many rows has the run in which a crash is looked at."""

ROW: Final = "0"
"""What every row is called in its own walk."""


@dataclass
class Covered:
    """Which states and edges of a graph were visited, by number."""

    states: bytearray
    edges: list[bytearray]
    refused: bytearray

    @classmethod
    def of(cls, ways: ConcreteGraph) -> "Covered":
        graph = ways.graph
        return cls(bytearray(len(graph.states)), [bytearray(len(e)) for e in graph.edges], bytearray(len(graph.states)))


@dataclass
class Trouble:
    """A step in which law and engine differ: the whole run up to it, and the walk of the row concerned."""

    run: tuple[Stimulus, ...]
    row: tuple[Stimulus, ...]
    says: tuple[str, ...]
    fault: bool = False
    tried: tuple[Stimulus, ...] = ()
    """What was to be refused when the engine broke down: one of these."""


class _RowWalk:
    """One row on its walk."""

    def __init__(self, ways: ConcreteGraph, walk: Walk, unrecorded: Unrecorded, together: bool) -> None:
        self.walk = walk
        self.at = 0
        self.here: ConcreteState = ways.first()
        self.together = together
        self.names = Names(ROW if together else None)
        self.data = DataTrail(ways.system.pipeline, unrecorded)
        self.row: int | None = None
        self.done: list[Stimulus] = []

    @property
    def next(self) -> Stimulus | None:
        return self.walk[self.at] if self.at < len(self.walk) else None

    def asked(self, stimulus: Stimulus) -> Request:
        """In the engine's ids."""
        return self.names.asked(stimulus)

    def in_run(self, stimulus: Stimulus) -> Stimulus:
        """In the names of the law for the whole run, where this row has a number of its own."""
        if not self.together:
            return stimulus
        own = str(self.row)
        token = own + stimulus.token[1:] if stimulus.token is not None and stimulus.token[:1] == ROW else stimulus.token
        hold = stimulus.hold
        if hold is not None and "@0" in hold:
            node, _, fork = hold.partition("@")
            hold = f"{node}@{own}{fork[1:]}"
        row = self.row if stimulus.row is not None else None
        return stimulus._replace(token=token, hold=hold, row=row)


class _Move(NamedTuple):
    """One step of one row: from which state of the graph, by which of its edges."""

    walker: _RowWalk
    state: int
    taken: ConcreteStep
    place: int
    overtaken: bool = False


class BatchDriver:
    """Takes walks of one instance on one engine. `trouble` is the first difference, which ends it."""

    def __init__(
        self,
        ways: ConcreteGraph,
        document: Mapping[str, object],
        port: PipelinePort,
        *,
        together: bool = True,
        tally: Tally | None = None,
        unrecorded: Unrecorded = frozenset(),
        refusals: bool = True,
        refusals_have_reasons: bool = True,
        seed: int = 0,
    ) -> None:
        self.ways = ways
        self.document = document
        self.together = together
        self.port = port
        self.tally = tally or Tally()
        self.covered = Covered.of(ways)
        self.unrecorded = unrecorded
        self.refusals = refusals
        self.refusals_have_reasons = refusals_have_reasons
        self.trouble: Trouble | None = None
        self.weak: Trouble | None = None
        """A refusal for another reason: a small thing, which what says more replaces."""
        self.closed: set[tuple[int, int]] = set()
        """Edges that turned out to be more than the port can say."""
        self._closed_before = 0
        self.looked = False
        """Whether a crash was looked at: the whole trail read before and after it, in a run of few rows."""
        self._chance = random.Random(seed)

    def take(self, walks: Sequence[Walk], *, look_at_crash: bool = True) -> None:
        """Take walks that have the same events of the run, as the rows of one run.

        To look at a crash is to read the whole trail before and after it.
        """
        self._look_at_crash = look_at_crash
        self._walkers = [_RowWalk(self.ways, walk, self.unrecorded, self.together) for walk in walks]
        self._of_token: dict[str, _RowWalk] = {}
        self._run: list[tuple[_RowWalk | None, Stimulus]] = []
        self._rows = 0
        self.port.start(self.document)
        try:
            while self.trouble is None and self._round():
                pass
        except EngineFault as fault:
            alone = tuple(self._walkers[0].done) if len(self._walkers) == 1 else ()
            self.trouble = Trouble(self._told(), alone, (str(fault),), fault=True)
        for walker in self._walkers:
            self.tally.checked.update(walker.data.checked)

    # ------------------------------------------------------------------------------------------------ rounds

    def _round(self) -> bool:
        """One step of every row that has one before the next event of the run; else that event; False at the end."""
        moving: list[list[_Move]] = []
        for walker in self._walkers:
            self._visit(walker)
            if self.trouble is not None:
                return False
            steps = self._steps_of(walker)
            if steps:
                moving.append(steps)
        if moving:
            self._chance.shuffle(moving)
            self._move([move for steps in moving for move in steps])
            return True
        event = self._walkers[0].next if self._walkers else None
        if event is not None:
            self._event(event)
            return True
        return False

    def _steps_of(self, walker: _RowWalk) -> list[_Move]:
        """The next step of a row. A visit that is begun where it was begun before is finished in the same round: what it
        writes at its beginning was compared then, and the end of the visit overtakes it."""
        stimulus = walker.next
        if stimulus is None or stimulus.do in OF_THE_RUN:
            return []
        first = self._move_of(walker, walker.here, stimulus)
        after = walker.walk[walker.at + 1] if walker.at + 1 < len(walker.walk) else None
        known = stimulus.do is Do.BEGIN and self.covered.edges[first.state][first.place]
        if not known or after is None or after.do is not Do.FINISH or after.token != stimulus.token:
            return [first]
        return [first._replace(overtaken=True), self._move_of(walker, first.taken.to, after)]

    def _move_of(self, walker: _RowWalk, here: ConcreteState, stimulus: Stimulus) -> _Move:
        taken = self.ways.take(here, stimulus)
        return _Move(walker, here.number, taken, self.ways.graph.places[here.number][stimulus])

    def _move(self, moving: list[_Move]) -> None:
        asked = []
        for walker, _, taken, _, _ in moving:
            if taken.stimulus.do is Do.READ:
                walker.row, self._rows = self._rows, self._rows + 1
                asked.append(Request(taken.stimulus._replace(row=walker.row)))
            else:
                asked.append(walker.asked(taken.stimulus))
            self._run.append((walker, taken.stimulus))
            walker.done.append(taken.stimulus)
        replies = self.port.together(asked)
        if any(reply.unsupported is not None for reply in replies):
            self._close(moving, replies)
            return
        for (walker, _, taken, place, overtaken), reply in zip(moving, replies, strict=True):
            if reply.refused is not None:
                self._trouble(walker, [f"the engine refuses what is lawful ({reply.refused}: {reply.message})"])
            elif not overtaken:
                self._compare(walker, taken, reply.records)
            if self.trouble is not None:
                return
            self._arrived(walker, taken, place)

    def _close(self, moving: list[_Move], replies: Sequence[Reply]) -> None:
        """The port cannot say some of these: those edges are closed, and these walks end here."""
        for move, reply in zip(moving, replies, strict=True):
            if reply.unsupported is not None:
                self.closed.add((move.state, move.place))
                self.tally.skipped[reply.unsupported] += 1
        self._walkers = []

    def closed_anything(self) -> bool:
        """Whether an edge was closed since this was last asked."""
        before, self._closed_before = self._closed_before, len(self.closed)
        return self._closed_before > before

    def open_targets(self) -> list[list[int]]:
        """The graph without what is closed and what only that leads to; a closed edge leads nowhere."""
        reachable = self.reachable()
        return [
            [state if (state, k) in self.closed or state not in reachable else to for k, to in enumerate(out)]
            for state, out in enumerate(self.ways.graph.targets)
        ]

    def reachable(self) -> set[int]:
        """The states to which open edges lead."""
        targets, seen, waiting = self.ways.graph.targets, {0}, [0]
        while waiting:
            state = waiting.pop()
            for k, target in enumerate(targets[state]):
                if target not in seen and (state, k) not in self.closed:
                    seen.add(target)
                    waiting.append(target)
        return seen

    def _arrived(self, walker: _RowWalk, taken: ConcreteStep, place: int) -> None:
        self.covered.edges[walker.here.number][place] = 1
        self.tally.steps += 1
        self.tally.kinds[taken.kinds] += 1
        walker.here = taken.to
        walker.at += 1

    def _compare(self, walker: _RowWalk, taken: ConcreteStep, records: Sequence[RecordJson]) -> None:
        names = walker.names
        names.learn(records)
        names.learn_barriers([record for record in taken.expected if record["rec"] == "losses"], records)
        for record in records:
            if record["rec"] == "tokens":
                self._of_token[str(record.get("token"))] = walker
        observed = [names.translate(record) for record in records]
        for said in observed:
            if self.together and said["rec"] == "rows" and isinstance(said.get("idx"), int):
                said["idx"] -= walker.row or 0  # type: ignore[operator]
        wrong = differences(taken.wanted, keyed(observed), self.unrecorded)
        broken: list[Broken] = walker.data.see(observed)
        if wrong or broken:
            self._trouble(walker, [*wrong, *(message for _, message in broken)])

    # ------------------------------------------------------------------------------------------------ events of the run

    def _event(self, event: Stimulus) -> None:
        """What happens to the run happens to every row of it."""
        self._run.append((None, event))
        look = event.do is Do.CRASH and self._look_at_crash
        before = list(self.port.trail()) if look else []
        reply = self.port.do(Request(event))
        if reply.unsupported is not None:
            places = self.ways.graph.places
            self.closed |= {(walker.here.number, places[walker.here.number][event]) for walker in self._walkers}
            self.tally.skipped[reply.unsupported] += 1
            self._walkers = []
            return
        taken = [(walker, self.ways.take(walker.here, event)) for walker in self._walkers]
        for walker, _ in taken:
            walker.done.append(event)
        if reply.refused is not None:
            said = f"the engine refuses what is lawful ({reply.refused}: {reply.message})"
            self._trouble(self._walkers[0], [said])
            return
        if look and list(self.port.trail()) != before:
            self._trouble(self._walkers[0], ["a crash changed what was committed"])
            return
        self._run_says(taken[0][1], reply.records)
        shares: dict[int, list[RecordJson]] = {}
        for record in reply.records:
            if record["rec"] != "runs":
                owner = self._of_token.get(str(record.get("token")), self._walkers[0])
                shares.setdefault(id(owner), []).append(record)
        for walker, step in taken:
            if self.trouble is None:
                of_row = ConcreteStep(
                    step.stimulus, [r for r in step.expected if r["rec"] != "runs"], step.kinds, step.to
                )
                self._compare(walker, of_row, shares.get(id(walker), ()))
                self._arrived(walker, step, self.ways.graph.places[walker.here.number][event])

    def _run_says(self, taken: ConcreteStep, records: Sequence[RecordJson]) -> None:
        """The record of the run itself, whose number of rows is that of all the walks."""
        wanted = [
            {**record, "rows": self._rows} if self.together and "rows" in record else record
            for record in taken.expected
            if record["rec"] == "runs"
        ]
        wrong = differences(keyed(wanted), keyed([r for r in records if r["rec"] == "runs"]), self.unrecorded)
        if wrong:
            self._trouble(self._walkers[0], wrong)

    # ------------------------------------------------------------------------------------------------ refusals

    def _visit(self, walker: _RowWalk) -> None:
        """In a state that is new, all that the law refuses there is tried."""
        number = walker.here.number
        if self.covered.states[number]:
            return
        self.covered.states[number] = 1
        if not self.refusals:
            return
        tried: list[tuple[Stimulus, Refusal, Request]] = []
        for stimulus, rule in self.ways.graph.refusals[number]:
            said = walker.here.say(stimulus)
            if rule is Refusal.NO_SUCH_DATA:
                self.tally.skipped[DATA_NOT_INJECTABLE] += 1
            elif said.do is Do.READ:
                if rule is not Refusal.SOURCE_ENDED:
                    self.tally.skipped["a source gives its rows in order"] += 1
                    continue
                tried.append((said, rule, Request(said._replace(row=self._rows))))
            else:
                tried.append((said, rule, walker.asked(said)))
        try:
            replies = self.port.together([asked for _, _, asked in tried])
        except EngineFault as fault:
            said_all = tuple(said for said, _, _ in tried)
            self.trouble = Trouble(self._told(), tuple(walker.done), (str(fault),), fault=True, tried=said_all)
            return
        for (said, rule, _), reply in zip(tried, replies, strict=True):
            if reply.unsupported is not None:
                self.tally.skipped[reply.unsupported] += 1
                continue
            self.tally.refusals += 1
            wrong = wrong_refusal(rule, reply, rules_are_named=self.refusals_have_reasons)
            if wrong is None:
                continue
            if wrong.weak:
                row = (*walker.done, said)
                self.weak = self.weak or Trouble((*self._told(), walker.in_run(said)), row, (wrong.message,))
            else:
                # A trace is seen when all are answered, so it may be another's of those that were tried here.
                self.trouble = Trouble(
                    self._told(), (*walker.done, said), (wrong.message,), tried=tuple(s for s, _, _ in tried)
                )
                return

    def _told(self) -> tuple[Stimulus, ...]:
        """The run so far, in the names of the law."""
        return tuple(stimulus if walker is None else walker.in_run(stimulus) for walker, stimulus in self._run)

    def _trouble(self, walker: _RowWalk, says: list[str]) -> None:
        if self.trouble is None:
            self.trouble = Trouble(self._told(), tuple(walker.done), tuple(says))


def tour(packed: BatchDriver, walks: Sequence[Walk], *, rows: int, progress: Callable[[], None] | None = None) -> None:
    """Take all walks, those with the same events of the run together, so many rows a run."""
    groups: dict[tuple[Do, ...], list[Walk]] = {}
    for walk in walks:
        groups.setdefault(tuple(s.do for s in walk if s.do in OF_THE_RUN), []).append(walk)
    for events, group in groups.items():
        first = 0
        while first < len(group):
            look = Do.CRASH in events and not packed.looked
            size = min(LOOKED_AT, rows) if look else rows
            packed.take(group[first : first + size], look_at_crash=look)
            packed.looked = packed.looked or look
            first += size
            if progress is not None:
                progress()
            if packed.trouble is not None:
                return
