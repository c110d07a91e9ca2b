"""Checks the laws about data and time on the digests and times of an engine's records. The machines hold neither.

K3: a visit's input is the output of the token's previous completed visit; the first visit gets the data produced by the
operation that created the token. C9: a union merge records the origin of each field, keeps one value for each field,
and keeps the value that its strategy requires. C11: a barrier resolved by its deadline was open for its timeout,
counted from its first event. Also, a step is one transaction (K2, X3, R1). A column that is not recorded is not
checked. Records have the names of the law. Not here: everything that the machines can decide.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fateline_model import Pipeline
from fateline_model.pipeline import Node
from fateline_model.words import Collisions, GroupKind, NodeKind, Outcome, Strategy, Trigger, VisitStatus

from ..ports.port import RecordJson
from .records import Unrecorded

Broken = tuple[str, str]
"""The id of a broken law, and a message."""

LAWS: Final = ("K3", "C9", "C11")


class DataTrail:
    """The data and times known so far in one run, or in one row of it."""

    def __init__(self, pipeline: Pipeline, unrecorded: Unrecorded = frozenset(), *, whole: bool = True) -> None:
        """`whole`: an absent value means that there is none. If false, what it decides is not checked."""
        self._nodes = pipeline.nodes
        self._whole = whole
        self._merges = ("merges", "") not in unrecorded
        self._values = whole and ("merges", "digest") not in unrecorded
        """Whether a merge record without a digest is a mistake, and not one whose digest is not shown."""
        self._arrivals = ("visits", "") not in unrecorded
        self._carries: dict[str, str] = {}
        self._first: dict[str, int] = {}
        self._forks: dict[str, tuple[str, str | None]] = {}
        self.checked: dict[str, int] = dict.fromkeys(LAWS, 0)

    def see(self, records: Iterable[RecordJson]) -> list[Broken]:
        """Add the records of one step, in their order. Returns the laws that they break."""
        by_relation = _by_relation(records)
        return torn(by_relation) + self._looked(by_relation)

    def see_alone(self, records: Iterable[RecordJson]) -> list[Broken]:
        """Add records that belong together, from one or more steps. Returns the laws that they break."""
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
        """Note the data that each new token starts with: that of its row, or what its parent carried when it forked. Merges,
        expansions and batches produce new data, which the first visit shows."""
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
                    self._forks[name] = self._forks[fork]  # a merged token takes the place of the token that was forked
            if digest is not None:
                self._carries[name] = str(digest)

    def _visit(self, visit: RecordJson) -> list[Broken]:
        token, begun = str(visit["token"]), visit.get("digest_in")
        broken: list[Broken] = []
        if begun is not None:
            known = self._carries.setdefault(token, str(begun))
            self.checked["K3"] += 1
            if begun != known:
                message = f"token {token} begins its visit of {visit.get('node')} with {begun}, and carries {known}"
                broken.append(("K3", message))
        if visit.get("status") == VisitStatus.COMPLETED and visit.get("digest_out") is not None:
            self._carries[token] = str(visit["digest_out"])
        elif not self._whole:
            self._carries.pop(token, None)
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
        if self._arrivals and seen is not None and (seen != first if self._whole else seen < first):
            return [("C11", f"barrier {name} counts from {first}, and its first event was at {seen}")]
        if barrier.get("trigger") == Trigger.DEADLINE and decided - first < 1000 * (node.timeout_seconds or 0):
            waited = f"after {decided - first} ms; its timeout is {node.timeout_seconds} s"
            return [("C11", f"barrier {name} was resolved by its deadline {waited}")]
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
        known = barrier.get("arrived") is not None and all(
            merge.get("digest") is not None and merge.get("kept") is not None
            for given in fields.values()
            for merge in given
        )
        if not self._values and not known:
            return []
        self.checked["C9"] += 1
        if not fields:
            return [("C9", f"merge {name} does not record the origins of its fields")]
        problems = (_field(node, arrived, name, field, given) for field, given in fields.items())
        return [("C9", problem) for problem in problems if problem is not None]


def _by_relation(records: Iterable[RecordJson]) -> dict[str, list[RecordJson]]:
    found: dict[str, list[RecordJson]] = {}
    for record in records:
        found.setdefault(str(record["rec"]), []).append(record)
    return found


def torn_step(records: Iterable[RecordJson]) -> list[Broken]:
    """Check that the records of one step are one transaction."""
    return torn(_by_relation(records))


def torn(step: Mapping[str, list[RecordJson]]) -> list[Broken]:
    """Check that a step is one transaction. For a fork and for an expansion this is part of separate laws."""
    written = {record["tx"] for records in step.values() for record in records if record.get("tx") is not None}
    if len(written) < 2:
        return []
    fates = {str(record.get("outcome")) for record in step.get("outcomes", ())}
    law = "K2" if Outcome.FORKED in fates else "X3" if Outcome.EXPANDED in fates else "R1"
    return [(law, f"one step is written in {len(written)} transactions")]


def _field(node: Node, arrived: Sequence[str], name: str, field: str, given: Sequence[RecordJson]) -> str | None:
    """The problem with one field of a union merge; None if there is none."""
    branches = [str(merge["branch"]) for merge in given]
    if not_arrived := set(branches) - set(arrived):
        return f"merge {name} takes {field} from {', '.join(sorted(not_arrived))}, which had not arrived"
    in_order = [branch for branch in arrived if branch in branches]
    if len(in_order) != len(branches):
        return f"merge {name} names a branch twice for {field}"
    keeps = in_order[0] if node.collisions is Collisions.FIRST_WINS else in_order[-1]
    digests = {str(merge["branch"]): merge.get("digest") for merge in given}
    if node.collisions is Collisions.FAIL and len(set(digests.values())) > 1:
        return f"merge {name} has two values for {field} and should have failed"
    kept = {str(merge["branch"]) for merge in given if merge.get("kept")}
    right = {branch for branch in branches if digests[branch] == digests[keeps]}
    if kept == right:
        return None
    return f"merge {name} keeps {field} of {', '.join(sorted(kept)) or 'no branch'}; the strategy keeps that of {keeps}"
