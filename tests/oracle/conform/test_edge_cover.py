"""Walks that between them take every edge: all of them, from the start, and in not many more steps than there must be."""

import random

import pytest

from fateline_oracle.conform.edge_cover import Cyclic, plan


def some_graph(seed: int, states: int) -> list[list[int]]:
    """Every state reachable from 0, every edge forwards, some edges twice and some back to where they start."""
    chance = random.Random(seed)
    targets: list[list[int]] = [[] for _ in range(states)]
    for state in range(1, states):
        targets[chance.randrange(state)].append(state)
    for _ in range(states * 2):
        low, high = sorted((chance.randrange(states), chance.randrange(states)))
        targets[low].append(high)
    return targets


def taken(targets: list[list[int]], walks: list[list[int]]) -> list[tuple[int, int]]:
    passed = []
    for walk in walks:
        state = 0
        for k in walk:
            passed.append((state, k))
            state = targets[state][k]
    return passed


@pytest.mark.parametrize("seed", range(20))
def test_every_edge_is_taken(seed: int) -> None:
    targets = some_graph(seed, 30)
    passed = taken(targets, list(plan(targets)))
    assert set(passed) == {(state, k) for state, out in enumerate(targets) for k in range(len(out))}


@pytest.mark.parametrize("seed", range(40))
def test_every_edge_that_is_wanted_is_taken_also_if_it_is_a_loop(seed: int) -> None:
    targets, chance = some_graph(seed, 30), random.Random(seed)
    edges = [(state, k) for state, out in enumerate(targets) for k in range(len(out))]
    wanted = set(chance.sample(edges, seed % 4 + 1)) | {
        (s, k) for s, k in edges if targets[s][k] == s and chance.random() < 0.3
    }
    assert wanted <= set(taken(targets, list(plan(targets, lambda state, k: (state, k) in wanted))))


def test_only_what_is_wanted_is_taken_and_what_leads_to_it() -> None:
    targets = [[1, 2], [3], [3], [4], []]
    walks = list(plan(targets, lambda state, k: (state, k) == (3, 0)))
    assert walks == [[0, 0, 0]]


def test_a_line_is_one_walk_and_a_star_is_one_walk_an_edge() -> None:
    assert list(plan([[1], [2], [3], []])) == [[0, 0, 0]]
    assert sorted(plan([[1, 2, 3], [], [], []])) == [[0], [1], [2]]


def test_a_diamond_needs_two_walks_and_six_steps_at_most() -> None:
    walks = list(plan([[1, 2], [3], [3], [4], []]))
    assert len(walks) == 2
    assert sum(map(len, walks)) <= 6


def test_a_self_loop_costs_one_step() -> None:
    assert sum(map(len, plan([[0, 1], [1]]))) == 3


def test_a_circle_is_refused() -> None:
    with pytest.raises(Cyclic):
        list(plan([[1], [2], [1]]))
