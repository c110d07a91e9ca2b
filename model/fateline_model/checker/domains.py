"""Laws that no step of a machine can show, checked on their kernels over small exhaustive domains.

C9 is about data and C11 is about time; the machines carry neither. Each kernel is called for every case of a small domain,
and its result is compared with the law stated a second time, in other words than the kernel's. Unbounded domains are left
to the symbolic proofs. Not here: the kernels (`merging.py`, `deadlines.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, permutations, product
from typing import Final

from ..deadlines import deadline_of, expired, resolved_before
from ..laws import Check
from ..merging import Given, merge
from ..words import Collisions, Strategy

DECLARED: Final = ("a", "b", "c")
FIELDS: Final = ("x", "y")
VALUES: Final = (None, "1", "2")


def _arrivals() -> Iterator[dict[str, dict[str, str]]]:
    """Every non-empty set of arrived branches with every data of two fields and two values."""
    for size in range(1, len(DECLARED) + 1):
        for branches in combinations(DECLARED, size):
            for values in product(VALUES, repeat=size * len(FIELDS)):
                cells = iter(values)
                data = {b: {f: next(cells) for f in FIELDS} for b in branches}
                yield {b: {f: v for f, v in fields.items() if v is not None} for b, fields in data.items()}


def merged_data() -> Iterator[Check]:
    """C9 over every arrival, strategy and collision rule, and over every order of arrival."""
    for arrived in _arrivals():
        for rule in Collisions:
            yield _union(arrived, rule)
        nested = merge(Strategy.NESTED, DECLARED, arrived)
        order = [b for b in DECLARED if b in arrived]
        wrong = nested.data != arrived or list(nested.data) != order or nested.conflict or bool(nested.collisions)
        aliased = any(nested.data[branch] is arrived[branch] for branch in order)
        foreign = nested.origins != {branch: branch for branch in order}
        yield f"nested of {arrived} is {nested}" if wrong or aliased or foreign else None
        for branch in DECLARED:
            chosen = merge(Strategy.SELECT, DECLARED, arrived, select=branch)
            data = arrived.get(branch, {})
            wrong = chosen.data != data or chosen.data is data or bool(chosen.collisions) or chosen.conflict
            foreign = chosen.origins != dict.fromkeys(data, branch)
            yield f"select {branch} of {arrived} is {chosen}" if wrong or foreign else None


def _union(arrived: Mapping[str, Mapping[str, str]], rule: Collisions) -> Check:
    result = merge(Strategy.UNION, DECLARED, arrived, collisions=rule)
    for order in permutations(arrived):
        if merge(Strategy.UNION, DECLARED, {b: arrived[b] for b in order}, collisions=rule) != result:
            return f"union of {arrived} depends on the order of arrival"
    collisions, conflict = [], False
    for field in FIELDS:
        givers = [b for b in DECLARED if field in arrived.get(b, {})]
        if not givers:
            if field in result.data or field in result.origins:
                return f"union of {arrived} has a field {field} that nobody gave"
            continue
        winner = givers[0] if rule is Collisions.FIRST_WINS else givers[-1]
        if (result.data.get(field), result.origins.get(field)) != (arrived[winner][field], winner):
            return f"union ({rule}) of {arrived} takes {field} from {result.origins.get(field)}, not from {winner}"
        if len(givers) > 1:
            collisions += [Given(field, b, arrived[b][field], b == winner) for b in givers]
            conflict = conflict or len({arrived[b][field] for b in givers}) > 1
    first_given = list(dict.fromkeys(field for b in DECLARED for field in arrived.get(b, {})))
    if list(result.data) != first_given:
        return f"union of {arrived} has its fields in the order {list(result.data)}"
    if list(result.collisions) != sorted(collisions, key=lambda given: first_given.index(given.field)):
        return f"union ({rule}) of {arrived} records collisions {result.collisions}"
    return None if result.conflict == conflict else f"union of {arrived} reports conflict: {result.conflict}"


def deadlines() -> Iterator[Check]:
    """C11 over small times: not before the timeout has passed, at once when it has, the earlier deadline first."""
    for first_at, timeout, waited in product(range(4), range(1, 4), range(6)):
        now = first_at + waited
        due = waited >= timeout
        yield None if expired(now, first_at, timeout) == due else f"at {now}, open since {first_at}, timeout {timeout}"
        yield None if deadline_of(first_at, timeout) - first_at == timeout else f"deadline of {first_at}+{timeout}"
    holds = list(product(range(3), range(3)))
    for one, other in permutations(holds, 2):
        right = resolved_before(*one, *other) == (one < other)
        yield None if right else f"of the expired {one} and {other} the wrong one is resolved first"


DOMAINS: Final[dict[str, Callable[[], Iterator[Check]]]] = {"C9": merged_data, "C11": deadlines}
