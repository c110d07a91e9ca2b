"""An engine's ids and the names of the law, learnt from the records as they come.

A token's name is its lineage (row, branches, ordinals), so nobody has to keep an id map for us: the parents, the branch
and the first hop of a new token say what it is called. Not here: whether what they say is lawful; a token whose lineage
cannot be read keeps its id in brackets, and so equals nothing that the law expects.
"""

from collections.abc import Iterable
from typing import Final

from .port import Hold, Written

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
    """One run's map, both ways."""

    def __init__(self) -> None:
        self._name: dict[str, str] = {}
        self._id: dict[str, str] = {}
        self._rows: dict[str, str] = {}
        self._batches: dict[str, str] = {}
        self._merged: set[str] = set()

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

    def learn(self, records: Iterable[Written]) -> None:
        """Name what is new in a step."""
        found = list(records)
        for record in found:
            if record["rec"] == "rows":
                self._rows[str(record["row"])] = str(record["idx"])
            elif record["rec"] == "batches" and str(record["batch"]) not in self._batches:
                number = sum(said.startswith(f"{record['node']}#") for said in self._batches.values())
                self._batches[str(record["batch"])] = f"{record['node']}#{number}"
        parents: dict[str, list[Written]] = {}
        starts: dict[str, str] = {}
        for record in found:
            if record["rec"] == "parents":
                parents.setdefault(str(record["child"]), []).append(record)
            elif record["rec"] == "hops" and "from_visit" not in record:
                starts.setdefault(str(record["token"]), str(record["src"]))
        for record in found:
            if record["rec"] == "tokens":
                own = str(record["token"])
                links = sorted(parents.get(own, []), key=lambda link: int(str(link.get("ordinal", 0))))
                self._call(own, self._derive(record, links, starts.get(own, "")))

    def _call(self, own: str, name: str) -> None:
        self._name[own] = name
        self._id[name] = own

    def _derive(self, token: Written, links: list[Written], start: str) -> str:
        kind = token.get("group_kind")
        if kind is None:
            return self._rows.get(str(token["row"]), f"[{token['row']}]")
        if not links:
            return f"[{token['token']}]"
        parent = self._name.get(str(links[0]["parent"]), f"[{links[0]['parent']}]")
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

    def translate(self, record: Written) -> dict[str, object]:
        """The record with names for ids."""
        said = dict(record)
        for column in TOKEN_COLUMNS.get(str(record["rec"]), ()):
            if column in said:
                said[column] = self._name.get(str(said[column]), f"[{said[column]}]")
        for column in ("row",):
            if column in said:
                said[column] = self._rows.get(str(said[column]), f"[{said[column]}]")
        for column in ("batch",):
            if column in said:
                said[column] = self._batches.get(str(said[column]), f"[{said[column]}]")
        if "group" in said:
            group = str(said["group"])
            said["group"] = self._name.get(group) or self._batches.get(group) or f"[{group}]"
        return said
