"""Plugins: what reads, changes and writes rows.

For authors of plugins and for the engine: the decorators, the protocols, the possible answers, and the errors. Not here: how
plugins are found (`discovery.py`, `registry.py`), and the plugins that come with the engine (`builtin`).
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
