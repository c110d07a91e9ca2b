"""Laws of visits and of the graph: a token is at one place at a time, and moves along edges that exist.

Not here: what happens to visits that a crash cut off (`recovery.py`).
"""

from collections.abc import Iterator
from typing import Final

from ..kernels import Phase
from ..records import HopRecord, OutcomeRecord, RunRecord, TokenRecord, VisitRecord
from ..state import Row, Token, token_name
from ..words import (
    CONTINUE,
    DISCARD,
    FORK,
    ON_ERROR,
    OPEN_STATUSES,
    GroupKind,
    NodeKind,
    Verdict,
    VisitStatus,
)
from .law import Level, law
from .step_view import Check, StepView, listed, live

_MOVES: Final = (VisitRecord, HopRecord)
OPEN_PHASES = (Phase.VISITING, Phase.HELD, Phase.BUFFERED)


@law(
    "V1",
    "Closed when the run is over",
    "When a run is over, every visit is closed.",
    needs=("runs", "visits"),
    on=(RunRecord,),
)
def visits_closed_when_over(view: StepView) -> Iterator[Check]:
    for run in view.over:
        for row in run.rows:
            for token in row.tokens:
                open_ = token.phase in OPEN_PHASES
                yield (
                    f"the run is over, and token {token_name(row.number, token.name)} is {token.phase}"
                    if open_
                    else None
                )


@law(
    "V2",
    "One attempt after another",
    "An attempt of a token at a node is closed before the next one opens, and a completed attempt is the last.",
    needs=("visits",),
    on=(VisitRecord,),
)
def one_attempt_after_another(view: StepView) -> Iterator[Check]:
    for visit, closed, unclosed in _opened(view):
        if closed is not None and closed.status is VisitStatus.COMPLETED:
            yield f"token {visit.token} opens another attempt at {visit.node} after a completed one"
        elif closed is None and unclosed is not None:
            yield f"token {visit.token} opens a visit of {visit.node} while its attempt {unclosed} is not closed"
        else:
            yield None


@law(
    "V5",
    "Attempts are numbered without gaps",
    "The attempts of a token at a node are numbered 0, 1, 2, … without gaps.",
    needs=("visits",),
    on=(VisitRecord,),
    level=Level.PROFILE,
)
def attempts_without_gaps(view: StepView) -> Iterator[Check]:
    for visit, closed, unclosed in _opened(view):
        last = closed.attempt if closed is not None else unclosed
        expected = _next_attempt(view, visit) if last is None else last + 1
        right = visit.attempt == expected
        what = f"token {visit.token} opens attempt {visit.attempt} at {visit.node}"
        yield None if right else f"{what}; {expected} is next"


def _next_attempt(view: StepView, visit: VisitRecord) -> int:
    """The number of a token's next attempt if none was open: not 0 if a resume closed one and opened none."""
    before = view.token_before(visit.run, visit.token)
    waits = before is not None and before.phase is Phase.READY and before.node == visit.node
    return before.attempt if before is not None and waits else 0


def _opened(view: StepView) -> Iterator[tuple[VisitRecord, VisitRecord | None, int | None]]:
    """Each attempt that opens, with the attempt at the same node that this step closed before it, and the number of the one
    that was open before the step."""
    closed: dict[tuple[str, str, str], VisitRecord] = {}
    for visit in view.visits:
        key = (visit.run, visit.token, visit.node)
        if visit.status not in OPEN_STATUSES:
            closed[key] = visit
            continue
        before = view.token_before(visit.run, visit.token)
        open_ = before is not None and before.phase is Phase.VISITING and before.node == visit.node
        yield visit, closed.get(key), before.attempt if before is not None and open_ else None


@law(
    "V3",
    "One open visit",
    "A token has at most one open visit at a time, and no open visit once it goes on or has met its fate.",
    needs=("visits", "hops", "outcomes", "seq"),
    on=(VisitRecord, HopRecord, OutcomeRecord),
)
def one_open_visit(view: StepView) -> Iterator[Check]:
    open_: dict[tuple[str, str], int] = {}
    for visit in view.visits:
        key = (visit.run, visit.token)
        if key not in open_:
            before = view.token_before(*key)
            open_[key] = int(before is not None and before.phase in OPEN_PHASES)
        open_[key] += 1 if visit.status in OPEN_STATUSES else -1
        late = visit.verdict == Verdict.LATE
        open_[key] += 1 if late else 0
        if open_[key] < 0:
            yield f"token {visit.token} ends a visit of {visit.node} that was not open"
        else:
            yield f"token {visit.token} has {open_[key]} open visits" if open_[key] > 1 else None
    changed = {key: (before, after) for key, before, after in view.changed_tokens}
    for key in {**changed, **open_}:
        before, after = changed.get(key) or (view.token_before(*key),) * 2
        was = int(before is not None and before.phase in OPEN_PHASES)
        left, stands = open_.get(key, was), int(after is not None and after.phase in OPEN_PHASES)
        phase = after.phase if after is not None else "unknown"
        yield None if left == stands else f"token {key[1]} is {phase}, with {max(left, 0)} open visits"


@law(
    "T1",
    "A path of the graph",
    "A token's visits and hops form a path that starts at the node that created the token. Each hop is an edge of "
    "the graph, unless it leads to a sink because of an error.",
    needs=("nodes", "edges", "visits", "hops", "parents"),
    on=(VisitRecord, HopRecord, TokenRecord),
)
def path_of_the_graph(view: StepView) -> Iterator[Check]:
    heads: dict[tuple[str, str], str] = {}
    made = {(record.run, record.token): record for record in view.tokens}
    for record in view.records:
        if not isinstance(record, _MOVES):
            continue
        key = (record.run, record.token)
        before = view.token_before(*key)
        here = heads.get(key, before.node if before is not None else "")
        if isinstance(record, VisitRecord):
            yield None if record.node == here else f"token {record.token} visits {record.node}; its hop led to {here}"
        elif not _is_error_hop(view, record) and (off := _off_the_graph(view, record)) is not None:
            yield off
        elif key in made and key not in heads:
            yield _starts_right(view, made[key], record)
        else:
            yield None if record.src == here else f"token {record.token} leaves {record.src}; it stood at {here}"
        if isinstance(record, HopRecord):
            heads[key] = record.dst
    for key in made.keys() - heads.keys():
        token = view.token_after(*key)
        yield None if token is not None and token.fate is not None else f"token {key[1]} is created and takes no hop"


@law(
    "T4",
    "Error edges are edges of the graph",
    "A hop that a token takes to a sink because of an error is an edge of the graph.",
    needs=("nodes", "edges", "hops"),
    on=(HopRecord,),
    level=Level.PROFILE,
)
def error_edges_are_edges(view: StepView) -> Iterator[Check]:
    for hop in view.hops:
        if _is_error_hop(view, hop):
            yield _off_the_graph(view, hop)


def _is_error_hop(view: StepView, hop: HopRecord) -> bool:
    """Whether a token takes this hop to a sink because of an error."""
    dst = view.pipeline.nodes.get(hop.dst)
    return hop.label == ON_ERROR and dst is not None and dst.kind is NodeKind.SINK


def _off_the_graph(view: StepView, hop: HopRecord) -> Check:
    if (hop.src, hop.label) not in view.pipeline.edges:
        return f"token {hop.token} takes edge {hop.label} of {hop.src}, which does not exist"
    leads = view.pipeline.edges[hop.src, hop.label] == hop.dst
    return None if leads else f"edge {hop.label} of {hop.src} does not lead to {hop.dst}"


def _starts_right(view: StepView, token: TokenRecord, hop: HopRecord) -> Check:
    """The first hop leaves the node that created the token, by the edge that follows from its lineage."""
    parents = view.parents.get((token.run, token.token), [])
    before = view.token_before(token.run, parents[0]) if parents else None
    src = before.node if before is not None else view.pipeline.source.name
    labels = {
        None: (CONTINUE, ON_ERROR),
        GroupKind.FORK: (str(token.branch),),
        GroupKind.JOIN: (CONTINUE,),
        GroupKind.EXPAND: (CONTINUE,),
        GroupKind.BATCH: (CONTINUE,),
    }
    right = hop.src == src and hop.label in labels[token.group_kind]
    return (
        None if right else f"token {token.token} starts by {hop.label} of {hop.src}; by its lineage it starts at {src}"
    )


@law(
    "T2",
    "The edge of the verdict",
    "Each hop after a visit takes the edge that the visit's verdict names.",
    needs=("edges", "visits", "hops"),
    on=(HopRecord,),
)
def edge_of_the_verdict(view: StepView) -> Iterator[Check]:
    made = {(record.run, record.token) for record in view.tokens}
    closed = {(v.run, v.token): v for v in view.visits if v.status not in OPEN_STATUSES}
    for hop in view.hops:
        key = (hop.run, hop.token)
        if key in made:
            continue
        visit = closed.get(key)
        if visit is None or visit.node != hop.src:
            yield f"token {hop.token} leaves {hop.src} without a verdict there"
        elif hop.from_visit != visit.visit:
            yield f"token {hop.token} leaves {hop.src} after visit {visit.visit}, and its hop names {hop.from_visit}"
        elif hop.label not in _edges_of_verdict(view, visit):
            yield f"token {hop.token} leaves {hop.src} by {hop.label} after the verdict {visit.verdict}"
        else:
            yield None


def _edges_of_verdict(view: StepView, visit: VisitRecord) -> tuple[str, ...]:
    if visit.status is VisitStatus.FAILED:
        return (ON_ERROR,)
    word, _, label = (visit.verdict or "").partition(" ")
    if word == Verdict.ROUTE:
        target = dict(view.pipeline.nodes[visit.node].routes).get(label)
        return (CONTINUE,) if target == CONTINUE else () if target in (FORK, DISCARD, None) else (label,)
    return (CONTINUE,) if word in (Verdict.PASS, Verdict.FLUSHED) else ()


@law(
    "T3",
    "The stack of the node",
    "Everywhere but at a sink, a token owes exactly the branches that the graph prescribes for the node where it is.",
    needs=("nodes", "edges", "tokens", "hops"),
)
def stack_of_the_node(view: StepView) -> Iterator[Check]:
    for _, row in view.changed:
        for token in live(row):
            node = view.pipeline.nodes.get(token.node)
            if node is None or node.kind is NodeKind.SINK:
                continue
            expected = list(view.pipeline.stacks[node.name])
            owed = _owed(row, token.stack)
            if node.kind is NodeKind.COALESCE and owed and expected:
                expected[-1] = (expected[-1][0], owed[-1][1])
            yield (
                None
                if owed == expected
                else f"{_at(row, token)} owes {_debts(owed)}; the graph prescribes {_debts(expected)}"
            )


def _at(row: Row, token: Token) -> str:
    return f"token {token_name(row.number, token.name)} at {token.node}"


def _debts(frames: list[tuple[str, str]]) -> str:
    """Debts as they stand in a message: a branch of a gate each."""
    return listed(f"{branch} of {gate}" for gate, branch in frames)


def _owed(row: Row, stack: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    gates = {token.name: token.node for token in row.tokens}
    return [(gates.get(fork, "?"), branch) for fork, branch in stack]
