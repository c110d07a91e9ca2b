"""Laws about data and time, which the machines do not hold: judged on the digests and times of an engine's own records.

K3: a visit begins with what its token's previous completed visit ended with, else with what made it gave. C9: where a
union merge says where each field came from, one value a field is kept, and it is the one that the strategy keeps. C11:
what a deadline resolved was open for its timeout, counted from its first event. And a step is one transaction (K2, X3,
R1). A column that is not recorded is not judged. Records come with the names of the law. Not here: everything that the
machines can say.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fateline_model import Pipeline
from fateline_model.pipeline import Node
from fateline_model.words import Collisions, GroupKind, NodeKind, Outcome, Strategy, Trigger, VisitStatus

from ..ports.port import RecordJson
from .records import Unrecorded

Broken = tuple[str, str]
"""A law, and in which words it is broken."""

LAWS: Final = ("K3", "C9", "C11")


class DataTrail:
    """What is known of data and times in one run, or in one row of it."""

    def __init__(self, pipeline: Pipeline, unrecorded: Unrecorded = frozenset()) -> None:
        self._nodes = pipeline.nodes
        self._merges = ("merges", "") not in unrecorded
        self._arrivals = ("visits", "") not in unrecorded
        self._carries: dict[str, str] = {}
        self._first: dict[str, int] = {}
        self._forks: dict[str, tuple[str, str | None]] = {}
        self.checked: dict[str, int] = dict.fromkeys(LAWS, 0)

    def see(self, records: Iterable[RecordJson]) -> list[Broken]:
        """The records of one step, in their order; what they break."""
        by_relation = _by_relation(records)
        return torn(by_relation) + self._looked(by_relation)

    def see_alone(self, records: Iterable[RecordJson]) -> list[Broken]:
        """Records that belong together, of one step or of more."""
        return self._looked(_by_relation(records))

    def _looked(self, by_relation: Mapping[str, list[RecordJson]]) -> list[Broken]:
        broken: list[Broken] = []
        made = by_relation.get("tokens", ())
        if made:
            self._made(made, by_relation)
        for visit in by_relation.get("visits", ()):
            broken += self._visit(visit)
        for loss in by_relation.get("losses", ()):
            self._event(str(loss["barrier"]), loss)
        for barrier in by_relation.get("barriers", ()):
            broken += self._barrier(barrier)
            if barrier.get("result") is not None and self._merges:
                broken += self._merged(barrier, by_relation.get("merges", ()))
        return broken

    # ------------------------------------------------------------------------------------------------ K3

    def _made(self, made: Sequence[RecordJson], step: Mapping[str, list[RecordJson]]) -> None:
        """What a token is made with: its row, or what its parent carried when it forked. A merge, an expansion and a
        batch make data of their own, which the first visit shows."""
        parents = {str(link["child"]): str(link["parent"]) for link in step.get("parents", ())}
        digests = {str(row["row"]): row.get("digest") for row in step.get("rows", ())}
        for token in made:
            name = str(token["token"])
            if token.get("group_kind") is None:
                digest = digests.get(str(token.get("row")))
            elif token["group_kind"] == GroupKind.FORK:
                digest = self._carries.get(parents.get(name, ""))
                self._forks[name] = (parents.get(name, ""), str(token.get("branch")))
            else:
                digest = None
                fork = name.rpartition("/")[0]
                if token["group_kind"] == GroupKind.JOIN and fork in self._forks:
                    self._forks[name] = self._forks[fork]  # a merge stands for the branch that its own fork was on
            if digest is not None:
                self._carries[name] = str(digest)

    def _visit(self, visit: RecordJson) -> list[Broken]:
        token, begun = str(visit["token"]), visit.get("digest_in")
        broken: list[Broken] = []
        if begun is not None:
            known = self._carries.setdefault(token, str(begun))
            self.checked["K3"] += 1
            if begun != known:
                told = f"token {token} begins its visit of {visit.get('node')} with {begun}, and carries {known}"
                broken.append(("K3", told))
        if visit.get("status") == VisitStatus.COMPLETED and visit.get("digest_out") is not None:
            self._carries[token] = str(visit["digest_out"])
        node = self._nodes.get(str(visit.get("node")))
        if node is not None and node.kind is NodeKind.COALESCE and visit.get("status") == VisitStatus.HELD:
            fork, branch = self._forks.get(token, ("", None))
            if branch in node.branches:
                self._event(f"{node.name}@{fork}", visit)
        return broken

    # ------------------------------------------------------------------------------------------------ C11

    def _event(self, barrier: str, record: RecordJson) -> None:
        at = record.get("at")
        if isinstance(at, int):
            self._first.setdefault(barrier, at)

    def _barrier(self, barrier: RecordJson) -> list[Broken]:
        first, decided = barrier.get("first_at"), barrier.get("decided_at")
        node = self._nodes.get(str(barrier.get("node")))
        if not isinstance(first, int) or not isinstance(decided, int) or node is None:
            return []
        name = str(barrier["barrier"])
        self.checked["C11"] += 1
        seen = self._first.pop(name, None)
        if self._arrivals and seen is not None and seen != first:
            return [("C11", f"barrier {name} counts from {first}, and its first event was at {seen}")]
        if barrier.get("trigger") == Trigger.DEADLINE and decided - first < 1000 * (node.timeout_seconds or 0):
            told = f"barrier {name} was resolved by its deadline after {decided - first} ms of {node.timeout_seconds} s"
            return [("C11", told)]
        return []

    # ------------------------------------------------------------------------------------------------ C9

    def _merged(self, barrier: RecordJson, merges: Sequence[RecordJson]) -> list[Broken]:
        node = self._nodes.get(str(barrier.get("node")))
        if node is None or node.merge is not Strategy.UNION:
            return []
        name, arrived = str(barrier["result"]), str(barrier.get("arrived") or "").split(",")
        fields: dict[str, list[RecordJson]] = {}
        for merge in merges:
            if merge.get("token") == name:
                fields.setdefault(str(merge["field"]), []).append(merge)
        self.checked["C9"] += 1
        if not fields:
            return [("C9", f"merge {name} does not say where its fields come from")]
        return [("C9", told) for field, given in fields.items() if (told := _field(node, arrived, name, field, given))]


def _by_relation(records: Iterable[RecordJson]) -> dict[str, list[RecordJson]]:
    found: dict[str, list[RecordJson]] = {}
    for record in records:
        found.setdefault(str(record["rec"]), []).append(record)
    return found


def torn(step: Mapping[str, list[RecordJson]]) -> list[Broken]:
    """A step is one transaction. A fork and an expansion have laws of their own that say so."""
    written = {record["tx"] for records in step.values() for record in records if record.get("tx") is not None}
    if len(written) < 2:
        return []
    fates = {str(record.get("outcome")) for record in step.get("outcomes", ())}
    law = "K2" if Outcome.FORKED in fates else "X3" if Outcome.EXPANDED in fates else "R1"
    return [(law, f"one step is written in {len(written)} transactions")]


def _field(node: Node, arrived: Sequence[str], name: str, field: str, given: Sequence[RecordJson]) -> str | None:
    """What is wrong with one field of a union merge, if anything is."""
    branches = [str(merge["branch"]) for merge in given]
    if strangers := set(branches) - set(arrived):
        return f"merge {name} says that {field} comes from {', '.join(sorted(strangers))}, which had not arrived"
    in_order = [branch for branch in arrived if branch in branches]
    if len(in_order) != len(branches):
        return f"merge {name} names a branch twice for {field}"
    keeps = in_order[0] if node.collisions is Collisions.FIRST_WINS else in_order[-1]
    digests = {str(merge["branch"]): merge.get("digest") for merge in given}
    if node.collisions is Collisions.FAIL and len(set(digests.values())) > 1:
        return f"merge {name} has two values for {field}, and should have failed"
    kept = {str(merge["branch"]) for merge in given if merge.get("kept")}
    right = {branch for branch in branches if digests[branch] == digests[keeps]}
    told = f"merge {name} keeps {field} of {', '.join(sorted(kept)) or 'none'}; the strategy keeps that of {keeps}"
    return None if kept == right else told
