"""The whole zoo judged: who is killed, by which law first, in how many steps, and what each law alone catches.

Not here: one hunt (`kill.py`), and what is printed (`cli/zoo.py`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from fateline_model.laws import ALL

from ..conform.campaign import run_campaign
from ..conform.instance import Strategy
from ..parallel import in_processes
from ..ports.port import OpenEngine
from .kill import MutantResult, hunt
from .mutant import Mutant

LOCK: Final = Path(__file__).parent / "matrix.json"
"""What the last whole census found: the book is made from it."""

NAMED_WITH_MOST: Final = frozenset({"D1", "D2", "Z1", "Z2"})


class Median(NamedTuple):
    bugs: int
    noticed: int
    median: int


@dataclass
class Matrix:
    """`hunted` is by the strongest strategy, one for each mutant."""

    hunted: list[MutantResult]
    by_strategy: dict[Strategy, list[MutantResult]]
    without: dict[str, str]
    clean: bool | None = None
    seconds: float = 0.0
    alone: dict[str, list[str]] = field(default_factory=dict)
    medians: dict[Strategy, Median] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return all(one.killed for one in self.hunted) and self.clean is not False

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": "holds" if self.holds else "breached",
            "bugs": [
                {
                    "name": one.bug.name,
                    "says": one.bug.says,
                    "law": one.bug.law,
                    "guard": one.bug.guard,
                    "finding": one.bug.finding,
                    "killed": one.killed,
                    "first": one.first,
                    "named": list(one.named),
                    "steps": one.steps,
                    "shortest": len(one.found.stimuli) if one.found is not None else None,
                    "instance": one.instance,
                }
                for one in self.hunted
            ],
            "alone": self.alone,
            "strategies": {strategy: found._asdict() for strategy, found in self.medians.items()},
            "beyond_vectors": sorted(
                one.bug.name for one in self.by_strategy.get(Strategy.VECTORS, ()) if not one.noticed
            ),
            "without": self.without,
            "clean": self.clean,
            "seconds": round(self.seconds, 3),
        }


def census(
    bugs: Sequence[Mutant],
    strategies: Sequence[Strategy],
    *,
    open_engine: OpenEngine,
    seed: int,
    jobs: int,
    clean: bool,
    progress: Callable[[str], None] | None = None,
) -> Matrix:
    """Judge mutants by each strategy. `clean` asks whether the engine without a bug passes."""
    from . import WITHOUT_MUTANT

    results: dict[tuple[str, Strategy], MutantResult] = {}
    tasks = [
        _Task(bug, strategy, seed) for strategy in strategies for bug in bugs if bug.tortured == _tortures(strategy)
    ]
    for _, hunted in in_processes(_hunt, tasks, jobs=jobs, died=_died):
        results[hunted.bug.name, hunted.strategy] = hunted
        if progress is not None:
            progress(f"{len(results)} of {len(tasks)}: {hunted.bug.name}")
    by_strategy = {s: [results[a.name, s] for a in bugs if (a.name, s) in results] for s in strategies}
    found = Matrix([results[a.name, _strongest(a)] for a in bugs], by_strategy, dict(WITHOUT_MUTANT))
    found.alone = _alone(found.hunted)
    if len(strategies) > 1:
        found.medians = {strategy: _median(hunted) for strategy, hunted in by_strategy.items()}
    if clean:
        told = run_campaign("", "small", open_engine=open_engine, seed=seed, jobs=jobs, progress=progress)
        found.clean = not any(judged.found or judged.fault for judged in told.judged)
    return found


def _tortures(strategy: Strategy) -> bool:
    return strategy is Strategy.TORTURE


def _strongest(bug: Mutant) -> Strategy:
    return Strategy.TORTURE if bug.tortured else Strategy.REFUSALS


class _Task(NamedTuple):
    bug: Mutant
    strategy: Strategy
    seed: int


def _hunt(_: None, task: _Task) -> MutantResult:
    return hunt(task.bug, task.strategy, seed=task.seed)


def _died(task: _Task) -> MutantResult:
    return MutantResult(task.bug, task.strategy, first="broke down", fault="the engine took its process down")


def _alone(hunted: Sequence[MutantResult]) -> dict[str, list[str]]:
    """The mutants that one law catches and no other says more of."""
    caught: dict[str, list[str]] = {}
    for one in hunted:
        telling = [law for law in one.named if law not in NAMED_WITH_MOST] or list(one.named)
        if len(telling) == 1:
            caught.setdefault(telling[0], []).append(one.bug.name)
    return {law.id: caught[law.id] for law in ALL if law.id in caught}


def _median(hunted: Sequence[MutantResult]) -> Median:
    noticed = [one.steps for one in hunted if one.noticed]
    return Median(len(hunted), len(noticed), round(median(noticed)) if noticed else 0)


def read_matrix() -> dict[str, Any]:
    """The lock; empty where there is none."""
    if not LOCK.exists():
        return {}
    found: dict[str, Any] = json.loads(LOCK.read_text(encoding="utf-8"))
    return found


def write_matrix(found: Matrix) -> None:
    """Write the lock. Times are no part of it: they are the machine's."""
    document = {key: value for key, value in found.as_json().items() if key != "seconds"}
    LOCK.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
