"""Branches that look alike: which do, what the representative is, and that a wrong reduction would be noticed."""

from collections import Counter

import pytest

from fateline_model.checker.search import explore
from fateline_model.checker.shapes import SHAPES, coalesce, diamond, fork, pipeline, sink, source, work
from fateline_model.checker.symmetry import Symmetry, find_alike
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.laws import ALL
from fateline_model.wellformed import load

from .explored import PIPELINES, naive, reduced, symmetry_of

SYMMETRIC = [name for name in PIPELINES if symmetry_of(name).alike]


def alike(document: dict[str, object], verdicts: dict[str, tuple[str, ...]] | None = None) -> list[tuple[str, ...]]:
    """The classes of branches that look alike, when every node may give the same verdicts unless told."""
    return [found.branches for found in find_alike(load(document), verdicts or {})]


@pytest.mark.parametrize(
    "document, classes",
    [
        (diamond(3, "quorum:2"), [("a", "b", "c")]),
        (diamond(3, "quorum:2", works=1), [("b", "c")]),
        (diamond(3, "quorum:2", "select:b"), [("a", "c")]),
        (diamond(2, "require_all", "select:b"), []),
        (SHAPES["nested"](), []),
        (SHAPES["parallel"](), []),
        (SHAPES["leaving"](), [("x", "y")]),
        (SHAPES["line"](), []),
        (SHAPES["three_deep"](), [("e", "f")]),
    ],
)
def test_branches_are_alike_when_swapping_them_changes_nothing(
    document: dict[str, object], classes: list[tuple[str, ...]]
) -> None:
    assert alike(document) == classes


@pytest.mark.parametrize(
    "change",
    [
        {"attempts": 2},
        {"on_error": "side"},
        {"on_error": None},
        {"kind": "aggregation", "mode": "passthrough", "on_error": None},
    ],
)
def test_a_difference_along_the_way_makes_branches_unlike(change: dict[str, object]) -> None:
    document = diamond(2)
    document["nodes"].append(sink("side"))
    document["nodes"][1]["routes"]["away"] = "side"
    assert alike(document) == [("a", "b")]
    document["nodes"][2].update(change)
    for key in [key for key, value in change.items() if value is None]:
        del document["nodes"][2][key]
    assert alike(document) == []


def test_verdicts_that_differ_make_branches_unlike() -> None:
    assert alike(diamond(2), {"ta": ("pass",), "tb": ("pass",)}) == [("a", "b")]
    assert alike(diamond(2), {"ta": ("pass",), "tb": ("pass", "error")}) == []


def test_different_sinks_make_branches_unlike() -> None:
    apart = pipeline("p", source("g"), fork("g", {"a": "x", "b": "y"}), sink("x"), sink("y"))
    assert alike(apart) == []
    assert alike(pipeline("p", source("g"), fork("g", {"a": "x", "b": "x"}), sink("x"))) == [("a", "b")]


def test_branches_that_share_a_node_are_not_swapped() -> None:
    shared = pipeline("p", source("g"), fork("g", {"a": "t", "b": "t"}), work("t", "out"), sink())
    assert alike(shared) == []


def test_some_instances_of_the_small_scope_are_symmetric_and_some_are_not() -> None:
    assert 0 < len(SYMMETRIC) < len(PIPELINES)


LARGE = "twins policy=first"
"""The instance of which counting the orbits takes more than five seconds; with the slow tests."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name.startswith(LARGE) else []) for name in SYMMETRIC]
)
def test_a_representative_stands_for_exactly_as_many_states_as_it_says(name: str) -> None:
    """Each state of the naive search folded by itself: the orbits, counted one by one."""
    symmetry, few = symmetry_of(name), reduced(name)
    orbits = Counter(symmetry.fold(state)[0] for state in naive(name).states)
    assert orbits == Counter(dict(zip(few.states, few.weights, strict=True)))
    assert len(few.states) < len(naive(name).states)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_representative_is_its_own(name: str) -> None:
    symmetry = symmetry_of(name)
    for state, weight in zip(reduced(name).states, reduced(name).weights, strict=True):
        assert symmetry.fold(state) == (state, weight)


def test_inner_forks_are_folded_inside_outer_branches() -> None:
    """Two inner diamonds in two outer branches: the swaps inside and the swap outside multiply."""
    inner = [
        node
        for o, to in (("a", "j"), ("b", "j"))
        for node in (fork(f"g{o}", {"p": f"j{o}", "q": f"j{o}"}), coalesce(f"j{o}", ["p", "q"], to))
    ]
    twice = pipeline(
        "twice",
        source("g"),
        fork("g", {"a": "ga", "b": "gb"}),
        *inner,
        coalesce("j", ["a", "b"], "out"),
        sink(),
    )
    options = InstanceOptions({"out": ("written",), "g": ("route all",), "ga": ("route all",), "gb": ("route all",)})
    system = PipelineSystem(load(twice), 1, 0, options)
    symmetry = Symmetry(system.pipeline, system.verdicts)
    assert sorted(found.branches for found in symmetry.alike) == [("a", "b"), ("p", "q"), ("p", "q")]
    one, few = explore(system, ALL), explore(system, ALL, fold=symmetry.fold)
    assert one.holds
    assert few.holds
    assert max(few.weights) == 8
    assert sum(few.weights) == len(one.states)
    assert sum(w * len(t) for w, t in zip(few.weights, few.targets, strict=True)) == one.transitions


def test_an_unsound_symmetry_is_noticed_by_the_orbit_arithmetic() -> None:
    """Branch `a` may fail and branch `b` may not; whoever says they look alike cannot make the sums come out."""
    options = InstanceOptions({"ta": ("pass", "error"), "tb": ("pass",), "out": ("written",), "g": ("route all",)})
    system = PipelineSystem(load(diamond(2, "best_effort")), 1, 0, options)
    one = explore(system, ALL)
    sound = Symmetry(system.pipeline, system.verdicts)
    assert sound.alike == ()
    unsound = Symmetry(system.pipeline, {**system.verdicts, "tb": system.verdicts["ta"]})
    assert [found.branches for found in unsound.alike] == [("a", "b")]
    few = explore(system, ALL, fold=unsound.fold)
    assert few.holds, "the laws hold all the same: only the sums tell"
    assert sum(few.weights) != len(one.states)


def test_a_weight_that_forgets_that_columns_are_equal_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(name for name in SYMMETRIC if name.startswith("diamond"))
    monkeypatch.setattr("fateline_model.checker.symmetry._arrangements", lambda keys: 2)
    wrong = explore(PipelineSystem(load(diamond(2)), 1, 0, InstanceOptions()), (), fold=symmetry_of(name).fold)
    assert sum(wrong.weights) != len(explore(PipelineSystem(load(diamond(2)), 1, 0, InstanceOptions()), ()).states)
