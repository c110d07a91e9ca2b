"""Walks over a graph without cycles that between them take every edge, in nearly as few steps as there can be.

Every edge is given one passage. Then, from the last states to the first, a state that is left more often than it is
entered by those gets the missing passages on the edge by which it was first discovered. The passages are a flow, and a
flow falls apart into walks from the first state. Edges that lead back to where they start cost no walk. Not here: what
the states and edges are.
"""

from collections.abc import Callable, Iterator, Sequence


class Cyclic(ValueError):
    """The graph leads back to a state: no order of states has every edge point forwards."""


Wanted = Callable[[int, int], bool]


def plan(targets: Sequence[Sequence[int]], wanted: Wanted = lambda state, k: True) -> Iterator[list[int]]:
    """Walks from state 0, each a list of edge numbers: edge `k` of a state leads to `targets[state][k]`.

    Only the edges that are `wanted` need be taken. Self-loops are taken where their state is first passed.
    """
    passages = _passages(targets, wanted)
    loops = [[k for k, to in enumerate(out) if to == state and wanted(state, k)] for state, out in enumerate(targets)]
    passed: set[int] = set()
    while True:
        walk: list[int] = []
        state, left = 0, True
        while left:
            if state not in passed:
                passed.add(state)
                walk += loops[state]
            left = False
            for k, count in enumerate(passages[state]):
                if count:
                    passages[state][k] -= 1
                    walk.append(k)
                    state, left = targets[state][k], True
                    break
        if not walk:
            return
        yield walk


def _passages(targets: Sequence[Sequence[int]], wanted: Wanted) -> list[list[int]]:
    """How often each edge is to be taken; a self-loop, never by the flow."""
    entered: list[list[tuple[int, int]]] = [[] for _ in targets]
    for state, out in enumerate(targets):
        for k, target in enumerate(out):
            if target != state:
                entered[target].append((state, k))
    passages = [
        [int(to != state and wanted(state, k)) for k, to in enumerate(out)] for state, out in enumerate(targets)
    ]
    for state in reversed(_in_order(targets, entered)):
        missing = sum(passages[state]) - sum(passages[source][k] for source, k in entered[state])
        if entered[state] and missing > 0:
            source, k = entered[state][0]
            passages[source][k] += missing
    return passages


def _in_order(targets: Sequence[Sequence[int]], entered: Sequence[Sequence[tuple[int, int]]]) -> list[int]:
    """The states so that every edge points forwards."""
    waiting = [len(edges) for edges in entered]
    ready = [state for state, count in enumerate(waiting) if count == 0]
    order = []
    while ready:
        state = ready.pop()
        order.append(state)
        for target in targets[state]:
            if target != state:
                waiting[target] -= 1
                if waiting[target] == 0:
                    ready.append(target)
    if len(order) < len(targets):
        raise Cyclic(f"{len(targets) - len(order)} of {len(targets)} states are on a cycle or behind one")
    return order
