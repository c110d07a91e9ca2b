"""What a coalesce makes of the data of its branches: union, nested, select.

A pure function over the arrived branches in *declared* order. For every field of a union it reports which branch gave which
value and which value was kept. A field of several branches is a collision, and a conflict if the values differ. The result
shares nothing mutable with the parents. Not here: the decision to merge (`verdict.py`), and what happens when a merge is not
possible (`coalesce.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from fateline_engine.contracts import ContractConflict, ContractMode, SchemaContract
from fateline_engine.rows import PipelineRow, canonical, digest_bytes
from fateline_engine.settings.nodes import CoalesceNode, Collisions, Merge
from fateline_engine.words import Reason

Branch = tuple[str, PipelineRow]


Origin = tuple[str, str, str, bool]
"""What one branch gave for one field: (field, branch, digest of the value, whether the result has this value)."""


class Merged(NamedTuple):
    data: PipelineRow
    origins: Sequence[Origin] = ()


class CannotMerge(NamedTuple):
    """The data cannot be merged: the barrier fails with this reason, and the run goes on."""

    reason: Reason
    detail: str


def merge(node: CoalesceNode, arrived: Sequence[Branch]) -> Merged | CannotMerge:
    """The merged data of `arrived`, at least one branch, in declared order; or the reason why there is none."""
    if node.merge is Merge.SELECT:
        return _select(node, arrived)
    if node.merge is Merge.NESTED:
        fields = {name: "dict" for name, _ in arrived}
        contract = SchemaContract.declared(fields, ContractMode.FLEXIBLE)
        return Merged(PipelineRow.of({name: row.to_dict() for name, row in arrived}, contract))
    return _union(node, arrived)


def _select(node: CoalesceNode, arrived: Sequence[Branch]) -> Merged | CannotMerge:
    for name, row in arrived:
        if name == node.select_branch:
            return Merged(row)
    there = ", ".join(name for name, _ in arrived)
    return CannotMerge(Reason.SELECT_BRANCH_NOT_ARRIVED, f"{node.select_branch} has not arrived, only {there}")


def _union(node: CoalesceNode, arrived: Sequence[Branch]) -> Merged | CannotMerge:
    contract = arrived[0][1].contract
    try:
        for _, row in arrived[1:]:
            contract = contract.merge(row.contract)
    except ContractConflict as conflict:
        return CannotMerge(Reason.CONTRACT_CONFLICT, str(conflict))
    first = arrived[0][1]
    if all(row.digest == first.digest for _, row in arrived):
        fields = field_digests(first).items()
        origins = [(field, branch, digest, True) for field, digest in fields for branch, _ in arrived]
        return Merged(first if first.contract is contract else first.under(contract), origins)
    return _fold(node.collisions, arrived, contract)


def _fold(collisions: Collisions, arrived: Sequence[Branch], contract: SchemaContract) -> Merged | CannotMerge:
    values: dict[str, object] = {}
    digests: dict[str, dict[str, str]] = {}
    kept: dict[str, str] = {}
    for branch, row in arrived:
        for field, digest in field_digests(row).items():
            given = digests.setdefault(field, {})
            if given and collisions is Collisions.FAIL and digest != kept[field]:
                detail = f"{branch} and {next(iter(given))} give {field!r} different values"
                return CannotMerge(Reason.UNION_COLLISION, detail)
            if not given or collisions is not Collisions.FIRST_WINS:
                values[field], kept[field] = row[field], digest
            given[branch] = digest
    origins = [
        (field, branch, digest, digest == kept[field])
        for field, given in digests.items()
        for branch, digest in given.items()
    ]
    return Merged(PipelineRow.of(values, contract), origins)


def field_digests(row: PipelineRow) -> dict[str, str]:
    """The digest of every value of `row`, computed once for all tokens that share the row."""
    known = row.field_digests
    if known is None:
        known = row.field_digests = {name: digest_bytes(canonical(value)).hex() for name, value in row.items()}
    return known
