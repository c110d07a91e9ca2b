"""Drives an engine through a local graph, many walks at a time, as the rows of one run.

The problem
-----------
A local graph holds everything that one row and its run can go through (`explore.py`), and `edge_cover.py` gives walks
that together take every edge. The simple way is one run per walk and one commit per step. Most of that time goes to starting
runs and committing single steps, not to the steps that are to be compared.

The idea
--------
Rows meet only in batches. In a pipeline without aggregations each row behaves as if it were alone, so different rows of one
run can take different walks. Only the events of the run (end of the source, crash, resume, end of the run) happen to all
rows at once. Therefore:

- `tour` groups the walks by their sequence of events, and gives each group to `take`, up to `rows` walks at a time.
- `take` starts one run and gives each walk a row. It works in rounds. In a round, every row whose next stimulus comes
  before the next event takes one step, in a random order, with one commit for all of them (`PipelinePort.together`).
- If no row has such a step, the next event of all walks is the same. It is done once, and every walk moves over it.
- In a state that no walk has visited before, every stimulus that the law refuses there is tried first.

A run with batches takes one walk (`together=False`), because its rows may meet.

An example
----------
Two walks over `src -> x -> out`, both in the names of a graph with the single row 0:

    A  read(0 valid)  begin(0)  finish(0, pass)   ...  end_of_source  run_over
    B  read(0 valid)  begin(0)  finish(0, error)       end_of_source  run_over

    round 1   read(0)           read(1)              one commit
    round 2   begin(0)          begin(1)             one commit
    round 3   finish(0, pass)   finish(1, error)     one commit
    ...       A goes on alone until its next stimulus is end_of_source
    event     end_of_source, once, for both
    event     run_over, once, for both

The engine sees rows 0 and 1. Each walk sees its own row as row 0: `_RowWalk.names` translates the ids of the engine for
comparison, `_RowWalk.in_run` gives the row its real number in a report.

Invariants between two rounds
-----------------------------
- `walker.here` is the state of the law after the first `walker.at` stimuli of its walk; the engine has taken exactly these
  for that row.
- All walks have the same number of events behind them.
- `_run` has every stimulus that the engine was asked and did not have to refuse, in order, each with its walk (None for an
  event of the run). `walker.done` has those of one walk.
- `_rows` is the number of rows read, which is the number of the next row. `_of_token` gives, for each token id of the
  engine, the walk whose row the token belongs to.
- `covered` marks a state when a walk stands in it, and an edge after its step was found to agree.
- `closed` has the edges that the port turned out not to support. The walks of that run end there, and the caller plans the
  rest again without these edges.

Two short cuts
--------------
A `begin` whose edge is covered already is sent together with the `finish` that follows it. Its records were compared the
first time; only the end of the visit is compared now. And reading the whole trail before and after a crash is slow, so
it is done once, in a run of `CRASH_CHECK_ROWS` rows.

What is given up
----------------
Steps that are committed together are not seen to be atomic one by one; `crash/` tests that. Rows are interleaved at random,
not in every order. A difference that appears only because rows share a commit is reported with the whole run, not shrunk.
Interference between rows is caught only as a difference in one of them; `fuzz.py` takes longer walks over several rows.

Not here: which walks to take (`edge_cover.py`), and what to do with a difference (`instance.py`, `shrink.py`).
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

CRASH_CHECK_ROWS: Final = 12
"""The number of rows in the run whose trail is read before and after a crash."""

ROW: Final = "0"
"""The name of every row in its own walk."""


@dataclass
class Covered:
    """The states and edges of a graph that were visited, by number."""

    states: bytearray
    edges: list[bytearray]
    refused: bytearray

    @classmethod
    def of(cls, ways: ConcreteGraph) -> "Covered":
        graph = ways.graph
        return cls(bytearray(len(graph.states)), [bytearray(len(e)) for e in graph.edges], bytearray(len(graph.states)))


@dataclass
class Trouble:
    """A step in which law and engine differ, with the whole run up to it and the walk of the row concerned."""

    run: tuple[Stimulus, ...]
    row: tuple[Stimulus, ...]
    says: tuple[str, ...]
    fault: bool = False
    tried: tuple[Stimulus, ...] = ()
    """The stimuli that the engine had to refuse when it failed; one of them is the cause."""


class _RowWalk:
    """One row and the walk that it takes."""

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
        """The stimulus with the ids of the engine."""
        return self.names.asked(stimulus)

    def in_run(self, stimulus: Stimulus) -> Stimulus:
        """The stimulus with the names that the law uses for the whole run, in which this row has its real number."""
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
    """One step of one row: the state that it starts from, and the place of its edge in that state."""

    walker: _RowWalk
    state: int
    taken: ConcreteStep
    place: int
    overtaken: bool = False


class BatchDriver:
    """Takes walks of one instance on one engine. `trouble` is the first difference; it ends the drive."""

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
        """The first refusal that named the wrong rule. It is reported only if no other difference is found."""
        self.closed: set[tuple[int, int]] = set()
        """Edges that the port does not support, found while driving."""
        self._closed_before = 0
        self.looked = False
        """True once the whole trail was read before and after a crash."""
        self._chance = random.Random(seed)

    def take(self, walks: Sequence[Walk], *, look_at_crash: bool = True) -> None:
        """Take walks that have the same events of the run, as the rows of one run.

        With `look_at_crash` the whole trail is read before and after each crash, and must be the same.
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
            self.trouble = Trouble(self._run_so_far(), alone, (str(fault),), fault=True)
        for walker in self._walkers:
            self.tally.checked.update(walker.data.checked)

    # ------------------------------------------------------------------------------------------------ rounds

    def _round(self) -> bool:
        """Take one step in every row that has one before the next event of the run. If no row has, take that event. Returns
        False when all walks have ended."""
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
        """The next step of a row. If the step begins a visit by a covered edge, the step that finishes the visit comes with it:
        the records of the beginning were compared before, and the record of the end replaces them."""
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
                self._trouble(walker, [f"the engine refuses a lawful stimulus ({reply.refused}: {reply.message})"])
            elif not overtaken:
                self._compare(walker, taken, reply.records)
            if self.trouble is not None:
                return
            self._arrived(walker, taken, place)

    def _close(self, moving: list[_Move], replies: Sequence[Reply]) -> None:
        """Close the edges that the port does not support. The walks end here, because the other steps were not compared."""
        for move, reply in zip(moving, replies, strict=True):
            if reply.unsupported is not None:
                self.closed.add((move.state, move.place))
                self.tally.skipped[reply.unsupported] += 1
        self._walkers = []

    def closed_anything(self) -> bool:
        """True if an edge was closed since the last call."""
        before, self._closed_before = self._closed_before, len(self.closed)
        return self._closed_before > before

    def open_targets(self) -> list[list[int]]:
        """The targets of all edges, without closed edges and without states that only closed edges lead to. Such an edge
        becomes a loop."""
        reachable = self.reachable()
        return [
            [state if (state, k) in self.closed or state not in reachable else to for k, to in enumerate(out)]
            for state, out in enumerate(self.ways.graph.targets)
        ]

    def reachable(self) -> set[int]:
        """The states that open edges lead to from the first state."""
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
        for record in observed:
            if self.together and record["rec"] == "rows" and isinstance(record.get("idx"), int):
                record["idx"] -= walker.row or 0  # type: ignore[operator]
        wrong = differences(taken.wanted, keyed(observed), self.unrecorded)
        broken: list[Broken] = walker.data.see(observed)
        if wrong or broken:
            self._trouble(walker, [*wrong, *(message for _, message in broken)])

    # ------------------------------------------------------------------------------------------------ events of the run

    def _event(self, event: Stimulus) -> None:
        """Take an event of the run, and move every walk over it."""
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
            message = f"the engine refuses a lawful stimulus ({reply.refused}: {reply.message})"
            self._trouble(self._walkers[0], [message])
            return
        if look and list(self.port.trail()) != before:
            self._trouble(self._walkers[0], ["a crash changed what was committed"])
            return
        self._compare_run_record(taken[0][1], reply.records)
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

    def _compare_run_record(self, taken: ConcreteStep, records: Sequence[RecordJson]) -> None:
        """Compare the record of the run itself. Its number of rows counts the rows of all walks."""
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
        """In a state that no walk has visited before, try every stimulus that the law refuses there."""
        number = walker.here.number
        if self.covered.states[number]:
            return
        self.covered.states[number] = 1
        if not self.refusals:
            return
        tried: list[tuple[Stimulus, Refusal, Request]] = []
        for stimulus, rule in self.ways.graph.refusals[number]:
            concrete = walker.here.say(stimulus)
            if rule is Refusal.NO_SUCH_DATA:
                self.tally.skipped[DATA_NOT_INJECTABLE] += 1
            elif concrete.do is Do.READ:
                if rule is not Refusal.SOURCE_ENDED:
                    self.tally.skipped["a source gives its rows in order"] += 1
                    continue
                tried.append((concrete, rule, Request(concrete._replace(row=self._rows))))
            else:
                tried.append((concrete, rule, walker.asked(concrete)))
        try:
            replies = self.port.together([asked for _, _, asked in tried])
        except EngineFault as fault:
            tried_stimuli = tuple(concrete for concrete, _, _ in tried)
            self.trouble = Trouble(
                self._run_so_far(), tuple(walker.done), (str(fault),), fault=True, tried=tried_stimuli
            )
            return
        for (concrete, rule, _), reply in zip(tried, replies, strict=True):
            if reply.unsupported is not None:
                self.tally.skipped[reply.unsupported] += 1
                continue
            self.tally.refusals += 1
            wrong = wrong_refusal(rule, reply, rules_are_named=self.refusals_have_reasons)
            if wrong is None:
                continue
            if wrong.weak:
                row = (*walker.done, concrete)
                self.weak = self.weak or Trouble((*self._run_so_far(), walker.in_run(concrete)), row, (wrong.message,))
            else:
                # Records left behind show when all have been answered, so another of the stimuli tried may have left them.
                self.trouble = Trouble(
                    self._run_so_far(), (*walker.done, concrete), (wrong.message,), tried=tuple(s for s, _, _ in tried)
                )
                return

    def _run_so_far(self) -> tuple[Stimulus, ...]:
        """The run so far, with the names of the law."""
        return tuple(stimulus if walker is None else walker.in_run(stimulus) for walker, stimulus in self._run)

    def _trouble(self, walker: _RowWalk, says: list[str]) -> None:
        if self.trouble is None:
            self.trouble = Trouble(self._run_so_far(), tuple(walker.done), tuple(says))


def tour(driver: BatchDriver, walks: Sequence[Walk], *, rows: int, progress: Callable[[], None] | None = None) -> None:
    """Take all walks. Walks with the same events of the run are taken together, at most `rows` in one run."""
    groups: dict[tuple[Do, ...], list[Walk]] = {}
    for walk in walks:
        groups.setdefault(tuple(s.do for s in walk if s.do in OF_THE_RUN), []).append(walk)
    for events, group in groups.items():
        first = 0
        while first < len(group):
            look = Do.CRASH in events and not driver.looked
            size = min(CRASH_CHECK_ROWS, rows) if look else rows
            driver.take(group[first : first + size], look_at_crash=look)
            driver.looked = driver.looked or look
            first += size
            if progress is not None:
                progress()
            if driver.trouble is not None:
                return
