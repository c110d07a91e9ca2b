"""The protocol: what a process costs beside the same engine in the judge's own process.

What it measures: steps and refusals a second of the reference engine driven through the small scope's pipelines of one row,
at its port and behind the protocol, one after the other in the same minute; and of the engine in JavaScript where there is
a node. Ratios, not times, are what to look at. What it is not: a test.
"""

import shutil
import sys
import time
from pathlib import Path
from typing import Final

from fateline_model.checker.scopes import instances
from fateline_oracle.conform.instance import Strategy, drive_instance
from fateline_oracle.engines import engine_of
from fateline_oracle.ports.hello import hello_of

FAMILIES: Final = ("line", "retries", "diamond", "leaving", "sequential")
ADAPTER: Final = Path(__file__).parents[1] / "examples" / "engines" / "node" / "adapter.js"


def rate(name: str) -> float:
    """Steps and refusals a second."""
    done = 0
    with engine_of(name) as engine:
        hello = hello_of(engine)
        started = time.perf_counter()
        for instance in instances("small"):
            if instance.family in FAMILIES:
                judged = drive_instance(engine, hello, instance, Strategy.REFUSALS, seed=0)
                assert judged.found is None, judged.found
                assert judged.fault is None, judged.fault
                done += judged.steps + judged.refusals
        return done / (time.perf_counter() - started)


def main() -> None:
    direct = rate("")
    behind = rate(f"process:{sys.executable} -m fateline_oracle.serve")
    print(f"  in process            {direct:>10,.0f} steps and refusals/s")
    print(f"  behind the protocol   {behind:>10,.0f} steps and refusals/s   {behind / direct:.2f} of that")
    if shutil.which("node") is None:
        print("  SKIPPED: there is no node on this machine")
        return
    node = rate(f"process:node {ADAPTER}")
    print(f"  the engine in JavaScript {node:>7,.0f} steps and refusals/s   {node / direct:.2f} of the first")


if __name__ == "__main__":
    main()
