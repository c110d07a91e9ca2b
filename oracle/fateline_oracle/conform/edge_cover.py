"""Plans walks that together take every edge of a graph, in nearly as few steps as possible.

The graph has no cycles apart from loops (edges from a state to itself), and every walk begins in state 0. Taking each
edge needs at least one passage through it; the prefix of each walk costs more. The question is how often to pass each
edge so that the passages make up whole walks and the total is small. This is a flow with a lower bound of one on each
edge.

How it works
------------
1. Give every wanted edge one passage.
2. Go through the states from last to first (reverse topological order). A state that is left more often than it is
   entered needs more entries: add the missing passages to the first edge that enters it. States are numbered in the order
   of their discovery, so this is the edge by which the state was discovered, on a shortest path from state 0.
3. Now every state except 0 is entered at least as often as it is left. Start in state 0 and follow edges with passages left,
   using them up, until a state has none left. That is one walk. Repeat until state 0 has none left. Because entries are
   never fewer than exits, no passage remains anywhere.

A loop is taken where its state is first passed, so it costs one step and no walk.

An example
----------
    edges       0 -> 1   0 -> 2   1 -> 3   2 -> 3   3 -> 4   3 -> 5   3 -> 6
    step 1        1        1        1        1        1        1        1
    step 2      state 3 is left 3 times and entered twice: one more passage on 1 -> 3.
                state 1 is left twice and entered once: one more passage on 0 -> 1.
                  2        1        2        1        1        1        1
    step 3      walks 0 1 3 4,  0 1 3 5,  0 2 3 6: nine steps, where seven edges alone would be seven.

The time is linear in the number of edges, except that a walk looks for its next edge from the first edge of a state.

What is given up: the exact minimum. It would be a minimum-cost flow; here all missing passages of a state go to one
entering edge, although another might share them with other states. The `redundancy` in the index of the vectors is the
measure: steps for each edge.

Not here: what the states and edges are (`explore.py`).
"""

from collections.abc import Callable, Iterator, Sequence


class Cyclic(ValueError):
    """The graph has a cycle, so its states have no order in which every edge points forwards."""


Wanted = Callable[[int, int], bool]


def plan(targets: Sequence[Sequence[int]], wanted: Wanted = lambda state, k: True) -> Iterator[list[int]]:
    """Walks from state 0, each a list of edge numbers: edge `k` of a state leads to `targets[state][k]`.

    Only `wanted` edges must be taken. A loop is taken where its state is first passed.
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
    """How often each edge is taken. Loops are not part of the flow and have 0."""
    entered: list[list[tuple[int, int]]] = [[] for _ in targets]
    for state, out in enumerate(targets):
        for k, target in enumerate(out):
            if target != state:
                entered[target].append((state, k))
    passages = [
        [int(to != state and wanted(state, k)) for k, to in enumerate(out)] for state, out in enumerate(targets)
    ]
    for state in reversed(_in_order(targets, entered)):
        leaves = max(sum(passages[state]), any(to == state and wanted(state, k) for k, to in enumerate(targets[state])))
        missing = leaves - sum(passages[source][k] for source, k in entered[state])
        if entered[state] and missing > 0:
            source, k = entered[state][0]
            passages[source][k] += missing
    return passages


def _in_order(targets: Sequence[Sequence[int]], entered: Sequence[Sequence[tuple[int, int]]]) -> list[int]:
    """The states in an order in which every edge points forwards."""
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
