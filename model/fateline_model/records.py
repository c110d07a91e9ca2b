"""The trail: what must be written, as fourteen engine-neutral relations.

Each class is one relation and each field one column, described where it stands. `specs/trail.md`, the JSON Schema and
the JSON lines (`{"rec": "visits", ...}`) are made from this file. Not here: who writes which record and when (`machine.py`,
`lifecycle.py`), and what makes a set of records unlawful (`laws/`).

A run, a visit and a batch are written when they begin and again when they change; a later record of the same id
replaces the earlier one. Every other record is written once. A column that is None is *not recorded*: a law that needs the
column is then not judged. `SOME` stands where the law requires a value and the engine chooses which.
"""

from typing import Annotated, Final, NamedTuple

from .words import (
    BarrierVerdict,
    BatchStatus,
    GroupKind,
    LossReason,
    NodeKind,
    Outcome,
    Reason,
    RunStatus,
    Trigger,
    VisitStatus,
)

SOME: Final = "*"

RunId = Annotated[str, "the run"]
RowId = Annotated[str, "the row, unique in its run"]
TokenId = Annotated[str, "the token, unique in its run"]
NodeName = Annotated[str, "a node of the pipeline"]


class RunRecord(NamedTuple):
    """One execution of one pipeline. Written at its start, its source's end, each resume and its end."""

    run: RunId
    pipeline: Annotated[str | None, "which pipeline it executes"] = None
    status: Annotated[RunStatus | None, "`completed` is over: nothing happens in it afterwards"] = None
    rows: Annotated[int | None, "how many rows the source gave; absent until it has ended"] = None


class NodeRecord(NamedTuple):
    """One node of the run's pipeline."""

    run: RunId
    node: NodeName
    kind: Annotated[NodeKind | None, "what it is"] = None
    config: Annotated[str | None, "policy, branches, quorum, timeout, merge, triggers, attempts: JSON"] = None


class EdgeRecord(NamedTuple):
    """One edge of the run's pipeline; labels are unique per source node."""

    run: RunId
    src: NodeName
    label: Annotated[str, "`continue`, a route label, a branch, or `on_error`"]
    dst: NodeName


class RowRecord(NamedTuple):
    """One source record."""

    run: RunId
    row: RowId
    source: Annotated[str | None, "the source node"] = None
    idx: Annotated[int | None, "its position in the source, from 0"] = None
    digest: Annotated[str | None, "opaque: equal exactly when the values are"] = None


class TokenRecord(NamedTuple):
    """One instance of a row on one path."""

    run: RunId
    row: RowId
    token: TokenId
    branch: Annotated[str | None, "for a fork child: its branch"] = None
    group_kind: Annotated[GroupKind | None, "which operation created it; absent for a root token"] = None
    group: Annotated[str | None, "that operation's group; present exactly when the token has a parent"] = None


class ParentRecord(NamedTuple):
    """One lineage link, from a child to a parent."""

    run: RunId
    child: TokenId
    parent: TokenId
    ordinal: Annotated[
        int | None, "for a merge the declared order of the branches; in all other cases the order of the children"
    ] = None


class VisitRecord(NamedTuple):
    """One attempt of one token at one node. Written when it opens and again when it closes."""

    run: RunId
    visit: Annotated[str, "the visit, unique in its run"]
    token: TokenId
    node: NodeName
    attempt: Annotated[int | None, "from 0; an interrupted attempt counts"] = None
    status: Annotated[VisitStatus | None, "`open` or `held` until it closes; `interrupted` when a crash cut it off"] = (
        None
    )
    verdict: Annotated[str | None, "how it ended; `route` and `expand` are followed by the label or the count"] = None
    digest_in: Annotated[str | None, "digest of the data with which it began"] = None
    digest_out: Annotated[str | None, "digest of the data with which it ended"] = None
    opened: Annotated[int | None, "`seq` of its opening"] = None
    closed: Annotated[int | None, "`seq` of its closing"] = None


class HopRecord(NamedTuple):
    """One edge taken by one token. The first hop of a token is written in the step that creates the token."""

    run: RunId
    token: TokenId
    from_visit: Annotated[str | None, "the visit whose verdict chose the edge; absent for a first hop"] = None
    src: NodeName = ""
    label: Annotated[str, "the label of the edge"] = ""
    dst: NodeName = ""


class OutcomeRecord(NamedTuple):
    """What became of a token: one terminal outcome, its fate, and any number of `buffered` before it."""

    run: RunId
    token: TokenId
    outcome: Annotated[Outcome, "see the table of outcomes"]
    sink: Annotated[str | None, "the sink to which it was written"] = None
    error: Annotated[str | None, "a digest of the error's text"] = None
    reason: Annotated[Reason | None, "a word of the closed list"] = None
    batch: Annotated[str | None, "the batch"] = None
    group: Annotated[str | None, "the group of the tokens as which it continues"] = None
    promised: Annotated[str | None, "fork: the branches joined by commas; expansion: how many children"] = None


class BarrierRecord(NamedTuple):
    """One resolution of one barrier. Written once, also when nothing had arrived."""

    run: RunId
    barrier: Annotated[str, "the barrier, unique in its run"]
    node: NodeName
    fork_group: Annotated[str | None, "the fork whose branches it joins"] = None
    verdict: Annotated[BarrierVerdict | None, "merged or failed"] = None
    reason: Annotated[Reason | None, "why it failed"] = None
    trigger: Annotated[Trigger | None, "which event resolved it"] = None
    arrived: Annotated[str | None, "the branches held at its resolution, declared order, joined by commas"] = None
    lost: Annotated[str | None, "the branches lost before its resolution, declared order, joined by commas"] = None
    first_at: Annotated[int | None, "when its first event happened, in milliseconds"] = None
    decided_at: Annotated[int | None, "when it was resolved, in milliseconds"] = None
    result: Annotated[str | None, "the merged token"] = None


class LossRecord(NamedTuple):
    """One branch that can no longer arrive at a barrier that is not resolved."""

    run: RunId
    barrier: Annotated[str, "the barrier to which the branch was owed"]
    branch: Annotated[str, "the branch"]
    token: Annotated[str | None, "the holder that lost it; for an inner barrier, the token that was forked"] = None
    reason: Annotated[LossReason | None, "a word of the closed list"] = None


class MergeRecord(NamedTuple):
    """One field of a union merge as one branch gave it: origins, and both sides of every collision."""

    run: RunId
    token: Annotated[str, "the merged token"]
    field: Annotated[str, "the field"]
    branch: Annotated[str, "the branch that gave the value"]
    digest: Annotated[str | None, "digest of that value"] = None
    kept: Annotated[bool | None, "whether this value is in the merged data"] = None


class BatchRecord(NamedTuple):
    """One batch of one aggregation. Written when it opens, when it is triggered, and at its end."""

    run: RunId
    batch: Annotated[str, "the batch, unique in its run"]
    node: NodeName
    trigger: Annotated[Trigger | None, "what closed it to new members"] = None
    status: Annotated[BatchStatus | None, "the state of the batch"] = None
    outputs: Annotated[int | None, "transform mode: how many tokens it created"] = None


class MemberRecord(NamedTuple):
    """One token in one batch."""

    run: RunId
    batch: Annotated[str, "the batch"]
    token: TokenId
    ordinal: Annotated[int | None, "its place, from 0"] = None


Record = (
    RunRecord
    | NodeRecord
    | EdgeRecord
    | RowRecord
    | TokenRecord
    | ParentRecord
    | VisitRecord
    | HopRecord
    | OutcomeRecord
    | BarrierRecord
    | LossRecord
    | MergeRecord
    | BatchRecord
    | MemberRecord
)

RELATIONS: Final[dict[str, type[Record]]] = {
    "runs": RunRecord,
    "nodes": NodeRecord,
    "edges": EdgeRecord,
    "rows": RowRecord,
    "tokens": TokenRecord,
    "parents": ParentRecord,
    "visits": VisitRecord,
    "hops": HopRecord,
    "outcomes": OutcomeRecord,
    "barriers": BarrierRecord,
    "losses": LossRecord,
    "merges": MergeRecord,
    "batches": BatchRecord,
    "members": MemberRecord,
}
RELATION_OF: Final[dict[type, str]] = {kind: name for name, kind in RELATIONS.items()}
COMMON_COLUMNS: Final[dict[str, str]] = {
    "seq": "order of commitment",
    "tx": "which transaction wrote it",
    "at": "when, in integer milliseconds",
}


def as_json(record: Record) -> dict[str, object]:
    """The record as one JSON object: its relation under `rec`, and the columns that are recorded."""
    return {
        "rec": RELATION_OF[type(record)],
        **{column: value for column, value in record._asdict().items() if value is not None},
    }
