"""Laws of fork and expansion: the children are exactly those that the parent's fate promises, in the same step.

Not here: merges (`coalesce.py`) and batch outputs (`batch.py`).
"""

from collections.abc import Iterator

from ..lifecycle import Op, Operation
from ..records import OutcomeRecord, ParentRecord, RowRecord, TokenRecord
from ..stimuli import Do, Stimulus, Validity
from ..words import GroupKind, Outcome
from .law import Level, Where, law, law_known_elsewhere
from .step_view import Check, StepView, listed


def _children(view: StepView, fate: OutcomeRecord, kind: GroupKind) -> list[TokenRecord]:
    parents = view.parents
    return [
        token
        for token in view.tokens
        if token.group_kind is kind and parents.get((token.run, token.token)) == [fate.token]
    ]


@law(
    "K1",
    "Children are the promised branches",
    "The children of a fork are on exactly the promised branches, one child on each branch, and form one group.",
    needs=("outcomes", "tokens", "parents"),
    on=(OutcomeRecord,),
)
def children_are_the_promised_branches(view: StepView) -> Iterator[Check]:
    for fate in view.fates:
        if fate.outcome is not Outcome.FORKED:
            continue
        promised = [branch for branch in (fate.promised or "").split(",") if branch]
        children = _children(view, fate, GroupKind.FORK)
        branches = [token.branch for token in children]
        if sorted(str(branch) for branch in branches) != sorted(promised) or not promised:
            yield f"token {fate.token} promises branches {listed(promised)}, and its children are on {listed(branches)}"
        elif len(set(branches)) != len(branches):
            yield f"two children of token {fate.token} are on one branch"
        elif {token.group for token in children} != {fate.group}:
            yield f"the children of token {fate.token} are not of one group"
        else:
            yield None


def _in_one_step(view: StepView, kind: GroupKind, outcome: Outcome) -> Iterator[Check]:
    fates = {(fate.run, fate.token) for fate in view.fates if fate.outcome is outcome}
    parents = view.parents
    fulfilled = set()
    for token in view.tokens:
        if token.group_kind is kind:
            found = [(token.run, parent) for parent in parents.get((token.run, token.token), [])]
            fulfilled.update(found)
            together = bool(found) and set(found) <= fates
            yield (
                None
                if together
                else f"token {token.token} is created, but its parent is not {outcome} in the same step"
            )
    for run, name in sorted(fates - fulfilled):
        yield f"token {name} of run {run} is {outcome}, but no child is created in the same step"


@law(
    "K2",
    "A fork is one step",
    "The children of a fork and the fate of their parent are written in one step.",
    needs=("outcomes", "tokens", "parents", "tx"),
    on=(TokenRecord, OutcomeRecord),
)
def fork_is_one_step(view: StepView) -> Iterator[Check]:
    return _in_one_step(view, GroupKind.FORK, Outcome.FORKED)


@law(
    "X1",
    "Children as many as promised",
    "An expansion creates as many children as its parent's fate promises, and at least one.",
    needs=("outcomes", "tokens", "parents"),
    on=(OutcomeRecord,),
)
def children_as_many_as_promised(view: StepView) -> Iterator[Check]:
    for fate in view.fates:
        if fate.outcome is Outcome.EXPANDED:
            before = view.token_before(fate.run, fate.token)
            node = view.pipeline.nodes.get(before.node) if before is not None else None
            if node is not None and not node.expands:
                yield f"token {fate.token} is expanded by {node.name}, which is not declared to expand"
            count = len(_children(view, fate, GroupKind.EXPAND))
            right = fate.promised == str(count) and count >= 1
            yield None if right else f"token {fate.token} promises {fate.promised} children, and has {count}"


@law(
    "X2",
    "The lock comes first",
    "A row or an expansion writes nothing until the schema contract of the new tokens exists and is locked.",
    needs=("refusals",),
    on=(TokenRecord, RowRecord),
    where=(Where.MACHINE, Where.STEP),
)
def lock_comes_first(view: StepView) -> Iterator[Check]:
    operation = view.stimulus
    if isinstance(operation, Stimulus) and operation.do is Do.READ:
        broken = operation.verdict == Validity.NO_CONTRACT and bool(view.records)
        yield f"{operation} writes {len(view.records)} records without a contract" if broken else None
    if isinstance(operation, Operation) and operation.op in (Op.EXPAND, Op.INITIAL):
        broken = not operation.locked and bool(view.records)
        yield f"{operation} writes {len(view.records)} records without a locked contract" if broken else None


@law(
    "X3",
    "An expansion is one step",
    "The children of an expansion and the fate of their parent are written in one step.",
    needs=("outcomes", "tokens", "parents", "tx"),
    on=(TokenRecord, OutcomeRecord),
)
def expansion_is_one_step(view: StepView) -> Iterator[Check]:
    return _in_one_step(view, GroupKind.EXPAND, Outcome.EXPANDED)


@law(
    "K4",
    "Children in the order of the branches",
    "The ordinal of a fork's child is the place of its branch among the promised branches.",
    needs=("outcomes", "tokens", "parents"),
    on=(ParentRecord,),
    level=Level.PROFILE,
)
def children_in_the_order_of_the_branches(view: StepView) -> Iterator[Check]:
    promised = {
        (fate.run, fate.token): (fate.promised or "").split(",")
        for fate in view.fates
        if fate.outcome is Outcome.FORKED
    }
    branches = {(t.run, t.token): str(t.branch) for t in view.tokens if t.group_kind is GroupKind.FORK}
    for link in view.of(ParentRecord):
        branch, order = branches.get((link.run, link.child)), promised.get((link.run, link.parent), [])
        if branch in order:
            what = f"token {link.child} on branch {branch} is child {link.ordinal} of {link.parent}"
            place = order.index(branch)
            yield None if link.ordinal == place else f"{what}; its place among the branches is {place}"


SIBLINGS_SEE_NO_CHANGES = law_known_elsewhere(
    "K3",
    "Siblings never see each other's changes",
    "A visit's input is the output of the token's previous completed visit. A token's first visit gets the "
    "data produced by the operation that created the token.",
    needs=("visits", "tokens", "digests"),
    where=(Where.STEP, Where.TRAIL, Where.AUDIT),
    elsewhere="The machines carry no data. This law is judged beside an engine, on trails and in audits that record "
    "digests.",
)
