"""Pipeline stimuli as JSON objects, written and read. Not here: what the fields mean (`stimuli.py`)."""

from collections.abc import Mapping

from .stimuli import SHAPES, Do, Stimulus
from .words import MergeData


def as_json(stimulus: Stimulus) -> dict[str, object]:
    """The stimulus as a JSON object, without the fields it does not carry."""
    return {key: value for key, value in stimulus._asdict().items() if value not in (None, ())}


def from_json(document: object) -> Stimulus:
    """Read `as_json`'s form back. Raises ValueError naming what is wrong."""
    if not isinstance(document, Mapping) or not all(isinstance(key, str) for key in document):
        raise ValueError(f"a stimulus is an object, not {type(document).__name__}")
    try:
        do = Do(str(document.get("do")))
    except ValueError:
        raise ValueError(f"do: found {document.get('do')!r}; allowed: {', '.join(Do)}") from None
    shape = SHAPES[do]
    allowed = {"do", *shape.must, *(("data",) if shape.merges else ())}
    if set(document) - allowed or set(shape.must) - set(document):
        raise ValueError(f"{do}: found keys {', '.join(document)}; give do, {', '.join(shape.must) or 'and no more'}")
    row = document.get("row")
    if "row" in document and (not isinstance(row, int) or isinstance(row, bool) or row < 0):
        raise ValueError(f"{do}: row is {row!r}; give a whole number from 0")
    words = document.get("data", ())
    if not isinstance(words, list | tuple) or not all(
        isinstance(word, str) and word in set(MergeData) for word in words
    ):
        raise ValueError(f"{do}: data is {words!r}; give a list of {', '.join(MergeData)}")
    texts = {key: document.get(key) for key in ("token", "verdict", "hold")}
    if not all(isinstance(text, str) for key, text in texts.items() if key in document):
        raise ValueError(f"{do}: token, verdict and hold are texts")
    token, verdict, hold = (None if text is None else str(text) for text in texts.values())
    return Stimulus(
        do, row if isinstance(row, int) else None, token, verdict, hold, tuple(MergeData(word) for word in words)
    )
