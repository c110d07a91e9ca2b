"""CSV files with a header line, as a source and as a sink.

Not here: guessing. Cells are texts unless the option `fields` gives a type, and the delimiter is an option.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TextIO

from fateline_engine.plugins.builtin.files import LineFile, blaming, closing_on_failure, listed, regular
from fateline_engine.plugins.builtin.values import from_text, to_json
from fateline_engine.plugins.decorators import sink, source
from fateline_engine.plugins.options import IfExists, Key, character, field_types, fields, file_path, one_of
from fateline_engine.plugins.protocols import PluginUnavailable, Row, RowRefused, SourceRecord

_RAW_SHOWN: Final = 1000


@source(
    options={
        "path": Key(file_path, required=True, meaning="the file, from the folder of the pipeline"),
        "fields": Key(field_types, meaning="field to `str`, `int`, `float` or `bool`, with a `?` if it may be empty"),
        "delimiter": Key(character, meaning="default: a comma"),
    }
)
class CsvSource:
    """Blank lines are skipped. A record with too few or too many cells, or a cell that is not of its type, is an
    invalid row; so is one that is not UTF-8."""

    def __init__(self, path: Path, fields: Mapping[str, str] | None = None, delimiter: str = ",") -> None:
        self.path = path
        self._types = dict(fields or {})
        self._delimiter = delimiter
        self._stream: TextIO | None = None
        self._header: list[str] = []

    @property
    def note(self) -> str | None:
        """What somebody may not expect who has not read the documentation."""
        if self._types:
            return None
        return (
            f"every field of {self.path.name} is text, and 1 + 2 is 12; "
            "the option fields gives types, such as {amount: int, price: float}"
        )

    def open(self) -> None:
        with closing_on_failure(self):
            self._open()

    def _open(self) -> None:
        with blaming(self.path, "read"):
            regular(self.path)
            # Bytes that are not UTF-8 must cost their own record only: they come through as lone surrogates.
            self._stream = self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
            try:
                self._header = next(self._reader(), [])
            except csv.Error as error:
                raise PluginUnavailable(f"{self.path} is not CSV: {error}") from error
        if not self._header:
            raise PluginUnavailable(f"{self.path} is empty: the first line must name the fields")
        if any(_undecoded(name) or "\0" in name for name in self._header):
            raise PluginUnavailable(f"{self.path} is not UTF-8 text in its first line: check that it is a CSV file")
        if "" in self._header or len(set(self._header)) < len(self._header):
            raise PluginUnavailable(f"{self.path} has an empty or repeated field in its first line: {self._header}")
        if missing := [name for name in self._types if name not in self._header]:
            message = f"no field {', '.join(missing)} in its first line, which has {', '.join(self._header)}"
            raise PluginUnavailable(f"{self.path} has {message}: check fields and delimiter")

    def _reader(self) -> Iterator[list[str]]:
        if self._stream is None:
            raise RuntimeError("the source is not open")
        self._stream.seek(0)
        return csv.reader(self._stream, delimiter=self._delimiter, strict=True)

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        reader = self._reader()
        index = -2  # the header is the first thing read
        while True:
            cells: list[str] | str
            try:
                with blaming(self.path, "read"):
                    cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                cells = str(error)
            if cells == []:
                continue
            index += 1
            if index >= max(start, 0):
                yield self._record(index, cells)

    def _record(self, index: int, cells: list[str] | str) -> SourceRecord:
        """The cells as values, or a text that gives the reason why they are invalid."""
        place = f"record {index + 1}"
        if isinstance(cells, str):
            return SourceRecord(index, {}, error=f"{place}: not CSV: {cells}")
        raw = {"_raw": _readable(self._delimiter.join(cells))[:_RAW_SHOWN]}
        if len(cells) != len(self._header):
            message = f"{place}: {len(cells)} cells, and the header has {len(self._header)}"
            return SourceRecord(index, raw, error=message)
        data: dict[str, object] = {}
        for name, cell in zip(self._header, cells, strict=True):
            if _undecoded(cell):
                return SourceRecord(index, raw, error=f"{place}: {name}: not UTF-8")
            try:
                data[name] = from_text(cell, self._types.get(name, "str"))
            except ValueError as error:
                plain = dict(zip(self._header, map(_readable, cells), strict=True))
                return SourceRecord(index, plain, error=f"{place}: {name}: {error}")
        return SourceRecord(index, data, {name: self._types.get(name, "str").rstrip("?") for name in self._header})

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _undecoded(text: str) -> bool:
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@sink(
    options={
        "path": Key(file_path, required=True, meaning="the file, from the folder of the pipeline"),
        "fields": Key(fields, meaning="the columns; default: the fields of the first row"),
        "delimiter": Key(character, meaning="default: a comma"),
        "if_exists": Key(
            one_of(IfExists), meaning="what happens to an existing file: `replace` (default), `append` or `fail`"
        ),
    }
)
class CsvSink:
    """The header is `fields`, or the fields of the first row. A row with a field beyond those is refused; one that
    lacks some leaves the cells empty. Lists and mappings are written as JSON."""

    def __init__(
        self,
        path: Path,
        fields: tuple[str, ...] = (),
        delimiter: str = ",",
        if_exists: IfExists = IfExists.REPLACE,
    ) -> None:
        self.path = path
        self._file = LineFile(path, if_exists)
        self._fields = fields
        self._delimiter = delimiter
        self._header: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()

    def open(self, *, resume: bool) -> None:
        with closing_on_failure(self):
            self._file.open(resume=resume)
            self._read_header()

    def _read_header(self) -> None:
        self._header = ()
        if self._file.position():
            lines = self._file.first_lines()
            self._header = tuple(next(csv.reader(lines, delimiter=self._delimiter), []))
            lines.close()
        self._known = frozenset(self._header)

    def write(self, row: Row) -> None:
        header = self._header or self._fields or tuple(row)
        known = self._known or frozenset(header)
        if extra := [name for name in row if name not in known]:
            raise RowRefused(f"no column for {listed(extra)}: the file has {listed(header)}")
        if not header:
            raise RowRefused("a row without fields cannot be the first of a CSV file")
        line = self._line([_cell(row.get(name)) for name in header])
        if not self._header:
            line = self._first_line(header) + line
        self._file.write(line)
        self._header, self._known = header, known

    def _first_line(self, header: tuple[str, ...]) -> bytes:
        """The header; refused if it could not be read again, which a resumed run does."""
        line = self._line(list(header))
        try:
            again = next(csv.reader(io.StringIO(line.decode("utf-8-sig"), newline=""), delimiter=self._delimiter), [])
        except csv.Error as error:
            raise RowRefused(f"its fields cannot be the header of a CSV file: {error}") from error
        if tuple(again) != header:
            raise RowRefused("its fields cannot be the header of a CSV file: they would be read as others")
        return line

    def _line(self, cells: list[str]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self._delimiter, lineterminator="\r\n")  # so that both are quoted in a cell
        try:
            writer.writerow(cells)
            return (text.getvalue().removesuffix("\r\n") + "\n").encode("utf-8")
        except (csv.Error, UnicodeEncodeError) as error:
            raise RowRefused(f"cannot be written as CSV: {error}") from error

    def flush(self) -> None:
        self._file.flush()

    def position(self) -> int:
        return self._file.position()

    def truncate(self, position: int) -> None:
        self._file.truncate(position)
        self._read_header()

    def close(self) -> None:
        self._file.close()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
    return to_json(value)
