"""Completes the records of a run so that they can be stepped, and says what was inferred.

The problem
-----------
Stepping needs to know in which order things happened, which answer each node gave, which tokens were created together.
Engines record this in their own way, or not at all: a group has an id of its own, a visit does not say how it ended but
the next hop shows it, a merged token does not number its parents.

The idea
--------
Each function of this file completes one thing, if it is absent, from other records of the same run:

    what                        from
    a row                       its tokens
    its place in the source     the order of the rows
    the group of a token        the operation that created it: the parent, the merged token itself, the batch
    the ordinal of a parent     the order of the tokens; for a merge the declared order of the branches
    an attempt                  the order of the visits of a token at a node
    the status of a visit       whether it closed, and whether anything follows from it
    the verdict of a visit      the hop that left it, the outcome, whether another attempt follows
    the label of a hop          the edge between its two nodes
    the fork of a barrier       the tokens that were merged, or that lost their branch to it
    the outputs of a batch      the tokens of its group
    where a token was buffered  its membership

What was inferred is noted by row (`inferred`). A row whose completed records the law accepts is accepted. If the law does not
accept them, the inference may be wrong, so the row is undetermined; `check.py` decides that. Nothing is completed in a
trail that is `whole`: there an absent value means that there is none.

An example
----------
Token `7` has a completed visit of gate `g` without a verdict, and a hop `g -high-> out`. The verdict is `route high`.

Not here: the pipeline (`pipeline.py`), the order of events that have no order (`accept.py`).
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from fateline_model.words import (
    CONTINUE,
    NAME_PATTERN,
    ON_ERROR,
    BatchStatus,
    GroupKind,
    NodeKind,
    Outcome,
    VisitStatus,
)

Record = dict[str, Any]

GOES_ON: Final = "goes-on"
FORKS: Final = "forks"
DISCARDS: Final = "discards"
"""The labels of routes that no edge shows: to the next node, to the branches, to nowhere."""
_KIND_BY_FATE: Final = {
    Outcome.FORKED: GroupKind.FORK,
    Outcome.EXPANDED: GroupKind.EXPAND,
    Outcome.COALESCED: GroupKind.JOIN,
    Outcome.CONSUMED_IN_BATCH: GroupKind.BATCH,
}
_NAMED: Final = {
    "nodes": ("node",), "edges": ("src", "dst", "label"), "rows": ("source",), "tokens": ("branch",), "visits": ("node",),
    "hops": ("src", "dst", "label"), "outcomes": ("sink", "promised"), "barriers": ("node", "arrived", "lost"),
    "losses": ("branch",), "merges": ("branch",), "batches": ("node",),
}  # fmt: skip
"""The columns with names of nodes, branches and labels."""
_NAMED_SETTINGS: Final = ("branches", "select_branch")
"""The settings with names of branches."""
_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    NodeKind.TRANSFORM: ("attempts",),
    NodeKind.SINK: ("attempts",),
    NodeKind.COALESCE: ("policy", "merge"),
    NodeKind.AGGREGATION: ("mode",),
}
"""The settings that decide what happens."""
_CLOSED: Final = (VisitStatus.COMPLETED, VisitStatus.FAILED, VisitStatus.INTERRUPTED)
_STEPPED: Final[Mapping[str, Mapping[str, Callable[[Record], bool]]]] = {
    "barriers": {
        "node": lambda record: True,
        "verdict": lambda record: True,
        "trigger": lambda record: True,
        "reason": lambda record: bool(record.get("verdict") == "failed"),
    },
    "batches": {
        "node": lambda record: True,
        "status": lambda record: True,
        "trigger": lambda record: bool(record.get("status") != BatchStatus.OPEN),
    },
    "members": {"ordinal": lambda record: True},
    "tokens": {"branch": lambda record: bool(record.get("group_kind") == GroupKind.FORK)},
    "visits": {"opened": lambda record: True, "closed": lambda record: bool(record.get("status") in _CLOSED)},
}
"""Columns that stepping reads and that are not completed here, and of which records. An absent value is noted."""


class Completion:
    """The records of one run, completed."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.by: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            self.by[str(record["rec"])].append(dict(record))
        self.inferred: dict[str, set[str]] = defaultdict(set)
        """By row, what was inferred or is absent."""
        self.of_the_run: set[str] = set()
        """What was inferred or is absent for all rows."""
        self.added = 0
        """How many records were added, because only others imply them."""
        self.starts: dict[str, str] = {}
        """For merged tokens without a first hop, the coalesce that created them."""
        self._tokens: dict[str, Record] = {str(token["token"]): token for token in self.by["tokens"]}
        self._links: dict[str, list[Record]] = defaultdict(list)
        for link in self.by["parents"]:
            self._links[str(link["child"])].append(link)
        self._visits: dict[str, list[Record]] = defaultdict(list)
        for visit in self.by["visits"]:
            self._visits[str(visit["token"])].append(visit)
        self._hops: dict[str, list[Record]] = defaultdict(list)
        for hop in self.by["hops"]:
            self._hops[str(hop["token"])].append(hop)
        self._fates: dict[str, Record] = {
            str(one["token"]): one for one in self.by["outcomes"] if one.get("outcome") != Outcome.BUFFERED
        }
        self._batch_of: dict[str, str] = {str(one["token"]): str(one["batch"]) for one in self.by["members"]}
        self._names()
        self._kinds: dict[str, str] = {str(node["node"]): str(node.get("kind")) for node in self.by["nodes"]}
        self._branches = self._declared_branches()
        for complete in (
            self._rows,
            self._groups,
            self._ordinals,
            self._attempts,
            self._statuses,
            self._labels,
            self._verdicts,
            self._forks,
            self._lists,
            self._buffered,
            self._outputs,
            self._coalesces,
            self._settings,
            self._stepped,
        ):
            complete()

    def records(self) -> list[Record]:
        return [record for relation in self.by.values() for record in relation]

    def _note(self, token: object, what: str) -> None:
        """What is inferred for the row of a token; for the run if the row is not known."""
        own = self._tokens.get(str(token))
        (self.inferred[str(own["row"])] if own is not None else self.of_the_run).add(what)

    # ------------------------------------------------------------------------------------------------ names

    def _names(self) -> None:
        """Give nodes, branches and labels that no pipeline of the law can name a name that it can."""
        taken: dict[str, str] = {}
        for relation, columns in _NAMED.items():
            for record in self.by[relation]:
                for column in columns:
                    value = record.get(column)
                    if value not in (None, "") and not (column == "promised" and str(value).isdecimal()):
                        several = column in ("arrived", "lost", "promised")
                        parts = str(value).split(",") if several else [str(value)]
                        record[column] = ",".join(_name(part, taken) for part in parts)
        for node in self.by["nodes"]:
            config = config_of(node)
            named = {key: _renamed(config[key], taken) for key in _NAMED_SETTINGS if config.get(key)}
            if named and named != {key: config[key] for key in named}:
                node["config"] = json.dumps({**config, **named})
        for visit in self.by["visits"]:
            word, _, label = str(visit.get("verdict") or "").partition(" ")
            if word == "route" and label:
                visit["verdict"] = f"route {_name(label, taken)}"

    # ------------------------------------------------------------------------------------------------ rows and tokens

    def _rows(self) -> None:
        if not self.by["rows"]:
            for name in dict.fromkeys(str(token["row"]) for token in self.by["tokens"]):
                run = self.by["tokens"][0].get("run")
                self.by["rows"].append({"rec": "rows", "run": run, "row": name})
                self.added += 1
                self.inferred[name].add("rows")
        rows = self.by["rows"]
        if any(row.get("idx") is None for row in rows):
            ordered = sorted(rows, key=_seq) if all(isinstance(row.get("seq"), int) for row in rows) else rows
            for place, row in enumerate(ordered):
                row["idx"] = place
                self.inferred[str(row["row"])].add("rows.idx")

    def _groups(self) -> None:
        """Name each group after the operation that created its tokens, as the law does."""
        operations: dict[str, set[str]] = defaultdict(set)
        groups: dict[str, set[str]] = defaultdict(set)
        for own, token in self._tokens.items():
            links = self._links.get(own, [])
            if token.get("group_kind") is None and links:
                kind = self._kind_of(token, links)
                if kind is not None:
                    token["group_kind"] = kind
                    self._note(own, "tokens.group_kind")
            operation = self._operation(own, token, links)
            if operation is not None and token.get("group") is not None:
                operations[str(token["group"])].add(operation)
                groups[operation].add(str(token["group"]))
        known = {
            group: next(iter(found))
            for group, found in operations.items()
            if len(found) == 1 and len(groups[next(iter(found))]) == 1
        }
        for own, token in self._tokens.items():
            operation = self._operation(own, token, self._links.get(own, []))
            if token.get("group") is not None:
                token["group"] = known.get(str(token["group"]), token["group"])
            elif operation is not None:
                token["group"] = operation
                self._note(own, "tokens.group")
        for relation, column in (("outcomes", "group"), ("barriers", "fork_group")):
            for record in self.by[relation]:
                if record.get(column) is not None:
                    record[column] = known.get(str(record[column]), record[column])

    def _kind_of(self, token: Record, links: Sequence[Record]) -> GroupKind | None:
        fates = {self._fates.get(str(link.get("parent")), {}).get("outcome") for link in links}
        if token.get("branch") is not None:
            return GroupKind.FORK
        fate = next(iter(fates)) if len(fates) == 1 else None
        return _KIND_BY_FATE.get(Outcome(fate)) if fate in set(Outcome) else None

    def _operation(self, own: str, token: Record, links: Sequence[Record]) -> str | None:
        """What created a token, as the law names its group: the merged token, the batch, or the parent."""
        kind = token.get("group_kind")
        if kind == GroupKind.JOIN:
            return own
        parents = {str(link.get("parent")) for link in links}
        if kind == GroupKind.BATCH:
            batches = {self._batch_of[parent] for parent in parents if parent in self._batch_of}
            return next(iter(batches)) if len(batches) == 1 else None
        return next(iter(parents)) if kind is not None and len(parents) == 1 else None

    def _ordinals(self) -> None:
        families: dict[str, list[Record]] = defaultdict(list)
        for own, links in self._links.items():
            if self._tokens.get(own, {}).get("group_kind") == GroupKind.JOIN:
                place = {str(self._tokens.get(str(link["parent"]), {}).get("branch")): link for link in links}
                order = (
                    [place[branch] for branch in self._branches if branch in place] if len(place) == len(links) else []
                )
                self._number(order if len(order) == len(links) else links)
            else:
                for link in links:
                    families[str(link["parent"])].append(link)
        for parent, links in families.items():
            promised = str(self._fates.get(parent, {}).get("promised") or "").split(",")
            tokens = [self._tokens.get(str(link["child"]), {}) for link in links]
            if all(token.get("branch") in promised for token in tokens):
                pairs = sorted(
                    zip(links, tokens, strict=True), key=lambda pair: promised.index(str(pair[1].get("branch")))
                )
            else:
                pairs = sorted(zip(links, tokens, strict=True), key=lambda pair: _seq(pair[1]))
            self._number([link for link, _ in pairs])

    def _number(self, links: Sequence[Record]) -> None:
        if any(link.get("ordinal") is None for link in links):
            for place, link in enumerate(links):
                link["ordinal"] = place
                self._note(link["child"], "parents.ordinal")

    def _declared_branches(self) -> list[str]:
        found: list[str] = []
        for node in self.by["nodes"]:
            branches = config_of(node).get("branches")
            found += [str(one) for one in branches] if isinstance(branches, list) else []
        return found

    # ------------------------------------------------------------------------------------------------ visits and hops

    def _attempts(self) -> None:
        for token, visits in self._visits.items():
            for node in {str(visit.get("node")) for visit in visits}:
                own = [visit for visit in visits if str(visit.get("node")) == node]
                if any(visit.get("attempt") is None for visit in own):
                    for place, visit in enumerate(sorted(own, key=_opened)):
                        visit["attempt"] = place
                    self._note(token, "visits.attempt")

    def _statuses(self) -> None:
        for token, visits in self._visits.items():
            for visit in visits:
                if visit.get("status") is None:
                    visit["status"] = self._status(token, visit)
                    self._note(token, "visits.status")

    def _status(self, token: str, visit: Record) -> VisitStatus:
        verdict = str(visit.get("verdict") or "")
        fate = self._fates.get(token)
        last = visit is max(self._visits[token], key=_opened)
        if verdict.startswith(("error", "refused", "barrier_failed", "late", "flush_failed")):
            return VisitStatus.FAILED
        if verdict or not last or (fate is not None and fate.get("outcome") != Outcome.FAILED):
            return VisitStatus.COMPLETED
        return VisitStatus.FAILED if fate is not None else VisitStatus.OPEN

    def _labels(self) -> None:
        between: dict[tuple[str, str], list[str]] = defaultdict(list)
        for edge in self.by["edges"]:
            between[str(edge.get("src")), str(edge.get("dst"))].append(str(edge.get("label")))
        for token, hops in self._hops.items():
            visits = self._visits.get(token, [])
            for hop in hops:
                if hop.get("from_visit") is None and (len(hops) > 1 or visits):
                    at = [visit for visit in visits if visit.get("node") == hop.get("src")]
                    if at and hop.get("src") is not None:
                        hop["from_visit"] = max(at, key=lambda visit: int(visit["attempt"]))["visit"]
                        self._note(token, "hops.from_visit")
                own = next((one for one in visits if one["visit"] == hop.get("from_visit")), None)
                if not hop.get("src"):
                    hop["src"] = own.get("node") if own is not None else ""
                    self._note(token, "hops.src")
                labels = between[str(hop.get("src")), str(hop.get("dst"))]
                if not hop.get("label"):
                    self._note(token, "hops.label")
                    if len(labels) == 1:
                        hop["label"] = labels[0]
                if not hop.get("dst"):
                    self._note(token, "hops.dst")
                drawn = {label for pair, own in between.items() if pair[0] == hop.get("src") for label in own}
                if hop.get("label") == ON_ERROR and ON_ERROR not in drawn and hop["src"] and hop.get("dst"):
                    edge = {
                        "rec": "edges",
                        "run": hop.get("run"),
                        "src": hop["src"],
                        "label": ON_ERROR,
                        "dst": hop["dst"],
                    }
                    self.by["edges"].append(edge)
                    self.added += 1
                    between[str(hop["src"]), str(hop["dst"])].append(ON_ERROR)
                    self.of_the_run.add("edges")

    def _verdicts(self) -> None:
        for token, visits in self._visits.items():
            for visit in visits:
                if visit.get("verdict") is None and visit.get("status") in (VisitStatus.COMPLETED, VisitStatus.FAILED):
                    verdict = self._verdict(token, visit)
                    if verdict is not None:
                        visit["verdict"] = verdict
                        self._note(token, "visits.verdict")

    def _verdict(self, token: str, visit: Record) -> str | None:
        kind = self._kinds.get(str(visit.get("node")))
        if kind not in (NodeKind.TRANSFORM, NodeKind.GATE, NodeKind.SINK):
            return None
        refused, passed = ("refused", "written") if kind == NodeKind.SINK else ("error", "pass")
        if visit["status"] == VisitStatus.FAILED:
            again = any(
                one.get("node") == visit.get("node") and int(one["attempt"]) > int(visit["attempt"])
                for one in self._visits[token]
            )
            return f"{refused}_retryable" if again else refused
        hop = next((one for one in self._hops.get(token, ()) if one.get("from_visit") == visit["visit"]), None)
        fate = self._fates.get(token, {}).get("outcome")
        if kind == NodeKind.GATE:
            if hop is not None:
                return f"route {GOES_ON if hop.get('label') == CONTINUE else hop.get('label')}"
            return f"route {FORKS if fate == Outcome.FORKED else DISCARDS}"
        if kind == NodeKind.TRANSFORM and hop is None and visit is max(self._visits[token], key=_opened):
            if fate == Outcome.EXPANDED:
                return f"expand {sum(str(one.get('parent')) == token for one in self.by['parents'])}"
            if fate == Outcome.DISCARDED:
                return "drop"
        return passed

    # ------------------------------------------------------------------------------------------------ barriers

    def _forks(self) -> None:
        """The fork of a barrier: that of the tokens which were merged, or which lost their branch to it."""
        for barrier in self.by["barriers"]:
            if barrier.get("fork_group") is not None:
                continue
            owed = [str(link.get("parent")) for link in self._links.get(str(barrier.get("result")), ())]
            owed += [str(one.get("token")) for one in self.by["losses"] if one.get("barrier") == barrier.get("barrier")]
            owed = [token for token in owed if self._tokens.get(token, {}).get("group_kind") == GroupKind.FORK]
            groups = {str(self._tokens[token].get("group")) for token in owed}
            if len(groups) == 1:
                barrier["fork_group"] = next(iter(groups))
            self._note(barrier.get("result") or next(iter(owed), None), "barriers.fork_group")

    def _lists(self) -> None:
        """The branches of a barrier, in declared order; engines list them in the order of their arrival too."""
        place = {branch: number for number, branch in enumerate(self._branches)}
        for barrier in self.by["barriers"]:
            for column in ("arrived", "lost"):
                if barrier.get(column):
                    found = str(barrier[column]).split(",")
                    barrier[column] = ",".join(sorted(found, key=lambda branch: place.get(branch, len(place))))

    def _buffered(self) -> None:
        """The batch in which a token was buffered: that of its membership. If it has several, the order of both gives it."""
        batches: dict[str, list[str]] = defaultdict(list)
        for member in sorted(self.by["members"], key=_seq):
            batches[str(member["token"])].append(str(member["batch"]))
        for record in sorted(self.by["outcomes"], key=_seq):
            token = str(record["token"])
            if record.get("outcome") != Outcome.BUFFERED:
                continue
            if record.get("batch") is None:
                self._note(token, "outcomes.batch")
                if batches[token]:
                    record["batch"] = batches[token].pop(0)
            elif str(record["batch"]) in batches[token]:
                batches[token].remove(str(record["batch"]))

    def _outputs(self) -> None:
        made = Counter(
            str(token.get("group")) for token in self.by["tokens"] if token.get("group_kind") == GroupKind.BATCH
        )
        for batch in self.by["batches"]:
            if batch.get("outputs") is None and batch.get("status") == BatchStatus.COMPLETED:
                batch["outputs"] = made[str(batch.get("batch"))]
                members = [member for member in self.by["members"] if member.get("batch") == batch.get("batch")]
                for member in members:
                    self._note(member["token"], "batches.outputs")

    def _coalesces(self) -> None:
        """Where a merged token was created, if no hop shows it."""
        results = {str(barrier.get("result")): barrier.get("node") for barrier in self.by["barriers"]}
        for own, token in self._tokens.items():
            hops = self._hops.get(own, [])
            if token.get("group_kind") != GroupKind.JOIN or any(hop.get("from_visit") is None for hop in hops):
                continue
            node = results.get(own)
            for link in self._links.get(own, ()):
                visits = self._visits.get(str(link.get("parent")), [])
                at = [one for one in visits if self._kinds.get(str(one.get("node"))) == NodeKind.COALESCE]
                node = node or (str(max(at, key=_opened).get("node")) if at else None)
            if node is not None:
                self.starts[own] = str(node)

    def _settings(self) -> None:
        """Note settings that decide what happens and are not recorded; the law has one for each that is absent."""
        retried = {str(visit.get("node")) for visit in self.by["visits"] if visit["attempt"]}
        for node in self.by["nodes"]:
            kind, config = node.get("kind"), config_of(node)
            needed = _SETTINGS.get(str(kind), ()) if kind != NodeKind.TRANSFORM or str(node["node"]) in retried else ()
            needed = needed if kind != NodeKind.SINK or str(node["node"]) in retried else ()
            self.of_the_run.update(f"nodes.config ({name})" for name in needed if name not in config)

    def _stepped(self) -> None:
        """Note what stepping needs and nothing gives."""
        of_batches = {str(one.get("batch")): str(one["token"]) for one in self.by["members"]}
        for relation, columns in _STEPPED.items():
            for record in self.by[relation]:
                for column, needed in columns.items():
                    if record.get(column) is None and needed(record):
                        token = record.get("token", record.get("result"))
                        token = of_batches.get(str(record.get("batch"))) if relation == "batches" else token
                        if relation == "barriers" and str(token) not in self._tokens:
                            token = record.get("fork_group")
                        self._note(token, f"{relation}.{column}")
        kinds = set(self._kinds.values())
        absent = {
            "visits": True,
            "hops": True,
            "outcomes": True,
            "parents": any(token.get("group_kind") or token.get("branch") for token in self.by["tokens"]),
            "barriers": NodeKind.COALESCE in kinds,
            "batches": NodeKind.AGGREGATION in kinds,
            "members": NodeKind.AGGREGATION in kinds,
        }
        self.of_the_run.update(relation for relation, needed in absent.items() if needed and not self.by[relation])


def config_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a node; empty if they are not recorded as a JSON object."""
    try:
        config = json.loads(str(node.get("config") or "{}"))
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in config.items() if value is not None} if isinstance(config, dict) else {}


def _seq(record: Mapping[str, Any]) -> int:
    value = record.get("seq")
    return value if isinstance(value, int) else 0


def _opened(visit: Mapping[str, Any]) -> tuple[int, int]:
    """The place of a visit among those of its token: by its opening, else by its closing."""
    places = (visit.get("opened"), visit.get("closed"), visit.get("seq"))
    first = next((place for place in places if isinstance(place, int)), 0)
    attempt = visit.get("attempt")
    return first, attempt if isinstance(attempt, int) else 0


def _renamed(value: object, taken: dict[str, str]) -> object:
    """The same setting, with names that the law can read."""
    if isinstance(value, list):
        return [_renamed(one, taken) for one in value]
    return _name(value, taken) if isinstance(value, str) else value


def _name(text: str, taken: dict[str, str]) -> str:
    """A name that the law can read: the same one if it can, else one of its letters, digits and lines."""
    if text not in taken:
        plain = text
        if not re.fullmatch(NAME_PATTERN, text):
            plain = f"n_{re.sub(r'[^A-Za-z0-9_-]', '_', text)}"[:80]
        used = Counter(taken.values())
        taken[text] = plain if not used[plain] else f"{plain}_{len(taken)}"
    return taken[text]
