"""Laws of the coalesce: a barrier is decided once, in time, for the right reason, and accounts for every branch.

What a policy asks for is said here a second time, as two plain questions (`should_merge`, `is_hopeless`), and on purpose
not with the policy table: a table and a law that share their words would share their mistakes. Not here: what the
merged data is (`coalesce.py`).
"""

from collections.abc import Iterator
from typing import Final

from ..coalesce import Counts
from ..kernels import Phase
from ..lifecycle import Operation
from ..records import BarrierRecord, ParentRecord
from ..single import BarrierEvent, BarrierStimulus
from ..state import barrier_name, split
from ..stimuli import Do, Stimulus
from ..words import (
    BarrierVerdict,
    GroupKind,
    MergeData,
    Outcome,
    Policy,
    Reason,
    Strategy,
    Trigger,
    VisitStatus,
)
from .fate import EVERYWHERE
from .law import Family, Law, Level, Where
from .moment import Check, Moment

MERGE_FAILURES = (Reason.SELECT_BRANCH_NOT_ARRIVED, Reason.CONTRACT_CONFLICT, Reason.UNION_COLLISION)


WHY_FAILED: Final = {
    (Policy.REQUIRE_ALL, False): Reason.BRANCH_LOST,
    (Policy.REQUIRE_ALL, True): Reason.INCOMPLETE_BRANCHES,
    (Policy.QUORUM, False): Reason.QUORUM_IMPOSSIBLE,
    (Policy.QUORUM, True): Reason.QUORUM_NOT_MET,
    (Policy.BEST_EFFORT, False): Reason.ALL_BRANCHES_LOST,
    (Policy.BEST_EFFORT, True): Reason.NO_ARRIVALS,
    (Policy.FIRST, False): Reason.ALL_BRANCHES_LOST,
    (Policy.FIRST, True): Reason.NO_ARRIVALS,
}
"""Why a policy fails a barrier: after a loss, and when its time is up."""


def should_merge(policy: Policy, counts: Counts) -> bool:
    """Whether what has arrived, and what is lost, is what the policy waits for."""
    if policy is Policy.REQUIRE_ALL:
        return counts.arrived == counts.n
    if policy is Policy.QUORUM:
        return counts.arrived == counts.quorum
    if policy is Policy.FIRST:
        return counts.arrived == 1
    return counts.arrived >= 1 and counts.arrived + counts.lost == counts.n


def is_hopeless(policy: Policy, counts: Counts) -> bool:
    """Whether no future arrival can give the policy what it waits for."""
    if policy is Policy.REQUIRE_ALL:
        return counts.lost > 0
    if policy is Policy.QUORUM:
        return counts.lost > counts.n - counts.quorum
    return counts.lost == counts.n


def one_resolution(moment: Moment) -> Iterator[Check]:
    told: set[tuple[str, str]] = set()
    for record in moment.barriers:
        before = moment.barrier_before(record.run, record.barrier)
        again = (record.run, record.barrier) in told or (before is not None and before.verdict is not None)
        yield f"barrier {record.barrier} is resolved a second time" if again else None
        told.add((record.run, record.barrier))


def parents_are_the_held(moment: Moment) -> Iterator[Check]:
    parents = moment.parents
    for token in moment.tokens:
        if token.group_kind is not GroupKind.JOIN:
            continue
        named = parents.get((token.run, token.token), [])
        consumed = [
            fate.token
            for fate in moment.fates
            if fate.outcome is Outcome.COALESCED and fate.run == token.run and fate.group == token.group
        ]
        owed = [moment.frame_before(token.run, name) for name in named]
        forks = {frame[0] if frame else None for frame in owed}
        branches = [frame[1] for frame in owed if frame]
        if sorted(named) != sorted(consumed) or not named:
            yield f"merged token {token.token} has parents {named}, and {consumed} are coalesced into it"
        elif len(forks) != 1 or None in forks or len(set(branches)) != len(named):
            yield f"the parents {named} of {token.token} are not distinct branches of one fork"
        else:
            yield _declared_order(moment, token.token, named, branches)


def _declared_order(moment: Moment, merged: str, named: list[str], branches: list[str]) -> Check:
    before = {name: (split(name), b) for name, b in zip(named, branches, strict=True)}
    node = moment.pipeline.nodes.get(merged.rpartition("/")[2])
    if node is None or not node.branches:
        return None
    order = [node.branches.index(branch) for branch in branches if branch in node.branches]
    return None if order == sorted(order) and before else f"the parents of {merged} are not in declared order: {named}"


def _counts(moment: Moment, record: BarrierRecord) -> Counts:
    node = moment.pipeline.nodes[record.node]
    arrived = [branch for branch in (record.arrived or "").split(",") if branch]
    lost = [branch for branch in (record.lost or "").split(",") if branch]
    return Counts(len(node.branches), len(arrived), len(lost), node.quorum_count or 1)


def policy_satisfied(moment: Moment) -> Iterator[Check]:
    for record in moment.barriers:
        policy, counts = moment.pipeline.nodes[record.node].policy, _counts(moment, record)
        timed = record.trigger in (Trigger.DEADLINE, Trigger.FLUSH)
        enough = should_merge(policy, counts)
        if timed and policy is Policy.BEST_EFFORT:
            enough = counts.arrived >= 1
        said = f"barrier {record.barrier} ({policy}, {counts.arrived} of {counts.n} arrived, {counts.lost} lost)"
        if record.verdict is BarrierVerdict.MERGED and not enough:
            yield f"{said} merged without what its policy waits for"
        elif record.verdict is BarrierVerdict.FAILED and enough and record.reason not in MERGE_FAILURES:
            yield f"{said} failed for {record.reason}, and had what its policy waits for"
        elif record.reason not in (None, *MERGE_FAILURES) and record.reason is not WHY_FAILED[policy, timed]:
            yield f"{said} failed for {record.reason}; the reason is {WHY_FAILED[policy, timed]}"
        elif record.reason in MERGE_FAILURES and not enough:
            yield f"{said} failed in a merge that its policy did not ask for"
        else:
            yield None


def in_time(moment: Moment) -> Iterator[Check]:
    for record in moment.barriers:
        if record.trigger in (Trigger.ARRIVAL, Trigger.LOSS):
            policy, counts = moment.pipeline.nodes[record.node].policy, _counts(moment, record)
            due = should_merge(policy, counts) or is_hopeless(policy, counts)
            yield None if due else f"barrier {record.barrier} is {record.verdict} before its policy allows ({counts})"
    for _, row in moment.changed:
        for barrier in row.barriers:
            if barrier.verdict is not None:
                continue
            node = moment.pipeline.nodes[barrier.node]
            counts = barrier.counts(node.quorum_count)
            due = should_merge(node.policy, counts) or is_hopeless(node.policy, counts)
            name = barrier_name(row.number, barrier)
            yield f"barrier {name} is due ({node.policy}, {counts}) and left open" if due else None
    yield from _answered(moment)
    for record in moment.barriers:
        trigger = _true_trigger(moment, record)
        timed = moment.pipeline.nodes[record.node].timeout_seconds is not None
        if record.trigger is not trigger:
            yield f"barrier {record.barrier} says it was resolved by {record.trigger}; it was {trigger}"
        elif trigger is Trigger.DEADLINE and not timed:
            yield f"barrier {record.barrier} is resolved by a deadline, and has no timeout"
        else:
            yield None


_ASKED: Final = {
    BarrierEvent.ARRIVE: Trigger.ARRIVAL,
    BarrierEvent.LOSE: Trigger.LOSS,
    BarrierEvent.DEADLINE: Trigger.DEADLINE,
    BarrierEvent.FLUSH: Trigger.FLUSH,
    Do.DEADLINE: Trigger.DEADLINE,
    Do.FLUSH: Trigger.FLUSH,
}


def _true_trigger(moment: Moment, record: BarrierRecord) -> Trigger:
    """What the step shows to have resolved the barrier."""
    stimulus = moment.stimulus
    if isinstance(stimulus, BarrierStimulus):
        return _ASKED[stimulus.do]
    if isinstance(stimulus, Stimulus) and stimulus.hold == record.barrier and stimulus.do in _ASKED:
        return _ASKED[stimulus.do]
    for visit in moment.visits:
        if visit.node == record.node and visit.status is VisitStatus.HELD:
            frame = moment.frame_before(visit.run, visit.token)
            if frame is not None and frame[0] == record.fork_group:
                return Trigger.ARRIVAL
    return Trigger.LOSS


def merge_says(moment: Moment) -> Iterator[Check]:
    said = list(moment.stimulus.data) if not isinstance(moment.stimulus, Operation) else []
    for record in moment.barriers:
        node, counts = moment.pipeline.nodes[record.node], _counts(moment, record)
        timed = record.trigger in (Trigger.DEADLINE, Trigger.FLUSH)
        wanted = should_merge(node.policy, counts)
        if timed:
            wanted = node.policy is Policy.BEST_EFFORT and counts.arrived >= 1
        if not wanted:
            continue
        word = said.pop(0) if said else MergeData.OK
        law: Reason | None = None
        if node.merge is Strategy.SELECT and node.select_branch not in (record.arrived or "").split(","):
            law = Reason.SELECT_BRANCH_NOT_ARRIVED
        elif node.merge is Strategy.UNION and word is not MergeData.OK:
            law = Reason(word)
        verdict = BarrierVerdict.FAILED if law is not None else BarrierVerdict.MERGED
        right = (record.verdict, record.reason) == (verdict, law)
        told = f"{record.verdict} ({record.reason})"
        yield None if right else f"barrier {record.barrier} is {told}; its data say {verdict} ({law})"


def _answered(moment: Moment) -> Iterator[Check]:
    """A deadline or a flush that is accepted resolves its barrier."""
    stimulus = moment.stimulus
    if isinstance(stimulus, Stimulus) and stimulus.do in (Do.DEADLINE, Do.FLUSH) and "@" in (stimulus.hold or ""):
        resolved = any(record.barrier == stimulus.hold for record in moment.barriers)
        yield None if resolved else f"{stimulus} left its barrier open"
    elif isinstance(stimulus, BarrierStimulus) and stimulus.do in (BarrierEvent.DEADLINE, BarrierEvent.FLUSH):
        yield None if moment.barriers else f"{stimulus} left the barrier open"


def fails_as_one(moment: Moment) -> Iterator[Check]:
    for record in moment.barriers:
        if record.verdict is not BarrierVerdict.FAILED:
            continue
        arrived = [branch for branch in (record.arrived or "").split(",") if branch]
        ended = [fate for fate in moment.fates if _held_at(moment, fate.run, fate.token, record)]
        said = {(fate.outcome, fate.reason) for fate in ended}
        closed = {v.token for v in moment.visits if v.node == record.node and v.status is VisitStatus.FAILED}
        if len(ended) != len(arrived):
            yield f"barrier {record.barrier} failed with {len(arrived)} held tokens, and {len(ended)} ended with it"
        elif said - {(Outcome.FAILED, record.reason)}:
            yield f"barrier {record.barrier} failed for {record.reason}, and its tokens ended as {sorted(said)}"
        elif not {fate.token for fate in ended} <= closed:
            yield f"barrier {record.barrier} failed, and left a visit open or completed"
        else:
            yield None


def _held_at(moment: Moment, run: str, token: str, record: BarrierRecord) -> bool:
    before, frame = moment.token_before(run, token), moment.frame_before(run, token)
    if before is None or frame is None or before.node != record.node or frame[0] != record.fork_group:
        return False
    arriving = any(v.token == token and v.status is VisitStatus.HELD for v in moment.visits)
    return before.phase is Phase.HELD or arriving


LAWS = (
    Law(
        "C1",
        "One resolution",
        "A barrier is resolved once.",
        Family.COALESCE,
        Level.CORE,
        EVERYWHERE,
        ("barriers",),
        (BarrierRecord,),
        one_resolution,
    ),
    Law(
        "C2",
        "Parents are what was held",
        "The parents of a merge are the tokens coalesced into it: distinct branches of one fork, in declared order.",
        Family.COALESCE,
        Level.CORE,
        EVERYWHERE,
        ("tokens", "parents", "outcomes"),
        (ParentRecord,),
        parents_are_the_held,
    ),
    Law(
        "C3",
        "What arrived satisfies the policy",
        "A barrier merges exactly when the set that arrived is what its policy waits for: all n, the quorum, the first, "
        "or under best_effort all that are not lost, at a deadline at least one.",
        Family.COALESCE,
        Level.CORE,
        EVERYWHERE,
        ("barriers", "nodes"),
        (BarrierRecord,),
        policy_satisfied,
    ),
    Law(
        "C4",
        "At the first event, not later",
        "A barrier is resolved at the first event at which its policy can be satisfied or no longer can be.",
        Family.COALESCE,
        Level.CORE,
        (Where.MACHINE, Where.STEP, Where.TRAIL),
        ("barriers", "losses", "visits", "seq"),
        (),
        in_time,
    ),
    Law(
        "C7",
        "A barrier fails as one",
        "When a barrier fails, every held visit is closed failed and every held token fails, for the same reason.",
        Family.COALESCE,
        Level.CORE,
        EVERYWHERE,
        ("barriers", "visits", "outcomes"),
        (BarrierRecord,),
        fails_as_one,
    ),
    Law(
        "C9",
        "Merged data follows the strategy",
        "Merged data, origins and collisions are what the strategy makes of the arrived branches in declared order; what it "
        "cannot merge fails the barrier, for that reason.",
        Family.COALESCE,
        Level.CORE,
        (Where.MACHINE, Where.KERNEL, Where.STEP, Where.TRAIL, Where.AUDIT),
        ("merges", "digests"),
        (BarrierRecord,),
        merge_says,
    ),
    Law(
        "C11",
        "A deadline verdict only after the deadline",
        "A barrier or batch that a deadline resolves was open for its timeout; what expired first is resolved first.",
        Family.COALESCE,
        Level.PROFILE,
        (Where.KERNEL, Where.STEP, Where.TRAIL, Where.AUDIT),
        ("barriers", "times"),
        (),
        None,
        "Time is no state of the machines. Judged on the deadline kernel over its own exhaustive domain, and on trails "
        "that record times.",
    ),
)
