"""Settings: a pipeline as YAML, validated into frozen models.

`load_pipeline(file)` and `read_pipeline(data)` give a `Pipeline` or raise `SettingsError` with *all* problems, each with its
file, line, path, value and what is allowed. `ExecutionGraph.build(pipeline)`, in `fateline_engine.graph`, then checks the shape
of the whole. Not here: running or importing anything. Plugins are only names.
"""

from fateline_engine.settings.nodes import (
    CONTINUE,
    DISCARD,
    FORK,
    NAME,
    ON_ERROR,
    RESERVED,
    AggregationNode,
    BatchMode,
    CoalesceNode,
    Collisions,
    Edge,
    GateNode,
    Merge,
    Node,
    NodeKind,
    Pipeline,
    PluginUse,
    Policy,
    RunSettings,
    SinkNode,
    SourceNode,
    TransformNode,
    config_of,
    out_edges,
)
from fateline_engine.settings.problems import Complaints, Problem, SettingsError
from fateline_engine.settings.reader import load_pipeline, read_pipeline

__all__ = [
    "CONTINUE",
    "DISCARD",
    "FORK",
    "NAME",
    "ON_ERROR",
    "RESERVED",
    "AggregationNode",
    "BatchMode",
    "CoalesceNode",
    "Collisions",
    "Complaints",
    "Edge",
    "GateNode",
    "Merge",
    "Node",
    "NodeKind",
    "Pipeline",
    "PluginUse",
    "Policy",
    "Problem",
    "RunSettings",
    "SettingsError",
    "SinkNode",
    "SourceNode",
    "TransformNode",
    "config_of",
    "load_pipeline",
    "out_edges",
    "read_pipeline",
]
