"""A batch whose members go on as they came: held together, released together.

What it is not: for transform mode, where it would make new rows that are the old ones.
"""

from collections.abc import Sequence

from fateline_engine.plugins.decorators import batch
from fateline_engine.plugins.protocols import BatchOutputs, BatchResult, Row


@batch(options={})
class Hold:
    """Nothing is changed: for `mode: passthrough`, where rows wait for each other."""

    def process_batch(self, rows: Sequence[Row]) -> BatchResult:
        return BatchOutputs(tuple(rows))
