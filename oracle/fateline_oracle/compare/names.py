"""An engine's ids and the names of the law, learnt from the records as they come.

A token's name is its lineage (row, branches, ordinals), so nobody has to keep an id map for us: the parents, the branch
and the first hop of a new token say what it is called. Not here: whether what they say is lawful; a token whose lineage
cannot be read keeps its id in brackets, and so equals nothing that the law expects.
"""

from collections.abc import Iterable
from typing import Final

from fateline_model.stimuli import Stimulus

from ..ports.port import Hold, RecordJson, Request

TOKEN_COLUMNS: Final = {
    "tokens": ("token",),
    "parents": ("child", "parent"),
    "visits": ("token",),
    "hops": ("token",),
    "outcomes": ("token",),
    "barriers": ("fork_group", "result"),
    "losses": ("token",),
    "merges": ("token",),
    "members": ("token",),
}


class Names:
    """One run's map, both ways; or one row's, where each row of a run is judged by itself and is called `row`."""

    def __init__(self, row: str | None = None) -> None:
        self._row = row
        self._name: dict[str, str] = {}
        self._id: dict[str, str] = {}
        self._rows: dict[str, str] = {}
        self._batches: dict[str, str] = {}
        self._barriers: dict[str, str] = {}
        self._visits: dict[str, str] = {}
        self._merged: set[str] = set()

    def asked(self, stimulus: Stimulus) -> Request:
        """A stimulus as the engine is asked it."""
        do, row, token, verdict, hold, data = stimulus
        own = self._id.get(token, token) if token is not None else None
        return Request(
            Stimulus(do, row, own, verdict, hold, data), self.engine_hold(hold) if hold is not None else None
        )

    def name_of(self, own: str) -> str | None:
        """What the law calls the engine's token, if it is known."""
        return self._name.get(own)

    def engine_token(self, name: str) -> str:
        """The engine's id of a token; the name itself where there is none, which no engine can know either."""
        return self._id.get(name, name)

    def engine_hold(self, name: str) -> Hold:
        """A barrier `j@0/a` or a batch `agg#0` by the engine's ids."""
        node, _, fork = name.partition("@")
        if fork:
            return Hold(node, token=self.engine_token(fork))
        known = next((own for own, said in self._batches.items() if said == name), name)
        return Hold(name.partition("#")[0], batch=known)

    def learn(self, records: Iterable[RecordJson]) -> None:
        """Name what is new in a step."""
        made: list[RecordJson] = []
        parents: dict[str, list[RecordJson]] = {}
        starts: dict[str, str] = {}
        for record in records:
            relation = record["rec"]
            if relation == "tokens":
                made.append(record)
            elif relation == "parents":
                parents.setdefault(str(record.get("child")), []).append(record)
            elif relation == "hops" and "from_visit" not in record:
                starts.setdefault(str(record.get("token")), str(record.get("src")))
            elif relation == "rows":
                self._rows[str(record.get("row"))] = self._row or str(record.get("idx"))
            elif relation == "visits":
                visited = self._name.get(str(record.get("token")), "")
                self._visits[str(record.get("visit"))] = f"{visited}@{record.get('node')}#{record.get('attempt')}"
            elif relation == "batches" and str(record.get("batch")) not in self._batches:
                number = sum(said.startswith(f"{record.get('node')}#") for said in self._batches.values())
                self._batches[str(record.get("batch"))] = f"{record.get('node')}#{number}"
        for record in made:
            own = str(record.get("token"))
            if own not in self._name:
                links = sorted(parents.get(own, []), key=_ordinal)
                self.call(own, self._derive(record, links, starts.get(own, "")))

    def call(self, own: str, name: str) -> None:
        """The engine's `own` is the law's `name`."""
        self._name[own] = name
        self._id[name] = own

    def call_row(self, own: str, name: str) -> None:
        """The engine's row `own` is the law's `name`."""
        self._rows[own] = name

    def _derive(self, token: RecordJson, links: list[RecordJson], start: str) -> str:
        kind = token.get("group_kind")
        if kind is None:
            return self._rows.get(str(token.get("row")), f"[{token.get('row')}]")
        if not links:
            return f"[{token['token']}]"
        parent = self._name.get(str(links[0].get("parent")), f"[{links[0].get('parent')}]")
        if kind == "fork":
            return f"{parent}/{token.get('branch')}"
        if kind == "join":
            merged = f"{self._forked(parent)}/{start}"
            self._merged.add(merged)
            return merged
        return f"{parent}.{links[0].get('ordinal')}"

    def _forked(self, name: str) -> str:
        """The token whose fork brought this one: a merge stands for the branch that its own fork was on."""
        while name in self._merged:
            name = name.rpartition("/")[0]
        return name.rpartition("/")[0]

    def translate(self, record: RecordJson) -> dict[str, object]:
        """The record with names for ids."""
        said = dict(record)
        relation = said["rec"]
        for column in TOKEN_COLUMNS.get(str(relation), ()):
            if column in said:
                said[column] = self._name.get(str(said[column]), f"[{said[column]}]")
        if "row" in said:
            said["row"] = self._rows.get(str(said["row"]), f"[{said['row']}]")
        if "batch" in said:
            said["batch"] = self._batches.get(str(said["batch"]), f"[{said['batch']}]")
        if "group" in said:
            group = str(said["group"])
            said["group"] = self._name.get(group) or self._batches.get(group) or f"[{group}]"
        if relation in ("losses", "barriers"):
            said["barrier"] = self._barriers.get(str(said.get("barrier")), f"[{said.get('barrier')}]")
        if relation == "visits":
            said["visit"] = f"{said.get('token')}@{said.get('node')}#{said.get('attempt')}"
        if "from_visit" in said:
            said["from_visit"] = self._visits.get(str(said["from_visit"]), f"[{said['from_visit']}]")
        return said

    def learn_barriers(self, expected: Iterable[RecordJson], records: Iterable[RecordJson]) -> None:
        """A barrier is its coalesce and the token whose fork it joins. A loss comes before either is recorded: which
        barrier its id means is what the law says of the same branch and token, and must then be so for good."""
        losses = {(str(law.get("branch")), str(law.get("token"))): str(law["barrier"]) for law in expected}
        for record in records:
            own = str(record.get("barrier"))
            if record["rec"] == "barriers" and own not in self._barriers:
                fork = self._name.get(str(record.get("fork_group")), f"[{record.get('fork_group')}]")
                self._barriers[own] = f"{record.get('node')}@{fork}"
            elif record["rec"] == "losses" and own not in self._barriers:
                token = self._name.get(str(record.get("token")), "")
                if (named := losses.get((str(record.get("branch")), token))) is not None:
                    self._barriers[own] = named


def _ordinal(link: RecordJson) -> int:
    return int(str(link.get("ordinal", 0)))
