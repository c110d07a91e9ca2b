"""Verifies the law: whole scopes and the mutants of the law, in several processes. The result is plain data.

The model explores and checks (`fateline_model.checker`). This module adds times, processes, the lock of the counts, and
totals. Not here: how the result is shown (`cli/verify.py`).
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypedDict

import fateline_model
from fateline_model.checker import scopes, verify
from fateline_model.checker.domains import DOMAINS
from fateline_model.checker.mutants import MUTANTS, Mutant
from fateline_model.laws import ALL

from ..parallel import in_processes
from ..shard import WHOLE, Shard, missing_of
from .patched import part, patched_model

COUNTS: Final = Path(fateline_model.__file__).parent / "checker" / "counts.json"
"""The lock: the counts of each instance of each scope. A change of the law shows as a change of this file."""

KERNELS: Final = "kernels"
"""The laws of kernels are verified once for a scope, like one more instance with this name."""
SOME_STEPS: Final = 500
"""Expected of an instance whose steps are not locked."""

Progress = Callable[[str], None]


def no_progress(text: str) -> None:
    """A progress function that does nothing."""


@dataclass
class ScopeReport:
    """The result of verifying a scope, for each instance and in total."""

    scope: str
    verified: list[verify.Verified]
    seconds: dict[str, float]
    total_seconds: float = 0.0
    checks: Counter[str] = field(default_factory=Counter)
    unmet: list[str] = field(default_factory=list)
    disproved: list[str] = field(default_factory=list)
    unwitnessed: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    shards: tuple[Shard, ...] = (WHOLE,)
    """The shards that were verified."""

    @property
    def is_whole(self) -> bool:
        return not missing_of(self.shards)

    @property
    def findings(self) -> list[tuple[verify.Verified, verify.Finding]]:
        return [(found, found.finding) for found in self.verified if found.finding is not None]

    @property
    def unfinished(self) -> list[verify.Verified]:
        return [found for found in self.verified if found.bound_reached or found.endless]

    @property
    def states(self) -> int:
        return sum(found.states for found in self.verified)

    @property
    def transitions(self) -> int:
        return sum(found.transitions for found in self.verified)

    @property
    def gaps(self) -> list[str]:
        """The reasons why the report is not a proof although nothing was breached."""
        return [
            *(f"{found.name}: the bound was reached" for found in self.verified if found.bound_reached),
            *(f"{found.name}: a run need never end" for found in self.verified if found.endless),
            *(f"never happened, and not claimed unreachable: {kind}" for kind in self.unmet),
            *(f"law {law} was never checked in a case to which it applies" for law in self.unwitnessed),
            *self.drift,
        ]


def verify_scope(
    scope: str | scopes.Sizes, *, jobs: int = 1, shard: Shard = WHOLE, progress: Progress = no_progress
) -> ScopeReport:
    """Verify every instance of a scope, or those of a shard."""
    started = time.perf_counter()
    verified: dict[str, verify.Verified] = {}
    seconds: dict[str, float] = {}
    tasks = [(scope, name) for name in names_to_verify(scope, shard)]
    for (_, name), (found, took) in in_processes(_verify, tasks, jobs=jobs, start="spawn"):
        verified[name], seconds[name] = found, took
        states = sum(v.states for v in verified.values())
        progress(f"{len(verified)} of {len(tasks)} instances, {states:,} states, {time.perf_counter() - started:.0f} s")
    return scope_report(scope, verified, seconds, (shard,), time.perf_counter() - started)


def names_to_verify(scope: str | scopes.Sizes, shard: Shard = WHOLE) -> list[str]:
    """The names of the instances of a shard, those that take longest first, and of the kernels in one shard."""
    known = locked_steps(scope)
    names = reversed(instances_by_name(scope))  # in a scope without a lock the longest are last
    return shard.share([*sorted(names, key=lambda name: -known.get(name, SOME_STEPS)), KERNELS])


def scope_report(
    scope: str | scopes.Sizes,
    verified: Mapping[str, verify.Verified],
    seconds: dict[str, float],
    shards: tuple[Shard, ...],
    total_seconds: float,
) -> ScopeReport:
    """The report of what was verified. Of a whole scope the totals are compared with the claims, and the counts with the lock.

    Every pipeline up to a size has no batches, and no law of batches can be in danger there, so nothing is claimed of them.
    """
    order = [*instances_by_name(scope), KERNELS]
    found = [verified[name] for name in order if name in verified]
    report = ScopeReport(name_of(scope), found, seconds, total_seconds, shards=shards)
    fired: Counter[str] = sum((one.fired for one in found), Counter())
    refused: Counter[str] = sum((one.refused for one in found), Counter())
    report.checks = sum((one.checks for one in found), Counter())
    unmet, report.disproved = verify.unmet(fired, refused)
    if report.is_whole:
        if not isinstance(scope, scopes.Sizes):
            report.unmet, report.unwitnessed = unmet, verify.unwitnessed(report.checks)
        report.drift = _drift(report)
    return report


def name_of(scope: str | scopes.Sizes) -> str:
    """What a scope is called in a report, and in the lock."""
    if isinstance(scope, str):
        return scope
    crashes = {0: "", 1: ", one crash"}.get(scope.crashes, f", {scope.crashes} crashes")
    return f"every pipeline up to size {scope.largest}{crashes}"


def _verify(_: None, task: tuple[str | scopes.Sizes, str]) -> tuple[verify.Verified, float]:
    started = time.perf_counter()
    scope, name = task
    found = verify.verify_domains() if name == KERNELS else verify.verify_instance(instances_by_name(scope)[name])
    return found, time.perf_counter() - started


@cache
def instances_by_name(scope: str | scopes.Sizes) -> dict[str, scopes.Instance]:
    """The instances of a scope by name, in their order."""
    return {instance.name: instance for instance in scopes.instances(scope)}


# ------------------------------------------------------------------------------------------------------- the lock


def counted(report: ScopeReport) -> dict[str, list[object]]:
    """The counts of a scope in the form of the lock: states, steps, unreduced states, per number of rows, digest.

    The pipelines of a size have one line together: the sums of their counts, and one digest of their digests.
    """
    lines: dict[str, list[verify.Verified]] = {}
    for found in report.verified:
        if found.machine != "kernel":
            lines.setdefault(found.line, []).append(found)
    return {line: _sum(together) for line, together in lines.items()}


def _sum(together: list[verify.Verified]) -> list[object]:
    rows: dict[str, list[int]] = {}
    for count in (count for found in together for count in found.counts):
        states, steps = rows.get(str(count.rows), (0, 0))
        rows[str(count.rows)] = [states + count.states, steps + count.transitions]
    digests = [found.digest for found in together]
    return [
        sum(found.states for found in together),
        sum(found.transitions for found in together),
        sum(found.unreduced for found in together),
        rows,
        digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()[:16],
    ]


class Locked(TypedDict):
    """The lock of a scope: the number of checks of each law, and the counts of each instance or of all of a size."""

    laws: dict[str, int]
    instances: dict[str, list[object]]


def read_lock() -> dict[str, Locked]:
    """The lock, by scope."""
    lock: dict[str, Locked] = json.loads(COUNTS.read_text(encoding="utf-8")) if COUNTS.exists() else {}
    return lock


def locked_steps(scope: str | scopes.Sizes) -> dict[str, int]:
    """The locked number of steps of each instance; empty if nothing is locked."""
    lock = read_lock().get(name_of(scope))
    return {name: int(str(row[1])) for name, row in lock["instances"].items()} if lock is not None else {}


def write_lock(report: ScopeReport) -> None:
    """Lock the counts of this scope; those of other scopes stay as they are."""
    if report.findings or report.unfinished:
        raise ValueError("only the counts of a scope that holds can be locked")
    lock = {**read_lock(), report.scope: Locked(laws=_law_checks(report), instances=counted(report))}
    order = [*scopes.NAMED, *sorted(lock.keys() - set(scopes.NAMED))]
    body = ",\n".join(_lock_lines(scope, lock[scope]) for scope in order if scope in lock)
    COUNTS.write_text("{\n" + body + "\n}\n", encoding="utf-8")


def _lock_lines(scope: str, locked: Locked) -> str:
    """One line for each instance, so that a change of the law gives a readable diff."""
    instances = ",\n".join(f"   {json.dumps(name)}: {json.dumps(row)}" for name, row in locked["instances"].items())
    return f' "{scope}": {{\n  "laws": {json.dumps(locked["laws"])},\n  "instances": {{\n{instances}\n  }}\n }}'


def _law_checks(report: ScopeReport) -> dict[str, int]:
    return {law.id: report.checks[law.id] for law in ALL if report.checks[law.id]}


def _drift(report: ScopeReport) -> list[str]:
    locked = read_lock().get(report.scope)
    if locked is None:
        named = f"scope {report.scope} are not locked: run `fateline verify --scope {report.scope} --lock`"
        other = f"{report.scope} are not locked: run the same command with --lock"
        return [f"the counts of {named if report.scope in scopes.NAMED else other}"]
    if report.findings or report.unfinished:
        return []
    then, now = locked["instances"], counted(report)
    moved = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    lines = [f"counts differ from the locked: {name}: {then.get(name)} locked, {now.get(name)} now" for name in moved]
    if not lines and locked["laws"] != _law_checks(report):
        lines.append("the number of checks of the laws differs from the lock")
    return lines


# ---------------------------------------------------------------------------------------------------- the mutants


@dataclass
class MutantReport:
    """The result for one mutant: the laws that its shortest counterexample breaks, and whether its own law is among them."""

    mutant: Mutant
    laws: list[tuple[str, str]]
    steps: list[verify.Step]
    instance: str
    seconds: float

    @property
    def killed(self) -> bool:
        return self.mutant.law in {law for law, _ in self.laws}

    @property
    def others(self) -> list[str]:
        return sorted({law for law, _ in self.laws} - {self.mutant.law})


def judge_mutants(
    mutants: Iterable[Mutant] = MUTANTS, *, jobs: int = 1, progress: Progress = no_progress
) -> list[MutantReport]:
    """Explore each mutant up to its shortest counterexample."""
    wanted = list(mutants)
    reports: dict[str, MutantReport] = {}
    for done, (mutant, report) in enumerate(in_processes(_judge_mutant, wanted, jobs=jobs, start="spawn"), 1):
        reports[mutant.name] = report
        progress(f"{done} of {len(wanted)} mutants")
    return [reports[mutant.name] for mutant in wanted]


def _judge_mutant(_: None, mutant: Mutant) -> MutantReport:
    return judge_mutant(mutant)


def judge_mutant(mutant: Mutant) -> MutantReport:
    """Explore one mutant in the instances of its family, until the first breach."""
    started = time.perf_counter()
    with patched_model(mutant.file, mutant.find, mutant.replace) as broken:
        finding, name = _first_finding(part(broken, "checker.verify"), part(broken, "checker.scopes"), mutant)
        laws = list(finding.laws) if finding is not None else []
        steps = [_plain(step) for step in finding.steps] if finding is not None else []
    return MutantReport(mutant, laws, steps, name, time.perf_counter() - started)


def _plain(step: Any) -> verify.Step:
    """A step of a patched copy as plain data, because another process does not have the classes of the copy."""
    stimulus, records = json.loads(json.dumps([step.stimulus, step.records]))
    return verify.Step(step.says, stimulus, records)


def _first_finding(broken: Any, broken_scopes: Any, mutant: Mutant) -> tuple[Any, str]:
    """Z2 is asked only of its own mutants: it notices nearly every change of a rule, often before the change does harm."""
    if mutant.family == KERNELS:
        return broken.verify_domains().finding, KERNELS
    for instance in broken_scopes.instances_called("standard", mutant.family):
        laws = tuple(law for law in instance.laws if law.id != "Z2" or mutant.law == "Z2")
        finding = broken.verify_instance(instance._replace(laws=laws)).finding
        if finding is not None:
            return finding, str(instance.name)
    return None, mutant.family


def laws_without_mutant() -> list[str]:
    """Laws that are checked in the model, but that no mutant breaks."""
    broken = {mutant.law for mutant in MUTANTS}
    judged = [law.id for law in ALL if law.predicate is not None or law.id in DOMAINS]
    return [law for law in judged if law not in broken]
