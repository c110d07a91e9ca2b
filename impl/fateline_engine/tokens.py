"""``TokenInfo`` and ``Frame``: one instance of a row on one path, and what it owes.

What it is: immutable values. A token is named by run, row and its number in the row; 0 is the root. Its stack of
frames is a linked list, shared by all that were forked together: pushing and popping copies nothing.

What it is not: where the token stands. The processor knows that, and the trail.
"""

from typing import NamedTuple, Self

from fateline_engine.rows import PipelineRow
from fateline_engine.words import GroupKind


class Frame(NamedTuple):
    """A debt: this branch of this forked token is owed to a coalesce. ``below`` is what the forked token owed."""

    fork: int
    branch: str
    gate: str
    coalesce: str
    below: "Frame | None"


class TokenInfo(NamedTuple):
    """A token. ``stack`` is its top frame, ``None`` if it owes nothing."""

    run: int
    row: int
    token: int
    data: PipelineRow
    branch: str | None = None
    group_kind: GroupKind | None = None
    parent: int | None = None
    stack: Frame | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.row, self.token

    @property
    def name(self) -> str:
        """The name that the trail gives it."""
        return f"{self.row}:{self.token}"

    def with_data(self, data: PipelineRow) -> Self:
        """The same token with other data: everything else is kept."""
        return self._replace(data=data)

    def __deepcopy__(self, memo: object) -> Self:
        return self
