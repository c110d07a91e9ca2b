"""Reads a trail in JSON lines, and puts the records of any trail in order: by run, and by row. No record is trusted.

Every line is bounded, and every record is validated. The result is one `RunTrail` for each run, with the records by
row, so that each row can be checked by itself. Not here: databases (`audit/any_trail.py`), and what the records mean.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..ports.port import EngineFault, RecordJson
from ..ports.validate import check_records
from .complete import Completion

LINE: Final = 1_048_576
"""The largest number of bytes in a line."""


WHOLE_NUMBERS: Final = (
    "seq", "tx", "at", "opened", "closed", "idx", "ordinal", "attempt", "rows", "outputs", "first_at", "decided_at",
)  # fmt: skip
"""The columns with whole numbers."""


IDS: Final = {
    "nodes": ("node",),
    "rows": ("row",),
    "tokens": ("row", "token"),
    "parents": ("child", "parent"),
    "visits": ("visit", "token"),
    "hops": ("token",),
    "outcomes": ("token",),
    "merges": ("token",),
    "members": ("token", "batch"),
}
"""What a record is about. A record that does not say it cannot be stepped, and what it would have shown is not known."""


class BadTrail(ValueError):
    """A file is not a trail; the message says what is wrong and where."""


@dataclass
class RunTrail:
    """One run: the records about the run itself, the records of each row, and the orphans, which belong to no row."""

    run: str
    about: dict[str, list[RecordJson]] = field(default_factory=dict)
    rows: dict[str, list[RecordJson]] = field(default_factory=dict)
    batches: dict[str, RecordJson] = field(default_factory=dict)
    orphans: list[RecordJson] = field(default_factory=list)
    records: int = 0
    whole: bool = True
    """An absent value means that there is none. If false, it may be one that is not recorded."""
    ordered: bool = True
    """The order of the records is the order in which things happened. If false, it may be a little wrong."""
    inferred: dict[str, set[str]] = field(default_factory=dict)
    """By row, what is absent, or was inferred from other records (`complete.py`)."""
    of_the_run: set[str] = field(default_factory=set)
    """What is absent for all rows."""
    added: int = 0
    """How many records were added, because only others imply them."""
    starts: dict[str, str] = field(default_factory=dict)
    """For merged tokens whose first hop is not recorded, the coalesce that created them."""

    def not_known(self, rows: Iterable[str]) -> set[str]:
        """What is absent or inferred for these rows."""
        return self.of_the_run.union(*(self.inferred.get(row, ()) for row in rows))


def lines_of(path: Path) -> Iterator[RecordJson]:
    """The records of a file of JSON lines, each validated."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LINE + 1):
            number += 1
            if len(line) > LINE:
                raise BadTrail(f"{path}:{number}: the line has more than {LINE:,} bytes")
            if line.strip():
                yield _record(f"{path}:{number}", line)


def _record(where: str, line: bytes) -> RecordJson:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadTrail(f"{where}: not JSON: {error}") from error
    try:
        check_records(where, [record])
    except EngineFault as fault:
        raise BadTrail(str(fault)) from None
    for column in WHOLE_NUMBERS:
        value = record.get(column)
        if not isinstance(value, int | None) or isinstance(value, bool):
            raise BadTrail(f"{where}: {column} is {value!r}; give a whole number")
        if value is not None and not -(2**63) <= value < 2**63:
            raise BadTrail(f"{where}: {column} is a number of more than 64 bits")
    if not isinstance(record.get("run"), str):
        raise BadTrail(f"{where}: run is {record.get('run')!r}; give the id of a run")
    found: RecordJson = record
    return found


def runs_of(records: Iterable[RecordJson], *, whole: bool = True, ordered: bool = True) -> list[RunTrail]:
    """The records of each run, by row. The record of a token gives its row; other records may come before it.

    The records of a trail that is not `whole` are completed first.
    """
    by_run: dict[str, list[RecordJson]] = {}
    for record in records:
        by_run.setdefault(str(record["run"]), []).append(record)
    return [_run_of(run, own, whole, ordered) for run, own in by_run.items()]


def _run_of(run: str, records: Sequence[RecordJson], whole: bool, ordered: bool) -> RunTrail:
    trail = RunTrail(run, records=len(records), whole=whole, ordered=ordered)
    records, lacking = _with_ids(records)
    trail.of_the_run |= lacking
    if not whole:
        completion = Completion(_latest(records))
        records = completion.records()
        trail.inferred, trail.of_the_run = completion.inferred, completion.of_the_run | lacking
        trail.starts, trail.added = completion.starts, completion.added
    waiting: list[RecordJson] = []
    for record in records:
        relation = str(record["rec"])
        if relation in ("runs", "nodes", "edges"):
            trail.about.setdefault(relation, []).append(record)
        elif relation == "batches":
            trail.batches[str(record.get("batch"))] = record
        elif relation in ("rows", "tokens"):
            trail.rows.setdefault(str(record.get("row")), []).append(record)
        else:
            waiting.append(record)
    _by_row(trail, waiting)
    return trail


def _with_ids(records: Sequence[RecordJson]) -> tuple[list[RecordJson], set[str]]:
    """The records that say what they are about, and the columns that the others lack."""
    kept: list[RecordJson] = []
    lacking: set[str] = set()
    for record in records:
        absent = [column for column in IDS.get(str(record["rec"]), ()) if record.get(column) is None]
        lacking.update(f"{record['rec']}.{column}" for column in absent)
        if not absent:
            kept.append(record)
    return kept, lacking


def _latest(records: Iterable[RecordJson]) -> list[RecordJson]:
    """The records without those visits that a later record replaces."""
    kept: dict[object, RecordJson] = {}
    for number, record in enumerate(records):
        kept[record.get("visit") if record["rec"] == "visits" else number] = record
    return list(kept.values())


TOKEN_OF: Final = {
    "parents": "child",
    "visits": "token",
    "hops": "token",
    "outcomes": "token",
    "barriers": "fork_group",
    "losses": "token",
    "merges": "token",
    "members": "token",
}


def _by_row(trail: RunTrail, records: Sequence[RecordJson]) -> None:
    rows = {
        str(token.get("token")): row for row, own in trail.rows.items() for token in own if token["rec"] == "tokens"
    }
    of_barrier = {
        str(record.get("barrier")): rows.get(str(record.get("token")))
        for record in records
        if record["rec"] == "losses"
    }
    for record in records:
        token = record.get(TOKEN_OF[str(record["rec"])])
        row = rows.get(str(token))
        if row is None and not trail.whole and record["rec"] in ("barriers", "losses"):
            row = rows.get(str(record.get("result"))) or of_barrier.get(str(record.get("barrier")))
        if row is not None:
            trail.rows[row].append(record)
        elif not trail.whole and (token is None or (record["rec"] == "barriers" and record.get("result") is None)):
            trail.of_the_run.add(f"{record['rec']}.{TOKEN_OF[str(record['rec'])]}")
        else:
            trail.orphans.append(record)


def partitions(trail: RunTrail) -> Iterator[tuple[list[str], list[RecordJson]]]:
    """The partitions: each row by itself, and rows that met in a batch together. Gives the names and all the records of
    each."""
    leader: dict[str, str] = {row: row for row in trail.rows}

    def find(row: str) -> str:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    first: dict[str, str] = {}
    for row, records in trail.rows.items():
        for record in records:
            if record["rec"] == "members":
                other = first.setdefault(str(record.get("batch")), row)
                leader[find(row)] = find(other)
    together: dict[str, list[str]] = {}
    for row in trail.rows:
        together.setdefault(find(row), []).append(row)
    of_batch: dict[str, list[RecordJson]] = {find(row): [] for row in first.values()}
    for batch, row in first.items():
        if batch in trail.batches:
            of_batch[find(row)].append(trail.batches[batch])
    for head, rows in together.items():
        yield rows, [record for row in rows for record in trail.rows[row]] + of_batch.get(head, [])
