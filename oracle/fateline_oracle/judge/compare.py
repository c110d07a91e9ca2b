"""What an engine wrote in a step held against what the law writes in it.

A step is compared by what it leaves: of a record that a step writes twice (a visit that opens and closes in it), the
later counts. A column that the engine does not record is not judged; one that the law leaves to the engine (`*`) must be
there. Not here: names (`names.py`); both sides come with the names of the law.
"""

from collections.abc import Iterable
from typing import Final

from fateline_model.records import SOME
from fateline_model.words import OUTCOMES, Outcome

from .port import Written

KEYS: Final = {
    "runs": (),
    "rows": ("row",),
    "tokens": ("token",),
    "parents": ("child", "parent"),
    "visits": ("token", "node", "attempt"),
    "hops": ("token", "src", "label", "dst"),
    "outcomes": ("token", "outcome"),
    "barriers": ("node", "fork_group"),
    "losses": ("node", "fork", "branch"),
    "batches": ("batch",),
    "members": ("batch", "token"),
}
"""What identifies a record of a relation, by names of the law."""

COMPARED: Final = {
    "runs": ("status", "rows"),
    "rows": ("row", "idx"),
    "tokens": ("row", "branch", "group_kind", "group"),
    "parents": ("ordinal",),
    "visits": ("status", "verdict"),
    "hops": (),
    "outcomes": ("sink", "error", "reason", "batch", "group", "promised"),
    "barriers": ("verdict", "reason", "trigger", "arrived", "lost", "result"),
    "losses": ("token", "reason"),
    "batches": ("node", "trigger", "status", "outputs"),
    "members": ("ordinal",),
}
"""What is compared beyond the key."""

MUST_BE_EQUAL: Final = ("outcomes", "tokens")
"""Relations in which an absent column says something: an outcome without a sink was written nowhere."""

Key = tuple[str, ...]


def differences(expected: Iterable[Written], observed: Iterable[Written]) -> list[str]:
    """What is missing, what is too much, and what is otherwise than the law says; empty when the step is the law's."""
    wanted, found = _by_key(expected), _by_key(observed)
    lines = [f"missing: {_say(key)}" for key in wanted if key not in found]
    lines += [f"not in the law: {_say(key)}" for key in found if key not in wanted]
    for key, record in wanted.items():
        if key in found:
            lines += _columns(key, record, found[key])
    return lines


def _by_key(records: Iterable[Written]) -> dict[Key, Written]:
    kept: dict[Key, Written] = {}
    for record in records:
        relation = str(record["rec"])
        if relation in KEYS:
            kept[relation, *(str(_column(record, column)) for column in KEYS[relation])] = record
    return kept


def _column(record: Written, column: str) -> object:
    """A column; a loss names its barrier by an id of the engine's, of which node and forked token are the meaning."""
    if record["rec"] == "losses" and column in ("node", "fork"):
        node, _, fork = str(record["barrier"]).partition("@")
        return node if column == "node" else fork
    return record.get(column)


def _columns(key: Key, wanted: Written, found: Written) -> list[str]:
    lines = []
    for column in COMPARED[key[0]]:
        law, engine = wanted.get(column), found.get(column)
        if key[0] == "outcomes" and (law is None or engine is None) and column in OUTCOMES[Outcome(key[2])].may:
            continue
        if engine is None and (law is None or key[0] not in MUST_BE_EQUAL):
            continue
        if law == SOME and engine is not None:
            continue
        if str(law if law is not None else "") != str(engine if engine is not None else ""):
            lines.append(f"{_say(key)}: {column} is {engine!r}, and the law says {law!r}")
    return lines


def _say(key: Key) -> str:
    return f"{key[0]} {' '.join(key[1:])}".strip()
