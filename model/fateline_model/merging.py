"""How a coalesce merges the data of its arrived branches (law C9).

`union` folds the fields of the arrived branches in *declared* order, never in order of arrival; `nested` gives one key
per arrived branch; `select` takes one branch whole. A field that two or more arrived branches give is a collision, and
a conflict if the values differ; only a conflict makes `collisions: fail` fail. Values are compared by digest, so a
digest must be equal exactly when the values are: 1, 1.0 and true differ.

`keep` is the kernel: one step of the fold over one field, confirmed by CrossHair; any number of branches follows by
induction. Not here: whether there is a merge at all (`coalesce.py`). The machines never see data. The stimulus prescribes
the outcome of each merge as `MergeData`; `Merged.conflict` is where that outcome comes from.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from .words import Collisions, Strategy

NOBODY: Final = -1


class FieldFold(NamedTuple):
    """One field so far: which branch's value is kept, the value, how many branches gave one, and whether any two differ."""

    branch: int = NOBODY
    value: int = 0
    givers: int = 0
    conflict: bool = False


def keep(fold: FieldFold, branch: int, value: int, first_wins: bool) -> FieldFold:
    """One more branch gives the field a value.

    The precondition is true of an empty fold and of every result: a single branch is in conflict with no other.

    pre: fold.givers >= 0 and (fold.givers >= 2 or not fold.conflict)
    post: __return__.givers == fold.givers + 1 and (__return__.givers >= 2 or not __return__.conflict)
    post: not (fold.givers == 0 or not first_wins) or (__return__.branch == branch and __return__.value == value)
    post: not (fold.givers > 0 and first_wins) or (__return__.branch == fold.branch and __return__.value == fold.value)
    post: __return__.conflict == (fold.conflict or (fold.givers > 0 and value != fold.value))
    """
    conflict = fold.conflict or (fold.givers > 0 and value != fold.value)
    if fold.givers > 0 and first_wins:
        return FieldFold(fold.branch, fold.value, fold.givers + 1, conflict)
    return FieldFold(branch, value, fold.givers + 1, conflict)


class Given(NamedTuple):
    """One branch's value of a field on which branches collide, and whether this value was kept."""

    field: str
    branch: str
    digest: str
    kept: bool


class Merged(NamedTuple):
    """The merged data as digests, the origin of each field, all sides of every collision, and whether one conflicts."""

    data: Mapping[str, str | Mapping[str, str]]
    origins: Mapping[str, str]
    collisions: tuple[Given, ...]
    conflict: bool


def merge(
    strategy: Strategy,
    declared: Sequence[str],
    arrived: Mapping[str, Mapping[str, str]],
    *,
    collisions: Collisions = Collisions.LAST_WINS,
    select: str | None = None,
) -> Merged:
    """Merge the arrived branches' data, given as field to digest. The result shares nothing with its arguments."""
    order = [branch for branch in declared if branch in arrived]
    if strategy is Strategy.NESTED:
        return Merged({branch: dict(arrived[branch]) for branch in order}, {b: b for b in order}, (), False)
    if strategy is Strategy.SELECT:
        chosen = arrived.get(str(select), {})
        return Merged(dict(chosen), {field: str(select) for field in chosen}, (), False)
    fields = list(dict.fromkeys(field for branch in order for field in arrived[branch]))
    data: dict[str, str | Mapping[str, str]] = {}
    origins: dict[str, str] = {}
    given: list[Given] = []
    conflict = False
    for field in fields:
        givers = [branch for branch in order if field in arrived[branch]]
        digests = list(dict.fromkeys(arrived[branch][field] for branch in givers))
        fold = FieldFold()
        for branch in givers:
            value = digests.index(arrived[branch][field])
            fold = keep(fold, order.index(branch), value, collisions is Collisions.FIRST_WINS)
        data[field] = digests[fold.value]
        origins[field] = order[fold.branch]
        conflict = conflict or fold.conflict
        if fold.givers > 1:
            given.extend(Given(field, b, arrived[b][field], b == order[fold.branch]) for b in givers)
    return Merged(data, origins, tuple(given), conflict)
