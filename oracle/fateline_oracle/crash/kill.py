"""Kills real processes and makes real writes fail: the example pipelines, from files to files.

A trial is one run of one pipeline that is disturbed up to twice and then runs to its end. After each disturbance what
remains is checked: its trail at rest by the law, and that no sink holds less than was committed. At the end the run
must be over, its trail accepted, and every output equal, byte by byte, to that of an undisturbed run, and so must be the
records of its trail. A disk that stays full or broken fails the first resume too. Not here: the processes
(`reference/faulty_process.py`).
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

from ..audit.any_trail import open_any
from ..compare.data_laws import Broken
from ..parallel import in_processes
from ..ports.port import CommitPolicy
from ..reference import left_files
from ..reference.faulty_process import BROKEN, FINISHED, KILLS, STAYS, STOPPED, Ended, Fault, FaultKind, run
from ..shard import WHOLE, Shard
from ..trails.check import TrailResult, check_runs
from ..trails.pipeline_file import read_pipeline

ROWS: Final = 240
"""The least number of rows in a run with the default commit policy, so that it has more than one commit."""
SPARE: Final = 8
"""The number of times that a run is resumed before it counts as never ending."""
FIRST_BYTES: Final = 200_000
"""The least file size limit, in bytes. It is large enough for a run to begin."""


class Trial(NamedTuple):
    """One pipeline, one policy, and one kind of fault."""

    pipeline: Path
    policy: CommitPolicy
    how: FaultKind
    seed: int


@dataclass
class KillResult:
    """The result of one trial, or of many."""

    trials: int = 0
    disturbed: Counter[str] = field(default_factory=Counter)
    """Disturbed processes, by kind of fault."""
    at: Counter[str] = field(default_factory=Counter)
    """Disturbed processes, by the write that would have come next, if it is known."""
    missed: int = 0
    """Processes that ended before the fault."""
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
    """The trials: kills at boundaries, at random times and of two processes at once; failing writes. Pipelines take turns."""
    turns = [(policy, pipeline) for policy in CommitPolicy for pipeline in pipelines]
    ways = [KILLS, tuple(kind for kind in FaultKind if kind not in (FaultKind.NOTHING, *KILLS))]
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
    shard: Shard = WHOLE,
    progress: Callable[[str], None] | None = None,
) -> KillResult:
    """Run trials until `kills` processes were really killed and `faults` writes really failed, or the share of a shard was.

    The first trials of all shards are those of a run without shards. A shard repeats for itself those that came too late.
    """
    started, total, again = time.perf_counter(), KillResult(), 0
    todo = shard.share(list(trials(pipelines, kills, faults, seed)))
    kills = sum(trial.how in KILLS for trial in todo)
    faults = len(todo) - kills
    while todo and again < 4 and not total.findings:
        for _, killed in in_processes(_one, todo, jobs=jobs):
            total.add(killed)
            if progress is not None:
                progress(f"{sum(total.disturbed.values()):,} of {kills + faults:,} processes disturbed")
        again += 1
        more = seed + (again * shard.of + shard.number - 1) * 1_000_003
        todo = list(trials(pipelines, *_left(total, kills, faults), more))
    total.seconds = time.perf_counter() - started
    return total


def _left(total: KillResult, kills: int, faults: int) -> tuple[int, int]:
    killed = sum(total.disturbed[kind] for kind in KILLS)
    return max(0, kills - killed), max(0, faults - (sum(total.disturbed.values()) - killed))


class Undisturbed(NamedTuple):
    """The result of an undisturbed run."""

    outputs: dict[str, object]
    trail: dict[str, list[tuple[object, ...]]]
    boundaries: int
    seconds: float


@cache
def undisturbed(pipeline: Path, policy: CommitPolicy) -> Undisturbed:
    """Run undisturbed, once for each pipeline and policy."""
    with tempfile.TemporaryDirectory(prefix="fateline-kill-") as name:
        file = prepared(pipeline, policy, Path(name) / pipeline.parent.name)
        ended = run(file, policy, Fault(FaultKind.NOTHING))
        if ended.status != FINISHED:
            raise RuntimeError(f"{pipeline}: an undisturbed run does not finish")
        return Undisturbed(left_files.outputs(file), left_files.trail(file), ended.boundaries, ended.seconds)


def prepared(pipeline: Path, policy: CommitPolicy, folder: Path) -> Path:
    """A copy of the folder of the pipeline, without files of earlier runs. With the default policy it gets more rows."""
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
    """Run one trial: disturb, check, resume, check."""
    done, chance = KillResult(trials=1), random.Random(trial.seed)
    wanted = undisturbed(trial.pipeline, trial.policy)
    with tempfile.TemporaryDirectory(prefix="fateline-kill-") as name:
        file = prepared(trial.pipeline, trial.policy, Path(name) / trial.pipeline.parent.name)
        faults: list[Fault] = []
        for number in range(SPARE):
            fault = _fault(trial.how, wanted, chance, number)
            faults.append(fault)
            ended = run(file, trial.policy, fault)
            _note(done, fault, ended)
            over = ended.status == FINISHED
            broken = _judge(done, file, wanted if over else None)
            if ended.status == BROKEN:
                broken.append(("R2", "the engine failed with an internal error instead of stopping"))
            if broken:
                done.findings.append((trial, tuple(faults), tuple(broken)))
            if broken or over:
                break
        else:
            done.findings.append(
                (trial, tuple(faults), (("R2", f"the run was resumed {SPARE} times and is not over"),))
            )
    return done


def _fault(how: FaultKind, wanted: Undisturbed, chance: random.Random, number: int) -> Fault:
    if number > 1:
        return Fault(FaultKind.NOTHING)
    if number == 1 and how in STAYS:
        return Fault(how, 1)
    if how is FaultKind.RACED:  # mostly early: later the one that was refused has ended
        return Fault(how, int(chance.random() ** 4 * wanted.seconds * 1e6))
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
    """Check what a process left, or the end of the run."""
    there = left_files.mend(file)
    judged = TrailResult()
    if there:
        with open_any(left_files.database_of(file)) as trail:
            judged = check_runs(trail.runs(), read_pipeline(file))
    if not judged.runs:  # killed before there was a run
        return [] if wanted is None else [("R2", "a finished run has no trail")]
    done.checked.update(judged.checked)
    broken = [(finding.law, finding.message) for finding in judged.findings]
    done.checked["R1"] += 1
    done.checked["R4"] += 1
    broken += [("R4", problem) for problem in left_files.confirmed_and_gone(file)]
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
        recorded = left_files.trail(file)
        broken += [
            ("R2", f"the {table} of the trail are not those of an undisturbed run")
            for table, records in wanted.trail.items()
            if recorded[table] != records
        ]
    return broken
