"""Random well-formed pipelines, composed of the pieces there are: works, gates, expansions, batches, joins in joins.

Not a test. Whatever is drawn here must be accepted by `load`; a refusal is a finding, of this file or of the model.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from fateline_model.checker.shapes import coalesce, pipeline, sink, source

Document = dict[str, Any]
POLICIES = ("require_all", "quorum:1", "quorum:2", "best_effort", "first")
MERGES = ("union", "union:fail", "nested", "select")


class Composer:
    """One pipeline, composed from its end to its source; `choose` picks one of several."""

    def __init__(self, choose: Callable[[Sequence[Any]], Any]) -> None:
        self.choose = choose
        self.nodes: list[Document] = []
        self.used = 0

    def name(self, kind: str) -> str:
        self.used += 1
        return f"{kind}{self.used}"

    def one_of(self, *values: Any) -> Any:
        return self.choose(values)

    def put(self, node: Document) -> str:
        self.nodes.append(node)
        return str(node["name"])

    def error(self) -> Document:
        word = self.one_of(None, "discard", "side")
        return {} if word is None else {"on_error": word}

    def chain(self, to: str, owed: bool, depth: int, least: int = 0) -> str:
        """Up to two pieces more than the least in front of `to`; where they begin."""
        for _ in range(self.one_of(*range(least, least + 3))):
            pieces = [self.work, self.gate, self.passthrough]
            pieces += [] if owed else [self.expansion, self.batch]
            pieces += [self.join] * 3 if depth else []
            to = self.one_of(*pieces)(to, owed, depth)
        return to

    def work(self, to: str, owed: bool, depth: int) -> str:
        attempts = self.one_of(1, 1, 2)
        node = {"name": self.name("t"), "kind": "transform", "to": to, "attempts": attempts, **self.error()}
        return self.put(node)

    def gate(self, to: str, owed: bool, depth: int) -> str:
        routes = {"on": "continue"}
        routes |= self.one_of({}, {"away": "side"}, {"away": "side", "no": "discard"})
        split = self.one_of({}, {"x": "side", "y": "side"})
        routes |= {"split": "fork"} if split else {}
        node = {"name": self.name("g"), "kind": "gate", "to": to, "routes": routes, **self.error()}
        return self.put({**node, **({"fork": split} if split else {})})

    def passthrough(self, to: str, owed: bool, depth: int) -> str:
        node = {"name": self.name("p"), "kind": "aggregation", "mode": "passthrough", "to": to}
        return self.put({**node, **self.one_of({}, {"count": 2}, {"timeout_seconds": 5})})

    def expansion(self, to: str, owed: bool, depth: int) -> str:
        return self.put({"name": self.name("x"), "kind": "transform", "to": to, "expands": True, **self.error()})

    def batch(self, to: str, owed: bool, depth: int) -> str:
        node = {"name": self.name("b"), "kind": "aggregation", "mode": "transform", "to": to}
        return self.put({**node, **self.one_of({"count": 1}, {"count": 2}, {"condition": "batch_count >= 1"})})

    def join(self, to: str, owed: bool, depth: int) -> str:
        branches = ["a", "b", "c"][: self.one_of(2, 2, 3)]
        place = self.name("j")
        merge = self.one_of(*MERGES)
        merge = f"select:{self.one_of(*branches)}" if merge == "select" else merge
        self.put(coalesce(place, branches, to, self.one_of(*POLICIES), merge))
        ways = {branch: self.chain(place, True, depth - 1) for branch in branches}
        ways |= self.one_of({}, {}, {"d": "side"})
        node = {"name": self.name("f"), "kind": "gate", "routes": {"all": "fork"}, "fork": ways, **self.error()}
        return self.put(node)

    def document(self) -> Document:
        """The whole pipeline in its JSON form."""
        head = self.chain("out", False, 2, least=2)
        way_in = source(head, **self.one_of({}, {"on_error": "side"}))
        nodes = [way_in, *reversed(self.nodes), sink()]
        return pipeline("composed", *nodes, *([sink("side")] if "'side'" in repr(nodes) else []))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A pipeline in its JSON form."""
    return Composer(lambda values: draw(st.sampled_from(values))).document()
