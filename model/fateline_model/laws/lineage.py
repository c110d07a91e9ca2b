"""Laws of lineage: a token's ancestors are all of its own row and run.

In a whole pipeline these laws cannot be broken, because a graph gives no means to do so. So they are judged in the
lifecycle machine, where a caller may name any token of any row of any run. Not here: what a fork or a merge must do
besides its lineage (`creation.py`, `coalesce.py`).
"""

from collections.abc import Iterator
from typing import Final

from ..lifecycle import Operation
from ..records import HopRecord, OutcomeRecord, ParentRecord, RowRecord, TokenRecord, VisitRecord
from ..state import parse_token_name
from ..stimuli import Do, Stimulus
from .law import Level, law
from .step_view import Check, StepView

_OF_A_TOKEN: Final = (OutcomeRecord, VisitRecord, HopRecord)


@law(
    "L1",
    "One row, one run",
    "A token belongs to one row of one run, and is created once.",
    needs=("tokens", "rows"),
    on=(TokenRecord,),
)
def one_row_of_one_run(view: StepView) -> Iterator[Check]:
    made: set[tuple[str, str]] = set()
    for record in view.tokens:
        place, key = parse_token_name(record.token), (record.run, record.token)
        rows = [row.number for run in view.after if run.name == record.run for row in run.rows]
        if place is None or str(place[0]) != record.row or place[0] not in rows:
            yield f"token {record.token} is recorded as of row {record.row}, which is not its row or does not exist"
        elif key in made or view.token_before(*key) is not None:
            yield f"token {record.token} is created a second time"
        else:
            yield None
        made.add(key)


@law(
    "L2",
    "Parents of the same row",
    "Every parent of a token belongs to the same row as the token.",
    needs=("tokens", "parents"),
    on=(ParentRecord,),
)
def parents_of_the_same_row(view: StepView) -> Iterator[Check]:
    operation = view.stimulus
    if isinstance(operation, Operation) and operation.row is not None:
        for ref in operation.tokens:
            place = parse_token_name(ref.name)
            named = place is not None and place[0] == operation.row
            yield None if named else f"{operation} takes token {ref.name} for one of row {operation.row}"
    for record in view.of(ParentRecord):
        child, parent = parse_token_name(record.child), parse_token_name(record.parent)
        same = child is not None and parent is not None and child[0] == parent[0]
        yield None if same else f"token {record.child} has parent {record.parent}, of another row"


@law(
    "L3",
    "Parents of the same run",
    "Every parent of a token belongs to the same run as the token.",
    needs=("tokens", "parents"),
    on=(ParentRecord,),
)
def parents_of_the_same_run(view: StepView) -> Iterator[Check]:
    if isinstance(view.stimulus, Operation):
        for ref in view.stimulus.tokens:
            same = ref.run == view.stimulus.run
            yield None if same else f"token {ref.name} of run {ref.run} becomes a parent in run {view.stimulus.run}"
    for record in view.of(ParentRecord):
        known = view.token_after(record.run, record.parent) is not None
        yield None if known else f"parent {record.parent} of token {record.child} is no token of run {record.run}"


@law(
    "L4",
    "Parents first",
    "Lineage has no cycle: a parent exists before its child.",
    needs=("parents",),
    on=(ParentRecord,),
)
def parents_come_first(view: StepView) -> Iterator[Check]:
    made: set[tuple[str, str]] = set()
    for record in view.records:
        if isinstance(record, TokenRecord):
            made.add((record.run, record.token))
        elif isinstance(record, ParentRecord):
            older = view.token_before(record.run, record.parent) is not None
            earlier = (record.run, record.parent) in made and record.parent != record.child
            yield None if older or earlier else f"token {record.child} is older than its parent {record.parent}"


@law(
    "L5",
    "One group, if it has parents",
    "A token has at most one group, and it has one exactly when it has a parent.",
    needs=("tokens", "parents"),
    on=(TokenRecord,),
)
def one_group_if_it_has_parents(view: StepView) -> Iterator[Check]:
    parents = view.parents
    for record in view.tokens:
        has_parent = (record.run, record.token) in parents
        if (record.group is None) != (record.group_kind is None):
            yield f"token {record.token} has half a group"
        elif (record.group is not None) != has_parent:
            yield f"token {record.token} has {'a parent' if has_parent else 'no parent'}, and group {record.group or 'none'}"
        else:
            yield None


@law(
    "L6",
    "Records stay in their run",
    "An outcome, a visit or a hop belongs to the run of its token.",
    needs=("tokens", "outcomes"),
    on=_OF_A_TOKEN,
)
def records_stay_in_their_run(view: StepView) -> Iterator[Check]:
    if isinstance(view.stimulus, Operation) and view.records:
        for ref in view.stimulus.tokens:
            same = ref.run == view.stimulus.run
            yield None if same else f"run {view.stimulus.run} writes about token {ref.name} of run {ref.run}"
    for record in view.records:
        if isinstance(record, _OF_A_TOKEN):
            known = view.token_after(record.run, record.token) is not None
            yield None if known else f"run {record.run} writes about token {record.token}, which is not in it"


@law(
    "L7",
    "One origin",
    "The tokens of a row come from one root token. Only a resume may create another one, for a row that is not finished.",
    needs=("tokens", "outcomes", "visits"),
    on=(TokenRecord,),
)
def one_origin(view: StepView) -> Iterator[Check]:
    resumes = isinstance(view.stimulus, Stimulus) and view.stimulus.do is Do.RESUME
    for row, second, finished in _root_tokens(view):
        yield f"row {row} gets a second root token" if second and (finished or not resumes) else None


@law(
    "L9",
    "One root token for a row",
    "A row has one root token: a resume goes on with the tokens that are there.",
    needs=("tokens",),
    on=(TokenRecord,),
    level=Level.PROFILE,
)
def one_root_token_for_a_row(view: StepView) -> Iterator[Check]:
    for row, second, _ in _root_tokens(view):
        yield f"row {row} gets a second root token" if second else None


def _root_tokens(view: StepView) -> Iterator[tuple[str, bool, bool]]:
    """For each root token of the step: its row, if the row had one already, and if all tokens of the row had met their fate."""
    made: set[tuple[str, str]] = set()
    for record in view.tokens:
        if record.group_kind is not None:
            continue
        key = (record.run, record.row)
        rows = [
            row for run in view.before if run.name == record.run for row in run.rows if str(row.number) == record.row
        ]
        second = key in made or any(token.made is None for row in rows for token in row.tokens)
        yield record.row, second, all(token.fate is not None for row in rows for token in row.tokens)
        made.add(key)


@law(
    "L8",
    "A root token needs its row",
    "A root token is created only for a row that exists in the run.",
    needs=("rows", "tokens"),
    on=(TokenRecord, RowRecord),
)
def root_token_needs_its_row(view: StepView) -> Iterator[Check]:
    written = {(record.run, record.row) for record in view.rows}
    for record in view.tokens:
        if record.group_kind is not None:
            continue
        known = {str(row.number) for run in view.before if run.name == record.run for row in run.rows}
        exists = record.row in known or (record.run, record.row) in written
        yield None if exists else f"token {record.token} is created for row {record.row}, which does not exist"
