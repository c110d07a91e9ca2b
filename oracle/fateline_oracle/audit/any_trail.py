"""Reads any trail as records: a database through its adapter or through views, JSON lines, or a folder of Parquet files.

All commands that step, compare or show a trail read it here; the audit reads the same sources in place, or in a copy
(`prepared`). Not
here: what the records mean.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ..trails.reader import WHOLE_NUMBERS, BadTrail, RunTrail, lines_of, runs_of
from .adapters import Adapter, adapter_of_file, find_adapter, fitting, tables_in, version_notes
from .connect import BadSource, TookTooLong, bounded, is_being_written, is_database, notes, snapshot
from .copied_tables import copy_tables, read_by
from .import_records import copy_lines, copy_source
from .other_lines import copy_lines_of, is_other_format
from .postgresql import Place, adapter_in_place, checked, read_from, schemas_of, tables_of
from .source import COLUMNS, NAMES, PATIENCE, Source, reading

Record = dict[str, Any]
NO_VIEWS: Final = "it is a trail in JSON lines, which needs no --views"
LONGEST: Final = 65_536
"""The largest number of characters of a value that is read; a longer text is cut."""


@dataclass(frozen=True)
class AnyTrail:
    """The records of a trail, how they are read, and what a reader of a verdict should know."""

    records: Iterable[Record]
    adapter: str
    whole: bool = False
    """An absent value means that there is none."""
    ordered: bool = True
    """The order of the records is that of the events."""
    notes: tuple[str, ...] = ()

    def runs(self) -> list[RunTrail]:
        return runs_of(self.records, whole=self.whole, ordered=self.ordered)


@contextmanager
def open_any(path: Path, views: Path | None = None, patience: float = PATIENCE) -> Iterator[AnyTrail]:
    """Open a trail of any kind. Its records are read once, inside. Raises `BadSource` if it is none."""
    try:
        if path.is_dir():
            yield _of_folder(path)
        elif not is_database(path) and is_other_format(path):
            with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
                lines, adapter = _of_other_lines(path, views, Path(folder))
                with _of_database(lines, adapter, patience) as trail:
                    yield trail
        elif not is_database(path):
            if views is not None:
                raise BadSource(f"{path}: {NO_VIEWS}")
            yield AnyTrail(map(dict, lines_of(path)), "JSON lines")
        elif is_being_written(path):
            with snapshot(path) as copy, _of_database(copy, find_adapter(copy, views), patience) as trail:
                yield trail
        else:
            with _of_database(path, find_adapter(path, views), patience) as trail:
                yield trail
    except BadTrail as error:
        raise BadSource(str(error)) from None
    except TookTooLong:
        raise BadSource(f"{path}: reading took longer than {patience:g} s; --patience allows more") from None


@contextmanager
def prepared(
    path: Path | Place, views: Path | None = None, patience: float = PATIENCE
) -> Iterator[tuple[Path | Place, Adapter]]:
    """The database to audit: the given one, or a copy if it is JSON lines or its views lack the column `part`."""
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
        copy = Path(folder) / "trail.db"
        if isinstance(path, Place):
            path, adapter = _on_server(path, views, patience, Path(folder))
        elif is_database(path):
            adapter = find_adapter(path, views)
        elif is_other_format(path):
            path, adapter = _of_other_lines(path, views, Path(folder))
        else:
            if views is not None:
                raise BadSource(f"{path}: {NO_VIEWS}")
            yield copy, copy_lines(path, copy)
            return
        with read_from(path, adapter, patience) as source:
            in_place = source.in_place
            if not in_place:
                adapter = copy_source(source, copy, patience)
        yield (path if in_place else copy), adapter


def _on_server(place: Place, views: Path | None, patience: float, folder: Path) -> tuple[Path | Place, Adapter]:
    """The adapter for a database on a server, and where it reads: there, or in a copy of the tables of a known engine."""
    if views is not None:
        return place, checked(adapter_of_file(views))
    tables = tables_of(place, patience)
    adapter = adapter_in_place(tables)
    if adapter is not None:
        return place, adapter
    try:
        adapter = fitting(tables, str(place))
    except BadSource as error:
        others = schemas_of(place, patience)
        if not others:
            raise
        named = f"?options=-csearch_path%3D{quote(others[0])}"
        raise BadSource(f"{error}. Other schemas have tables: {', '.join(others)}; name one with {named}") from None
    copy_tables(place, read_by(adapter, tables), folder / "tables.db", patience)
    return folder / "tables.db", adapter


def _of_other_lines(path: Path, views: Path | None, folder: Path) -> tuple[Path, Adapter]:
    """The database that lines in another format are made into, and its adapter."""
    lines = folder / "lines.db"
    copy_lines_of(path, lines)
    if views is not None:
        return lines, adapter_of_file(views)
    return lines, fitting(tables_in(lines), str(path), "its lines, which have no key `rec`")


@contextmanager
def _of_database(path: Path, adapter: Adapter, patience: float) -> Iterator[AnyTrail]:
    with reading(path, adapter, patience) as source, bounded(source.conn, patience):
        if source.slow:
            raise BadSource(f"{adapter.name}: {next(iter(source.slow.values()))}")
        about = (*notes(path), *version_notes(path, adapter), *adapter.order, *adapter.notes)
        yield AnyTrail(records_of(source), adapter.name, adapter.whole, not adapter.order, about)


def records_of(source: Source) -> Iterator[Record]:
    """The records that the views of a database give, without values that no record can have."""
    for relation, columns in source.columns.items():
        kept = [column for column in columns if column in COLUMNS[relation]]
        names = ", ".join(f'"{column}"' for column in kept)
        order = " ORDER BY seq" if "seq" in kept else ""
        for values in source.ask(f"SELECT {names} FROM given_{relation}{order}"):
            yield {"rec": relation, **dict(_plain_pairs(dict(zip(kept, values, strict=True))))}


def _plain(column: str, value: object) -> object:
    """A value as a record has it: text for names, whole numbers where a number is meant; None for anything else."""
    if value is None or isinstance(value, bytes):
        return None
    if column == "kept":
        return bool(value)
    if column in WHOLE_NUMBERS:
        return value if isinstance(value, int) else None
    if column in NAMES or not isinstance(value, int):
        return str(value)[:LONGEST]
    return value


def _of_folder(folder: Path) -> AnyTrail:
    from .parquet import records_of_folder

    adapter, records = records_of_folder(folder)
    plain = ({"rec": rec, **dict(_plain_pairs(values))} for rec, values in records)
    return AnyTrail(plain, adapter.name, adapter.whole, not adapter.order, adapter.notes)


def _plain_pairs(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for column, value in values.items():
        plain = _plain(column, value)
        if plain is not None:
            yield column, plain
