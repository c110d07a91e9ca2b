"""`PipelineRow`: a row's data and its contract, immutable.

A row is a mapping that all tokens with the same data share; it is never copied. A change makes another row. So a fork of a
one-megabyte row into ten branches keeps one megabyte. Nothing that a row gives out can be used to change it: nested lists
and mappings are copied, and only when they are asked for. The JSON of a row is made once, and the trail keeps it as it is:
fields stay in their order, or a resumed run would write other files than a run that was never stopped. Digests are computed
over canonical JSON (sorted keys, no spaces; 1, 1.0 and true differ). Not here: values that are not JSON.
"""

import hashlib
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from fateline_engine.contracts import EMPTY, SchemaContract

_sorted: Final = msgspec.json.Encoder(order="sorted").encode
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode
MAX_DEPTH: Final = 500
"""How deep values may be nested. SQLite reads JSON that is twice as deep, and so do the usual decoders."""
_PLAIN: Final = frozenset({str, int, bool, type(None)})


class NotJson(ValueError):
    """A value that no trail could keep; the text names the field and the reason."""


def canonical(value: object) -> bytes:
    """The canonical JSON of a value: equal exactly when the values are."""
    try:
        return _sorted(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NotJson(f"not a JSON value: {error}") from error


def from_json(encoded: bytes) -> object:
    """The value of a JSON text."""
    try:
        return _decode(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(f"not JSON: {error}") from error


def digest_bytes(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def digest_text(text: str) -> bytes:
    """The digest of an error's text. An unpaired surrogate is kept as an escape."""
    return digest_bytes(text.encode("utf-8", "backslashreplace"))


class PipelineRow(Mapping[str, object]):
    """Made with `of`, and never changed."""

    __slots__ = ("_data", "_digest", "_encoded", "_nested", "contract", "field_digests")

    def __init__(self, data: dict[str, Any], contract: SchemaContract, encoded: bytes, nested: bool) -> None:
        self._data = data
        self.contract = contract
        self._encoded = encoded
        self._nested = nested
        self._digest: bytes | None = None
        self.field_digests: dict[str, str] | None = None
        """Kept for merges, so that they are computed once for a shared row."""

    @classmethod
    def of(cls, data: Mapping[str, object], contract: SchemaContract = EMPTY) -> "PipelineRow":
        """A row that shares nothing mutable with `data`; `NotJson` if a value is not JSON."""
        if type(data) is PipelineRow:
            return data if data.contract is contract else data.under(contract)
        own: dict[str, Any] = dict(data)
        nested = False
        for name, value in own.items():
            if type(name) is not str:
                raise NotJson(f"field {name!r} is not named by a text")
            kind = type(value)
            if kind in _PLAIN:
                continue
            if kind is not float:
                nested = True
                _check(name, value)
            elif not isfinite(value):
                raise NotJson(f"field {name!r} is {value}, which JSON does not have")
        try:
            encoded = _encode(own)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise NotJson(f"not a JSON value: {error}") from error
        if nested:
            own = {name: _decode(_encode(value)) if type(value) in (list, dict, tuple) else value
                   for name, value in own.items()}  # fmt: skip
        return cls(own, contract, encoded, nested)

    @classmethod
    def from_json(cls, encoded: bytes, contract: SchemaContract) -> "PipelineRow":
        """A row as the trail keeps it."""
        data = _decode(encoded)
        nested = any(type(value) in (list, dict) for value in data.values())
        return cls(data, contract, bytes(encoded), nested)

    def under(self, contract: SchemaContract) -> "PipelineRow":
        """The same data, not copied, under another contract."""
        row = PipelineRow(self._data, contract, self._encoded, self._nested)
        row._digest = self._digest
        return row

    @property
    def encoded(self) -> bytes:
        return self._encoded

    @property
    def size(self) -> int:
        """Bytes of JSON."""
        return len(self._encoded)

    @property
    def digest(self) -> bytes:
        if self._digest is None:
            self._digest = digest_bytes(canonical(self._data))
        return self._digest

    def to_dict(self) -> dict[str, Any]:
        """A copy of the data, which the caller may change."""
        return _decode(self._encoded) if self._nested else dict(self._data)

    def __getitem__(self, name: str) -> object:
        value = self._data[name]
        return _decode(_encode(value)) if self._nested and type(value) in (list, dict) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __deepcopy__(self, memo: object) -> "PipelineRow":
        return self

    def __repr__(self) -> str:
        text = self._encoded.decode("utf-8")
        return f"<PipelineRow {text if len(text) <= 80 else text[:77] + '...'}>"


def _check(name: str, value: Any) -> None:
    """Raise if JSON would lose something of `value`, or no trail would keep it. The stack is a list: no depth can crash."""
    todo: list[tuple[Any, int]] = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        kind = type(item)
        if depth > MAX_DEPTH:
            raise NotJson(f"field {name!r} is nested more than {MAX_DEPTH} deep")
        if kind in _PLAIN:
            continue
        if kind is dict:
            if not all(type(key) is str for key in item):
                raise NotJson(f"field {name!r} holds a mapping whose keys are not text")
            todo += ((inner, depth + 1) for inner in item.values())
        elif kind is list or kind is tuple:
            todo += ((inner, depth + 1) for inner in item)
        elif kind is not float:
            raise NotJson(f"field {name!r} holds a {kind.__name__}, which JSON does not have")
        elif not isfinite(item):
            raise NotJson(f"field {name!r} holds {item}, which JSON does not have")
