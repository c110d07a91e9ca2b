"""The pipelines of the scopes, as functions of what a scope varies.

A policy is written as in `quorum:2`, a merge as in `union:fail` or `select:a`. Every coalesce has a timeout unless a scope
turns it off, so a deadline can come. Each function returns a pipeline in its JSON form, so scopes are read in the same way
as any other pipeline. Not here: which values a scope takes (`scopes.toml`).
"""

from collections.abc import Callable
from typing import Any, Final

Document = dict[str, Any]
NAMES: Final = "abcdefgh"


def coalesce(
    name: str, branches: list[str], to: str, policy: str = "require_all", merge: str = "union", *, timed: bool = True
) -> Document:
    word, _, quorum = policy.partition(":")
    strategy, _, detail = merge.partition(":")
    node: Document = {
        "name": name,
        "kind": "coalesce",
        "branches": branches,
        "policy": word,
        "merge": strategy,
        "to": to,
    }
    if timed:
        node["timeout_seconds"] = 60
    if quorum:
        node["quorum_count"] = int(quorum)
    if strategy == "select":
        node["select_branch"] = detail or branches[0]
    elif detail:
        node["collisions"] = detail
    return node


def source(to: str, **more: object) -> Document:
    return {"name": "src", "kind": "source", "to": to, **more}


def sink(name: str = "out", **more: object) -> Document:
    return {"name": name, "kind": "sink", **more}


def fork(name: str, branches: dict[str, str], **more: object) -> Document:
    return {"name": name, "kind": "gate", "routes": {"all": "fork"}, "fork": branches, **more}


def work(name: str, to: str, **more: object) -> Document:
    return {"name": name, "kind": "transform", "to": to, "on_error": "discard", **more}


def pipeline(name: str, *nodes: Document) -> Document:
    return {"name": name, "nodes": list(nodes)}


def line() -> Document:
    """One transform, one gate with every kind of route, sinks that may refuse: every verdict there is."""
    gate = {
        "name": "g",
        "kind": "gate",
        "routes": {"on": "continue", "high": "vip", "no": "discard"},
        "to": "out",
        "on_error": "bad",
    }
    return pipeline(
        "line",
        source("t"),
        work("t", "g"),
        gate,
        sink("out"),
        sink("vip", on_error="bad"),
        sink("bad", on_error="discard"),
    )


def quarantine() -> Document:
    """A quarantine sink that may itself refuse."""
    return pipeline("quarantine", source("t", on_error="bad"), work("t", "out"), sink("out"), sink("bad", attempts=2))


def retries(attempts: int = 3) -> Document:
    """Retryable errors at a transform and at a sink, with a way out of each."""
    return pipeline(
        "retries",
        source("t"),
        work("t", "out", attempts=attempts, on_error="bad"),
        sink("out", attempts=2, on_error="bad"),
        sink("bad"),
    )


def diamond(
    branches: int = 2,
    policy: str = "require_all",
    merge: str = "union",
    works: int | None = None,
    timed: bool = True,
) -> Document:
    """A fork and its coalesce; the first `works` branches pass a transform that may fail."""
    names = list(NAMES[:branches])
    busy = names[: branches if works is None else works]
    return pipeline(
        "diamond",
        source("g"),
        fork("g", {b: f"t{b}" if b in busy else "j" for b in names}),
        *(work(f"t{b}", "j") for b in busy),
        coalesce("j", names, "out", policy, merge, timed=timed),
        sink(),
    )


def nested(outer: str = "require_all", inner: str = "require_all", merge: str = "union") -> Document:
    """A fork and join inside a branch of another."""
    return pipeline(
        "nested",
        source("g"),
        fork("g", {"a": "gi", "b": "tb"}),
        fork("gi", {"p": "tp", "q": "ji"}),
        work("tp", "ji"),
        coalesce("ji", ["p", "q"], "j", inner, merge),
        work("tb", "j"),
        coalesce("j", ["a", "b"], "out", outer, merge),
        sink(),
    )


def twins(policy: str = "require_all") -> Document:
    """Two branches that look alike and are joins themselves."""
    return pipeline(
        "twins",
        source("g"),
        fork("g", {"a": "ga", "b": "gb"}),
        fork("ga", {"p": "ta", "q": "ja"}),
        fork("gb", {"p": "tb", "q": "jb"}),
        work("ta", "ja"),
        work("tb", "jb"),
        coalesce("ja", ["p", "q"], "j", policy),
        coalesce("jb", ["p", "q"], "j", policy),
        coalesce("j", ["a", "b"], "out", policy),
        sink(),
    )


def three_deep(policy: str = "require_all") -> Document:
    """Three forks, one inside the other, joined from the inside out."""
    return pipeline(
        "three deep",
        source("g1"),
        fork("g1", {"a": "g2", "b": "j1"}),
        fork("g2", {"c": "g3", "d": "j2"}),
        fork("g3", {"e": "te", "f": "tf"}),
        work("te", "j3"),
        work("tf", "j3"),
        coalesce("j3", ["e", "f"], "j2", policy),
        coalesce("j2", ["c", "d"], "j1", policy),
        coalesce("j1", ["a", "b"], "out", policy),
        sink(),
    )


def sequential(first: str = "require_all", second: str = "require_all") -> Document:
    """A merged token forks again."""
    return pipeline(
        "sequential",
        source("g1"),
        fork("g1", {"a": "ta", "b": "j1"}),
        work("ta", "j1"),
        coalesce("j1", ["a", "b"], "g2", first),
        fork("g2", {"c": "tc", "d": "j2"}),
        work("tc", "j2"),
        coalesce("j2", ["c", "d"], "out", second),
        sink(),
    )


def parallel(policy: str = "require_all") -> Document:
    """One fork, two coalesces."""
    return pipeline(
        "parallel",
        source("g"),
        fork("g", {"a": "ta", "b": "j1", "c": "tc", "d": "j2"}),
        work("ta", "j1"),
        work("tc", "j2"),
        coalesce("j1", ["a", "b"], "out", policy),
        coalesce("j2", ["c", "d"], "out", policy),
        sink(),
    )


def partial(policy: str = "require_all") -> Document:
    """A fork some of whose branches are joined; the others lead to sinks and owe nothing."""
    return pipeline(
        "partial",
        source("g"),
        fork("g", {"a": "ta", "b": "j", "c": "tc", "d": "side"}),
        work("ta", "j"),
        work("tc", "side"),
        coalesce("j", ["a", "b"], "out", policy),
        sink(),
        sink("side"),
    )


def inner_partial(outer: str = "require_all", inner: str = "require_all") -> Document:
    """A partly joined fork beneath an owed branch: its barrier alone holds the debt beneath."""
    return pipeline(
        "inner partial",
        source("g"),
        fork("g", {"a": "gi", "b": "j"}),
        fork("gi", {"p": "tp", "q": "ji", "r": "tr"}),
        work("tp", "ji"),
        work("tr", "side", on_error="side"),
        coalesce("ji", ["p", "q"], "j", inner),
        coalesce("j", ["a", "b"], "out", outer),
        sink(),
        sink("side"),
    )


def leaving(policy: str = "require_all") -> Document:
    """Every way to lose an owed branch: a route to a sink, a discard, an error edge, a filter, a fork into sinks."""
    gate = {
        "name": "gi",
        "kind": "gate",
        "routes": {"on": "continue", "away": "side", "no": "discard", "split": "fork"},
        "to": "ti",
        "fork": {"x": "side", "y": "side"},
        "on_error": "side",
    }
    return pipeline(
        "leaving",
        source("g"),
        fork("g", {"a": "gi", "b": "j"}),
        gate,
        {"name": "ti", "kind": "transform", "to": "j", "on_error": "side"},
        coalesce("j", ["a", "b"], "out", policy),
        sink(),
        sink("side"),
    )


def expand_then_fork(policy: str = "require_all") -> Document:
    """Each child of an expansion forks and is joined again: one row, two barriers at one coalesce."""
    return pipeline(
        "expand then fork",
        source("x"),
        {"name": "x", "kind": "transform", "to": "g", "expands": True},
        fork("g", {"a": "ta", "b": "j"}),
        work("ta", "j"),
        coalesce("j", ["a", "b"], "out", policy),
        sink(),
    )


def batch(mode: str = "transform", count: int = 2, timeout: bool = False, condition: bool = False) -> Document:
    """An aggregation before a sink."""
    node: Document = {"name": "agg", "kind": "aggregation", "mode": mode, "to": "out"}
    if count:
        node["count"] = count
    if timeout:
        node["timeout_seconds"] = 60
    if condition:
        node["condition"] = "batch_count >= 1"
    return pipeline("batch", source("agg"), node, sink())


def batch_in_branch(policy: str = "require_all") -> Document:
    """A passthrough batch inside a joined branch: a failed flush loses the branch that each member owes."""
    return pipeline(
        "batch in branch",
        source("g"),
        fork("g", {"a": "agg", "b": "j"}),
        {"name": "agg", "kind": "aggregation", "mode": "passthrough", "count": 2, "to": "j"},
        coalesce("j", ["a", "b"], "out", policy),
        sink(),
    )


def two_batches() -> Document:
    """One aggregation behind another: the end of the source must flush them in order."""
    return pipeline(
        "two batches",
        source("first"),
        {"name": "first", "kind": "aggregation", "mode": "transform", "to": "second"},
        {"name": "second", "kind": "aggregation", "mode": "passthrough", "to": "out"},
        sink(),
    )


SHAPES: Final[dict[str, Callable[..., Document]]] = {
    make.__name__: make
    for make in (
        line,
        quarantine,
        retries,
        diamond,
        nested,
        twins,
        three_deep,
        sequential,
        parallel,
        partial,
        inner_partial,
        leaving,
        expand_then_fork,
        batch,
        batch_in_branch,
        two_batches,
    )
}
