"""The lineage of a row, read from the landscape: every token of it, its visits, and its fate.

`read_story` reads one row of one run by its keys, so the time depends on the length of the row's own story, and not on the
size of the landscape. Tokens get the names that the law gives them, which show where they come from: the root of row 3 is
`3`, its child on branch `b` is `3/b`, the merge of its fork at `j` is `3/j`, its i-th child is `3.i`. Not here: judgement.
A story shows what is in the trail, also where that is wrong.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TokenKey = tuple[int, int]
"""(row, token)"""


@dataclass(slots=True)
class Visit:
    """One attempt at one node, and the edge that the token took after it."""

    node: str
    kind: str
    attempt: int
    status: str
    verdict: str | None
    error: str | None
    label: str | None
    to: str | None
    at: int


@dataclass(slots=True)
class Fate:
    """The fate of a token."""

    outcome: str
    sink: str | None = None
    reason: str | None = None
    error: str | None = None
    batch: str | None = None
    at: int = 0


@dataclass(slots=True)
class Token:
    """One token: where it comes from, where it went, and with which data it began and ended."""

    key: TokenKey
    name: str
    made_by: str
    """`read`, or the operation that made it: `fork`, `join`, `expand`, `batch`."""
    branch: str | None
    parents: list[TokenKey]
    first_hop: tuple[str, str, str] | None
    begins_with: Mapping[str, Any]
    ends_with: Mapping[str, Any]
    visits: list[Visit] = field(default_factory=list)
    fate: Fate | None = None
    children: list[TokenKey] = field(default_factory=list)
    """The tokens it continues as, in this row."""
    stands_under: TokenKey | None = None
    """Where a tree shows it: under its parent, or, if it is a merge, under the token that was forked."""
    origins: list[tuple[str, str, bool]] = field(default_factory=list)
    """Of a union merge: (field, branch, whether the merged data has this value)."""
    barrier: "Barrier | None" = None
    """Of a merge: the barrier that made it."""
    batch: str | None = None
    """Of an output of a batch: which."""
    member_of: list[str] = field(default_factory=list)
    """The batches that held it."""


@dataclass(slots=True)
class Barrier:
    """How a barrier of this row was resolved, or that it is still waiting."""

    node: str
    fork: TokenKey
    verdict: str
    reason: str | None
    trigger: str | None
    arrived: list[str]
    lost: list[tuple[str, str]]


@dataclass(slots=True)
class Story:
    """A row and all of its tokens, in the order in which they were made."""

    run: str
    row: int
    source: str
    idx: int
    error: str | None
    data: Mapping[str, Any]
    tokens: dict[TokenKey, Token]
    barriers: list[Barrier]
    batches: dict[str, list[TokenKey]]
    """The batches that tokens of this row were in, or came from, and all their members, of whichever rows."""
    beneath: dict[TokenKey, list[Token]] = field(default_factory=dict)
    """What a tree shows under each token."""

    @property
    def root(self) -> Token | None:
        return next((token for token in self.tokens.values() if token.made_by == "read"), None)

    def line_of(self, key: TokenKey) -> set[TokenKey]:
        """`key`, all that it comes from, and all that comes from it, within this row."""
        line = set(self._closure(key, lambda token: token.parents))
        line |= set(self._closure(key, lambda token: token.children))
        return line

    def _closure(self, key: TokenKey, step: Callable[[Token], list[TokenKey]]) -> Iterator[TokenKey]:
        seen, ahead = {key}, [key]
        while ahead:
            here = ahead.pop()
            yield here
            for other in step(self.tokens[here]):
                if other in self.tokens and other not in seen:
                    seen.add(other)
                    ahead.append(other)


def read_story(conn: sqlite3.Connection, run: int, row: int) -> Story | None:
    """The story of a row; `None` if the run does not have this row."""
    return _Reader(conn, run, row).story()


_ROW: Final = """
SELECT r.id, n.name, x.idx, x.data, e.body FROM rows AS x JOIN runs AS r USING (run)
JOIN nodes AS n ON n.run = x.run AND n.node = x.source LEFT JOIN errors AS e ON e.run = x.run AND e.digest = x.error
WHERE x.run = ? AND x.row = ?"""
_TOKENS: Final = """
SELECT t.token, t.branch, t.group_kind, t.data, n.name AS batch_node, t.batch, s.name AS src, e.label, d.name AS dst
FROM tokens AS t LEFT JOIN nodes AS n ON n.run = t.run AND n.node = t.batch_node
LEFT JOIN edges AS e ON e.run = t.run AND e.edge = t.edge
LEFT JOIN nodes AS s ON s.run = e.run AND s.node = e.src LEFT JOIN nodes AS d ON d.run = e.run AND d.node = e.dst
WHERE t.run = ? AND t.row = ? ORDER BY t.token"""
_PARENTS: Final = (
    "SELECT child, parent_row, parent, ordinal FROM parents WHERE run = ? AND row = ? ORDER BY child, ordinal"
)
_VISITS: Final = """
SELECT v.token, n.name, n.kind, v.attempt, v.status, v.verdict, x.body, e.label, d.name, v.at, v.data
FROM visits AS v JOIN nodes AS n ON n.run = v.run AND n.node = v.node
LEFT JOIN errors AS x ON x.run = v.run AND x.digest = v.error
LEFT JOIN edges AS e ON e.run = v.run AND e.edge = v.edge LEFT JOIN nodes AS d ON d.run = e.run AND d.node = e.dst
WHERE v.run = ? AND v.row = ? ORDER BY v.token, v.opened"""
_FATES: Final = """
SELECT f.token, f.outcome, s.name, f.reason, x.body, b.name, f.batch, f.at
FROM fates AS f LEFT JOIN nodes AS s ON s.run = f.run AND s.node = f.sink
LEFT JOIN nodes AS b ON b.run = f.run AND b.node = f.batch_node
LEFT JOIN errors AS x ON x.run = f.run AND x.digest = f.error WHERE f.run = ? AND f.row = ?"""
_BARRIERS: Final = """
SELECT n.name, b.fork, b.verdict, b.reason, b.trigger, b.arrived, b.result
FROM nodes AS n JOIN barriers AS b ON b.run = n.run AND b.node = n.node
WHERE n.run = ? AND b.row = ? AND n.kind = 'coalesce' ORDER BY b.seq"""
_LOSSES: Final = """
SELECT n.name, x.fork, x.branch, x.reason
FROM nodes AS n JOIN losses AS x ON x.run = n.run AND x.node = n.node
WHERE n.run = ? AND x.row = ? AND n.kind = 'coalesce' ORDER BY x.seq"""
_MERGES: Final = "SELECT token, origins FROM merges WHERE run = ? AND row = ?"
_MEMBERSHIPS: Final = """
SELECT m.token, n.name, m.node, m.batch FROM members AS m JOIN nodes AS n ON n.run = m.run AND n.node = m.node
WHERE m.run = ? AND m.row = ?"""
_MEMBERS: Final = "SELECT row, token FROM members WHERE run = ? AND node = ? AND batch = ? ORDER BY ordinal"


class _Reader:
    def __init__(self, conn: sqlite3.Connection, run: int, row: int) -> None:
        self._conn, self._run, self._row = conn, run, row
        self._began: dict[TokenKey, Any] = {}

    def _ask(self, query: str) -> list[Any]:
        return self._conn.execute(query, (self._run, self._row)).fetchall()

    def story(self) -> Story | None:
        found = self._ask(_ROW)
        if not found:
            return None
        run, source, idx, data, error = found[0]
        story = Story(run, self._row, source, idx, error, json.loads(data), {}, [], {})
        self._read_tokens(story)
        self._read_visits(story)
        for token, outcome, sink, reason, text, batch_node, batch, at in self._ask(_FATES):
            name = f"{batch_node}#{batch}" if batch_node else None
            story.tokens[self._row, token].fate = Fate(outcome, sink, reason, text, name, at)
        self._read_batches(story)
        return story

    def _read_tokens(self, story: Story) -> None:
        """Tokens with their parents and names; parents are numbered before their children."""
        parents: dict[int, list[tuple[TokenKey, int]]] = {}
        for child, parent_row, parent, ordinal in self._ask(_PARENTS):
            parents.setdefault(child, []).append(((parent_row, parent), ordinal))
        made = self._read_barriers(story)
        for number, branch, kind, data, batch_node, batch, src, label, dst in self._ask(_TOKENS):
            key = (self._row, number)
            mine = parents.get(number, [])
            token = Token(key, "", kind or "read", branch, [parent for parent, _ in mine], None, {}, {})
            token.barrier = made.get(number)
            token.batch = f"{batch_node}#{batch}" if batch_node else None
            token.first_hop = (src, label, dst) if src else None
            token.stands_under = token.barrier.fork if token.barrier else mine[0][0] if mine else None
            token.name = self._name(story, token, mine[0][1] if mine else 0)
            self._began[key] = json.loads(data) if data is not None else None
            story.tokens[key] = token
            if token.stands_under is not None:
                story.beneath.setdefault(token.stands_under, []).append(token)
            for parent in token.parents:
                if parent in story.tokens:
                    story.tokens[parent].children.append(key)
        for number, origins in self._ask(_MERGES):
            story.tokens[self._row, number].origins = [
                (name, branch, bool(kept)) for name, branch, _, kept in json.loads(origins)
            ]

    def _name(self, story: Story, token: Token, ordinal: int) -> str:
        above = story.tokens.get(token.stands_under) if token.stands_under else None
        before = above.name if above else str(self._row)
        match token.made_by:
            case "fork":
                return f"{before}/{token.branch}"
            case "join" if token.barrier:
                return f"{before}/{token.barrier.node}"
            case "expand" | "batch":
                return f"{before}.{ordinal}"
        return before

    def _read_barriers(self, story: Story) -> dict[int, Barrier]:
        """Read the barriers into the story, and return them by the merged token that each made."""
        lost: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for node, fork, branch, reason in self._ask(_LOSSES):
            lost.setdefault((node, fork), []).append((branch, reason))
        made: dict[int, Barrier] = {}
        for node, fork, verdict, reason, trigger, arrived, result in self._ask(_BARRIERS):
            names = arrived.split(",") if arrived else []
            gone = lost.pop((node, fork), [])
            barrier = Barrier(node, (self._row, fork), verdict, reason, trigger, names, gone)
            story.barriers.append(barrier)
            if result is not None:
                made[result] = barrier
        for (node, fork), gone in lost.items():
            story.barriers.append(Barrier(node, (self._row, fork), "waiting", None, None, [], gone))
        return made

    def _read_visits(self, story: Story) -> None:
        """Visits, and the data after each; where none is recorded, the data stayed the same."""
        data: dict[TokenKey, Any] = {}
        visits: dict[TokenKey, list[Any]] = {}
        for number, *rest in self._ask(_VISITS):
            visits.setdefault((self._row, number), []).append(rest)
        for key, token in story.tokens.items():
            inherited = data.get(token.parents[0], story.data) if token.parents else story.data
            began = self._began[key]
            now = inherited if began is None else began
            token.begins_with = now
            for node, kind, attempt, status, verdict, error, label, dst, at, left in visits.get(key, []):
                token.visits.append(Visit(node, kind, attempt, status, verdict, error, label, dst, at))
                now = json.loads(left) if left is not None else now
            data[key] = token.ends_with = now

    def _read_batches(self, story: Story) -> None:
        for token, name, node, batch in self._ask(_MEMBERSHIPS):
            members = self._conn.execute(_MEMBERS, (self._run, node, batch)).fetchall()
            story.batches[f"{name}#{batch}"] = [(row, number) for row, number in members]
            story.tokens[self._row, token].member_of.append(f"{name}#{batch}")
