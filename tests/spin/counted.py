"""The pipelines of this folder counted by SPIN and by the law: `python -m tests.spin.counted` writes the figures of the book.

The Promela models are written by hand, from the pages of `specs/`; `machine.pml` says how. Not here: any rule.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

from fateline_model import load
from fateline_model.checker.search import explore
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_oracle.book.independent import SPIN

HERE: Final = Path(__file__).parent
POLICIES: Final = ("require_all", "quorum", "best_effort", "first")
"""In the order of their numbers in `machine.pml`."""
COALESCES: Final[Mapping[str, Mapping[str, int]]] = {
    "diamond": {"j": 2},
    "batch": {"j": 1},
    "nested": {"j": 1, "ji": 1},
    "partly": {"j": 1, "ji": 1},
    "retries": {"j1": 2, "j2": 2},
    "leaving": {"j": 1, "ji": 1},
}
"""The coalesces of each pipeline, the outer or first one first, each with its quorum."""
DEFINES: Final = ("OUTER", "INNER")
Policies = tuple[str, ...]


def cases() -> Iterator[tuple[str, Policies]]:
    for name, nodes in COALESCES.items():
        for policies in product(POLICIES, repeat=len(nodes)):
            yield name, policies


def called(name: str, policies: Policies) -> str:
    return f"{name}, {' and '.join(policies)}"


def by_the_law(name: str, policies: Policies) -> tuple[int, int]:
    """States and steps, found by the search without any reduction."""
    document = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    chosen: dict[str, dict[str, Any]] = {node["name"]: node for node in document["nodes"]}
    for (node, quorum), policy in zip(COALESCES[name].items(), policies, strict=True):
        chosen[node].pop("quorum_count", None)
        chosen[node].update({"policy": policy}, **({"quorum_count": quorum} if policy == "quorum" else {}))
    found = explore(PipelineSystem(load(document), 1, 0, InstanceOptions(invalid_rows=True)), ())
    assert found.holds
    return len(found.states), found.transitions


def by_spin(name: str, policies: Policies, machine: str | None = None) -> tuple[int, int]:
    """States and steps, found by SPIN. `machine` is another text for `machine.pml`."""
    defines = [f"-D{word}={POLICIES.index(policy) + 1}" for word, policy in zip(DEFINES, policies, strict=False)]
    with tempfile.TemporaryDirectory(prefix="fateline-spin-") as home:
        for file in (f"{name}.pml", "machine.pml"):
            text = (HERE / file).read_text(encoding="utf-8")
            Path(home, file).write_text(
                machine if machine is not None and file == "machine.pml" else text, encoding="utf-8"
            )
        _run(
            home, "spin", "-o2", "-o3", *defines, "-a", f"{name}.pml"
        )  # keep variables that are only written, merge nothing
        _run(home, "gcc", "-w", "-O0", "-DNOREDUCE", "-DSAFETY", "-o", "pan", "pan.c")
        said = _run(home, "./pan", "-m100000")
    found = [re.search(rf"(\d+) {what}", said) for what in ("states, stored", "transitions")]
    if "errors: 0" not in said or None in found:
        raise ValueError(f"SPIN found an error or gave no counts:\n{said}")
    states, transitions = (int(one.group(1)) for one in found if one is not None)
    return states, transitions - 1  # SPIN counts its start as one


def _run(home: str, *command: str) -> str:
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Count everything with both, and lock it."""
    counted: dict[str, list[int]] = {}
    for name, policies in cases():
        law, spin = by_the_law(name, policies), by_spin(name, policies)
        print(
            f"{called(name, policies)}: SPIN {spin[0]:,} states, {spin[1]:,} steps; the law {law[0]:,}, {law[1]:,}",
            flush=True,
        )
        if law != spin:
            sys.exit("they differ: nothing is locked")
        counted[called(name, policies)] = [*law]
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(count)}" for name, count in counted.items())
    SPIN.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
