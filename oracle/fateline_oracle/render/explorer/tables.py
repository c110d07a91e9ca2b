"""Tabulates the law for a page without the law: the states of a system, what is lawful in each, and what is refused.

The form
--------
Nearly all states share their parts: a token that waits before `j` is the same in hundreds of states. So each part is kept
once, in a list, and named by its place there:

    tokens    [name, node, kind, text]              a token as it stands; `kind` is one of `KINDS`
    holds     text                                  a barrier or a batch as it stands
    records   [relation, text, lineage]             `lineage`: ["token", t], ["parent", child, t] or ["fate", t, text]
    steps     [stimulus, do, records, laws, rule]   a lawful step; `rule` only where the law refuses what a line contains
    refused   [stimulus, rule]
    states    [status, tokens, holds, edges, refused]
              an edge is [step, state]; the state is `BEYOND` if it is not in the table

An example: state 0 of every pipeline has no tokens, and an edge for `read(0, valid)`. Its step writes a row, a token and a
hop, and leads to state 1, in which token 0 waits before the first node.

Bounds
------
States are numbered breadth first, those of a line first, up to a limit. The last states of a larger system have edges that
lead beyond the table; `reached` says so.

What is refused: every stimulus that the checker tries in a state and that the law refuses there, and for each token every way
to enter a node that is not its next move. Not here: HTML, and what a page does with the tables.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from fateline_model import LAWS, Do, Refusal, StepView, Stimulus, step
from fateline_model.checker.systems import AnyStimulus, Attempt, PipelineSystem, State, System
from fateline_model.kernels import Phase
from fateline_model.laws import WorldIndex, checks
from fateline_model.records import as_json
from fateline_model.state import Barrier, Batch, Row, Run, Token, barrier_name, token_name
from fateline_model.stimuli import SHAPES
from fateline_model.words import OUTCOMES

from ..counterexample import record_text

BEYOND: Final = -1
"""The number of a state that is not in the table."""
WAITS, WORKS, HELD, ENDED, CONTINUED = KINDS = ("waits", "works", "held", "ended", "continued")
"""How a token stands, for a drawing: `continued` has ended and continues as other tokens."""
HAS_ENDED: Final = "has ended: "
"""How the text of a token begins that has a fate."""
_KIND: Final = {Phase.READY: WAITS, Phase.VISITING: WORKS, Phase.HELD: HELD, Phase.BUFFERED: HELD}
_STANDS: Final = {
    Phase.READY: "waits before {node}",
    Phase.VISITING: "is at work at {node}, attempt {attempt}",
    Phase.HELD: "is held at {node}",
    Phase.BUFFERED: "is in batch {batch}",
}
_ENTERS: Final = (Do.BEGIN, Do.ARRIVE, Do.ACCEPT)


class Place(NamedTuple):
    """A step of a line: the number of a state, and of an edge of it."""

    state: int
    edge: int


class Once:
    """A list in which equal values have one place."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[Any, int] = {}

    def place(self, key: Any, value: Any = None) -> int:
        """The place of a value, by a key that can be hashed."""
        place = self._places.setdefault(key, len(self.values))
        if place == len(self.values):
            self.values.append(key if value is None else value)
        return place


class Tables:
    """The lists of a page."""

    def __init__(self) -> None:
        self.states: list[list[Any]] = []
        self.tokens, self.holds, self.records, self.steps, self.refused = (Once() for _ in range(5))
        self.meanings: dict[str, str] = {}
        self._laws: dict[str, None] = {}

    def document(self) -> dict[str, Any]:
        """The tables as JSON, with the sentences of the laws, rules and stimuli that occur in them."""
        refused = self.refused.values
        rules = {rule for _, rule in refused} | {rule for *_, rule in self.steps.values if rule is not None}
        return {
            "tokens": self.tokens.values,
            "holds": self.holds.values,
            "records": self.records.values,
            "steps": self.steps.values,
            "refused": refused,
            "states": self.states,
            "laws": {law: [LAWS[law].title, LAWS[law].sentence] for law in LAWS if law in self._laws},
            "rules": {rule: Refusal(rule).sentence for rule in sorted(rules)},
            "meanings": self.meanings,
        }

    def record(self, record: dict[str, Any]) -> int:
        """A record, of the law or of an engine."""
        value = [str(record.get("rec", "")), record_text(record), _lineage(record)]
        return self.records.place(repr(value), value)

    def name_laws(self, laws: Iterable[str]) -> None:
        """Laws whose sentences the page needs."""
        self._laws.update(dict.fromkeys(laws))


class LawTables(Tables):
    """The law about one system, as lists."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system = system
        self.reached = False
        """Whether states were left out because of the limit."""
        self.by_step: dict[int, list[dict[str, Any]]] = {}
        """The records of each step, as data."""

    def state(self, state: State) -> list[Any]:
        """A state without its edges."""
        runs = state.world
        tokens = [self.token(row, token) for run in runs for row in run.rows for token in row.tokens]
        holds = [
            self.holds.place(_barrier(row, barrier, self.system)) for row in _rows(runs) for barrier in row.barriers
        ]
        holds += [self.holds.place(_batch(batch)) for run in runs for batch in run.batches]
        return [_status(runs), tokens, holds, [], []]

    def token(self, row: Row, token: Token) -> int:
        name = token_name(row.number, token.name)
        if token.fate is not None:
            rule = OUTCOMES[token.fate]
            return self.tokens.place((name, "", CONTINUED if rule.delegates else ENDED, f"{HAS_ENDED}{token.fate}"))
        stands = _STANDS[token.phase].format(node=token.node, attempt=token.attempt, batch=token.batch)
        owes = "".join(f", owes {frame.branch}" for frame in token.stack[-1:])
        return self.tokens.place((name, token.node, _KIND[token.phase], stands + owes))

    def step(self, before: WorldIndex, attempt: Attempt) -> int:
        """A step, with the laws that look at something in it."""
        stimulus, records = attempt.stimulus, attempt.records
        laws: list[str] = []
        if attempt.after is not None:
            view = StepView(self.system.pipeline, before, stimulus, records, attempt.after.world)
            laws = [law.id for law in LAWS.values() if any(True for _ in checks(law, view))]
        self.name_laws(laws)
        do = getattr(stimulus, "do", None) or getattr(stimulus, "op", "")
        if do in SHAPES:
            self.meanings[str(do)] = SHAPES[do].meaning
        written = [as_json(record) for record in records]
        places = [self.record(record) for record in written]
        rule = None if attempt.refusal is None else str(attempt.refusal)
        value = [str(stimulus), str(do), places, laws, rule]
        place = self.steps.place(repr(value), value)
        self.by_step.setdefault(place, written)
        return place

    def written(self, place: Place) -> list[dict[str, Any]]:
        """The records that the law writes in a step of a line."""
        return self.by_step[self.states[place.state][3][place.edge][0]]

    def refusal(self, stimulus: AnyStimulus, rule: Refusal) -> int:
        return self.refused.place((str(stimulus), str(rule)))


def tabulate(
    system: System, limit: int, lines: Sequence[Sequence[AnyStimulus]] = ()
) -> tuple[LawTables, list[list[Place]]]:
    """The tables of a system with at most `limit` states, and the places of the steps of lines from the first state.

    A stimulus of a line that the law refuses becomes an edge that leads back to its state.
    """
    tables = LawTables(system)
    numbers: dict[State, int] = {}
    states: list[State] = []

    def number(state: State, *, kept: bool = False) -> int:
        if state not in numbers:
            if len(states) >= limit and not kept:
                tables.reached = True
                return BEYOND
            numbers[state] = len(states)
            states.append(state)
            tables.states.append(tables.state(state))
        return numbers[state]

    def edge(state: int, index: WorldIndex, attempt: Attempt) -> int:
        """The place of an edge, which is added if it is new."""
        target = state if attempt.after is None else number(attempt.after)
        found = [tables.step(index, attempt), target]
        edges = tables.states[state][3]
        if found not in edges:
            edges.append(found)
        return int(edges.index(found))

    first = number(system.first(), kept=True)
    taken: list[list[tuple[int, Attempt]]] = []
    for line in lines:
        here = first
        taken.append([])
        for stimulus in line:
            attempt = taken_in(system, states[here], stimulus)
            taken[-1].append((here, attempt))
            here = here if attempt.after is None else number(attempt.after, kept=True)
    place = 0
    while place < len(states):
        state = states[place]
        index = WorldIndex(state.world)
        for attempt in _attempts(system, state):
            if attempt.refusal is not None:
                refused = tables.refusal(attempt.stimulus, attempt.refusal)
                if refused not in tables.states[place][4]:
                    tables.states[place][4].append(refused)
            elif not attempt.out_of_bounds:
                edge(place, index, attempt)
        place += 1
    return tables, [
        [Place(at, edge(at, WorldIndex(states[at].world), attempt)) for at, attempt in line] for line in taken
    ]


def taken_in(system: System, state: State, stimulus: AnyStimulus) -> Attempt:
    """What the law answers to one stimulus of a line. Raises LookupError if the system cannot be asked."""
    if isinstance(system, PipelineSystem) and isinstance(stimulus, Stimulus):
        law = step(system.pipeline, state.world[0], stimulus)
        if isinstance(law, Refusal):
            return Attempt(stimulus, law)
        return Attempt(stimulus, None, law.records, State((law.run,), state.crashes + (stimulus.do is Do.CRASH)))
    for attempt in system.attempts(state):
        if attempt.stimulus == stimulus:
            return attempt
    raise LookupError(f"no stimulus {stimulus} in this state")


def _attempts(system: System, state: State) -> Iterator[Attempt]:
    """What the checker tries, and every way to enter a node with a token of which that is not the next move."""
    yield from system.attempts(state)
    if not isinstance(system, PipelineSystem):
        return
    run = state.world[0]
    for row in run.rows:
        for token, do in ((token, do) for token in row.tokens for do in _ENTERS):
            stimulus = Stimulus(do, token=token_name(row.number, token.name))
            law = step(system.pipeline, run, stimulus)
            if isinstance(law, Refusal):
                yield Attempt(stimulus, law)


# ------------------------------------------------------------------------------------------------- words


def _rows(runs: Iterable[Run]) -> Iterator[Row]:
    return (row for run in runs for row in run.rows)


def _status(runs: Sequence[Run]) -> str:
    words = [f"run {run.name} is {run.status}{', the source has ended' if run.source_ended else ''}" for run in runs]
    return "; ".join(words)


def _barrier(row: Row, barrier: Barrier, system: System) -> str:
    branches = system.pipeline.nodes[barrier.node].branches
    marks = ", ".join(f"{branch} {mark}" for branch, mark in zip(branches, barrier.marks, strict=False))
    verdict = f"; {barrier.verdict}" if barrier.verdict is not None else ""
    return f"barrier {barrier_name(row.number, barrier)}: {marks}{verdict}"


def _batch(batch: Batch) -> str:
    members = f", members {', '.join(batch.members)}" if batch.members else ""
    trigger = f" by {batch.trigger}" if batch.trigger is not None else ""
    return f"batch {batch.name}: {batch.status}{trigger}{members}"


def _lineage(record: dict[str, Any]) -> list[str] | None:
    """What a record says about the lineage of a token."""
    rec, token = record.get("rec"), str(record.get("token", "?"))
    if rec == "tokens":
        return ["token", token]
    if rec == "parents":
        return ["parent", str(record.get("child", "?")), str(record.get("parent", "?"))]
    if rec == "outcomes" and record.get("outcome") != "buffered":
        about = record.get("sink") or record.get("reason")
        return ["fate", token, f"{record.get('outcome', '?')}{f', {about}' if about else ''}"]
    return None
