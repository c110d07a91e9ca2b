"""Inputs that are damaged: lawful ones with a few changes, so that they come further than noise does.

Not here: what they are given to.
"""

import copy
from typing import Any, Final

from hypothesis import strategies as st

DEEP: Final[Any] = []
_inner = DEEP
for _ in range(200):
    _inner.append([])
    _inner = _inner[0]

VALUES: Final[list[Any]] = [
    None, True, False, 0, -1, 1, 2, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, float("inf"), float("nan"),
    "", " ", "0", "1", "a", "a,b", "x" * 70_000, "\x00", "\x1b]0;x\x07", "\x9b31m", "\u202e", "\ud800", "e\u0301", "\ufeff",
    "rowid", "../x", "/dev/zero", "%s%n", "'; DROP TABLE t; --", "null", "completed", "forked",
    [], {}, [[]], [None], ["a", "a"], {"": ""}, {"a": {"a": {}}}, DEEP,
]  # fmt: skip
"""Values that are of another type, at a limit, or mean something to somebody."""

TEXTS: Final = [
    "", "\x00", "\n", "\r", "\r\n\r\n", "\t", " ", "\ufeff", "\x1b[2J", "\u202e", "\x9b", "'", '"', '""', "`", ";", ",", ":", "- ",
    "{", "}", "[", "]", "[" * 3_000, "{" * 3_000, "(" * 3_000, "&a ", "*a", "!!python/object:os.system", "<<: ", "---\n", "...\n", "#", "%",
    "|", ">", "\\", "\\ud800", "NaN", "1e999", "9" * 5_000, "-0", "0x10", "null", "true", "é", "𝄞", "A" * 20_000,
]  # fmt: skip
"""What is put into a text."""

BYTES: Final = [
    b"",
    b"\xff",
    b"\xfe\xff",
    b"\x00" * 9,
    b"\xc3",
    b"\xed\xa0\x80",
    b"\x1f\x8b",
    b"\r",
    b'"',
    *(one.encode() for one in TEXTS),
]


@st.composite
def damaged_text(draw: st.DrawFn, texts: list[str], more: list[str] | None = None) -> str:
    """One of the texts with up to four changes."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.sampled_from([0, 0, 1, 2, 5, 20, 80])))
        piece = draw(
            st.one_of(st.sampled_from([*TEXTS, *(more or [])]), st.just(text[begin:end] * 2), st.text(max_size=5))
        )
        text = text[:begin] + piece + text[end:]
    return text


@st.composite
def damaged_bytes(draw: st.DrawFn, contents: list[bytes]) -> bytes:
    """One of the contents with up to four changes, or cut off."""
    content = draw(st.sampled_from(contents))
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.sampled_from([0, 0, 1, 2, 5, 20, 80])))
        piece = draw(st.one_of(st.sampled_from(BYTES), st.just(content[begin:end] * 2), st.binary(max_size=5)))
        content = content[:begin] + piece + content[end:]
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 9)) == 0 else content


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a value with each of its keys."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        one = todo.pop()
        items = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        found += [(one, key) for key, _ in items]
        todo += [inner for _, inner in items]
    return found


@st.composite
def damaged_data(draw: st.DrawFn, documents: list[Any], more: list[Any] | None = None) -> Any:
    """One of the documents with up to three changes: a value replaced, taken away, doubled, or moved to another place."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 3))):
        places = _places(document)
        if not places:
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.integers(0, 5))
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif how == 2:
            other, there = places[draw(st.integers(0, len(places) - 1))]
            holder[key] = copy.deepcopy(other[there])
        elif how == 3 and isinstance(holder, dict):
            holder[draw(st.sampled_from(["x", "", "\x1b[1m", "rec", "A" * 300]))] = holder[key]
        else:
            holder[key] = copy.deepcopy(draw(st.sampled_from([*VALUES, *(more or [])])))
    return document
