"""Real processes killed, and real writes that fail: the example pipelines, from files to files.

A trial is one run of one pipeline that is disturbed, twice where it comes to that, and then left alone to its end. After
each disturbance what is left is judged: the trail at rest by the law, and no sink may hold less than was committed. At the
end the run is over, its trail is accepted, and every output is what an undisturbed run writes, to the byte. Not here: the
processes (`reference/faulty_process.py`).
"""

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from ..compare.data_laws import Broken
from ..parallel import in_processes
from ..ports.port import CommitPolicy
from ..reference import left_files
from ..reference.faulty_process import BROKEN, FINISHED, STOPPED, Ended, Fault, FaultKind, run
from ..trails.check import TrailResult, check_trail
from ..trails.pipeline_file import read_pipeline

ROWS: Final = 240
"""At least so many has a run that commits as it does when nobody looks: more than one commit."""
SPARE: Final = 8
"""So often is a run taken up again before it is said that it does not end."""
FIRST_BYTES: Final = 200_000
"""No file may grow beyond so many bytes and a few more, which lets a run begin."""


class Trial(NamedTuple):
    """One pipeline, one policy, and what becomes of its process."""

    pipeline: Path
    policy: CommitPolicy
    how: FaultKind
    seed: int


@dataclass
class KillResult:
    """What came of one trial, or of many."""

    trials: int = 0
    disturbed: Counter[str] = field(default_factory=Counter)
    """By what became of the process."""
    at: Counter[str] = field(default_factory=Counter)
    """By what would have come next, where that is known."""
    missed: int = 0
    """Processes that ended before it came to that."""
    rows: int = 0
    tokens: int = 0
    effects: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[Trial, tuple[Fault, ...], tuple[Broken, ...]]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "KillResult") -> None:
        self.trials += other.trials
        self.missed += other.missed
        self.rows += other.rows
        self.tokens += other.tokens
        self.effects += other.effects
        self.findings += other.findings
        for mine, theirs in zip(
            (self.disturbed, self.at, self.checked), (other.disturbed, other.at, other.checked), strict=True
        ):
            mine.update(theirs)


def pipelines_in(folder: Path) -> list[Path]:
    """The pipelines of the examples."""
    return sorted(folder.glob("*/pipeline.yaml"))


def trials(pipelines: Sequence[Path], kills: int, faults: int, seed: int) -> Iterator[Trial]:
    """So many kills, half of them at boundaries and half at random, and so many failures of writing; by turns."""
    turns = [(policy, pipeline) for policy in CommitPolicy for pipeline in pipelines]
    ways = [
        (FaultKind.KILLED_AT, FaultKind.KILLED_AFTER),
        (FaultKind.DISK_FULL, FaultKind.IO_ERROR, FaultKind.FILE_LIMIT),
    ]
    for many, hows in zip((kills, faults), ways, strict=True):
        for number in range(many):
            policy, pipeline = turns[number // len(hows) % len(turns)]
            yield Trial(pipeline, policy, hows[number % len(hows)], seed + number)


def disturb(
    pipelines: Sequence[Path],
    kills: int,
    faults: int,
    *,
    seed: int,
    jobs: int,
    progress: Callable[[str], None] | None = None,
) -> KillResult:
    """Kill until so many processes were really killed, and let so many writes fail."""
    started, total = time.perf_counter(), KillResult()
    wanted, number = {"kills": kills, "faults": faults}, 0
    while (left := _left(total, wanted)) != (0, 0) and number < 4 and not total.findings:
        todo = list(trials(pipelines, *left, seed + number * 1_000_003))
        for _, killed in in_processes(_one, todo, jobs=jobs):
            total.add(killed)
            if progress is not None:
                progress(f"{sum(total.disturbed.values()):,} of {kills + faults:,} processes disturbed")
        number += 1
    total.seconds = time.perf_counter() - started
    return total


def _left(total: KillResult, wanted: dict[str, int]) -> tuple[int, int]:
    killed = total.disturbed[FaultKind.KILLED_AT] + total.disturbed[FaultKind.KILLED_AFTER]
    return max(0, wanted["kills"] - killed), max(0, wanted["faults"] - (sum(total.disturbed.values()) - killed))


class Undisturbed(NamedTuple):
    """What a run comes to that nobody disturbs."""

    outputs: dict[str, object]
    boundaries: int
    seconds: float


@cache
def undisturbed(pipeline: Path, policy: CommitPolicy) -> Undisturbed:
    """Run once, and remembered."""
    with tempfile.TemporaryDirectory(prefix="fateline-kill-") as name:
        file = prepared(pipeline, policy, Path(name) / pipeline.parent.name)
        ended = run(file, policy, Fault(FaultKind.NOTHING))
        if ended.status != FINISHED:
            raise RuntimeError(f"{pipeline}: an undisturbed run does not finish")
        return Undisturbed(left_files.outputs(file), ended.boundaries, ended.seconds)


def prepared(pipeline: Path, policy: CommitPolicy, folder: Path) -> Path:
    """A copy of the pipeline's folder without anything that a run left; with many rows where commits are to be many."""
    shutil.copytree(pipeline.parent, folder, ignore=shutil.ignore_patterns("out", "*.db*", "__pycache__"))
    if policy is CommitPolicy.DEFAULT:
        for source in [*folder.glob("*.csv"), *folder.glob("*.jsonl")]:
            lines = source.read_bytes().splitlines(keepends=True)
            head, records = (lines[:1], lines[1:]) if source.suffix == ".csv" else ([], lines)
            source.write_bytes(b"".join([*head, *records * (ROWS // len(records) + 1)]))
    return folder / pipeline.name


def _one(_: None, trial: Trial) -> KillResult:
    return one(trial)


def one(trial: Trial) -> KillResult:
    """Disturb, judge, resume, judge."""
    done, chance = KillResult(trials=1), random.Random(trial.seed)
    wanted = undisturbed(trial.pipeline, trial.policy)
    with tempfile.TemporaryDirectory(prefix="fateline-kill-") as name:
        file = prepared(trial.pipeline, trial.policy, Path(name) / trial.pipeline.parent.name)
        faults: list[Fault] = []
        for number in range(SPARE):
            fault = _fault(trial.how, wanted, chance) if number < 2 else Fault(FaultKind.NOTHING)
            faults.append(fault)
            ended = run(file, trial.policy, fault)
            _note(done, fault, ended)
            over = ended.status == FINISHED
            broken = _judge(done, file, wanted if over else None)
            if ended.status == BROKEN:
                broken.append(("R2", "the engine broke down where it should have stopped"))
            if broken:
                done.findings.append((trial, tuple(faults), tuple(broken)))
            if broken or over:
                break
        else:
            done.findings.append((trial, tuple(faults), (("R2", f"it was taken up {SPARE} times and is not over"),)))
    return done


def _fault(how: FaultKind, wanted: Undisturbed, chance: random.Random) -> Fault:
    if how is FaultKind.KILLED_AFTER:
        return Fault(how, int(chance.random() * wanted.seconds * 1e6))
    if how is FaultKind.FILE_LIMIT:
        return Fault(how, FIRST_BYTES + chance.randrange(400_000))
    return Fault(how, chance.randrange(wanted.boundaries) + 1)


def _note(done: KillResult, fault: Fault, ended: Ended) -> None:
    if fault.kind is FaultKind.NOTHING:
        return
    if ended.status is None or ended.status == STOPPED:
        done.disturbed[fault.kind] += 1
        if ended.write not in ("", "end"):
            done.at[ended.write] += 1
    else:
        done.missed += 1


def _judge(done: KillResult, file: Path, wanted: Undisturbed | None) -> list[Broken]:
    """What is wrong with what is there: with what is left, or with the end if it is the end."""
    there = left_files.mend(file)
    judged = check_trail(left_files.database_of(file), read_pipeline(file)) if there else TrailResult()
    if not judged.runs:  # killed before there was a run
        return [] if wanted is None else [("R2", "a finished run has no trail")]
    done.checked.update(judged.checked)
    broken = [(finding.law, finding.message) for finding in judged.findings]
    done.checked["R1"] += 1
    done.checked["R4"] += 1
    broken += [("R4", said) for said in left_files.confirmed_and_gone(file)]
    if wanted is not None:
        done.checked.update(("R2", "R3"))
        done.rows += judged.rows
        done.tokens += judged.tokens
        done.effects += left_files.effects(file).total()
        found = left_files.outputs(file)
        broken += [
            ("R4", f"the sink {sink} does not hold what an undisturbed run writes")
            for sink, content in wanted.outputs.items()
            if found[sink] != content
        ]
    return broken
