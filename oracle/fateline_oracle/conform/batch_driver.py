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

Going on after a difference
---------------------------
A row in which law and engine differ is a `Trouble`. If both are in the same state all the same, the row goes on. Otherwise
its edge is closed and the row stops. The other rows of the run go on to the next event of the run, which is not taken,
because the stopped row may not be ready for it. The caller finds each trouble again by itself (`instance.py`) and plans the
rest again without the closed edges. A failure of the engine does not say which row caused it, so every row of the failed
round is a `suspect`, and the caller tries each by itself.

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
- `closed` has the edges that are not taken again: those that the port turned out not to support, and those behind which law
  and engine part. The value says whether what lies only behind the edge is left out of the totals.

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
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from fateline_model import Refusal, Stimulus
from fateline_model.stimuli import Do

from ..compare.broken_laws import same_state
from ..compare.capabilities import unrecorded
from ..compare.data_laws import Broken, DataTrail
from ..compare.difference import Difference, Kind, wrong_refusal
from ..compare.marks import marks_met, named_as
from ..compare.names import Names
from ..compare.records import Unrecorded, differences, keyed
from ..ports.port import EngineFault, Hello, PipelinePort, RecordJson, Reply, Request, Shows
from .explore import OF_THE_RUN, ConcreteGraph, ConcreteState, ConcreteStep
from .findings import ALIKE
from .lockstep import CRASH_CHANGED, DATA_NOT_INJECTABLE, Tally

Walk = Sequence[Stimulus]
"""Stimuli of the graph, from its first state."""

CRASH_CHECK_ROWS: Final = 12
"""The number of rows in the run whose trail is read before and after a crash."""

ROW: Final = "0"
"""The name of every row in its own walk."""


@dataclass
class Covered:
    """The states and edges of a graph that were visited, by number, and the states whose refusals were tried."""

    states: bytearray
    edges: list[bytearray]
    tried: bytearray

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
    met: tuple[str, ...] = ()
    asked: tuple[Stimulus, ...] = ()
    """The walk of the row with the refused stimuli that were tried on the way."""
    tried: tuple[Stimulus, ...] = ()
    """The stimuli that the engine had to refuse in that state; another of them may be the cause."""
    edge: tuple[int, int] | None = None
    """The edge that was closed."""
    goes_on: bool = False
    weak: bool = False
    """True if only the word of a refusal differs."""
    laws: tuple[Broken, ...] = ()
    """The laws about data that the records of the run break by themselves."""
    alone: bool = True
    """True if nothing differed before in this run, so that no other row can be the cause."""

    @property
    def kind(self) -> Kind:
        """The kind, as far as it is known before the laws are asked."""
        return Difference(self.row, (), "", self.says, (), self.met).kind


@dataclass
class Suspect:
    """A step that may have made the engine fail: the walk of its row up to it, and its edge, if it is lawful."""

    row: tuple[Stimulus, ...]
    edge: tuple[int, int] | None
    state: int


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
        self.asked_of: list[Stimulus] = []
        """`done`, with the refused stimuli that were tried."""
        self.stopped = False

    @property
    def next(self) -> Stimulus | None:
        return self.walk[self.at] if self.at < len(self.walk) and not self.stopped else None

    def took(self, stimulus: Stimulus) -> None:
        self.done.append(stimulus)
        self.asked_of.append(stimulus)

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
    """Takes walks of one instance on one engine. `troubles` and `suspects` are those of the last run; the caller looks at
    them after each run."""

    def __init__(
        self,
        ways: ConcreteGraph,
        document: Mapping[str, object],
        port: PipelinePort,
        hello: Hello,
        *,
        together: bool = True,
        refusals: bool = True,
        stop_first: bool = False,
        seed: int = 0,
    ) -> None:
        self.ways = ways
        self.pipeline = ways.system.pipeline
        self.document = document
        self.together = together
        self.port = port
        self.tally = Tally()
        self.covered = Covered.of(ways)
        self.unrecorded = unrecorded(hello)
        self.refusals = refusals
        self.refusals_have_reasons = Shows.REFUSALS in hello.shows
        self.stop_first = stop_first
        self.troubles: list[Trouble] = []
        self.suspects: list[Suspect] = []
        self.fault: str | None = None
        """The failure of the engine that ended the last run."""
        self.closed: dict[tuple[int, int], bool] = {}
        self.skip: dict[int, set[Stimulus]] = {}
        """For each state, the refused stimuli that are not tried again."""
        self.failures: Counter[tuple[str, tuple[str, ...]]] = Counter()
        """How many refused stimuli of a kind, that met the same, made law and engine part."""
        self.looked = False
        """True once the whole trail was read before and after a crash."""
        self._asking: Callable[[], list[Suspect]] = list
        """Gives the steps that the engine is asked to take at this moment."""
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
        self._halted = False
        self.troubles, self.suspects, self.fault = [], [], None
        self._asking = list
        self.port.start(self.document)
        try:
            while self._round():
                pass
        except EngineFault as fault:
            self.fault, self.suspects = str(fault), self._asking()
        for walker in self._walkers:
            self.tally.checked.update(walker.data.checked)

    @property
    def must_stop(self) -> bool:
        """True if the first difference ends the drive, and there is one."""
        strong = any(not trouble.weak for trouble in self.troubles)
        return self.stop_first and (strong or self.fault is not None)

    # ------------------------------------------------------------------------------------------------ rounds

    def _round(self) -> bool:
        """Take one step in every row that has one before the next event of the run. If no row has, take that event. Returns
        False when all walks have ended."""
        moving: list[list[_Move]] = []
        for walker in self._walkers:
            if not walker.stopped:
                self._visit(walker)
            if self.must_stop:
                return False
            steps = self._steps_of(walker)
            if steps:
                moving.append(steps)
        if moving:
            self._chance.shuffle(moving)
            self._move([move for steps in moving for move in steps])
            return True
        event = self._walkers[0].next if self._walkers else None
        if event is not None and not self._halted:
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
            walker.took(taken.stimulus)
        self._asking = lambda: [Suspect(tuple(m.walker.done), (m.state, m.place), m.state) for m in moving]
        replies = self.port.together(asked)
        self._asking = list
        self._close_unsupported(moving, replies)
        for (walker, state, taken, place, overtaken), reply in zip(moving, replies, strict=True):
            if walker.stopped:
                continue
            if reply.refused is not None:
                says = [f"the engine refuses a lawful stimulus ({reply.refused}: {reply.message})"]
                self._trouble(walker, taken, (state, place), says, met_by=taken.stimulus)
            elif not overtaken:
                self._compare(walker, taken, (state, place), reply.records)
            if self.must_stop:
                return
            if not walker.stopped:
                self._arrived(walker, taken, place)

    def _close_unsupported(self, moving: Sequence[_Move], replies: Sequence[Reply]) -> None:
        """Close the edges that the port does not support. Their walks end here. If a row was not read, the numbers of all
        later rows are wrong, so every walk ends behind it."""
        unread = False
        for move, reply in zip(moving, replies, strict=True):
            if unread:
                self._stop(move.walker)
            elif reply.unsupported is not None:
                self.closed[move.state, move.place] = True
                self.tally.skipped[reply.unsupported] += 1
                self._stop(move.walker)
                unread = move.taken.stimulus.do is Do.READ
        if unread:
            for walker in self._walkers:
                if walker.row is None:
                    self._stop(walker)

    def _stop(self, walker: _RowWalk) -> None:
        walker.stopped = self._halted = True

    def open_targets(self) -> list[list[int]]:
        """The targets of all edges, without closed edges and without states that only closed edges lead to. Such an edge
        becomes a loop."""
        reachable = self.reachable()
        return [
            [state if (state, k) in self.closed or state not in reachable else to for k, to in enumerate(out)]
            for state, out in enumerate(self.ways.graph.targets)
        ]

    def reachable(self, *, behind_findings: bool = False) -> set[int]:
        """The states that open edges lead to from the first state; with `behind_findings` also those behind edges that a
        difference closed."""
        targets, seen, waiting = self.ways.graph.targets, {0}, [0]
        while waiting:
            state = waiting.pop()
            for k, target in enumerate(targets[state]):
                closed = (state, k) in self.closed and not (behind_findings and not self.closed[state, k])
                if target not in seen and not closed:
                    seen.add(target)
                    waiting.append(target)
        return seen

    def _arrived(self, walker: _RowWalk, taken: ConcreteStep, place: int) -> None:
        self.covered.edges[walker.here.number][place] = 1
        self.tally.steps += 1
        self.tally.steps_about[taken.about] += 1
        walker.here = taken.to
        walker.at += 1

    def _compare(
        self, walker: _RowWalk, taken: ConcreteStep, edge: tuple[int, int], records: Sequence[RecordJson]
    ) -> None:
        names = walker.names
        names.learn(records, taken.expected)
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
            before, after = walker.here.state.world, taken.to.state.world
            goes_on = same_state(self.pipeline, before, taken.stimulus, taken.records, after, observed, self.unrecorded)
            says = [*wrong, *(message for _, message in broken)]
            self._trouble(walker, taken, edge, says, met_by=taken.stimulus, goes_on=goes_on, laws=broken)

    # ------------------------------------------------------------------------------------------------ events of the run

    def _event(self, event: Stimulus) -> None:
        """Take an event of the run, and move every walk over it."""
        self._run.append((None, event))
        look = event.do is Do.CRASH and self._look_at_crash
        before = list(self.port.trail()) if look else []
        moves = [self._move_of(walker, walker.here, event) for walker in self._walkers]
        self._asking = lambda: [Suspect((*m.walker.done, event), (m.state, m.place), m.state) for m in moves]
        reply = self.port.do(Request(event))
        self._asking = list
        if reply.unsupported is not None:
            self.closed |= {(move.state, move.place): True for move in moves}
            self.tally.skipped[reply.unsupported] += 1
            self._walkers = []
            return
        for move in moves:
            move.walker.took(event)
        says = []
        if reply.refused is not None:
            says = [f"the engine refuses a lawful stimulus ({reply.refused}: {reply.message})"]
        elif look and list(self.port.trail()) != before:
            says = [CRASH_CHANGED]
        says = says or self._run_record_differs(moves[0].taken, reply.records)
        if says:
            for move in moves[1:]:
                self.closed[move.state, move.place] = False
            self._trouble(moves[0].walker, moves[0].taken, (moves[0].state, moves[0].place), says, met_by=event)
            self._walkers = []
            return
        shares: dict[int, list[RecordJson]] = {}
        for record in reply.records:
            if record["rec"] != "runs":
                owner = self._of_token.get(str(record.get("token")), self._walkers[0])
                shares.setdefault(id(owner), []).append(record)
        for walker, state, taken, place, _ in moves:
            self._compare(walker, taken.without_run(), (state, place), shares.get(id(walker), ()))
            if self.must_stop:
                return
            if not walker.stopped:
                self._arrived(walker, taken, place)

    def _run_record_differs(self, taken: ConcreteStep, records: Sequence[RecordJson]) -> list[str]:
        """How the record of the run itself differs. Its number of rows counts the rows of all walks."""
        wanted = [
            {**record, "rows": self._rows} if self.together and "rows" in record else record
            for record in taken.expected
            if record["rec"] == "runs"
        ]
        return differences(keyed(wanted), keyed([r for r in records if r["rec"] == "runs"]), self.unrecorded)

    # ------------------------------------------------------------------------------------------------ refusals

    def _visit(self, walker: _RowWalk) -> None:
        """In a state whose refusals were not tried before, try every stimulus that the law refuses there."""
        number = walker.here.number
        self.covered.states[number] = 1
        if self.covered.tried[number] or not self.refusals:
            return
        tried: list[tuple[Stimulus, Stimulus, Refusal, Request]] = []
        for stimulus, rule in self.ways.graph.refusals[number]:
            concrete = walker.here.say(stimulus)
            if self._is_skipped(walker, stimulus, concrete, rule):
                continue
            if concrete.do is Do.READ:
                request = Request(concrete._replace(row=self._rows))
            else:
                request = walker.asked(concrete)
            tried.append((stimulus, concrete, rule, request))
        self._asking = lambda: [Suspect((*walker.done, concrete), None, number) for _, concrete, _, _ in tried]
        replies = self.port.together([asked for *_, asked in tried])
        self._asking = list
        walker.asked_of += [concrete for _, concrete, _, _ in tried]
        for (stimulus, concrete, rule, _), reply in zip(tried, replies, strict=True):
            if reply.unsupported is not None:
                self.tally.skipped[reply.unsupported] += 1
                continue
            self.tally.refusals += 1
            wrong = wrong_refusal(rule, reply, rules_are_named=self.refusals_have_reasons)
            if wrong is None:
                continue
            met = marks_met(self.pipeline, walker.here.state.world, concrete)
            self.troubles.append(
                Trouble(
                    (*self._run_so_far(), walker.in_run(concrete)), (*walker.done, concrete), (wrong.message,), met,
                    tuple(walker.asked_of), tuple(concrete for _, concrete, _, _ in tried),
                    goes_on=not reply.records, weak=wrong.weak, alone=not self.troubles,
                )
            )  # fmt: skip
            self.skip.setdefault(number, set()).add(stimulus)
            if self.must_stop:
                return
            if reply.records:
                # What the engine recorded may change its answers to the rest, so the rest is tried in another run.
                self.failures[named_as(concrete), met] += 1
                self._stop(walker)
                return
        self.covered.tried[number] = 1

    def _is_skipped(self, walker: _RowWalk, stimulus: Stimulus, concrete: Stimulus, rule: Refusal) -> bool:
        """True if a refused stimulus is not tried here."""
        if rule is Refusal.NO_SUCH_DATA:
            self.tally.skipped[DATA_NOT_INJECTABLE] += 1
            return True
        if concrete.do is Do.READ and rule is not Refusal.SOURCE_ENDED:
            self.tally.skipped["a source gives its rows in order"] += 1
            return True
        if stimulus in self.skip.get(walker.here.number, ()):
            return True
        if not self.failures:
            return False
        word = named_as(concrete)
        if self.failures[word, marks_met(self.pipeline, walker.here.state.world, concrete)] < ALIKE:
            return False
        self.tally.skipped[f"{word} differed {ALIKE} times in this way before"] += 1
        return True

    def _run_so_far(self) -> tuple[Stimulus, ...]:
        """The run so far, with the names of the law."""
        return tuple(stimulus if walker is None else walker.in_run(stimulus) for walker, stimulus in self._run)

    def _trouble(
        self,
        walker: _RowWalk,
        taken: ConcreteStep,
        edge: tuple[int, int],
        says: list[str],
        *,
        met_by: Stimulus,
        goes_on: bool = False,
        laws: Sequence[Broken] = (),
    ) -> None:
        """Note a difference in a lawful step. Unless both can go on, close the edge and stop the row."""
        met = marks_met(self.pipeline, walker.here.state.world, met_by)
        done, asked = tuple(walker.done), tuple(walker.asked_of)
        # The end of a visit may be in `done` already, if it was sent together with its beginning.
        last = len(done) - 1 - done[::-1].index(taken.stimulus)
        self.troubles.append(
            Trouble(
                self._run_so_far(), done[: last + 1], tuple(says), met, asked,
                edge=None if goes_on else edge, goes_on=goes_on, laws=tuple(laws), alone=not self.troubles,
            )
        )  # fmt: skip
        if not goes_on:
            self.closed[edge] = False
            self._stop(walker)


def tour(driver: BatchDriver, walks: Sequence[Walk], *, rows: int, after: Callable[[], bool]) -> None:
    """Take all walks. Walks with the same events of the run are taken together, at most `rows` in one run. `after` is called
    after each run; if it returns False, the tour ends."""
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
            if not after():
                return
