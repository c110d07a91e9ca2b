"""Laws of batches: which tokens are members, what closed the batch, and that all members end in the same way.

Not here: that a buffered token comes out at all (`fate.py`, F5).
"""

from collections.abc import Iterator

from ..lifecycle import Op, Operation
from ..records import BatchRecord, MemberRecord, TokenRecord
from ..stimuli import Do, Stimulus
from ..words import BatchMode, BatchStatus, FlushVerdict, GroupKind, Outcome, Trigger, Verdict, VisitStatus
from .law import Level, law
from .step_view import Check, StepView, listed

ASKED_BY = {
    Do.ACCEPT: Trigger.COUNT,
    Do.DEADLINE: Trigger.TIMEOUT,
    Do.CONDITION: Trigger.CONDITION,
    Do.FLUSH: Trigger.END_OF_SOURCE,
}


@law(
    "B1",
    "Membership and order",
    "The members of a batch join while it is open and are numbered from 0 in the order in which they come. The "
    "outputs of the batch are children of a member that was consumed in it.",
    needs=("batches", "members", "parents"),
    on=(MemberRecord, BatchRecord, TokenRecord),
)
def membership_and_order(view: StepView) -> Iterator[Check]:
    opened = {record.batch for record in view.batches if record.status is BatchStatus.OPEN}
    for member in view.members:
        before = view.batch_before(member.run, member.batch)
        if before is None and member.batch not in opened:
            yield f"token {member.token} joins batch {member.batch}, which does not exist"
        elif before is not None and before.status is not BatchStatus.OPEN:
            yield f"token {member.token} joins batch {member.batch}, which is {before.status}"
        elif member.ordinal != (len(before.members) if before is not None else 0):
            yield f"token {member.token} is member {member.ordinal} of batch {member.batch}, out of order"
        else:
            yield None
    for token, parents, members in _outputs(view):
        consumed = {fate.token for fate in view.fates if fate.outcome is Outcome.CONSUMED_IN_BATCH}
        right = bool(parents) and set(parents) <= consumed.intersection(members)
        what = f"output {token.token} of batch {token.group}"
        yield None if right else f"{what} is not a child of a member that was consumed in it"
    yield from _few_at_once(view)


def _outputs(view: StepView) -> Iterator[tuple[TokenRecord, list[str], tuple[str, ...]]]:
    """Each output of a batch that ends in this step, with its parents and the members of the batch."""
    for token in view.tokens:
        if token.group_kind is GroupKind.BATCH:
            made_by = view.batch_before(token.run, str(token.group))
            members = made_by.members if made_by is not None else ()
            yield token, view.parents.get((token.run, token.token), []), members


def _few_at_once(view: StepView) -> Iterator[Check]:
    for record in view.batches:
        for run in view.after:
            standing = [b for b in run.batches if run.name == record.run and b.node == record.node]
            for status in (BatchStatus.OPEN, BatchStatus.TRIGGERED):
                names = [batch.name for batch in standing if batch.status is status]
                yield f"batches {', '.join(names)} of {record.node} are {status} at once" if len(names) > 1 else None


@law(
    "B2",
    "The trigger is the truth",
    "A batch is closed by the first trigger that fires, in the step in which it fires, and its record names "
    "that trigger.",
    needs=("batches", "members", "nodes"),
    on=(MemberRecord, BatchRecord),
)
def trigger_is_the_truth(view: StepView) -> Iterator[Check]:
    stimulus = view.stimulus
    triggered = {record.batch: record for record in view.closed_batches}
    for record in triggered.values():
        asked = ASKED_BY.get(stimulus.do) if isinstance(stimulus, Stimulus) else None
        after = view.batch_after(record.run, record.batch)
        count = view.pipeline.nodes[record.node].count
        if record.trigger is not asked:
            yield f"batch {record.batch} records that {record.trigger} closed it, but {stimulus} closed it"
        elif asked is Trigger.TIMEOUT and view.pipeline.nodes[record.node].timeout_seconds is None:
            yield f"batch {record.batch} is closed by a timeout that it does not have"
        elif asked is Trigger.CONDITION and view.pipeline.nodes[record.node].condition is None:
            yield f"batch {record.batch} is closed by a condition that it does not have"
        elif asked is Trigger.COUNT and (after is None or len(after.members) != count):
            yield f"batch {record.batch} records that count {count} closed it, but has another number of members"
        else:
            yield None
    for record in view.batches:
        before = view.batch_before(record.run, record.batch)
        if before is not None and before.trigger is not None and record.trigger is not before.trigger:
            yield f"batch {record.batch} was closed by {before.trigger}, and its end records {record.trigger}"
    for member in view.members:
        after = view.batch_after(member.run, member.batch)
        node = view.pipeline.nodes.get(after.node) if after is not None else None
        if after is not None and node is not None and node.count is not None:
            late = len(after.members) >= node.count and member.batch not in triggered
            yield f"batch {member.batch} has reached its count of {node.count}, and stays open" if late else None


@law(
    "B3",
    "One end for all members",
    "All members of a batch end in the same way, and as the batch does: its end closes their visits there as completed or as "
    "failed.",
    needs=("batches", "members", "outcomes", "visits"),
    on=(BatchRecord,),
    level=Level.PROFILE,
)
def one_end_for_all_members(view: StepView) -> Iterator[Check]:
    for record in view.batches:
        if record.status not in (BatchStatus.COMPLETED, BatchStatus.FAILED):
            continue
        before = view.batch_before(record.run, record.batch)
        ends: set[str] = set()
        for name in before.members if before is not None else ():
            own = [fate for fate in view.fates if (fate.run, fate.token) == (record.run, name)]
            own = [fate for fate in own if fate.batch == record.batch]
            hop = any(h.token == name and h.src == record.node for h in view.hops)
            ends.add(f"{own[0].outcome} for {own[0].reason}" if own else "went on" if hop else "nothing")
        members = list(before.members) if before is not None else []
        yield _shared(view, record, members, ends)
        if not isinstance(view.stimulus, Operation):
            yield _closed(view, record, members)


def _closed(view: StepView, record: BatchRecord, members: list[str]) -> Check:
    """The end of the batch closes the visit of each member."""
    failed = record.status is BatchStatus.FAILED
    wanted = (VisitStatus.FAILED, Verdict.FLUSH_FAILED) if failed else (VisitStatus.COMPLETED, Verdict.FLUSHED)
    closed = [(v.token, v.status, v.verdict) for v in view.visits if v.node == record.node and v.token in members]
    seen = "; ".join(f"{token} {status} ({verdict})" for token, status, verdict in closed) or "none"
    right = closed == [(member, *wanted) for member in members]
    return None if right else f"batch {record.batch} is {record.status}, and the visits that it closes are: {seen}"


def _shared(view: StepView, record: BatchRecord, members: list[str], ends: set[str]) -> Check:
    """All members end in the same way, in the order of the members, and as the plugin's answer requires."""
    end = ", ".join(sorted(ends))
    if len(ends) != 1:
        return f"the members of batch {record.batch} end differently: {end}"
    order = list(dict.fromkeys(fate.token for fate in view.fates if fate.token in members))
    if order and order != members:
        return f"the members of batch {record.batch} end in another order than they came: {', '.join(order)}"
    if end.startswith(Outcome.FAILED) != (record.status is BatchStatus.FAILED):
        return f"batch {record.batch} is {record.status}, and its members end as {end}"
    if isinstance(view.stimulus, Stimulus) and view.stimulus.verdict is not None:
        asked = _end_of(view, record, view.stimulus.verdict)
        if not end.startswith(asked):
            return f"the plugin answered {view.stimulus.verdict} for batch {record.batch}, and its members end as {end}"
    return None


def _end_of(view: StepView, record: BatchRecord, answer: str) -> str:
    """How the members must end after this answer of the plugin."""
    word = answer.partition(" ")[0]
    if view.pipeline.nodes[record.node].mode is BatchMode.PASSTHROUGH:
        return "went on" if word == FlushVerdict.PASSED else Outcome.FAILED
    ends = {FlushVerdict.OUTPUTS: Outcome.CONSUMED_IN_BATCH, FlushVerdict.EMPTY: Outcome.DISCARDED}
    return ends.get(FlushVerdict(word), Outcome.FAILED)


@law(
    "B4",
    "Never across runs",
    "The members of a batch are tokens of the batch's run.",
    needs=("batches", "members", "tokens"),
    on=(MemberRecord,),
)
def never_across_runs(view: StepView) -> Iterator[Check]:
    operation = view.stimulus
    if isinstance(operation, Operation) and operation.op is Op.BUFFER:
        for ref in operation.tokens:
            same = ref.run == operation.run
            yield None if same else f"token {ref.name} of run {ref.run} joins a batch of run {operation.run}"
    for member in view.members:
        known = view.token_after(member.run, member.token) is not None
        yield None if known else f"member {member.token} of batch {member.batch} is no token of run {member.run}"


@law(
    "B5",
    "Outputs are children of the first member",
    "The outputs of a batch are children of its first member.",
    needs=("batches", "members", "parents"),
    on=(TokenRecord,),
    level=Level.PROFILE,
)
def outputs_are_children_of_the_first(view: StepView) -> Iterator[Check]:
    for token, parents, members in _outputs(view):
        first = list(members[:1])
        what = f"output {token.token} of batch {token.group}"
        yield (
            None
            if parents == first and first
            else f"{what} is a child of {listed(parents)}; its first member is {listed(first)}"
        )
