"""A batch whose members go on unchanged: they are held together and released together.

It is meant for `mode: passthrough`. In transform mode it would make new tokens with the old data. Not here: statistics.
"""

from collections.abc import Sequence

from fateline_engine.plugins.decorators import batch
from fateline_engine.plugins.protocols import BatchOutputs, BatchResult, Row


@batch(options={})
class Hold:
    """Nothing is changed: for `mode: passthrough`, where rows wait for each other."""

    def process_batch(self, rows: Sequence[Row]) -> BatchResult:
        return BatchOutputs(tuple(rows))
