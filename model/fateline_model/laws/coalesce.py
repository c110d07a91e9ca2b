"""Laws of the coalesce: a barrier is decided once, in time, for the right reason, and accounts for every branch.

What a policy asks for is stated here a second time, as two plain questions (`should_merge`, `is_hopeless`). On purpose
these do not use the policy table: a table and a law that share their words would share their mistakes. Not here: what
the merged data is (`merging.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from ..barrier_machine import BarrierEvent, BarrierStimulus
from ..coalesce import Counts
from ..kernels import Phase
from ..lifecycle import Operation
from ..pipeline import Node
from ..records import BarrierRecord, ParentRecord, TokenRecord
from ..state import barrier_name
from ..stimuli import Do, Stimulus
from ..words import (
    MERGE_FAILURES,
    BarrierVerdict,
    Collisions,
    GroupKind,
    MergeData,
    Outcome,
    Policy,
    Reason,
    Strategy,
    Trigger,
    VisitStatus,
)
from .law import Level, Where, law, law_known_elsewhere
from .step_view import Check, StepView, listed

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
"""Why a policy fails a barrier: after a loss (False), and when its time is up (True)."""


def should_merge(policy: Policy, counts: Counts) -> bool:
    """Whether the branches that have arrived or are lost are what the policy waits for."""
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


@law("C1", "One resolution", "A barrier is resolved once.", needs=("barriers",), on=(BarrierRecord,))
def one_resolution(view: StepView) -> Iterator[Check]:
    seen: set[tuple[str, str]] = set()
    for record in view.barriers:
        before = view.barrier_before(record.run, record.barrier)
        again = (record.run, record.barrier) in seen or (before is not None and before.verdict is not None)
        yield f"barrier {record.barrier} is resolved a second time" if again else None
        seen.add((record.run, record.barrier))


@law(
    "C2",
    "Parents are what was held",
    "The parents of a merged token are the tokens that were coalesced into it. They are distinct branches of one fork.",
    needs=("tokens", "parents", "outcomes"),
    on=(ParentRecord,),
)
def parents_are_what_was_held(view: StepView) -> Iterator[Check]:
    for token, named, owed in _merged(view):
        consumed = [
            fate.token
            for fate in view.fates
            if fate.outcome is Outcome.COALESCED and fate.run == token.run and fate.group == token.group
        ]
        forks = {frame[0] if frame else None for frame in owed}
        branches = [frame[1] for frame in owed if frame]
        if sorted(named) != sorted(consumed) or not named:
            yield f"merged token {token.token} has parents {listed(named)}, and {listed(consumed)} are coalesced into it"
        elif len(forks) != 1 or None in forks or len(set(branches)) != len(named):
            yield f"the parents {named} of {token.token} are not distinct branches of one fork"
        else:
            yield None


@law(
    "C14",
    "Parents in declared order",
    "The parents of a merged token are numbered in the declared order of their branches.",
    needs=("tokens", "parents", "nodes"),
    on=(ParentRecord,),
    level=Level.PROFILE,
)
def parents_in_declared_order(view: StepView) -> Iterator[Check]:
    for token, named, owed in _merged(view):
        node = view.pipeline.nodes.get(token.token.rpartition("/")[2])
        declared = node.branches if node is not None else ()
        places = [declared.index(frame[1]) for frame in owed if frame is not None and frame[1] in declared]
        right = places == sorted(places)
        yield None if right else f"the parents of {token.token} are not in declared order: {listed(named)}"


def _merged(view: StepView) -> Iterator[tuple[TokenRecord, list[str], list[tuple[str, str] | None]]]:
    """Each merged token with its parents in the order of their ordinals, and with what each of these owed."""
    for token in view.tokens:
        if token.group_kind is GroupKind.JOIN:
            named = view.parents.get((token.run, token.token), [])
            yield token, named, [view.frame_before(token.run, name) for name in named]


def _counts(view: StepView, record: BarrierRecord) -> Counts:
    node = view.pipeline.nodes[record.node]
    arrived = [branch for branch in (record.arrived or "").split(",") if branch]
    lost = [branch for branch in (record.lost or "").split(",") if branch]
    return Counts(len(node.branches), len(arrived), len(lost), node.quorum_count or 1)


@law(
    "C3",
    "What arrived satisfies the policy",
    "A barrier merges exactly when the branches that arrived satisfy its policy: all of them, the quorum, the "
    "first one, or under best_effort all that are not lost (at a deadline, at least one). It fails for its data only if its "
    "strategy and the branches that arrived allow that.",
    needs=("barriers", "nodes"),
    on=(BarrierRecord,),
)
def what_arrived_satisfies_the_policy(view: StepView) -> Iterator[Check]:
    for record in view.barriers:
        enough, what = _has_enough(view, record), _described(view, record)
        if record.verdict is BarrierVerdict.MERGED and not enough:
            yield f"{what} merged without what its policy waits for"
        elif record.verdict is BarrierVerdict.FAILED and enough and record.reason not in MERGE_FAILURES:
            yield f"{what} failed for {record.reason}, and had what its policy waits for"
        elif record.verdict is BarrierVerdict.FAILED and enough and not _allows(view, record):
            yield f"{what} failed for {record.reason}, which its strategy and the arrived branches do not allow"
        else:
            yield None


def _allows(view: StepView, record: BarrierRecord) -> bool:
    return data_can_fail(view.pipeline.nodes[record.node], (record.arrived or "").split(","), record.reason)


def data_can_fail(node: Node, arrived: Sequence[str], reason: Reason | None) -> bool:
    """Whether a merge of these branches by this node's strategy can fail for this reason. One branch contradicts nobody."""
    if reason is Reason.SELECT_BRANCH_NOT_ARRIVED:
        return node.merge is Strategy.SELECT and node.select_branch not in arrived
    if reason is Reason.UNION_COLLISION and node.collisions is not Collisions.FAIL:
        return False
    by_data = reason in (Reason.CONTRACT_CONFLICT, Reason.UNION_COLLISION)
    return not by_data or (node.merge is Strategy.UNION and len(arrived) >= 2)


def _is_timed(record: BarrierRecord) -> bool:
    return record.trigger in (Trigger.DEADLINE, Trigger.FLUSH)


def _has_enough(view: StepView, record: BarrierRecord) -> bool:
    """Whether the barrier had what its policy waits for when it was resolved."""
    policy, counts = view.pipeline.nodes[record.node].policy, _counts(view, record)
    if _is_timed(record) and policy is Policy.BEST_EFFORT:
        return counts.arrived >= 1
    return should_merge(policy, counts)


def _described(view: StepView, record: BarrierRecord) -> str:
    return f"barrier {record.barrier} ({_counted(view.pipeline.nodes[record.node].policy, _counts(view, record))})"


def _counted(policy: Policy, counts: Counts) -> str:
    quorum = f" {counts.quorum}" if policy is Policy.QUORUM else ""
    return f"{policy}{quorum}, {counts.arrived} of {counts.n} arrived, {counts.lost} lost"


@law(
    "C15",
    "The reason that the policy gives",
    "A barrier that fails names the reason that its policy gives for the event, and the tokens held there fail for "
    "the same reason.",
    needs=("barriers", "outcomes", "nodes", "reasons"),
    on=(BarrierRecord,),
    level=Level.PROFILE,
)
def reason_that_the_policy_gives(view: StepView) -> Iterator[Check]:
    for record in view.barriers:
        what, reason = _described(view, record), WHY_FAILED[view.pipeline.nodes[record.node].policy, _is_timed(record)]
        fates = [fate for fate in view.fates if _held_at(view, fate.run, fate.token, record)]
        others = {fate.reason for fate in fates if fate.outcome is Outcome.FAILED} - {record.reason}
        failed = record.verdict is BarrierVerdict.FAILED
        if failed and record.reason is not reason and not _has_enough(view, record):
            yield f"{what} failed for {record.reason}; the reason is {reason}"
        elif failed and others:
            yield f"barrier {record.barrier} failed for {record.reason}, and its tokens for {', '.join(map(str, others))}"
        else:
            yield None


@law(
    "C4",
    "At the first event, not later",
    "A barrier is resolved at the first event after which its policy is satisfied or can no longer be satisfied.",
    needs=("barriers", "losses", "visits", "seq"),
    where=(Where.MACHINE, Where.STEP, Where.TRAIL),
)
def at_the_first_event(view: StepView) -> Iterator[Check]:
    for record in view.barriers:
        if record.trigger in (Trigger.ARRIVAL, Trigger.LOSS):
            policy, counts = view.pipeline.nodes[record.node].policy, _counts(view, record)
            due = should_merge(policy, counts) or is_hopeless(policy, counts)
            yield (
                None
                if due
                else f"barrier {record.barrier} is {record.verdict} before its policy allows ({_counted(policy, counts)})"
            )
    for _, row in view.changed:
        for barrier in row.barriers:
            if barrier.verdict is not None:
                continue
            node = view.pipeline.nodes[barrier.node]
            counts = barrier.counts(node.quorum_count)
            due = should_merge(node.policy, counts) or is_hopeless(node.policy, counts)
            name = barrier_name(row.number, barrier)
            yield f"barrier {name} is due ({_counted(node.policy, counts)}) and left open" if due else None
    yield from _answered(view)
    for record in view.barriers:
        trigger = _true_trigger(view, record)
        timed = view.pipeline.nodes[record.node].timeout_seconds is not None
        if record.trigger is not trigger:
            yield f"barrier {record.barrier} records that {record.trigger} resolved it; it was {trigger}"
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


def _true_trigger(view: StepView, record: BarrierRecord) -> Trigger:
    """The event that resolved the barrier, as the step shows it."""
    stimulus = view.stimulus
    if isinstance(stimulus, BarrierStimulus):
        return _ASKED[stimulus.do]
    if isinstance(stimulus, Stimulus) and stimulus.hold == record.barrier and stimulus.do in _ASKED:
        return _ASKED[stimulus.do]
    for visit in view.visits:
        if visit.node == record.node and visit.status is VisitStatus.HELD:
            frame = view.frame_before(visit.run, visit.token)
            if frame is not None and frame[0] == record.fork_group:
                return Trigger.ARRIVAL
    return Trigger.LOSS


@law(
    "C9",
    "Merged data follows the strategy",
    "Merged data, origins and collisions are what the strategy makes of the arrived branches in declared "
    "order. Data that it cannot merge fails the barrier, for that reason.",
    needs=("merges", "digests"),
    on=(BarrierRecord,),
    where=(Where.MACHINE, Where.KERNEL, Where.STEP, Where.TRAIL, Where.AUDIT),
)
def merged_data_follows_the_strategy(view: StepView) -> Iterator[Check]:
    prescribed = list(view.stimulus.data) if not isinstance(view.stimulus, Operation) else []
    for record in view.barriers:
        node, counts = view.pipeline.nodes[record.node], _counts(view, record)
        timed = record.trigger in (Trigger.DEADLINE, Trigger.FLUSH)
        wanted = should_merge(node.policy, counts)
        if timed:
            wanted = node.policy is Policy.BEST_EFFORT and counts.arrived >= 1
        if not wanted:
            continue
        word = prescribed.pop(0) if prescribed else MergeData.OK
        law: Reason | None = None
        if node.merge is Strategy.SELECT and node.select_branch not in (record.arrived or "").split(","):
            law = Reason.SELECT_BRANCH_NOT_ARRIVED
        elif word is MergeData.MERGED_ROW_TOO_LARGE or (node.merge is Strategy.UNION and word is not MergeData.OK):
            law = Reason(word)
        verdict = BarrierVerdict.FAILED if law is not None else BarrierVerdict.MERGED
        recorded, required = (record.verdict, record.reason), (verdict, law)
        wrong = recorded != required
        yield (
            f"barrier {record.barrier} is {_resolved(*recorded)}; its data require {_resolved(*required)}"
            if wrong
            else None
        )


def _resolved(verdict: BarrierVerdict | None, reason: Reason | None) -> str:
    return str(verdict) if reason is None else f"{verdict} ({reason})"


def _answered(view: StepView) -> Iterator[Check]:
    """A deadline or a flush that is accepted resolves its barrier."""
    stimulus = view.stimulus
    if isinstance(stimulus, Stimulus) and stimulus.do in (Do.DEADLINE, Do.FLUSH) and "@" in (stimulus.hold or ""):
        resolved = any(record.barrier == stimulus.hold for record in view.barriers)
        yield None if resolved else f"{stimulus} left its barrier open"
    elif isinstance(stimulus, BarrierStimulus) and stimulus.do in (BarrierEvent.DEADLINE, BarrierEvent.FLUSH):
        yield None if view.barriers else f"{stimulus} left the barrier open"


@law(
    "C7",
    "A barrier fails as one",
    "When a barrier fails, every visit held there is closed as failed and every token held there fails.",
    needs=("barriers", "visits", "outcomes"),
    on=(BarrierRecord,),
)
def barrier_fails_as_one(view: StepView) -> Iterator[Check]:
    for record in view.barriers:
        if record.verdict is not BarrierVerdict.FAILED:
            continue
        arrived = [branch for branch in (record.arrived or "").split(",") if branch]
        ended = [fate for fate in view.fates if _held_at(view, fate.run, fate.token, record)]
        ends = sorted({fate.outcome for fate in ended} - {Outcome.FAILED})
        closed = {v.token for v in view.visits if v.node == record.node and v.status is VisitStatus.FAILED}
        if len(ended) != len(arrived):
            yield f"barrier {record.barrier} failed with {len(arrived)} held tokens, and {len(ended)} ended with it"
        elif ends:
            yield f"barrier {record.barrier} failed, and tokens held there ended as {', '.join(ends)}"
        elif not {fate.token for fate in ended} <= closed:
            yield f"barrier {record.barrier} failed, and left a visit open or completed"
        else:
            yield None


def _held_at(view: StepView, run: str, token: str, record: BarrierRecord) -> bool:
    before, frame = view.token_before(run, token), view.frame_before(run, token)
    if before is None or frame is None or before.node != record.node or frame[0] != record.fork_group:
        return False
    arriving = any(v.token == token and v.status is VisitStatus.HELD for v in view.visits)
    return before.phase is Phase.HELD or arriving


DEADLINES_ARE_KEPT = law_known_elsewhere(
    "C11",
    "A deadline verdict only after the deadline",
    "A deadline resolves a barrier or a batch only after it has been open for its timeout. Of those that have "
    "expired, the one that expired first is resolved first.",
    needs=("barriers", "times"),
    where=(Where.KERNEL, Where.STEP, Where.TRAIL, Where.AUDIT),
    level=Level.PROFILE,
    elsewhere="Time is not part of the machines' state. This law is judged on the deadline kernels over their own "
    "exhaustive domain, and on trails that record times.",
)
