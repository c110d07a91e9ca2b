"""A lineage shown to people, as a tree, and to programs, as one object.

`tell` draws the tree of a story. A merge stands beside the branches that it joined, under the token that was forked. If one
token is asked for, only its line is shown, its ancestors and descendants, and the others are counted. `as_data` gives the
same as plain data. `find` turns what a user may ask for into a row and a token. Not here: reading tables (`lineage.py`).
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from fateline_engine.lineage import Barrier, Story, Token, TokenKey, Visit, read_story

_SHOWN: Final = 110
_HELD: Final = {"coalesce": "joined", "aggregation": "batched"}
"""The word for a visit that was held and then released."""


class NothingThere(LookupError):
    """The run does not have this row, token or output."""


_ROW: Final = re.compile(r"\d+")
_TOKEN_ID: Final = re.compile(r"(\d+):(\d+)")
_TOKEN_NAME: Final = re.compile(r"(\d+)[/.].+")
_OUTPUT: Final = re.compile(r"(.+):(\d+)")


def find(conn: sqlite3.Connection, run: int, what: str) -> tuple[Story, TokenKey | None]:
    """The story of `what`, and the token that is meant, if one is.

    `3` is a row, `3/left.0` a token by its name, `3:7` a token by its id, and `out:5` the fifth row that the
    sink `out` wrote.
    """
    if _ROW.fullmatch(what):
        return _story(conn, run, int(what)), None
    if found := _TOKEN_ID.fullmatch(what):
        key = int(found[1]), int(found[2])
        story = _story(conn, run, key[0])
        if key not in story.tokens:
            raise NothingThere(f"row {key[0]} has no token {what}; its tokens are {_ids(story)}")
        return story, key
    if found := _TOKEN_NAME.fullmatch(what):
        story = _story(conn, run, int(found[1]))
        for token in story.tokens.values():
            if token.name == what:
                return story, token.key
        raise NothingThere(f"row {found[1]} has no token {what}; it has {_names(story)}")
    if found := _OUTPUT.fullmatch(what):
        key = _written(conn, run, found[1], int(found[2]))
        return _story(conn, run, key[0]), key
    raise NothingThere(f"{what!r} is not a row (3), a token (3/branch or 3:7) or a written row (sink:5)")


def _story(conn: sqlite3.Connection, run: int, row: int) -> Story:
    story = read_story(conn, run, row)
    if story is None:
        (count,) = conn.execute("SELECT count(*) FROM rows WHERE run = ?", (run,)).fetchone()
        raise NothingThere(f"the run has no row {row}: it has {count}, counted from 0")
    return story


def _names(story: Story, most: int = 12) -> str:
    names = [token.name for token in story.tokens.values()]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _ids(story: Story) -> str:
    return f"{story.row}:0 to {story.row}:{len(story.tokens) - 1}"


_WRITTEN: Final = """
SELECT f.row, f.token FROM fates AS f JOIN nodes AS n ON n.run = f.run AND n.node = f.sink
WHERE f.run = ? AND n.name = ? ORDER BY f.seq LIMIT 1 OFFSET ?"""
_SINKS: Final = """
SELECT n.name, count(f.row) FROM nodes AS n LEFT JOIN fates AS f ON f.run = n.run AND f.sink = n.node
WHERE n.run = ? AND n.kind = 'sink' GROUP BY n.node"""


def _written(conn: sqlite3.Connection, run: int, sink: str, number: int) -> TokenKey:
    found = conn.execute(_WRITTEN, (run, sink, number - 1)).fetchone() if number else None
    if found is None:
        counts = ", ".join(f"{name} with {count}" for name, count in conn.execute(_SINKS, (run,)))
        raise NothingThere(f"no row {number} was written by a sink {sink}; the sinks are {counts}, counted from 1")
    return found[0], found[1]


def tell(story: Story, key: TokenKey | None = None) -> str:
    """The tree. With `key`, only the line of that token, which is marked."""
    line = story.line_of(key) if key is not None else set(story.tokens)
    invalid = f" (invalid: {story.error})" if story.error else ""
    lines = [f"row {story.row} of {story.source}{invalid}: {_short(story.data)}"]
    if root := story.root:
        lines += _branch(story, root, line, key, "", last=True)
    left_out = len(story.tokens) - len(line)
    if left_out:
        lines.append(f"… and {left_out} more token{'s' if left_out > 1 else ''} of this row, not of this line")
    for batch, members in story.batches.items():
        rows = sorted({row for row, _ in members})
        if any(batch in (story.tokens[each].batch, *story.tokens[each].member_of) for each in line):
            lines.append(f"batch {batch} held {len(members)} tokens of rows {', '.join(map(str, rows))}")
    return "\n".join(lines)


def _branch(
    story: Story, token: Token, line: set[TokenKey], key: TokenKey | None, margin: str, *, last: bool
) -> list[str]:
    """A token, its events, and the tokens under it."""
    mark = "  ◀ this one" if token.key == key else ""
    lines = [f"{margin}{'└─' if last else '├─'} {token.name}  {_origin(story, token)}{mark}"]
    margin += "   " if last else "│  "
    under = [child for child in story.beneath.get(token.key, []) if child.key in line]
    stem = "│" if under else " "
    lines += [f"{margin}{stem}  {event}" for event in _events(story, token)]
    for index, child in enumerate(under):
        lines += _branch(story, child, line, key, margin, last=index == len(under) - 1)
    return lines


def _origin(story: Story, token: Token) -> str:
    match token.made_by:
        case "fork":
            return f"on branch {token.branch}"
        case "join":
            parents = ", ".join(story.tokens[parent].name for parent in token.parents if parent in story.tokens)
            lost = [f"{branch} was lost: {reason}" for branch, reason in token.barrier.lost] if token.barrier else []
            return f"merged from {', '.join([parents, *lost])}"
        case "expand":
            return "expanded"
        case "batch":
            return f"made of batch {token.batch}"
    return "read"


def _events(story: Story, token: Token) -> Iterator[str]:
    for visit in token.visits:
        if visit.verdict != "written":
            yield _visit(visit)
    collided = [name for name, _, kept in token.origins if not kept]
    if collided:
        yield f"the merge had several values for {', '.join(dict.fromkeys(collided))}"
    fate = token.fate
    if fate is None:
        yield "has no fate yet"
        return
    words = [fate.outcome]
    if fate.sink:
        words.append(f"to {fate.sink}")
    if fate.batch:
        words.append(f"by batch {fate.batch}")
    if fate.outcome in ("forked", "expanded", "coalesced"):
        words.append(_successors(story, token))
    if fate.reason:
        words.append(f"({fate.reason})")
    text = " ".join(word for word in words if word)
    if fate.error and not any(visit.error == fate.error for visit in token.visits):
        text += f": {fate.error}"
    yield f"⇒ {text}"
    if fate.sink:
        yield f"  {_short(token.ends_with)}"
    for barrier in story.barriers:
        if barrier.fork == token.key and barrier.verdict != "merged":
            yield _unmerged(barrier)


def _unmerged(barrier: Barrier) -> str:
    """A barrier that made no token."""
    text = f"✗ {barrier.node}: {barrier.verdict}" + (f", {barrier.reason}" if barrier.reason else "")
    arrived = f"; arrived: {', '.join(barrier.arrived)}" if barrier.arrived else ""
    lost = f"; lost: {', '.join(f'{branch} ({reason})' for branch, reason in barrier.lost)}" if barrier.lost else ""
    return text + arrived + lost


def _visit(visit: Visit) -> str:
    text = f"{visit.node}"
    if visit.attempt:
        text += f", attempt {visit.attempt + 1}"
    match visit.status:
        case "completed":
            text += f": {visit.verdict or _HELD.get(visit.kind, visit.status)}"
        case "held":
            text += ": held"
        case status:
            text += f": {status}"
    if visit.error:
        text += f", {visit.error.removeprefix(f'{visit.node}: ')}"
    if visit.label and visit.label != "continue" and visit.to:
        text += f" → {visit.to} by {visit.label}"
    return text


def _successors(story: Story, token: Token) -> str:
    names = [story.tokens[child].name for child in token.children if child in story.tokens]
    if len(names) > 4:
        names = [*names[:2], f"… {names[-1]}"]
    return f"into {', '.join(names)}" if names else ""


def _short(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def as_data(story: Story, key: TokenKey | None = None) -> dict[str, Any]:
    """The same as plain data: all tokens of the row, or those of the line of `key`."""
    line = story.line_of(key) if key is not None else set(story.tokens)

    def name(token: TokenKey) -> str:
        return story.tokens[token].name if token in story.tokens else f"{token[0]}:{token[1]}"

    def entry(token: Token) -> dict[str, Any]:
        return {
            "token": f"{token.key[0]}:{token.key[1]}",
            "name": token.name,
            "made_by": token.made_by,
            "branch": token.branch,
            "batch": token.batch,
            "member_of": token.member_of,
            "parents": [name(parent) for parent in token.parents],
            "children": [name(child) for child in token.children],
            "first_hop": token.first_hop,
            "begins_with": token.begins_with,
            "ends_with": token.ends_with,
            "visits": [asdict(visit) for visit in token.visits],
            "origins": [dict(zip(("field", "branch", "kept"), origin, strict=True)) for origin in token.origins],
            "fate": asdict(token.fate) if token.fate else None,
        }

    return {
        "schema": "fateline.lineage/1",
        "run": story.run,
        "row": story.row,
        "source": story.source,
        "idx": story.idx,
        "error": story.error,
        "data": story.data,
        "asked_for": name(key) if key is not None else None,
        "tokens": [entry(token) for token in story.tokens.values() if token.key in line],
        "barriers": [{**asdict(barrier), "fork": name(barrier.fork)} for barrier in story.barriers],
        "batches": {batch: [f"{row}:{token}" for row, token in members] for batch, members in story.batches.items()},
    }
