"""Measures the protocol: what a separate process costs, compared with the same engine in the process of the judge.

It prints steps and refusals per second of the reference engine, driven through the pipelines of one row of scope small,
first at its port and then behind the protocol, in the same minute; and of the engine in JavaScript if node is
installed. The ratios matter, not the times. This is not a test.
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
