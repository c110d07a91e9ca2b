"""Makes the rows of a plan: which combinations of answers are tried, fewest unusual answers first.

Each node has a usual answer (its first verdict) and unusual ones: its other verdicts, and an error that may be retried followed
by a success. The first row is usual everywhere; then come all rows with one unusual answer, with two, and so on, until the
bound is reached. So a fault that needs few unusual answers is met early, and the rows are the same whenever they are made.

Not here: running them.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, islice, product
from typing import Final

from fateline_model.checker.systems import PipelineSystem
from fateline_model.words import NodeKind, Verdict

from ..compare.whole_run import PlannedRow

RETRYABLE: Final = (Verdict.ERROR_RETRYABLE, Verdict.REFUSED_RETRYABLE)
VALIDITY: Final = "valid"
"""The column that says whether a row is valid."""
PREFIX: Final = "verdict_"
"""What the name of the column of a node begins with."""
BETWEEN: Final = "; "
"""Between the answers of several attempts."""


def usual(system: PipelineSystem) -> dict[str, str]:
    """The usual answer of each node that answers about tokens."""
    return {
        name: str(verdicts[0])
        for name, verdicts in system.verdicts.items()
        if verdicts and system.pipeline.nodes[name].kind is not NodeKind.AGGREGATION
    }


def planned_rows(system: PipelineSystem, bound: int) -> list[PlannedRow]:
    """At most so many rows for the pipeline of an instance, each with its unusual answers."""
    return list(islice(_rows(system), bound))


def _rows(system: PipelineSystem) -> Iterator[PlannedRow]:
    unusual = {name: list(_unusual([str(word) for word in system.verdicts[name]])) for name in usual(system)}
    for count in range(len(unusual) + 1):
        for names in combinations(unusual, count):
            for answers in product(*(unusual[name] for name in names)):
                yield PlannedRow(True, dict(zip(names, answers, strict=True)))
        if count == 0 and system.options.invalid_rows:
            yield PlannedRow(False)


def _unusual(verdicts: list[str]) -> Iterator[tuple[str, ...]]:
    """What a node may answer besides its first verdict, attempt by attempt."""
    yield from ((verdict,) for verdict in verdicts[1:])
    yield from ((verdict, verdicts[0]) for verdict in verdicts if verdict in RETRYABLE)


def columns(number: int, row: PlannedRow, answers: Mapping[str, str]) -> dict[str, object]:
    """The row as it is given to an engine: its number, whether it is valid, and what each node answers. `answers` are the usual
    ones."""
    told = {node: row.answers.get(node, (answer,)) for node, answer in answers.items()}
    return {"row": number, VALIDITY: row.valid, **{f"{PREFIX}{node}": BETWEEN.join(own) for node, own in told.items()}}
