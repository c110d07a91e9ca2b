"""Laws of fate: every token has exactly one fate, and the fate records what it must.

Not here: what created a token (`lineage.py`), and what a barrier or a batch does with it.
"""

from collections.abc import Iterator
from typing import Final

from ..lifecycle import Operation
from ..records import (
    BatchRecord,
    HopRecord,
    MemberRecord,
    OutcomeRecord,
    RunRecord,
    TokenRecord,
    VisitRecord,
)
from ..state import token_name
from ..stimuli import Stimulus
from ..words import (
    OUTCOME_FIELDS,
    OUTCOMES,
    BatchStatus,
    NodeKind,
    Outcome,
    VisitStatus,
)
from .law import Level, law
from .step_view import Check, StepView

_OF_A_TOKEN: Final = (VisitRecord, HopRecord, MemberRecord, OutcomeRecord)


@law(
    "F1",
    "At most one fate",
    "A token has at most one terminal outcome, its fate, and the fate never changes.",
    needs=("outcomes",),
)
def at_most_one_fate(view: StepView) -> Iterator[Check]:
    seen: set[tuple[str, str]] = set()
    for record in view.fates:
        key = (record.run, record.token)
        before = view.token_before(*key)
        if before is not None and before.fate is not None:
            yield f"token {record.token} was {before.fate}, and now is {record.outcome} as well"
        elif key in seen:
            yield f"token {record.token} meets two fates in one step"
        else:
            yield None
        seen.add(key)
    for (_, name), old, token in view.changed_tokens:
        if old is not None and old.fate is not None and old.fate is not token.fate:
            yield f"the fate of token {name} changed from {old.fate} to {token.fate or 'none'}"


@law(
    "F2",
    "Exactly one when the run is over",
    "When a run is over, its source has ended, every row has a token, and every token has its fate.",
    needs=("runs", "tokens", "outcomes"),
    on=(RunRecord,),
)
def exactly_one_fate_when_over(view: StepView) -> Iterator[Check]:
    for run in view.over:
        if isinstance(view.stimulus, Stimulus):
            ended = any(before.name == run.name and before.source_ended for before in view.before)
            yield None if ended else "the run is over, and its source has not ended"
        for row in run.rows:
            yield None if row.tokens else f"the run is over, and row {row.number} has no token"
            for token in row.tokens:
                done = token.fate is not None
                yield None if done else f"the run is over, and token {token_name(row.number, token.name)} has no fate"


@law(
    "F3",
    "Nothing after it",
    "After its terminal outcome a token has no further visit, hop, batch membership or outcome. A parent link "
    "written in the same step does not count.",
    needs=("outcomes", "visits", "hops", "members", "seq"),
)
def nothing_after_its_fate(view: StepView) -> Iterator[Check]:
    ended: set[tuple[str, str]] = set()
    if isinstance(view.stimulus, Operation):
        for ref in view.stimulus.tokens:
            run = view.before[ref.run] if 0 <= ref.run < len(view.before) else None
            token = view.token_before(run.name, ref.name) if run is not None else None
            over = token is not None and token.fate is not None
            yield f"{view.stimulus} names a token that has met its fate" if over else None
    for record in view.records:
        if not isinstance(record, _OF_A_TOKEN):
            continue
        key = (record.run, record.token)
        before = view.token_before(*key)
        if key in ended or (before is not None and before.fate is not None):
            yield f"token {record.token} has met its fate, and then {_described(record)} is written"
        else:
            yield None
        if isinstance(record, OutcomeRecord) and OUTCOMES[record.outcome].terminal:
            ended.add(key)


def _described(record: VisitRecord | HopRecord | MemberRecord | OutcomeRecord) -> str:
    if isinstance(record, OutcomeRecord):
        return f"the outcome {record.outcome}"
    if isinstance(record, MemberRecord):
        return f"a membership of batch {record.batch}"
    return f"a hop to {record.dst}" if isinstance(record, HopRecord) else f"a visit of {record.node}"


@law(
    "F4",
    "It carries what it must",
    "An outcome carries every field that the table of outcomes requires.",
    needs=("outcomes",),
    on=(OutcomeRecord,),
)
def outcome_carries_what_it_must(view: StepView) -> Iterator[Check]:
    for record in view.outcomes:
        lacks = set(OUTCOMES[record.outcome].must) - _given(record)
        yield f"{record.outcome} of token {record.token} lacks {', '.join(sorted(lacks))}" if lacks else None


def _given(record: OutcomeRecord) -> set[str]:
    return {field for field in OUTCOME_FIELDS if getattr(record, field) is not None}


@law(
    "F5",
    "What is buffered comes out",
    "A buffered token is a member of the batch that its outcome names. When that batch ends, the token ends or "
    "goes on.",
    needs=("outcomes", "batches", "members"),
    on=(OutcomeRecord, BatchRecord),
)
def what_is_buffered_comes_out(view: StepView) -> Iterator[Check]:
    joined = {(record.run, record.token, record.batch) for record in view.members}
    for record in view.outcomes:
        if record.outcome is Outcome.BUFFERED:
            known = (record.run, record.token, record.batch) in joined
            yield None if known else f"token {record.token} is buffered, but is no member of batch {record.batch}"
    for batch in view.batches:
        if batch.status not in (BatchStatus.COMPLETED, BatchStatus.FAILED):
            continue
        before = view.batch_before(batch.run, batch.batch)
        ended = {record.token for record in view.fates if record.batch == batch.batch}
        went_on = {record.token for record in view.hops if record.src == batch.node}
        for member in before.members if before else ():
            out = member in ended or member in went_on
            yield None if out else f"batch {batch.batch} ended without an end for its member {member}"


@law(
    "F6",
    "A delegating fate has its successors",
    "A forked, expanded, coalesced or consumed token has exactly the successors that were promised.",
    needs=("outcomes", "tokens", "parents", "batches"),
    on=(OutcomeRecord, TokenRecord),
)
def delegating_fate_has_its_successors(view: StepView) -> Iterator[Check]:
    parents = view.parents
    for record in view.fates:
        if not OUTCOMES[record.outcome].delegates:
            continue
        if record.outcome is Outcome.CONSUMED_IN_BATCH:
            made = [token for token in view.tokens if token.group == record.batch]
            recorded = [batch.outputs for batch in view.batches if batch.batch == record.batch]
            right = len(made) >= 1 and recorded == [len(made)]
            yield None if right else f"batch {record.batch} promises {recorded} outputs and has {len(made)}"
            continue
        children = [
            token
            for token in view.tokens
            if token.group == record.group and record.token in parents.get((token.run, token.token), [])
        ]
        promised = _promised(record)
        if len(children) == promised:
            yield None
        else:
            yield f"token {record.token} is {record.outcome} into {promised}, and has {len(children)} successors"


def _promised(record: OutcomeRecord) -> int:
    if record.outcome is Outcome.FORKED:
        return len([branch for branch in (record.promised or "").split(",") if branch])
    if record.outcome is Outcome.EXPANDED:
        return int(record.promised or "0")
    return 1


@law(
    "F7",
    "A sink is named when it was written",
    "A fate names a sink exactly when the token's last visit is a completed visit of that sink.",
    needs=("outcomes", "visits", "nodes"),
    on=(VisitRecord, OutcomeRecord),
)
def sink_is_named_when_written(view: StepView) -> Iterator[Check]:
    nodes = view.pipeline.nodes
    written = {
        (visit.token, visit.node)
        for visit in view.visits
        if visit.status is VisitStatus.COMPLETED and nodes[visit.node].kind is NodeKind.SINK
    }
    for token, sink in written:
        named = any(record.token == token and record.sink == sink for record in view.fates)
        yield None if named else f"token {token} was written to {sink}, but its fate does not name the sink"
    for record in view.fates:
        if record.sink is not None:
            done = (record.token, record.sink) in written
            yield None if done else f"token {record.token} claims sink {record.sink} without a completed visit there"


@law(
    "F8",
    "No more than the table allows",
    "An outcome carries no field that the table of outcomes forbids.",
    needs=("outcomes",),
    on=(OutcomeRecord,),
    level=Level.PROFILE,
)
def outcome_carries_no_more(view: StepView) -> Iterator[Check]:
    for record in view.outcomes:
        rule = OUTCOMES[record.outcome]
        excess = _given(record) - {*rule.must, *rule.may}
        what = f"{record.outcome} of token {record.token}"
        yield f"{what} must not carry {', '.join(sorted(excess))}" if excess else None
