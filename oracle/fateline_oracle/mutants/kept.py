"""The counterexample of each mutant as it was last found: kept beside the matrix, so that a page can show it without a hunt.

`fateline zoo --lock` writes both files. A mutant that a guard of the database stops, or that shows only in a crash, has no
steps to keep. Not here: finding a case (`kill.py`), and its form (`case.py`).
"""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from .case import case_of
from .kill import MutantResult

CASES: Final = Path(__file__).parent / "cases.jsonl.gz"


def playable(hunted: MutantResult) -> bool:
    """Whether a mutant was found in steps that can be played one by one."""
    return hunted.found is not None and not hunted.bug.tortured


def write_cases(hunted: Iterable[MutantResult], path: Path = CASES) -> None:
    """Keep the cases, one on each line. The file depends on nothing but them."""
    lines = [json.dumps([one.bug.name, case_of(one)]) for one in hunted if playable(one)]
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


def read_cases(path: Path = CASES) -> dict[str, dict[str, Any]]:
    """The cases, by the names of their mutants; none where nothing was kept."""
    if not path.exists():
        return {}
    return dict(json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines())
