"""From the names in a pipeline to plugins that can work: `load(file)`, or `bind(pipeline)`.

The table of built-in plugins, the check of options, and the last checks before a run: does every node have what it needs,
does each plugin fit the kind of its node, do two sinks write one file? All problems are reported together, with their place
in the pipeline. Not here: opening plugins. Binding touches no data.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from fateline_engine.expressions import BATCH_NAMES, Compiled, compile_expression
from fateline_engine.files_in_use import FilesInUse
from fateline_engine.graph import ExecutionGraph
from fateline_engine.plugins.decorators import FunctionBatch, FunctionTransform, Mark, PluginKind, mark_of
from fateline_engine.plugins.discovery import NotFound, find
from fateline_engine.plugins.protocols import BatchTransform, Sink, Source, Transform, describe
from fateline_engine.settings import (
    AggregationNode,
    Complaints,
    GateNode,
    NodeKind,
    Pipeline,
    PluginUse,
    SettingsError,
    read_pipeline,
)
from fateline_engine.settings.document import read_document
from fateline_engine.settings.keys import BAD, Place

_HOME: Final = "fateline_engine.plugins.builtin"

BUILTIN: Final[Mapping[PluginKind, Mapping[str, str]]] = {
    PluginKind.SOURCE: {
        "csv": f"{_HOME}.csv_files:CsvSource",
        "jsonl": f"{_HOME}.jsonl_files:JsonlSource",
        "sqlite": f"{_HOME}.sqlite_tables:SqliteSource",
    },
    PluginKind.TRANSFORM: {
        "cast": f"{_HOME}.transforms:Cast",
        "derive": f"{_HOME}.transforms:Derive",
        "explode": f"{_HOME}.transforms:Explode",
        "filter": f"{_HOME}.transforms:Filter",
        "keep": f"{_HOME}.transforms:Keep",
        "rename": f"{_HOME}.transforms:Rename",
    },
    PluginKind.BATCH: {"hold": f"{_HOME}.hold:Hold", "statistics": f"{_HOME}.statistics:Statistics"},
    PluginKind.SINK: {
        "csv": f"{_HOME}.csv_files:CsvSink",
        "jsonl": f"{_HOME}.jsonl_files:JsonlSink",
        "sqlite": f"{_HOME}.sqlite_tables:SqliteSink",
    },
}
"""A plugin is imported when a pipeline names it."""


@dataclass(slots=True)
class Plugins:
    """What does the work of each node, by the node's name."""

    source: Source
    transforms: dict[str, Transform] = field(default_factory=dict)
    batches: dict[str, BatchTransform] = field(default_factory=dict)
    sinks: dict[str, Sink] = field(default_factory=dict)
    gates: dict[str, Compiled] = field(default_factory=dict)
    """`gates[name].label(row)` is the route; `ExpressionError` is an error of the gate."""
    conditions: dict[str, Compiled] = field(default_factory=dict)
    """`conditions[name].truth({"batch_count": …, "batch_age_seconds": …})`"""
    files: FilesInUse = field(default_factory=FilesInUse)
    """Every file that the pipeline reads or writes."""


_KINDS: Final[Mapping[NodeKind, PluginKind]] = {
    NodeKind.SOURCE: PluginKind.SOURCE,
    NodeKind.TRANSFORM: PluginKind.TRANSFORM,
    NodeKind.AGGREGATION: PluginKind.BATCH,
    NodeKind.SINK: PluginKind.SINK,
}


def load(file: Path) -> tuple[ExecutionGraph, Plugins]:
    """A pipeline file made ready to run. Raises `SettingsError` with what is wrong with its settings, shape and plugins."""
    data, lines = read_document(file)
    uses: Iterable[PluginUse] = ()
    try:
        pipeline = read_pipeline(data, file=str(file), lines=lines)
        uses = pipeline.plugin_uses()
        graph = ExecutionGraph.build(pipeline)
    except SettingsError as error:
        complaints = Complaints(str(file), lines)
        _made(error.uses or uses, complaints, file.parent)
        raise SettingsError([*error.problems, *complaints.problems]) from error
    return graph, bind(pipeline)


def bind(pipeline: Pipeline, base: Path | None = None) -> Plugins:
    """The plugins of `pipeline`. Relative paths are meant from `base`, else from the folder of its file.

    Raises `SettingsError` with everything that is wrong.
    """
    folder = base or (Path(pipeline.file).parent if pipeline.file else Path())
    complaints = Complaints(pipeline.file, pipeline.lines)
    made = _made(pipeline.plugin_uses(), complaints, folder)
    gates: dict[str, Compiled] = {}
    conditions: dict[str, Compiled] = {}
    for index, node in enumerate(pipeline.nodes):
        if isinstance(node, GateNode) and node.when is None:
            complaints.add(("nodes", index, "when"), "missing: a gate needs an expression to run", node=node.name)
        elif isinstance(node, GateNode) and node.when is not None:
            gates[node.name] = compile_expression(node.when)
        elif isinstance(node, AggregationNode) and node.condition is not None:
            conditions[node.name] = compile_expression(node.condition, BATCH_NAMES)
    files = _refuse_shared_files(pipeline, made, complaints)
    complaints.settle()
    (source,) = made[PluginKind.SOURCE].values()
    return Plugins(
        source, made[PluginKind.TRANSFORM], made[PluginKind.BATCH], made[PluginKind.SINK], gates, conditions, files
    )


def _made(uses: Iterable[PluginUse], complaints: Complaints, folder: Path) -> dict[PluginKind, dict[str, Any]]:
    """The plugins by kind and node, without those that something is wrong with."""
    made: dict[PluginKind, dict[str, Any]] = {kind: {} for kind in PluginKind}
    for use in uses:
        place = Place(complaints, ("nodes", use.place), use.node or None)
        if (plugin := _make(use, _KINDS[use.kind], place, folder)) is not BAD:
            made[_KINDS[use.kind]][use.node] = plugin
    return made


def _make(use: PluginUse, kind: PluginKind, place: Place, folder: Path) -> object:
    """The plugin of a node, or `BAD` once it has complained."""
    if use.plugin is None:
        place.complaints.add((*place.path, "plugin"), f"missing: {_choice(kind)}", node=place.node)
        return BAD
    try:
        thing, mark = _find(use.plugin, kind, folder)
    except NotFound as error:
        near = get_close_matches(use.plugin, BUILTIN[kind], n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; {_choice(kind)}"
        return (place / "plugin").refuse(use.plugin, f"{error}{hint if ':' not in use.plugin else ''}")
    if mark.kind is not kind:
        return (place / "plugin").refuse(use.plugin, f"is a plugin for {mark.kind}, and this node needs a {kind}")
    if kind is PluginKind.TRANSFORM and mark.expands and not use.expands:
        message = f"missing: {use.plugin} turns one row into several, so write expands: true"
        place.complaints.add((*place.path, "expands"), message, node=place.node)
        return BAD
    at = place / "options"
    options = _options(thing, mark, use.options, at, folder)
    if options is None:
        return BAD
    try:
        return _construct(thing, mark, options)
    except (Exception, SystemExit) as error:
        return at.refuse(dict(use.options), f"{use.plugin} does not take these options: {describe(error)}")


def _choice(kind: PluginKind) -> str:
    return f"built in are {', '.join(BUILTIN[kind])}; one of your own is written module:name"


def _find(reference: str, kind: PluginKind, folder: Path) -> tuple[object, Mark]:
    target = BUILTIN[kind].get(reference)
    if target is None:
        return find(reference, folder)
    module, _, name = target.partition(":")
    thing = getattr(import_module(module), name)
    mark = mark_of(thing)
    assert mark is not None, f"{target} is built in and not marked"
    return thing, mark


def _options(
    thing: object, mark: Mark, given: Mapping[str, object], place: Place, folder: Path
) -> dict[str, object] | None:
    """The options as the plugin takes them, paths made absolute; `None` once it has complained."""
    before = len(place.complaints.problems)
    if mark.options is None:
        allowed, required = _parameters(thing)
    else:
        allowed = list(mark.options)
        required = [name for name, key in mark.options.items() if key.required]
    values: dict[str, object] = {}
    for name, value in given.items():
        if name not in allowed:
            near = get_close_matches(name, allowed, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            (place / name).refuse(value, f"no such option; there are {', '.join(allowed) or 'none'}{hint}")
        else:
            read = mark.options[name].read(value, place / name) if mark.options is not None else value
            values[name] = folder / read if isinstance(read, Path) else read
    for name in required:
        if name not in given:
            place.complaints.add((*place.path, name), "missing: the plugin needs this option", node=place.node)
    return values if len(place.complaints.problems) == before else None


def _parameters(thing: object) -> tuple[list[str], list[str]]:
    """The options a plugin takes and those it needs, by its signature. A function's first parameter is the row."""
    assert callable(thing)
    parameters = list(inspect.signature(thing).parameters.values())
    if not inspect.isclass(thing):
        parameters = parameters[1:]
    named = [item for item in parameters if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)]
    return [item.name for item in named], [item.name for item in named if item.default is item.empty]


_WRAPPERS: Final[Mapping[PluginKind, Callable[..., object]]] = {
    PluginKind.TRANSFORM: FunctionTransform,
    PluginKind.BATCH: FunctionBatch,
}


def _construct(thing: object, mark: Mark, options: Mapping[str, object]) -> object:
    if isinstance(thing, type):
        return thing(**options)
    if mark.kind not in _WRAPPERS:
        raise TypeError(f"a {mark.kind} must be a class")
    return _WRAPPERS[mark.kind](thing, options)


def _refuse_shared_files(
    pipeline: Pipeline, made: Mapping[PluginKind, Mapping[str, Any]], complaints: Complaints
) -> FilesInUse:
    """A sink must have its file to itself: it would cut away what another sink wrote, or overwrite what the run reads."""
    files = FilesInUse()
    if pipeline.file is not None:
        files.add(Path(pipeline.file), "the pipeline is in this file")
    for plugin in (plugin for plugins in made.values() for plugin in plugins.values()):
        code = _code_of(plugin)
        if code is not None:
            files.add(code, "the code of a plugin is in this file")
    for kind in (PluginKind.SOURCE, PluginKind.SINK):
        for name, plugin in made[kind].items():
            path = getattr(plugin, "path", None)
            if not isinstance(path, Path):
                continue
            other = files.add(path, f"{name} uses this file too")
            if other is not None and kind is PluginKind.SINK:
                index = next(i for i, node in enumerate(pipeline.nodes) if node.name == name)
                complaints.add(("nodes", index, "options", "path"), other, str(path), name)
    return files


def _code_of(plugin: object) -> Path | None:
    """The file that defines a plugin."""
    made_by = plugin.function if isinstance(plugin, FunctionTransform | FunctionBatch) else type(plugin)
    file = getattr(sys.modules.get(made_by.__module__), "__file__", None)
    return Path(file) if file else None
