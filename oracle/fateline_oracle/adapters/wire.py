"""The line protocol (`specs/protocol.md`) for engines that have a join: the port `barrier`. Runs in the environment of the
engine: standard library only.

An adapter says how one join of its engine is built and what an event means there (`Join`). After each event it says what the
engine shows of that join: which branches have arrived, which are lost, whether the join ran (`Seen`). The records are the
difference between two such looks, so an adapter has no memory and no opinion:

    a branch has arrived, and the join did not run    its token is held
    the join ran                                      what had arrived is merged; one record of the barrier
    a branch arrives when the join has run            its token is late, and discarded
    a branch is lost, and the join did not run        a loss
    the join failed                                   what had arrived fails with it

An example: `first` with branches a and b. `arrive(a)`: the engine runs the join, so a is merged. `arrive(b)`: b is discarded.

Not here: the engines (`<engine>/drive.py`).
"""

import json
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, Final, Protocol

LAW_VERSION: Final = "2"
RUN, ROW, FORK, MERGED = "run", "row", "fork", "merged"
Record = dict[str, object]


class Unsupported(Exception):
    """The engine has no such event, or not now; the message says why."""


@dataclass(frozen=True)
class Seen:
    """What an engine shows of one join."""

    arrived: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    ran: bool = False
    failed: bool = False

    @property
    def over(self) -> bool:
        return self.ran or self.failed


class Join(Protocol):
    """One join of an engine, and the branches that lead to it."""

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        """Start a new one. Every branch waits until it is said how it goes on."""
        ...

    def arrive(self, branch: str) -> None:
        """The branch ends well. Raises `Unsupported` if it no longer waits."""
        ...

    def lose(self, branch: str) -> None:
        """The branch ends so that it never reaches the join. Raises `Unsupported` if it no longer waits."""
        ...

    def look(self) -> Seen:
        """What the engine shows now."""
        ...


class Barrier:
    """One barrier, and what was last seen of it."""

    def __init__(self, join: Join, coalesce: dict[str, Any]) -> None:
        self.join = join
        self.node = str(coalesce["name"])
        self.branches: list[str] = list(coalesce["branches"])
        self.seen = Seen()
        join.start(self.branches, str(coalesce["policy"]), coalesce.get("quorum_count"))

    def event(self, do: str, branch: str | None) -> list[Record]:
        if do not in ("arrive", "lose") or branch not in self.branches:
            raise Unsupported(f"the engine has no event {do}({branch or ''})")
        (self.join.arrive if do == "arrive" else self.join.lose)(branch)
        before, self.seen = self.seen, self.join.look()
        return [{**record, "run": RUN} for record in self._between(before, self.seen, do)]

    def _between(self, before: Seen, now: Seen, do: str) -> Iterator[Record]:
        if before.over:
            for branch in self._in_order(now.arrived - before.arrived):
                yield self._visit(branch, "failed")
                yield {"rec": "outcomes", "token": branch, "outcome": "discarded"}
            return
        for branch in self._in_order(now.lost - before.lost):
            yield {"rec": "losses", "barrier": self.node, "branch": branch, "token": branch}
        held = self._in_order(now.arrived)
        for branch in held if now.over else self._in_order(now.arrived - before.arrived):
            yield self._visit(branch, "completed" if now.ran else "failed" if now.failed else "held")
        if not now.over:
            return
        ended: Record = (
            {"outcome": "coalesced", "group": MERGED} if now.ran else {"outcome": "failed", "error": "failed"}
        )
        yield from ({"rec": "outcomes", "token": branch, **ended} for branch in held)
        if now.ran:
            yield {"rec": "tokens", "row": ROW, "token": MERGED, "group_kind": "join", "group": MERGED}
            for place, branch in enumerate(held):
                yield {"rec": "parents", "child": MERGED, "parent": branch, "ordinal": place}
        yield {
            "rec": "barriers", "barrier": self.node, "node": self.node, "fork_group": FORK,
            "verdict": "merged" if now.ran else "failed", "trigger": "arrival" if do == "arrive" else "loss",
            "arrived": ",".join(held), "lost": ",".join(self._in_order(now.lost)),
            **({"result": MERGED} if now.ran else {}),
        }  # fmt: skip

    def _in_order(self, branches: frozenset[str]) -> list[str]:
        return [branch for branch in self.branches if branch in branches]

    def _visit(self, branch: str, status: str) -> Record:
        return {
            "rec": "visits", "visit": f"{branch}@{self.node}", "token": branch, "node": self.node, "attempt": 0,
            "status": status,
        }  # fmt: skip


def serve(name: str, version: str, does: Sequence[str], join: Join) -> None:
    """Answer the judge until it says goodbye."""
    answers = sys.stdout
    barrier: Barrier | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        said: dict[str, object] = {}
        with redirect_stdout(sys.stderr):  # whatever the engine prints is no answer
            try:
                if asked["ask"] == "hello":
                    said = {
                        "name": name, "version": version, "law_version": LAW_VERSION, "ports": ["barrier"], "does": list(does),
                        "shows": ["barriers", "losses", "visits"], "drive": "lockstep", "clock": "none",
                    }  # fmt: skip
                elif asked["ask"] == "start_barrier":
                    barrier = Barrier(join, asked["coalesce"])
                    said = {"tokens": {"": FORK} | {branch: branch for branch in barrier.branches}}
                elif asked["ask"] == "barrier" and barrier is not None:
                    said = {"replies": [{"records": barrier.event(asked["do"], asked.get("branch"))}]}
                elif asked["ask"] == "bye":
                    return
                else:
                    said = {"replies": [{"unsupported": f"the port has no {asked['ask']}"}]}
            except Unsupported as why:
                said = {"replies": [{"unsupported": str(why)}]}
            except Exception:
                traceback.print_exc()
                said = {"error": {"message": traceback.format_exc(limit=-1)}}
        print(json.dumps({**said, "id": asked["id"]}), file=answers, flush=True)
