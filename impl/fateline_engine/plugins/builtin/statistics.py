"""Statistics of a batch: the number of rows, and the sum, mean, least and greatest value of one field, for all or by group.

Not here: a stream. A flush sees one batch and knows nothing of earlier ones.
"""

from collections.abc import Sequence

from fateline_engine.plugins.decorators import batch
from fateline_engine.plugins.options import Key, text
from fateline_engine.plugins.protocols import BatchOutputs, BatchResult, Failure, Row


@batch(
    options={
        "field": Key(text, meaning="the field whose sum, mean, least and greatest value are computed"),
        "group_by": Key(text, meaning="one row for each value of this field; by default one row for all"),
    }
)
class Statistics:
    """One row for each group, in the order in which the groups appear in the batch."""

    def __init__(self, field: str | None = None, group_by: str | None = None) -> None:
        self._field, self._group_by = field, group_by

    def process_batch(self, rows: Sequence[Row]) -> BatchResult:
        groups: dict[object, list[Row]] = {}
        for row in rows:
            if self._group_by is not None and self._group_by not in row:
                return Failure(f"a row has no field {self._group_by} to group by")
            key = row[self._group_by] if self._group_by is not None else None
            if isinstance(key, list | dict):
                return Failure(f"{self._group_by} is a {type(key).__name__}, and cannot be grouped by")
            groups.setdefault((type(key), key), []).append(row)
        try:
            return BatchOutputs(tuple(self._summary(members) for members in groups.values()))
        except ValueError as error:
            return Failure(str(error))

    def _summary(self, rows: Sequence[Row]) -> Row:
        summary: dict[str, object] = {}
        if self._group_by is not None:
            summary[self._group_by] = rows[0][self._group_by]
        summary["count"] = len(rows)
        if self._field is not None:
            numbers = [self._number(row) for row in rows]
            total = sum(numbers)
            summary |= {"sum": total, "mean": total / len(numbers), "min": min(numbers), "max": max(numbers)}
        return summary

    def _number(self, row: Row) -> int | float:
        value = row.get(self._field or "")
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError(f"{self._field} is no number in every row of the batch")
        return value
