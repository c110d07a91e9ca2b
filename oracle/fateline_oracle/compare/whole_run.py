"""A whole run as data: its rows, and what each node answers, so that it can be run again.

An answer belongs to a row and a node; where an engine is asked about single tokens, it may belong to a token of the row. The
last answer of a list is repeated for further attempts. For example the row

    PlannedRow(True, {"t": ("error_retryable", "pass"), "u /b": ("error",)})

is valid; node `t` first reports an error that may be retried and then passes; node `u` reports an error for branch `b` of
the row. What is not said is the first verdict that the node has. A flush of a batch belongs to no row: `batches` has what it
answers, by the name of the batch.

Not here: running (`conform/whole_runs.py`), and which rows are tried (`conform/planned_rows.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

Answers = Mapping[str, tuple[str, ...]]
"""The answers of each node, by its name or by its name and the rest of a token's name."""


NO_BATCHES: Final[Mapping[str, str]] = {}
NO_ANSWERS: Final[Answers] = {}


class PlannedRow(NamedTuple):
    """One row of a run."""

    valid: bool = True
    answers: Answers = NO_ANSWERS

    def answer(self, node: str, rest: str, attempt: int) -> str | None:
        """What a node answers about a token of this row; `rest` is the token's name without the row."""
        told = self.answers.get(f"{node} {rest}".strip()) or self.answers.get(node)
        return told[min(attempt, len(told) - 1)] if told else None

    def __str__(self) -> str:
        told = [f"{where}: {', then '.join(answers)}" for where, answers in sorted(self.answers.items())]
        return "; ".join([*([] if self.valid else ["invalid"]), *told]) or "every node answers its first verdict"


class WholeRun(NamedTuple):
    """A run from its first row to its end. It stands where a step stands in a case."""

    rows: tuple[PlannedRow, ...]
    batches: Mapping[str, str] = NO_BATCHES

    def as_json(self) -> dict[str, Any]:
        rows = [
            {"valid": row.valid, "answers": {key: list(own) for key, own in row.answers.items()}} for row in self.rows
        ]
        return {"rows": rows, "batches": dict(self.batches)}

    def __str__(self) -> str:
        if len(self.rows) == 1:
            return f"a whole run of one row: {self.rows[0]}"
        return f"a whole run of {len(self.rows)} rows"


def run_of(document: Mapping[str, Any]) -> WholeRun:
    """The run of which `as_json` made this. Raises `ValueError` if it is none."""
    try:
        rows = tuple(PlannedRow(bool(row["valid"]), _answers(row["answers"])) for row in document["rows"])
        batches = {str(name): str(verdict) for name, verdict in document.get("batches", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a whole run: {type(error).__name__}: {error}") from error
    return WholeRun(rows, batches)


def _answers(document: Mapping[str, Sequence[str]]) -> Answers:
    return {str(key): tuple(map(str, own)) for key, own in document.items() if own}
