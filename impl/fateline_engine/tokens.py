"""`TokenInfo` and `Frame`: one instance of a row on one path, and what it owes.

Both are immutable values. A token is named by run, row and its number in the row; 0 is the root. Its stack of frames is a
linked list that all tokens of one fork share, so pushing and popping copy nothing. Not here: the node where a token stands.
"""

from typing import NamedTuple, Self

from fateline_engine.rows import PipelineRow
from fateline_engine.words import GroupKind


class Frame(NamedTuple):
    """A debt: the coalesce waits for this branch of this forked token. `below` is what the forked token owed."""

    fork: int
    branch: str
    gate: str
    coalesce: str
    below: "Frame | None"


class TokenInfo(NamedTuple):
    """A token. `stack` is its top frame, or `None` if it owes nothing."""

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
        """Its id in the trail."""
        return f"{self.row}:{self.token}"

    def with_data(self, data: PipelineRow) -> Self:
        """The same token with other data."""
        return self._replace(data=data)

    def __deepcopy__(self, memo: object) -> Self:
        return self
