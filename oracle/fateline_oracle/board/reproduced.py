"""Runs an issue of an engine in one version of it, and says which laws of ours were broken.

Not here: what the issues are (`adapters/mended.py`).
"""

import tempfile
from pathlib import Path

from ..adapters.environments import run, words_of
from ..adapters.mended import Mended
from ..audit.whole_file import judged_file
from ..report.verdict import Verdict


def broken_in(engine: str, number: str, issue: Mended, version: str) -> tuple[str, ...]:
    """The laws that are broken. Raises `NoEnvironment` if it cannot be run."""
    with tempfile.TemporaryDirectory(prefix="fateline-mended-") as folder:
        trail = Path(folder) / "trail.jsonl"
        run(words_of(engine, issue.packages(engine, version), "mended.py", number, str(trail)))
        laws = judged_file(trail, f"{engine} {version}").report.laws
    return tuple(law for law, one in laws.items() if one.verdict is Verdict.BREACHED)
