"""The deep run: `python -m tests.deep [PART ...]`. Every part, its seconds, and at the end all of them together.

A part that fails does not stop the others. Together they take less than 90 minutes on two free cores. Not a test: it runs
the commands that take too long for one.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

BIN: Final = Path(sys.executable).parent
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "verify": ("fateline", "verify", "--scope", "deep"),
    "mutants-of-the-law": ("fateline", "verify", "--self-test"),
    "random-mutants-of-the-law": ("python", "-m", "tests.law_mutants", "--check"),
    "prove": ("fateline", "prove"),
    "conform": ("fateline", "conform", "--scope", "standard"),
    "crash": ("fateline", "torture", "--scope", "small"),
    "kill": ("fateline", "torture", "--scope", "small", "--family", "line", "--kill", "200", "--faults", "40"),
    "mutants-of-the-engine": ("fateline", "zoo"),
    "slow-tests": ("python", "-m", "pytest", "-q", "-rs", "-n", "2", "-m", "slow"),
}


def run(names: list[str]) -> int:
    """The parts of these names, or all. The exit status is 0 if every part ended with 0."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"there is no part {unknown[0]}; there are: {', '.join(PARTS)}")
        return 3
    seconds: dict[str, float] = {}
    failed: list[str] = []
    for name in names or list(PARTS):
        print(f"== {name}: {' '.join(PARTS[name])}", flush=True)
        begun = time.monotonic()
        done = subprocess.run([str(BIN / PARTS[name][0]), *PARTS[name][1:]], check=False)
        seconds[name] = time.monotonic() - begun
        failed += [name] * (done.returncode != 0)
        print(f"== {name}: {seconds[name]:.0f} s, exit status {done.returncode}\n", flush=True)
    for name, took in seconds.items():
        print(f"{took:7.0f} s  {name}{'  FAILED' if name in failed else ''}")
    print(f"{sum(seconds.values()):7.0f} s  in all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
