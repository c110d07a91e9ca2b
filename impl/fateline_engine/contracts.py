"""`SchemaContract`: which fields a row has, and of which types.

A contract is an immutable value in one of three modes. `fixed` has these fields and no others, `flexible` has at least
these, `observed` has the fields that were seen. An observed contract is unlocked while it learns; `lock` ends that. A row
becomes a token only with a contract, and children are made only under a locked one. Not here: checks of values beyond their
JSON type; sources and transforms make those.
"""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final


class ContractMode(StrEnum):
    """From the strictest to the loosest; a merge takes the strictest."""

    FIXED = "fixed"
    FLEXIBLE = "flexible"
    OBSERVED = "observed"


_STRICTNESS: Final = {mode: rank for rank, mode in enumerate(ContractMode)}
ANY: Final = "any"
_TYPES: Final[Mapping[type, str]] = {
    str: "str", int: "int", float: "float", bool: "bool", list: "list", dict: "dict", type(None): ANY,
}  # fmt: skip


class ContractConflict(Exception):
    """Two contracts give one field different types."""

    def __init__(self, field: str, one: str, other: str) -> None:
        super().__init__(f"field {field!r} is {one} in one branch and {other} in another")
        self.field = field


class SchemaContract:
    """A contract. Two are equal exactly when their modes, locks and fields are equal."""

    __slots__ = ("_hash", "body", "fields", "locked", "mode")

    def __init__(self, mode: ContractMode, fields: Mapping[str, str], *, locked: bool) -> None:
        self.mode: Final = mode
        self.fields: Final[Mapping[str, str]] = dict(fields)
        self.locked: Final = locked
        shown = {"mode": mode, "locked": locked, "fields": self.fields}
        self.body: Final = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self._hash: Final = hash(self.body)

    @classmethod
    def declared(cls, fields: Mapping[str, str], mode: ContractMode = ContractMode.FLEXIBLE) -> "SchemaContract":
        """A promised contract: locked from the start."""
        return cls(mode, fields, locked=True)

    @classmethod
    def observing(cls, fields: Mapping[str, str] | None = None) -> "SchemaContract":
        """An observed contract that still learns."""
        return cls(ContractMode.OBSERVED, fields or {}, locked=False)

    @classmethod
    def from_body(cls, body: str) -> "SchemaContract":
        """The contract with this `body`; for reading it back from the trail."""
        shown = json.loads(body)
        return cls(ContractMode(shown["mode"]), shown["fields"], locked=shown["locked"])

    @classmethod
    def observed_in(cls, rows: Iterable[Mapping[str, object]]) -> "SchemaContract":
        """The locked contract of all `rows`: a field of several types is `any`."""
        fields: dict[str, str] = {}
        for row in rows:
            for name, value in row.items():
                kind = type_of(value)
                fields[name] = kind if fields.get(name, kind) == kind else ANY
        return _observed(tuple(sorted(fields.items())))

    def lock(self) -> "SchemaContract":
        """The same contract, locked."""
        return self if self.locked else SchemaContract(self.mode, self.fields, locked=True)

    def learn(self, row: Mapping[str, object]) -> "SchemaContract":
        """The contract with the new fields of `row`; a locked one learns nothing."""
        new = {name: type_of(value) for name, value in row.items() if name not in self.fields}
        return self if self.locked or not new else SchemaContract(self.mode, {**self.fields, **new}, locked=False)

    def problems(self, row: Mapping[str, object]) -> list[str]:
        """What in `row` breaks the contract, as texts."""
        found = [f"field {name!r} is missing" for name in self.fields if name not in row]
        for name, value in row.items():
            kind = self.fields.get(name)
            if kind is None:
                if self.mode is ContractMode.FIXED:
                    found.append(f"field {name!r} is not in the contract")
            elif kind != ANY and value is not None and type_of(value) != kind:
                found.append(f"field {name!r} must be {kind}, is {type_of(value)}")
        return found

    def merge(self, other: "SchemaContract") -> "SchemaContract":
        """The contract of rows with the fields of both; `ContractConflict` if a field would have two types."""
        if self is other or self == other:
            return self
        fields = dict(self.fields)
        for name, kind in other.fields.items():
            mine = fields.get(name, kind)
            if mine != kind and ANY not in (mine, kind):
                raise ContractConflict(name, mine, kind)
            fields[name] = kind if mine == ANY else mine
        mode = min(self.mode, other.mode, key=_STRICTNESS.__getitem__)
        return SchemaContract(mode, fields, locked=self.locked and other.locked)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SchemaContract) and self.body == other.body

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<SchemaContract {self.body}>"


@lru_cache(maxsize=1024)
def _observed(fields: tuple[tuple[str, str], ...]) -> SchemaContract:
    return SchemaContract(ContractMode.OBSERVED, dict(fields), locked=True)


def type_of(value: object) -> str:
    """The name of a JSON value's type; `any` for null, which fits everywhere."""
    return _TYPES.get(type(value), ANY)


EMPTY: Final = SchemaContract(ContractMode.OBSERVED, {}, locked=False)
"""The contract of an invalid row: observed, unlocked, and empty."""
