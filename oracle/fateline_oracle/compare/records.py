"""Compares the records that an engine wrote in a step with the records that the law writes.

A step is compared by what it leaves. If a step writes a record twice (a visit that opens and closes in it), the later
one counts. A column that the engine does not record is not compared. A column whose value the law leaves to the engine
(`*`) must have a value. Not here: names (`names.py`); both sides have the names of the law.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from fateline_model.records import SOME
from fateline_model.words import OUTCOMES, Outcome

from ..ports.port import RecordJson


class Compared(NamedTuple):
    """The columns that identify a record of a relation, and the other columns that are compared."""

    key: tuple[str, ...]
    columns: tuple[str, ...]


RELATIONS: Final = {
    "runs": Compared((), ("status", "rows")),
    "rows": Compared(("row",), ("idx",)),
    "tokens": Compared(("token",), ("row", "branch", "group_kind", "group")),
    "parents": Compared(("child", "parent"), ("ordinal",)),
    "visits": Compared(("token", "node", "attempt"), ("status", "verdict")),
    "hops": Compared(("token", "src", "label", "dst"), ("from_visit",)),
    "outcomes": Compared(("token", "outcome"), ("sink", "error", "reason", "batch", "group", "promised")),
    "barriers": Compared(("barrier",), ("node", "verdict", "reason", "trigger", "arrived", "lost", "result")),
    "losses": Compared(("barrier", "branch"), ("token", "reason")),
    "batches": Compared(("batch",), ("node", "trigger", "status", "outputs")),
    "members": Compared(("batch", "token"), ("ordinal",)),
}
"""Merges are not compared, because the law holds no data; `data_laws.py` checks them."""

REWRITTEN: Final = ("runs", "visits", "batches")
"""Relations whose records are written at their beginning, and again when they change."""

OPTIONAL: Final = {("visits", "verdict"), ("hops", "from_visit"), ("runs", "rows"), ("rows", "idx")}
"""Columns that an engine may leave out. In all other columns an absent value has a meaning: an outcome without a sink was
written nowhere, a barrier without a reason did not fail."""

MISSING, ADDED = HOW = ("missing: ", "not in the law: ")
"""How a line of `differences` about a whole record begins."""

Unrecorded = frozenset[tuple[str, str]]
"""Relations and columns that an engine does not record. They are not compared."""

Key = tuple[str, ...]
Keyed = dict[Key, tuple[object, ...]]
"""What a step leaves: the compared columns, by relation and key."""


def by_key(records: Iterable[RecordJson]) -> dict[Key, RecordJson]:
    """The records that remain, by relation and key."""
    kept: dict[Key, RecordJson] = {}
    for record in records:
        for key in keyed([record]):
            kept[(*key, "again") if key in kept and record["rec"] not in REWRITTEN else key] = record
    return kept


def keyed(records: Iterable[RecordJson]) -> Keyed:
    """What these records leave. Of two with the same key the later one counts if the relation is rewritten; otherwise both."""
    kept: Keyed = {}
    for record in records:
        compared = RELATIONS.get(record["rec"])  # type: ignore[call-overload]
        if compared is not None:
            key = (str(record["rec"]), *[str(record.get(column)) for column in compared.key])
            if record.get("outcome") == Outcome.BUFFERED:  # a token may be buffered in several batches
                key = (*key, str(record.get("batch")))
            if key in kept and record["rec"] not in REWRITTEN:
                key = (*key, "again")
            kept[key] = tuple([record.get(column) for column in compared.columns])
    return kept


def differences(
    wanted: Mapping[Key, tuple[object, ...]],
    found: Mapping[Key, tuple[object, ...]],
    unrecorded: Unrecorded = frozenset(),
    *,
    whole: bool = True,
) -> list[str]:
    """One line for each missing, additional or different record. Empty if the step is that of the law.

    `whole`: an absent value means that there is none. If false, absent values are not compared.
    """
    if wanted == found:
        return []
    lines = [f"{MISSING}{_text(key)}" for key in wanted if key not in found and (key[0], "") not in unrecorded]
    lines += [f"{ADDED}{_text(key)}" for key in found if key not in wanted]
    for key, law in wanted.items():
        if key in found and law != found[key]:
            lines += _columns(key, law, found[key], unrecorded, whole)
    return lines


def _columns(
    key: Key, wanted: tuple[object, ...], found: tuple[object, ...], unrecorded: Unrecorded, whole: bool
) -> list[str]:
    lines = []
    for column, law, engine in zip(RELATIONS[key[0]].columns, wanted, found, strict=True):
        if engine is None and not whole:
            continue
        if key[0] == "outcomes" and (law is None or engine is None) and column in OUTCOMES[Outcome(key[2])].may:
            continue
        if (key[0], column) in unrecorded or (engine is None and (key[0], column) in OPTIONAL):
            continue
        if law == SOME and engine is not None:
            continue
        if str(law if law is not None else "") != str(engine if engine is not None else ""):
            lines.append(f"{_text(key)}: {column} is {_word(engine)}; the law has {_word(law)}")
    return lines


def _word(value: object) -> str:
    """A value as it stands in a record, also if it is a word of one of our lists."""
    return repr(str(value)) if isinstance(value, str) else repr(value)


class Pair(NamedTuple):
    """A record of the law and the record of the engine that belongs to it. One of them may be absent."""

    law: RecordJson | None
    engine: RecordJson | None
    mark: str
    """In what they differ, in one of the three words below; empty if a comparison did not say that they do."""


IS_MISSING, IS_ADDED, DIFFERS = "missing", "not in the law", "differs"


def paired(law: Sequence[RecordJson], engine: Sequence[RecordJson], said: Iterable[str]) -> list[Pair]:
    """The records of a step side by side: in the order of the law, then what only the engine wrote.

    `said` are the lines of `differences` about this step; so a pair is marked only where the comparison found something.
    """
    lines = tuple(said)
    texts, left = _places(law)
    more, right = _places(engine)
    pairs = []
    for place in dict.fromkeys([*left, *right]):
        own, other, text = left.get(place), right.get(place), texts.get(place) or more.get(place, "")
        mark = ""
        if text and f"{MISSING}{text}" in lines:
            mark = IS_MISSING
        elif text and f"{ADDED}{text}" in lines:
            mark = IS_ADDED
        elif text and any(line.startswith(f"{text}: ") for line in lines):
            mark = DIFFERS
        pairs.append(Pair(own, other, mark))
    return pairs


def _places(records: Sequence[RecordJson]) -> tuple[dict[Key, str], dict[Key, RecordJson]]:
    """The records by key and place, and the text by which `differences` names each of them.

    Of several records with one key in a relation that is rewritten, the last is compared; the places count from the end.
    """
    keys = [next(iter(keyed([record])), (str(record["rec"]),)) for record in records]
    texts: dict[Key, str] = {}
    by_place: dict[Key, RecordJson] = {}
    for number, (key, record) in enumerate(zip(keys, records, strict=True)):
        rewritten = key[0] in REWRITTEN
        place = keys[number + 1 :].count(key) if rewritten else keys[:number].count(key)
        by_place[(*key, str(place))] = record
        compared = key[0] in RELATIONS and not (rewritten and place)
        if compared:
            texts[(*key, str(place))] = _text(key if rewritten or not place else (*key, "again"))
    return texts, by_place


def shape(line: str) -> str | None:
    """A line of `differences` without the names in it: which relation, and which outcome or column. None for other lines."""
    how = next((how for how in HOW if line.startswith(how)), "")
    key, _, rest = line.removeprefix(how).partition(": ")
    relation, *names = key.split(" ")
    if relation not in RELATIONS:
        return None
    outcome = f" {names[1]}" if relation == "outcomes" and len(names) > 1 else ""
    column = rest.partition(" ")[0]
    return f"{how}{relation}{outcome}{f' {column}' if column else ''}"


def _text(key: Key) -> str:
    return f"{key[0]} {' '.join(key[1:])}".strip()
