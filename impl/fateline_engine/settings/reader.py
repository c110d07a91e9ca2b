"""From plain data to a validated `Pipeline`, with all problems reported together.

First each key is checked against the table in `keys.py`, then what two keys of a node, or two nodes, must agree on: the rules
of a coalesce, routes against `fork`, and that every edge leads to a node that it may enter. Not here: the shape of the whole
(cycles, forks and their coalesces; `topology.py`), and options, which the plugin checks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, Final

from fateline_engine.expressions import compile_expression
from fateline_engine.settings.document import read_document
from fateline_engine.settings.keys import BAD, KEYS, RUN_KEYS, Key, Place, name, one_of, text
from fateline_engine.settings.nodes import (
    CONTINUE,
    DISCARD,
    FORK,
    NODE_CLASSES,
    RESERVED,
    Collisions,
    Merge,
    NodeKind,
    Pipeline,
    PluginUse,
    Policy,
    RunSettings,
)
from fateline_engine.settings.problems import Complaints, Path

MAX_NODES: Final = 1000


@dataclass(slots=True)
class _Draft:
    """A node while it is read: its valid values so far."""

    place: Place
    kind: NodeKind | None
    """`None` if the kind is missing or unknown; the name still counts."""
    name: str
    values: dict[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()


def load_pipeline(file: FilePath | str) -> Pipeline:
    """The pipeline in a YAML file. Raises `SettingsError` with all that is wrong with it."""
    data, lines = read_document(FilePath(file))
    return read_pipeline(data, file=str(file), lines=lines)


def read_pipeline(data: object, *, file: str | None = None, lines: Mapping[Path, int] | None = None) -> Pipeline:
    """The pipeline in plain data, `{"name": …, "nodes": [{"name": …, "kind": …, …}, …]}`."""
    complaints = Complaints(file, lines)
    top = Place(complaints, ())
    if not isinstance(data, dict):
        top.refuse(data, "a pipeline is a mapping with the keys name and nodes")
        complaints.settle()
        raise AssertionError("unreachable")
    values = _read_keys(data, {"name": Key(text, required=True), "nodes": Key(_nodes, required=True)}, top, ("run",))
    run = _read_run(data, top)
    drafts = [draft for draft in values.get("nodes", ()) if draft is not None]
    _check_names(drafts, complaints)
    for draft in drafts:
        if draft.kind in _CHECKS:
            _CHECKS[draft.kind](draft)
    _check_targets(drafts)
    _check_branches(drafts)
    complaints.settle(_plugin_uses(drafts))
    nodes = tuple(NODE_CLASSES[draft.kind](name=draft.name, **draft.values) for draft in drafts if draft.kind)
    return Pipeline(name=values["name"], nodes=nodes, run=run, file=file, lines=lines or {})


def _plugin_uses(drafts: Iterable[_Draft]) -> Iterator[PluginUse]:
    """The plugins of the nodes whose plugin and options could be read."""
    for draft in drafts:
        unread = draft.given & {"plugin", "options", "expands"} - draft.values.keys()
        if draft.kind is not None and "plugin" in KEYS[draft.kind] and not unread:
            known = {key: draft.values[key] for key in ("plugin", "options", "expands") if key in draft.values}
            yield PluginUse(int(draft.place.path[1]), draft.name, draft.kind, **known)


def _read_run(data: Mapping[str, object], top: Place) -> RunSettings:
    run = {} if data.get("run") is None else data["run"]
    if not isinstance(run, dict):
        (top / "run").refuse(run, f"must be a mapping with any of {', '.join(RUN_KEYS)}")
        return RunSettings()
    return RunSettings(**_read_keys(run, RUN_KEYS, top / "run"))


def _read_keys(
    data: Mapping[str, object], keys: Mapping[str, Key], place: Place, others: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The valid values in `data`. A key in `others` is allowed and checked elsewhere; null means that the key is absent."""
    allowed = [*others, *keys]
    for key, value in data.items():
        if key not in allowed:
            near = get_close_matches(str(key), allowed, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            (place / str(key)).refuse(value, f"no such key; allowed are {', '.join(allowed)}{hint}")
    values: dict[str, Any] = {}
    for key, rule in keys.items():
        if data.get(key) is not None:
            value = rule.read(data[key], place / key)
            if value is not BAD:
                values[key] = value
        elif rule.required:
            place.complaints.add((*place.path, key), "missing: it is required", node=place.node)
    return values


def _nodes(value: object, place: Place) -> object:
    if not isinstance(value, list) or not value:
        return place.refuse(value, "must be a list of nodes")
    if len(value) > MAX_NODES:
        return place.refuse(len(value), f"at most {MAX_NODES} nodes")
    return [_node(item, place / index) for index, item in enumerate(value)]


def _node(data: object, place: Place) -> _Draft | None:
    if not isinstance(data, dict):
        place.refuse(data, "a node is a mapping with at least the keys name and kind")
        return None
    called = name(data["name"], place / "name") if "name" in data else BAD
    if "name" not in data:
        place.complaints.add((*place.path, "name"), "missing: every node has a name")
    if isinstance(called, str):
        place = Place(place.complaints, place.path, called)
    draft = _Draft(
        place,
        None,
        called if isinstance(called, str) else "",
        given=frozenset(key for key in data if data[key] is not None),
    )
    if "kind" not in data:
        place.complaints.add((*place.path, "kind"), f"missing: one of {', '.join(NodeKind)}", node=place.node)
    elif (kind := one_of(NodeKind)(data["kind"], place / "kind")) is not BAD:
        draft.kind = NodeKind(str(kind))
        draft.values = _read_keys(data, KEYS[draft.kind], place, ("name", "kind"))
    return draft


def _check_names(drafts: list[_Draft], complaints: Complaints) -> None:
    seen: dict[str, _Draft] = {}
    for draft in drafts:
        if draft.name and (first := seen.setdefault(draft.name, draft)) is not draft:
            index = first.place.path[-1]
            (draft.place / "name").refuse(draft.name, f"nodes[{index}] has this name already; names are unique")
    sources = [draft for draft in drafts if draft.kind is NodeKind.SOURCE]
    if not any(draft.kind in (NodeKind.SOURCE, None) for draft in drafts) and drafts:
        complaints.add(("nodes",), "a pipeline has one source, and this has none: add a node of kind source")
    for extra in sources[1:]:
        (extra.place / "kind").refuse("source", f"a pipeline has one source, and {sources[0].name} is it")
    if drafts and not any(draft.kind in (NodeKind.SINK, None) for draft in drafts):
        complaints.add(("nodes",), "a pipeline needs at least one sink: add a node of kind sink")


def _check_gate(draft: _Draft) -> None:
    place, given = draft.place, draft.given
    routes = draft.values.get("routes")
    if routes is None:
        return
    for key, word in (("fork", FORK), ("to", CONTINUE)):
        if word in routes.values() and key not in given:
            place.complaints.add((*place.path, key), f"missing: a route leads to {word}", node=place.node)
        if key in given and word not in routes.values():
            message = f"given, but no route leads to {word}: add such a route, or remove {key}"
            place.complaints.add((*place.path, key), message, node=place.node)
    _check_labels(draft, routes)
    fork = draft.values.get("fork", {})
    for label, target in routes.items():
        if label in fork and target not in RESERVED:
            message = (
                f"is a branch of this gate too: the labels that leave a node are unique; rename {label!r} here or there"
            )
            (place / "routes" / label).refuse(target, message)


def _check_labels(draft: _Draft, routes: Mapping[str, str]) -> None:
    """Where an expression shows which labels it can choose, each needs a route."""
    place = draft.place
    labels = compile_expression(draft.values["when"]).labels() if "when" in draft.values else None
    for label in sorted((labels or frozenset()) - routes.keys()):
        message = f"can choose {label!r}, and routes have only {', '.join(routes)}: add a route {label}"
        (place / "when").refuse(draft.values["when"], message)


def _check_coalesce(draft: _Draft) -> None:
    place, given = draft.place, draft.given
    policy = draft.values.get("policy", None if "policy" in given else Policy.REQUIRE_ALL)
    merge = draft.values.get("merge", None if "merge" in given else Merge.UNION)
    branches = draft.values.get("branches")
    if branches is not None and len(branches) < 2:
        (place / "branches").refuse(list(branches), "a coalesce joins at least 2 branches")
    if policy is not None:
        _only_with(draft, "quorum_count", policy is Policy.QUORUM, "policy: quorum")
    if merge is not None:
        _only_with(draft, "select_branch", merge is Merge.SELECT, "merge: select")
        collisions = draft.values.get("collisions", Collisions.LAST_WINS)
        if merge is not Merge.UNION and collisions is not Collisions.LAST_WINS:
            message = f"allowed only with merge: union; remove it, because merge: {merge} has no collisions"
            (place / "collisions").refuse(str(collisions), message)
    if policy is Policy.BEST_EFFORT and "timeout_seconds" not in given:
        message = "missing: policy best_effort needs a timeout, or it could wait for ever"
        place.complaints.add((*place.path, "timeout_seconds"), message, node=place.node)
    if branches is None:
        return
    quorum = draft.values.get("quorum_count")
    if quorum is not None and quorum > len(branches):
        (place / "quorum_count").refuse(quorum, f"must be from 1 to {len(branches)}, the number of branches")
    select = draft.values.get("select_branch")
    if select is not None and select not in branches:
        (place / "select_branch").refuse(select, f"must be one of the branches: {', '.join(branches)}")


def _only_with(draft: _Draft, key: str, wanted: bool, setting: str) -> None:
    place = draft.place
    if wanted and key not in draft.given:
        place.complaints.add((*place.path, key), f"missing: {setting} needs it", node=place.node)
    if not wanted and key in draft.values:
        (place / key).refuse(draft.values[key], f"only with {setting}: add that, or remove this")


_CHECKS: Final[Mapping[NodeKind | None, Callable[[_Draft], None]]] = {
    NodeKind.GATE: _check_gate,
    NodeKind.COALESCE: _check_coalesce,
}


def _targets(draft: _Draft) -> Iterator[tuple[Path, str, bool]]:
    """Where edges lead: (key, node, must it be a sink)."""
    values = draft.values
    if "to" in values:
        yield ("to",), values["to"], False
    if values.get("on_error", DISCARD) != DISCARD:
        yield ("on_error",), values["on_error"], True
    for label, target in values.get("routes", {}).items():
        if target not in RESERVED:
            yield ("routes", label), target, True
    for branch, target in values.get("fork", {}).items():
        yield ("fork", branch), target, False


def _check_targets(drafts: list[_Draft]) -> None:
    kinds = {draft.name: draft.kind for draft in drafts}
    sinks = [draft.name for draft in drafts if draft.kind is NodeKind.SINK]
    for draft in drafts:
        for key, target, only_sink in _targets(draft):
            place = Place(draft.place.complaints, draft.place.path + key, draft.place.node)
            if target not in kinds:
                near = get_close_matches(target, sinks if only_sink else list(kinds), n=1)
                place.refuse(target, f"no such node{f'; did you mean {near[0]}?' if near else ''}")
            elif kinds[target] is NodeKind.SOURCE:
                place.refuse(target, "is the source, and nothing leads into a source")
            elif only_sink and kinds[target] not in (NodeKind.SINK, None):
                message = (
                    f"is a {kinds[target]}; this may only lead to a sink: {', '.join(sinks) or 'there is none yet'}"
                )
                place.refuse(target, message)
            elif target == draft.name:
                place.refuse(target, "leads to the node itself: choose another")


def _check_branches(drafts: list[_Draft]) -> None:
    """A branch must not have the name of a coalesce: names of tokens could not distinguish them."""
    coalesces = {draft.name for draft in drafts if draft.kind is NodeKind.COALESCE}
    for draft in drafts:
        for branch in draft.values.get("fork", {}):
            if branch in coalesces:
                place = draft.place / "fork" / branch
                place.complaints.add(
                    place.path, "a branch must not be named like a coalesce: rename one", node=place.node
                )
