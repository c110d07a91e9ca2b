"""Interchangeable branches: states that differ only in which of these branches did what count as one state.

Two branches of a fork are interchangeable when swapping them is an automorphism of the pipeline: the same nodes with
the same settings and verdicts along the way, the same sinks, the same coalesce, and neither is the selected one. The
part of a row's state that belongs to one branch is its *column*: its mark at the barrier, the tokens below it, the
barriers below it, all named relative to the branch. Sorting the columns gives the representative; the number of
distinct arrangements of the columns is how many states it stands for. Inner forks first, so an outer column is compared
with its own columns sorted.

Not state, and so not reduced: the order of parents, origins, collisions and members. Not here: rows (`rows.py`).
"""

import re
from collections import Counter
from collections.abc import Mapping
from math import factorial
from typing import Any, NamedTuple

from ..kernels import Mark
from ..state import Barrier, Frame, Row, Token, token_name
from ..wellformed import Pipeline
from ..words import NodeKind, Outcome
from .systems import State


class Alike(NamedTuple):
    """Interchangeable branches of one gate, and for each the nodes along it, in parallel order."""

    gate: str
    coalesce: str | None
    branches: tuple[str, ...]
    nodes: tuple[tuple[str, ...], ...]


def find_alike(pipeline: Pipeline, verdicts: Mapping[str, tuple[str, ...]]) -> tuple[Alike, ...]:
    """The classes of interchangeable branches, innermost gates first."""
    found = []
    for name in reversed(pipeline.order):
        groups: dict[object, list[str]] = {}
        for branch, head in pipeline.nodes[name].fork:
            coalesce = pipeline.joined.get((name, branch))
            if coalesce is not None and pipeline.nodes[coalesce].select_branch == branch:
                continue
            groups.setdefault((coalesce, _form(pipeline, verdicts, head, coalesce)), []).append(branch)
        for (coalesce, _), branches in groups.items():  # type: ignore[misc]
            ways = tuple(tuple(_along(pipeline, dict(pipeline.nodes[name].fork)[b], coalesce)) for b in branches)
            distinct = sum(len(set(way)) for way in ways) == len({node for way in ways for node in way})
            if len(branches) > 1 and distinct:
                found.append(Alike(name, coalesce, tuple(branches), ways))
    return tuple(found)


def _form(pipeline: Pipeline, verdicts: Mapping[str, tuple[str, ...]], name: str, stop: str | None) -> object:
    """The subgraph below a branch without the names of its nodes; sinks are themselves."""
    node = pipeline.nodes[name]
    if name == stop:
        return "join"
    if node.kind is NodeKind.SINK:
        return name
    settings = (
        node.kind,
        node.attempts,
        node.expands,
        node.policy,
        node.quorum_count,
        node.timeout_seconds,
        node.merge,
    )
    more = (node.select_branch, node.collisions, node.mode, node.count, node.condition, node.branches, node.routes)
    ahead = [(label, dst) for (src, label), dst in pipeline.edges.items() if src == name]
    below = tuple((label, _form(pipeline, verdicts, dst, stop)) for label, dst in ahead)
    return (*settings, *more, node.on_error == "discard", verdicts.get(name), below)


def _along(pipeline: Pipeline, name: str, stop: str | None) -> list[str]:
    """The nodes below a branch, in the order in which `_form` meets them."""
    if name == stop or pipeline.nodes[name].kind is NodeKind.SINK:
        return []
    ahead = [dst for (src, _), dst in pipeline.edges.items() if src == name]
    below = [node for dst in ahead for node in _along(pipeline, dst, stop)]
    return list(dict.fromkeys([name, *below]))


class Folded(NamedTuple):
    """A row's representative, how many rows it stands for, and what each token and barrier is called in it."""

    row: Row
    weight: int
    names: Mapping[str, str]


class Symmetry:
    """Folds the states of one pipeline by its interchangeable branches."""

    def __init__(self, pipeline: Pipeline, verdicts: Mapping[str, tuple[str, ...]]) -> None:
        self.pipeline = pipeline
        self.alike = find_alike(pipeline, verdicts)
        self._rows: dict[Row, Folded] = {}

    def fold(self, state: State) -> tuple[State, int]:
        """The representative of a state, and how many states it stands for."""
        if not self.alike:
            return state, 1
        run = state.world[0]
        folded = [self._fold_row(row) for row in run.rows]
        weight = 1
        for one in folded:
            weight *= one.weight
        return State((run._replace(rows=tuple(one.row for one in folded)),), state.crashes), weight

    def names(self, state: State) -> dict[str, str]:
        """What the tokens and barriers of a state are called in its representative, by their names in the run."""
        if not self.alike:
            return {}
        return {
            _in_run(row.number, name): _in_run(row.number, renamed)
            for row in state.world[0].rows
            for name, renamed in self._fold_row(row).names.items()
        }

    def _fold_row(self, row: Row) -> Folded:
        known = self._rows.get(row)
        if known is None:
            known = self._rows[row] = self._sort_columns(row)
        return known

    def _sort_columns(self, row: Row) -> Folded:
        tokens = {token.name: token for token in row.tokens}
        barriers = {(barrier.node, barrier.fork): barrier for barrier in row.barriers}
        names = {name: name for name in (*tokens, *(f"{node}@{fork}" for node, fork in barriers))}
        weight = 1
        for alike in self.alike:
            forks = [t.name for t in tokens.values() if t.fate is Outcome.FORKED and t.node == alike.gate]
            for fork in forks:
                columns = [
                    _Column(alike, place, fork, tokens, barriers, self.pipeline) for place in range(len(alike.branches))
                ]
                weight *= _arrangements([column.key for column in columns])
                order = sorted(range(len(columns)), key=lambda place: columns[place].key)
                if order != list(range(len(columns))):
                    for column in columns:
                        column.take_out(tokens, barriers)
                    moved: dict[str, str] = {}
                    for place, source in enumerate(order):
                        moved |= columns[source].put_in(place, tokens, barriers)
                    names = {name: moved.get(renamed, renamed) for name, renamed in names.items()}
        sorted_tokens = tuple(tokens[name] for name in sorted(tokens))
        folded = Row(row.number, sorted_tokens, tuple(barriers[key] for key in sorted(barriers)))
        return Folded(folded, weight, names)


def _in_run(row: int, name: str) -> str:
    """A token's name, or a barrier's, as the run knows it."""
    node, at, fork = name.rpartition("@")
    return f"{node}{at}{token_name(row, fork)}"


def _arrangements(keys: list[tuple[Any, ...]]) -> int:
    count = factorial(len(keys))
    for same in Counter(keys).values():
        count //= factorial(same)
    return count


class _Column:
    """The part of a row's state that belongs to one branch of one fork."""

    def __init__(
        self,
        alike: Alike,
        place: int,
        fork: str,
        tokens: Mapping[str, Token],
        barriers: Mapping[tuple[str, str], Barrier],
        pipeline: Pipeline,
    ) -> None:
        self.alike, self.place, self.fork = alike, place, fork
        self.prefix = f"{fork}/{alike.branches[place]}"
        self.tokens = [token for name, token in tokens.items() if self._is_below(name)]
        self.barriers = [b for (_, below), b in barriers.items() if self._is_below(below)]
        self.joined = barriers.get((alike.coalesce, fork)) if alike.coalesce else None
        self.order = pipeline.nodes[alike.coalesce].branches if alike.coalesce else ()
        self.mark = self.joined.marks[self.order.index(alike.branches[place])] if self.joined else Mark.AWAITED
        self.key = self._key()

    def _is_below(self, name: str) -> bool:
        return name == self.prefix or name.startswith((self.prefix + "/", self.prefix + "."))

    def _key(self) -> tuple[Any, ...]:
        places = {node: str(number) for number, node in enumerate(self.alike.nodes[self.place])}
        tokens = sorted(
            (
                self._below(token.name, places),
                str(token.made),
                places.get(token.node, token.node),
                token.phase,
                token.via,
                token.attempt,
                token.tries,
                tuple(self._relative(frame, places) for frame in token.stack),
                str(token.fate),
            )
            for token in self.tokens
        )
        inner = sorted(
            (places.get(b.node, b.node), self._below(b.fork, places), b.marks, str(b.verdict)) for b in self.barriers
        )
        return (self.mark, tuple(tokens), tuple(inner))

    def _below(self, name: str, nodes: Mapping[str, str]) -> str:
        """The rest of a name below this branch. A merge in it is called after its coalesce, which has a twin elsewhere."""
        parts = re.split(r"([/.])", name[len(self.prefix) :])
        return "".join(nodes.get(part, part) for part in parts)

    def _relative(self, frame: Frame, places: Mapping[str, str]) -> tuple[str, str, str]:
        if frame == (self.fork, self.alike.branches[self.place]):
            return ("own", "", "")
        if self._is_below(frame.fork):
            return ("below", self._below(frame.fork, places), frame.branch)
        return ("above", frame.fork, frame.branch)

    def take_out(self, tokens: dict[str, Token], barriers: dict[tuple[str, str], Barrier]) -> None:
        for token in self.tokens:
            del tokens[token.name]
        for barrier in self.barriers:
            del barriers[barrier.node, barrier.fork]

    def put_in(self, place: int, tokens: dict[str, Token], barriers: dict[tuple[str, str], Barrier]) -> dict[str, str]:
        """The same column on another branch; what its tokens and barriers were called, and are called there."""
        branch = self.alike.branches[place]
        nodes = dict(zip(self.alike.nodes[self.place], self.alike.nodes[place], strict=True))
        prefix = f"{self.fork}/{branch}"

        def moved(name: str) -> str:
            return prefix + self._below(name, nodes)

        def reframed(frame: Frame) -> Frame:
            if frame == (self.fork, self.alike.branches[self.place]):
                return Frame(self.fork, branch)
            return Frame(moved(frame.fork), frame.branch) if self._is_below(frame.fork) else frame

        renamed: dict[str, str] = {}
        for token in self.tokens:
            stack = tuple(reframed(frame) for frame in token.stack)
            name = renamed[token.name] = moved(token.name)
            tokens[name] = token._replace(name=name, node=nodes.get(token.node, token.node), stack=stack)
        for barrier in self.barriers:
            moved_to = barrier._replace(node=nodes.get(barrier.node, barrier.node), fork=moved(barrier.fork))
            barriers[moved_to.node, moved_to.fork] = moved_to
            renamed[f"{barrier.node}@{barrier.fork}"] = f"{moved_to.node}@{moved_to.fork}"
        if self.joined is not None:
            key = (self.joined.node, self.joined.fork)
            at = self.order.index(branch)
            marks = barriers[key].marks
            barriers[key] = barriers[key]._replace(marks=(*marks[:at], self.mark, *marks[at + 1 :]))
        return renamed
