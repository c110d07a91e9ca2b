"""JSON lines: one object on each line, as a source and as a sink.

Each line may have its own fields; the option `fields` lists those that every line must have. Not here: a schema of values.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from fateline_engine.plugins.builtin.files import LineFile, blaming, closing_on_failure, regular
from fateline_engine.plugins.builtin.values import contract_of, convert, to_json
from fateline_engine.plugins.decorators import sink, source
from fateline_engine.plugins.options import IfExists, Key, field_types, file_path, one_of
from fateline_engine.plugins.protocols import Row, SourceRecord

MAX_LINE: Final = 16 * 1024 * 1024
_RAW_SHOWN: Final = 1000


@source(
    options={
        "path": Key(file_path, required=True, meaning="the file, from the folder of the pipeline"),
        "fields": Key(
            field_types, meaning="fields that must be there: `str`, `int`, `float`, `bool`; `?` if not always"
        ),
    }
)
class JsonlSource:
    """Blank lines are skipped. A line that is not an object, or lacks a declared field, is an invalid row."""

    def __init__(self, path: Path, fields: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._fields = fields or {}
        self._stream: BinaryIO | None = None

    def open(self) -> None:
        with closing_on_failure(self), blaming(self.path, "read"):
            regular(self.path)
            self._stream = self.path.open("rb")
            self._stream.peek(1)

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        index = 0
        for number, line in self._lines():
            if not line.strip():
                continue
            if index >= start:
                yield self._record(index, number, line)
            index += 1

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        if self._stream is None:
            raise RuntimeError("the source is not open")
        number = 0
        with blaming(self.path, "read"):
            self._stream.seek(0)
            while line := self._stream.readline(MAX_LINE + 1):
                number += 1
                rest = line
                while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
                    rest = self._stream.readline(MAX_LINE + 1)
                yield number, line

    def _record(self, index: int, number: int, line: bytes) -> SourceRecord:
        try:
            data = _object(line)
            for name, wanted in self._fields.items():
                if name not in data and not wanted.endswith("?"):
                    raise ValueError(f"has no field {name}")
                try:
                    data[name] = convert(data.get(name), wanted)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        except (ValueError, RecursionError) as error:
            raw = line.decode("utf-8", "replace").strip()[:_RAW_SHOWN]
            return SourceRecord(index, {"_raw": raw}, error=f"line {number}: {error}")
        promised = {name: wanted.rstrip("?") for name, wanted in self._fields.items()}
        return SourceRecord(index, data, {**contract_of(data), **promised})

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _object(line: bytes) -> dict[str, object]:
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE} bytes")
    try:
        data = json.loads(line.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    return data


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("an object has the same key twice")
    return data


@sink(
    options={
        "path": Key(file_path, required=True, meaning="the file, from the folder of the pipeline"),
        "if_exists": Key(
            one_of(IfExists), meaning="what happens to an existing file: `replace` (default), `append` or `fail`"
        ),
    }
)
class JsonlSink:
    """One object on each line, with the fields in the order of the row."""

    def __init__(self, path: Path, if_exists: IfExists = IfExists.REPLACE) -> None:
        self._file = LineFile(path, if_exists)
        self.path = path
        self.open = self._file.open
        self.flush = self._file.flush
        self.position = self._file.position
        self.truncate = self._file.truncate
        self.close = self._file.close

    def write(self, row: Row) -> None:
        self._file.write(to_json(dict(row)).encode("utf-8", "surrogatepass") + b"\n")
