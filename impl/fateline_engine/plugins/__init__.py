"""Plugins: what reads, changes and writes rows.

What it is: the face of the package for people who write plugins and for the engine: the decorators, the protocols, the
words of an answer, and the errors.

What it is not: where plugins are found (``registry``), or the ones that come with the engine (``builtin``).
"""

from fateline_engine.plugins.decorators import batch, sink, source, transform
from fateline_engine.plugins.protocols import (
    CONTRACT_TYPES,
    BatchOutputs,
    BatchResult,
    BatchTransform,
    Contract,
    Drop,
    Expand,
    Failure,
    Pass,
    PluginError,
    PluginUnavailable,
    Result,
    Row,
    RowRefused,
    Sink,
    Source,
    SourceRecord,
    Transform,
    describe,
    process,
    process_batch,
)

__all__ = [
    "CONTRACT_TYPES",
    "BatchOutputs",
    "BatchResult",
    "BatchTransform",
    "Contract",
    "Drop",
    "Expand",
    "Failure",
    "Pass",
    "PluginError",
    "PluginUnavailable",
    "Result",
    "Row",
    "RowRefused",
    "Sink",
    "Source",
    "SourceRecord",
    "Transform",
    "batch",
    "describe",
    "process",
    "process_batch",
    "sink",
    "source",
    "transform",
]
