"""Laws of fork and expansion: children are exactly what their parent's fate promises, in the same step.

Not here: merges (`coalesce.py`) and batch outputs (`batch.py`).
"""

from collections.abc import Iterator

from ..lifecycle import Op, Operation
from ..records import OutcomeRecord, RowRecord, TokenRecord
from ..stimuli import Do, Stimulus, Validity
from ..words import GroupKind, Outcome
from .law import Where, law, law_known_elsewhere
from .moment import Check, Moment


def _children(moment: Moment, fate: OutcomeRecord, kind: GroupKind) -> list[TokenRecord]:
    parents = moment.parents
    return [
        token
        for token in moment.tokens
        if token.group_kind is kind and parents.get((token.run, token.token)) == [fate.token]
    ]


@law(
    "K1",
    "Children are the promised branches",
    "The children of a fork are the promised branches, each once, and one group.",
    needs=("outcomes", "tokens", "parents"),
    on=(OutcomeRecord,),
)
def children_are_the_promised_branches(moment: Moment) -> Iterator[Check]:
    for fate in moment.fates:
        if fate.outcome is not Outcome.FORKED:
            continue
        promised = [branch for branch in (fate.promised or "").split(",") if branch]
        children = _children(moment, fate, GroupKind.FORK)
        branches = [token.branch for token in children]
        if sorted(str(branch) for branch in branches) != sorted(promised) or not promised:
            yield f"token {fate.token} promises branches {promised}, and its children are on {branches}"
        elif len(set(branches)) != len(branches):
            yield f"two children of token {fate.token} are on one branch"
        elif {token.group for token in children} != {fate.group}:
            yield f"the children of token {fate.token} are not of one group"
        else:
            yield None


def _in_one_step(moment: Moment, kind: GroupKind, outcome: Outcome) -> Iterator[Check]:
    fates = {(fate.run, fate.token) for fate in moment.fates if fate.outcome is outcome}
    parents = moment.parents
    fulfilled = set()
    for token in moment.tokens:
        if token.group_kind is kind:
            found = [(token.run, parent) for parent in parents.get((token.run, token.token), [])]
            fulfilled.update(found)
            together = bool(found) and set(found) <= fates
            yield None if together else f"token {token.token} is made, and its parent is not {outcome} in the same step"
    for run, name in sorted(fates - fulfilled):
        yield f"token {name} of run {run} is {outcome}, and no child is made in the same step"


@law(
    "K2",
    "A fork is one step",
    "The children of a fork and their parent's fate are written in one step.",
    needs=("outcomes", "tokens", "parents", "tx"),
    on=(TokenRecord, OutcomeRecord),
)
def fork_is_one_step(moment: Moment) -> Iterator[Check]:
    return _in_one_step(moment, GroupKind.FORK, Outcome.FORKED)


@law(
    "X1",
    "Children as many as promised",
    "An expansion has as many children as its parent's fate promises, and at least one.",
    needs=("outcomes", "tokens", "parents"),
    on=(OutcomeRecord,),
)
def children_as_many_as_promised(moment: Moment) -> Iterator[Check]:
    for fate in moment.fates:
        if fate.outcome is Outcome.EXPANDED:
            before = moment.token_before(fate.run, fate.token)
            node = moment.pipeline.nodes.get(before.node) if before is not None else None
            if node is not None and not node.expands:
                yield f"token {fate.token} is expanded by {node.name}, which is not declared to expand"
            count = len(_children(moment, fate, GroupKind.EXPAND))
            right = fate.promised == str(count) and count >= 1
            yield None if right else f"token {fate.token} promises {fate.promised} children, and has {count}"


@law(
    "X2",
    "The lock comes first",
    "Nothing is written before the contract of what is made is known to be there and locked.",
    needs=("refusals",),
    on=(TokenRecord, RowRecord),
    where=(Where.MACHINE, Where.STEP),
)
def lock_comes_first(moment: Moment) -> Iterator[Check]:
    operation = moment.stimulus
    if isinstance(operation, Stimulus) and operation.do is Do.READ:
        broken = operation.verdict == Validity.NO_CONTRACT and bool(moment.records)
        yield f"{operation} writes {len(moment.records)} records without a contract" if broken else None
    if isinstance(operation, Operation) and operation.op in (Op.EXPAND, Op.INITIAL):
        broken = not operation.locked and bool(moment.records)
        yield f"{operation} writes {len(moment.records)} records without a locked contract" if broken else None


@law(
    "X3",
    "An expansion is one step",
    "The children of an expansion and their parent's fate are written in one step.",
    needs=("outcomes", "tokens", "parents", "tx"),
    on=(TokenRecord, OutcomeRecord),
)
def expansion_is_one_step(moment: Moment) -> Iterator[Check]:
    return _in_one_step(moment, GroupKind.EXPAND, Outcome.EXPANDED)


SIBLINGS_SEE_NO_CHANGES = law_known_elsewhere(
    "K3",
    "Siblings never see each other's changes",
    "A visit begins with the data that the token's previous completed visit ended with, else with what made it gave.",
    needs=("visits", "tokens", "digests"),
    where=(Where.STEP, Where.TRAIL, Where.AUDIT),
    elsewhere="The machines carry no data; judged beside an engine, on trails and in audits that record digests.",
)
