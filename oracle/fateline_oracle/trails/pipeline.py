"""Reads the pipeline of a run back from its trail: nodes, edges, and settings that the run itself shows.

A trail records the settings of joins and batches, and every edge. A route that forks or discards, and an error that is
discarded, has no edge. It is taken from its first occurrence, and every later one must agree with it. A pipeline that
is given by name says more, and is used instead. Not here: whether the pipeline is well formed.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from fateline_model import IllFormed, Pipeline, load
from fateline_model.pipeline import fields_of
from fateline_model.words import CONTINUE, DISCARD, FORK, ON_ERROR, NodeKind, Outcome, Reason, VisitStatus

from ..ports.port import RecordJson
from .complete import FORKS, GOES_ON, config_of
from .reader import BadTrail, RunTrail


def pipeline_of(trail: RunTrail) -> Pipeline:
    """The law's pipeline for a run, from its records alone."""
    try:
        return load(document_of(trail))
    except IllFormed as error:
        raise BadTrail(f"run {trail.run}: its nodes and edges do not make a pipeline:\n{error}") from error


def document_of(trail: RunTrail) -> dict[str, Any]:
    """The pipeline of a run as a document, from its records alone."""
    nodes = trail.about.get("nodes", ())
    edges = trail.about.get("edges", ())
    if not nodes or not edges:
        raise BadTrail(
            f"run {trail.run}: the trail records no nodes or no edges; name the pipeline with --pipeline FILE, "
            "or as the first argument of `fateline explore`"
        )
    return {"name": _name(trail), "nodes": [_node(node, edges, trail) for node in _reached(nodes, edges)]}


def _reached(nodes: Sequence[RecordJson], edges: Sequence[RecordJson]) -> list[RecordJson]:
    """The nodes that edges lead to from a source. Some engines record sinks that no edge leads to."""
    after: dict[str, list[str]] = {}
    for edge in edges:
        after.setdefault(str(edge.get("src")), []).append(str(edge.get("dst")))
    waiting = [str(node.get("node")) for node in nodes if node.get("kind") == NodeKind.SOURCE]
    reached = set(waiting)
    while waiting:
        found = [node for node in after.get(waiting.pop(), ()) if node not in reached]
        reached.update(found)
        waiting += found
    return [node for node in nodes if str(node.get("node")) in reached]


def _name(trail: RunTrail) -> str:
    return next((str(run["pipeline"]) for run in trail.about.get("runs", ()) if run.get("pipeline")), "pipeline")


def _node(node: RecordJson, edges: Iterable[RecordJson], trail: RunTrail) -> dict[str, Any]:
    name, kind = str(node.get("node")), str(node.get("kind"))
    config = config_of(node)
    own = {str(edge.get("label")): str(edge.get("dst")) for edge in edges if edge.get("src") == name}
    said: dict[str, Any] = {"name": name, "kind": kind, **config}
    if not trail.whole and kind in set(NodeKind):
        allowed = {"name", "kind", *fields_of(NodeKind(kind))}
        said = {key: value for key, value in {**_seen(trail, name, kind), **said}.items() if key in allowed}
    if CONTINUE in own:
        said["to"] = own[CONTINUE]
    if ON_ERROR in own:
        said[ON_ERROR] = own[ON_ERROR]
    elif kind != "source" and _discards_errors(trail, name):
        said[ON_ERROR] = DISCARD
    if kind == "gate":
        shown = _shown(trail, name)
        branches = {label: own[label] for label in shown.in_order(own) if label in shown.branches}
        routes = {label: dst for label, dst in own.items() if label not in {CONTINUE, ON_ERROR, *branches}}
        said["routes"] = {**routes, **shown.routes, **config.get("routes", {})}
        if CONTINUE in own and CONTINUE not in said["routes"].values():
            said["routes"][GOES_ON] = CONTINUE  # such a route exists, and no row has taken it yet
        said["routes"] = said["routes"] or {"never": DISCARD}
        if branches:
            said["fork"] = branches
            if FORK not in said["routes"].values():
                said["routes"][FORKS] = FORK
    return said


def _seen(trail: RunTrail, name: str, kind: str) -> dict[str, Any]:
    """Settings that an engine does not record, as the run shows them: how many attempts, and whether a node expands."""
    visits = [
        record
        for own in trail.rows.values()
        for record in own
        if record["rec"] == "visits" and record.get("node") == name
    ]
    seen: dict[str, Any] = {}
    if kind in (NodeKind.TRANSFORM, NodeKind.SINK):
        seen["attempts"] = 1 + max((int(str(visit.get("attempt") or 0)) for visit in visits), default=0)
    if kind == NodeKind.TRANSFORM and any(str(visit.get("verdict")).startswith("expand") for visit in visits):
        seen["expands"] = True
    return seen


class _Shown:
    """The settings that a run shows of one gate."""

    def __init__(self) -> None:
        self.branches: set[str] = set()
        self.routes: dict[str, str] = {}
        self.promised: list[list[str]] = []

    def in_order(self, labels: Iterable[str]) -> list[str]:
        """Labels in the order in which a fork promised them; edges have no order of their own."""
        found = list(labels)
        order = next((promise for promise in self.promised if set(promise) <= set(found)), [])
        return [*order, *(label for label in found if label not in order)]


def _shown(trail: RunTrail, gate: str) -> _Shown:
    found = _Shown()
    for node in trail.about.get("nodes", ()):
        if node.get("kind") == "coalesce":
            found.branches.update(map(str, config_of(node).get("branches", ())))
    for records in trail.rows.values():
        found.branches.update(
            str(record["branch"]) for record in records if record["rec"] == "tokens" and record.get("branch")
        )
        for visit in records:
            verdict = str(visit.get("verdict") or "")
            if visit["rec"] == "outcomes" and visit.get("outcome") == Outcome.FORKED and visit.get("promised"):
                promise = str(visit["promised"]).split(",")
                found.promised += [promise] if promise not in found.promised else []
            if visit["rec"] != "visits" or visit.get("node") != gate or not verdict.startswith("route "):
                continue
            target = _followed(records, visit)
            if target is not None:
                found.routes.setdefault(verdict.partition(" ")[2], target)
    return found


def _followed(records: Iterable[RecordJson], visit: RecordJson) -> str | None:
    """The target of a route that has no edge with its name."""
    for record in records:
        if record["rec"] == "hops" and record.get("from_visit") == visit.get("visit"):
            return CONTINUE if record.get("label") == CONTINUE else None
        if record["rec"] == "outcomes" and record.get("token") == visit.get("token"):
            if record.get("outcome") == Outcome.FORKED:
                return FORK
            if record.get("outcome") == Outcome.DISCARDED and record.get("reason") in (Reason.GATE_DISCARD, None):
                return DISCARD
    return None


def _discards_errors(trail: RunTrail, node: str) -> bool:
    for records in trail.rows.values():
        visits = [record for record in records if record["rec"] == "visits" and record.get("node") == node]
        failed = {str(visit.get("token")) for visit in visits if visit.get("status") == VisitStatus.FAILED}
        fates = [record for record in records if record["rec"] == "outcomes" and record.get("token") in failed]
        if any(fate.get("outcome") == Outcome.QUARANTINED for fate in fates):
            return True
    return False
