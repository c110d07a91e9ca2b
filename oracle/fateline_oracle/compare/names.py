"""Translates between the ids of an engine and the names of the law. The names are learnt from the records.

The name of a token is its lineage (row, branches, ordinals), so no id map is needed: the parents, the branch and the
first hop of a new token give its name. A second root token of row 0 is `0~2`. An engine that does not record hops or
batches gives less; then the records that the law expects in the same step help. Not here: whether the records are
lawful. A token whose lineage cannot be read keeps its id in brackets, which equals no name of the law.
"""

from collections.abc import Iterable, Sequence
from itertools import count
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
    """The map of one run, in both directions. With `row` it is the map of one row, which is named so."""

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
        """The stimulus with the ids of the engine."""
        do, row, token, verdict, hold, data = stimulus
        own = self._id.get(token, token) if token is not None else None
        return Request(
            Stimulus(do, row, own, verdict, hold, data), self.engine_hold(hold) if hold is not None else None
        )

    def name_of(self, own: str) -> str | None:
        """The name of the law for a token of the engine; None if it is unknown."""
        return self._name.get(own)

    def engine_token(self, name: str) -> str:
        """The engine's id for a token name. Unknown names are returned unchanged: they denote tokens that do not exist."""
        return self._id.get(name, name)

    def engine_hold(self, name: str) -> Hold:
        """A barrier such as `j@0/a` or a batch such as `agg#0`, with the ids of the engine."""
        node, _, fork = name.partition("@")
        if fork:
            return Hold(node, token=self.engine_token(fork))
        known = next((own for own, known_as in self._batches.items() if known_as == name), name)
        return Hold(name.partition("#")[0], batch=known)

    def learn(self, records: Iterable[RecordJson], expected: Sequence[RecordJson] = ()) -> None:
        """Learn the names of what is new in a step. `expected` is what the law records in it."""
        made: list[RecordJson] = []
        parents: dict[str, list[RecordJson]] = {}
        starts: dict[str, str] = {}
        in_batches: list[RecordJson] = []
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
                number = sum(batch.startswith(f"{record.get('node')}#") for batch in self._batches.values())
                self._batches[str(record.get("batch"))] = f"{record.get('node')}#{number}"
            elif relation == "outcomes" and record.get("batch") is not None:
                in_batches.append(record)
        for record in made:
            own = str(record.get("token"))
            if own not in self._name:
                links = sorted(parents.get(own, []), key=_ordinal)
                self.call(own, self._derive(record, links, starts.get(own), expected))
        for record in in_batches:
            self._learn_batch(record, expected)

    def _learn_batch(self, fate: RecordJson, expected: Sequence[RecordJson]) -> None:
        """Learn the name of a batch from an outcome in it, if the engine does not record batches."""
        own, token = str(fate["batch"]), self._name.get(str(fate.get("token")))
        if own not in self._batches:
            of_token = (law for law in expected if law["rec"] == "outcomes" and law["token"] == token)
            named = next((str(law["batch"]) for law in of_token if law.get("batch") is not None), None)
            if named is not None:
                self._batches[own] = named

    def call(self, own: str, name: str) -> None:
        """Note that the token `own` of the engine has this name in the law."""
        self._name[own] = name
        self._id[name] = own

    def call_row(self, own: str, name: str) -> None:
        """Note that the row `own` of the engine has this name in the law."""
        self._rows[own] = name

    def _derive(
        self, token: RecordJson, links: list[RecordJson], start: str | None, expected: Sequence[RecordJson]
    ) -> str:
        kind = token.get("group_kind")
        if kind is None:
            name = self._rows.get(str(token.get("row")), f"[{token.get('row')}]")
            again = (f"{name}~{number}" for number in count(2))
            return name if name not in self._id else next(other for other in again if other not in self._id)
        if not links:
            return f"[{token['token']}]"
        parent = self._name.get(str(links[0].get("parent")), f"[{links[0].get('parent')}]")
        if kind == "fork":
            return f"{parent}/{token.get('branch')}"
        if kind == "join":
            forked = self._forked(parent)
            merged = f"{forked}/{start}" if start is not None else _joined(forked, expected)
            if not forked or merged is None:
                return f"[{token['token']}]"
            self._merged.add(merged)
            return merged
        return f"{parent}.{links[0].get('ordinal')}"

    def _forked(self, name: str) -> str:
        """The name of the token whose fork created this one. A merged token takes the place of the forked token."""
        while name in self._merged:
            name = name.rpartition("/")[0]
        return name.rpartition("/")[0]

    def translate(self, record: RecordJson) -> dict[str, object]:
        """The record with the names of the law in place of ids."""
        translated = dict(record)
        relation = translated["rec"]
        for column in TOKEN_COLUMNS.get(str(relation), ()):
            if column in translated:
                translated[column] = self._name.get(str(translated[column]), f"[{translated[column]}]")
        if "row" in translated:
            translated["row"] = self._rows.get(str(translated["row"]), f"[{translated['row']}]")
        if "batch" in translated:
            translated["batch"] = self._batches.get(str(translated["batch"]), f"[{translated['batch']}]")
        if "group" in translated:
            group = str(translated["group"])
            translated["group"] = self._name.get(group) or self._batches.get(group) or f"[{group}]"
        if relation in ("losses", "barriers"):
            translated["barrier"] = self._barriers.get(str(translated.get("barrier")), f"[{translated.get('barrier')}]")
        if relation == "visits":
            translated["visit"] = f"{translated.get('token')}@{translated.get('node')}#{translated.get('attempt')}"
        if "from_visit" in translated:
            translated["from_visit"] = self._visits.get(str(translated["from_visit"]), f"[{translated['from_visit']}]")
        return translated

    def learn_barriers(self, expected: Iterable[RecordJson], records: Iterable[RecordJson]) -> None:
        """Learn the ids of barriers. A barrier is named by its coalesce and the forked token.

        A loss may come before its barrier is recorded. Then it is the barrier that the law names for the same branch and token.
        """
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


def _joined(forked: str, expected: Sequence[RecordJson]) -> str | None:
    """The name of the merged token that the law expects for a fork."""
    names = (str(law["token"]) for law in expected if law["rec"] == "tokens" and law.get("group_kind") == "join")
    return next((name for name in names if name.rpartition("/")[0] == forked), None)


def _ordinal(link: RecordJson) -> int:
    return int(str(link.get("ordinal", 0)))
