"""Drives a parallel gateway of bpmn-engine. `join.js` runs the engine in Node.js and is asked by lines; a lost branch is a user
task that was discarded.

    python drive.py NODE FOLDER      FOLDER has the engine in its node_modules
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[3]))

from fateline_oracle.adapters.wire import Seen, Unsupported, serve

NODE, FOLDER = sys.argv[1:3]


class Join:
    """The process of Node.js, and what it last showed."""

    def __init__(self) -> None:
        words = [NODE, str(Path(__file__).with_name("join.js")), FOLDER]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        self._ask({"start": list(branches)})

    def arrive(self, branch: str) -> None:
        self._ask({"arrive": branch})

    def lose(self, branch: str) -> None:
        self._ask({"lose": branch})

    def look(self) -> Seen:
        return Seen(
            frozenset(self.seen["arrived"]), frozenset(self.seen["lost"]), self.seen["ran"], self.seen["failed"]
        )

    def _ask(self, asked: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "unsupported" in answer:
            raise Unsupported(answer["unsupported"])
        self.seen = answer


version = json.loads((Path(FOLDER) / "node_modules/bpmn-engine/package.json").read_text("utf-8"))["version"]
serve("bpmn-engine", version, ("best_effort", "nested"), Join())
