"""What the order of events can change at one barrier.

What happens to each of three branches is fixed: it arrives with its data, or it is lost. Everything else is order. So for
each policy and each rule of merging, each such set of events is played at the barrier machine in every order, once without
a deadline and once with a deadline anywhere, and what comes out is compared. What differs in some set can be changed by
order; what never differs cannot, for three branches. For any number of branches, see the proofs `swapped_events` and
`keep_two`.

Not here: rows and batches, where order means which tokens are members.
"""

from collections.abc import Iterator
from itertools import permutations, product
from typing import Final, NamedTuple

from .. import merging
from ..barrier_machine import BarrierEvent, BarrierStimulus, barrier_step, diamond, initial
from ..machine import Accepted
from ..pipeline import Node
from ..records import BarrierRecord
from ..state import Run
from ..words import Collisions, MergeData, NodeKind, Policy, Strategy

BRANCHES: Final = ("a", "b", "c")
SELECTED: Final = "b"
VALUES: Final = tuple(product("1", "12", "12"))
"""The value that each branch has for one field, up to renaming."""
MERGES: Final = (
    (Strategy.UNION, Collisions.LAST_WINS),
    (Strategy.UNION, Collisions.FIRST_WINS),
    (Strategy.UNION, Collisions.FAIL),
    (Strategy.NESTED, Collisions.LAST_WINS),
    (Strategy.SELECT, Collisions.LAST_WINS),
)


class Result(NamedTuple):
    """What came out: of the barrier, of its data, and of each branch's token."""

    verdict: str
    reason: str
    trigger: str
    branches: str
    data: str
    fates: str


class Change(NamedTuple):
    """What order can change for one policy and one rule of merging: a pair of orders for each thing that differs."""

    policy: Policy
    strategy: Strategy
    collisions: Collisions
    deadline: bool
    examples: dict[str, str]


Event = tuple[BarrierEvent, str | None]


def coalesce(policy: Policy, strategy: Strategy, collisions: Collisions) -> Node:
    """The node whose barrier is played: three branches, a quorum of two, a timeout."""
    return Node(
        "j",
        NodeKind.COALESCE,
        branches=BRANCHES,
        to="out",
        policy=policy,
        quorum_count=2 if policy is Policy.QUORUM else None,
        merge=strategy,
        collisions=collisions,
        select_branch=SELECTED if strategy is Strategy.SELECT else None,
        timeout_seconds=60,
    )


def played(node: Node, events: tuple[Event, ...], values: tuple[str, ...]) -> Result:
    """The events in this order. A deadline before the first event or after the resolution does not happen."""
    pipeline, given = diamond(node), dict(zip(BRANCHES, values, strict=True))
    run, found = initial(pipeline), None
    came: dict[str, dict[str, str]] = {}
    for do, branch in events:
        stimulus, data = BarrierStimulus(do, branch), ""
        if do is BarrierEvent.ARRIVE and branch is not None:
            came[branch] = {"x": given[branch]}
        done = barrier_step(pipeline, run, stimulus)
        if isinstance(done, Accepted) and done.merges:  # nothing has arrived that is not held: this merge is the first
            merged = merging.merge(node.merge, BRANCHES, came, collisions=node.collisions, select=node.select_branch)
            data = str(dict(merged.data))
            if merged.conflict and node.collisions is Collisions.FAIL:
                done = barrier_step(pipeline, run, stimulus._replace(data=(MergeData.UNION_COLLISION,)))
        if isinstance(done, Accepted):
            run = done.run
            record = next((one for one in done.records if isinstance(one, BarrierRecord)), None)
            found = (record, data) if record is not None else found
    return _result(run, found)


def _result(run: Run, found: tuple[BarrierRecord, str] | None) -> Result:
    tokens = {token.name: token for token in run.rows[0].tokens}
    fates = ", ".join(f"{b} {tokens[f'/{b}'].fate or tokens[f'/{b}'].phase}" for b in BRANCHES)
    if found is None:
        return Result("open", "", "", "", "", fates)
    record, data = found
    merged = record.verdict == "merged"
    arrived = str(record.arrived) if merged else ""
    return Result(
        str(record.verdict), str(record.reason or ""), str(record.trigger), arrived, data if merged else "", fates
    )


def changes() -> Iterator[Change]:
    """For every policy, every rule of merging, without and with a deadline: what order can change."""
    for deadline, policy, (strategy, collisions) in product((False, True), Policy, MERGES):
        node, examples = coalesce(policy, strategy, collisions), dict[str, str]()
        for happens, values in product(product((BarrierEvent.ARRIVE, BarrierEvent.LOSE), repeat=3), VALUES):
            events: list[Event] = [*zip(happens, BRANCHES, strict=True)]
            events += [(BarrierEvent.DEADLINE, None)] * deadline
            first: dict[str, tuple[str, str]] = {}
            for order in permutations(events):
                result = played(node, order, values)
                for what, value in result._asdict().items():
                    said, known = first.setdefault(what, (_said(order), value))
                    if value != known:
                        examples.setdefault(what, f"{said}: {known or 'none'}; {_said(order)}: {value or 'none'}")
        yield Change(policy, strategy, collisions, deadline, examples)


def _said(order: tuple[Event, ...]) -> str:
    words = {BarrierEvent.ARRIVE: "{} arrives", BarrierEvent.LOSE: "{} is lost", BarrierEvent.DEADLINE: "deadline"}
    return ", ".join(words[do].format(branch) for do, branch in order)
