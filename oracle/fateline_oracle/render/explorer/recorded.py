"""Makes a row of a trail that the law cannot step a line of its records: one record a step, in their order.

A visit is two steps if its opening and its closing are recorded. How a token stands follows from its latest record. Not
here: any law; a page made so asks none, and says why.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fateline_model.words import OPEN_STATUSES, OUTCOMES, Outcome, VisitStatus

from ...trails.pipeline import document_of
from ...trails.reader import BadTrail, RunTrail, partitions
from ...trails.reconstruct import named
from ..counterexample import record_text
from .lines import LONGEST, Play
from .tables import CONTINUED, ENDED, HAS_ENDED, HELD, WAITS, WORKS, Tables

_NEXT: Final = "what is recorded next"
Stands = tuple[str, str, str, str]


def play_of_records(trail: RunTrail, row: str, why: str) -> Play:
    """A row without the law, and why it is played so."""
    rows, found = next((rows, records) for rows, records in partitions(trail) if row in rows)
    events = list(_events(named(found, "0" if len(rows) == 1 else None, trail.starts)))[:LONGEST]
    tables = Tables()
    tables.meanings["record"] = _NEXT
    tokens: dict[str, Stands] = {}
    line = []
    for number, record in enumerate(events):
        says = f"{record['rec']} {record_text(record)}"
        step = tables.steps.place((number, says), [says, "record", [tables.record(record)], [], None])
        tables.states.append(_state(tables, tokens, [[step, number + 1]]))
        line.append({"edge": 0})
        tokens |= _after(record, tokens)
    tables.states.append(_state(tables, tokens, []))
    try:
        document: dict[str, Any] | None = document_of(trail)
    except BadTrail:
        document = None
    notes = ["The law cannot step this row, so only its records are shown, in their order.", f"The reason: {why}"]
    notes += [f"The first {LONGEST} records are played."] if len(events) == LONGEST else []
    about = f"Row {row} of run {trail.run}, as it was recorded."
    played = {"title": f"Row {row}", "about": about, "side": "", "line": line}
    return Play(f"Row {row}", about, document, {**tables.document(), "lines": [played]}, tuple(notes))


def _state(tables: Tables, tokens: Mapping[str, Stands], edges: list[list[int]]) -> list[Any]:
    return ["as it is recorded", [tables.tokens.place(stands) for stands in tokens.values()], [], edges, []]


def _events(records: list[dict[str, object]]) -> Iterator[dict[str, Any]]:
    """The records in their order, and the opening of each visit. Records without a number stay where they are."""
    events: list[tuple[float, dict[str, Any]]] = []
    last = 0.0
    for record in records:
        at = record.get("closed") or record.get("seq")
        opened = record.get("opened")
        if record["rec"] == "visits" and isinstance(opened, int) and opened != at:
            events.append((float(opened), {**record, "status": VisitStatus.OPEN, "verdict": None}))
        last = float(at) if isinstance(at, int) else last
        events.append((last, record))
    for _, record in sorted(events, key=lambda one: one[0]):
        yield {key: value for key, value in record.items() if value is not None}


def _after(record: Mapping[str, Any], tokens: Mapping[str, Stands]) -> dict[str, Stands]:
    """How the token of a record stands after it. A token that has ended stays so; its last visit may be recorded later."""
    name = str(record.get("token", "?"))
    _, node, kind, _ = tokens.get(name, ("", "", "", ""))
    if kind in (ENDED, CONTINUED):
        return {}
    if record["rec"] == "tokens":
        return {name: tokens.get(name, (name, node, WAITS, "is created"))}
    if record["rec"] == "hops":
        node = str(record.get("dst", ""))
        return {name: (name, node, WAITS, f"waits before {node}")}
    if record["rec"] == "visits":
        node, status = str(record.get("node", "")), record.get("status", "recorded")
        kind = HELD if status == VisitStatus.HELD else WORKS if status in OPEN_STATUSES else WAITS
        return {name: (name, node, kind, f"at {node}: {status}")}
    if record["rec"] == "outcomes" and record.get("outcome") in set(Outcome) and OUTCOMES[record["outcome"]].terminal:
        kind = CONTINUED if OUTCOMES[record["outcome"]].delegates else ENDED
        return {name: (name, node, kind, f"{HAS_ENDED}{record['outcome']}")}
    return {}
