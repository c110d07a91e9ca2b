"""A join that is nobody's, over the wire module, to check that module and the judge: right in each policy, or with a mistake.

`ignores what comes twice` is no mistake: nothing says that an engine must refuse in words.

python toy.py [MISTAKE]
"""

import sys
from collections.abc import Sequence

from fateline_oracle.adapters.wire import Seen, Unsupported, serve

MISTAKE = sys.argv[1] if len(sys.argv) > 1 else ""


class Join:
    """What has arrived, what is lost, and whether that is enough."""

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        self.branches, self.policy, self.quorum = list(branches), policy, quorum or 1
        self.arrived: list[str] = []
        self.lost: list[str] = []
        self.late: list[str] = []
        self.ended = ""

    def arrive(self, branch: str) -> None:
        if not self._waits(branch):
            return
        (self.late if self.ended else self.arrived).append(branch)
        self._decide()

    def lose(self, branch: str) -> None:
        if not self._waits(branch):
            return
        self.lost.append(branch)
        self._decide()

    def look(self) -> Seen:
        came = self.arrived if MISTAKE == "forgets late ones" else [*self.arrived, *self.late]
        return Seen(frozenset(came), frozenset(self.lost), self.ended == "ran", self.ended == "failed")

    def _waits(self, branch: str) -> bool:
        if branch not in (*self.arrived, *self.lost, *self.late):
            return True
        if MISTAKE != "ignores what comes twice" or branch in self.lost:
            raise Unsupported(f"branch {branch} no longer waits")
        return False

    def _decide(self) -> None:
        if self.ended:
            return
        came, gone, all_of_them = len(self.arrived), len(self.lost), len(self.branches)
        counted = came + gone if MISTAKE == "counts lost ones" else came
        needed = {"require_all": all_of_them, "quorum": self.quorum, "first": 1, "best_effort": all_of_them - gone}
        enough = needed[self.policy]
        if counted >= enough and counted > 0 and (came or MISTAKE == "counts lost ones"):
            self.ended = "ran"
        elif all_of_them - gone < max(enough, 1) and MISTAKE != "waits in vain":
            self.ended = "failed"


DOES = ("require_all", "quorum", "first", "best_effort", "nested")
serve("toy", "1", DOES, Join())
