"""Crashes any engine: a command is killed at each of its commits, another one resumes it, and what is left is audited.

The problem
-----------
An engine of somebody else has no port that reports its write boundaries. But it has a database, a command that starts a run,
and one that goes on after a crash.

How it works
------------
1. The command runs to its end, undisturbed, in an empty folder. If it is a Python process, its commits to the database are
   counted from outside (`hook/sitecustomize.py`).
2. For each commit the command runs in a new folder and is killed, with everything it started, just before that commit. The
   database is audited: nothing may be breached. Then the other command runs to its end, and the database is audited again.
3. What came of it is compared with the undisturbed run: whether the run is over, how many rows, tokens and outcomes of each
   kind there are, and the lines of the files of effects, each as often.

A process in which no commit is counted is killed at random moments of its time instead.

An example: a step appends a line to a file and then its commit is cut off. The resume runs the step again, so the line is there
twice: "effects.txt: 'b' is there 2 times, and 1 times without a crash" (R4). An engine may say in its documentation that a step
runs at least once; whoever reads the report decides.

Not here: crash tests of engines with a port (`campaign.py`).
"""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, NamedTuple

from fateline_model import LAW_VERSION

from ..audit.any_trail import open_any, prepared
from ..audit.connect import BadSource
from ..audit.postgresql import read_from
from ..audit.summary import tell
from ..audit.whole import Wanted, audit
from ..limits import Allowance
from ..report.law_results import law_results
from ..report.verdict import Finding, Report, Verdict

PATIENCE: Final = 120.0
"""The seconds that a command may take, more on a busy machine."""
RANDOM_KILLS: Final = 20
SAME: Final = "R2"
ONCE: Final = "R4"


class CannotRun(Exception):
    """A command does not do what it must; the message says which, and how it ended."""


class Asked(NamedTuple):
    """What to crash: both commands, the database and the files of effects (in the folder of a run), views of the database."""

    start: Sequence[str]
    resume: Sequence[str]
    database: str
    effects: Sequence[str] = ()
    views: Path | None = None


@dataclass(frozen=True)
class Came:
    """What came of a run: the broken laws with an example each, how often each law was asked, what there is of each kind, and
    each line of the effects."""

    broken: dict[str, str]
    checked: Counter[str]
    over: bool
    things: Counter[str]
    effects: Counter[str]


@dataclass(frozen=True)
class CrashFinding:
    """A law, at which kill, and what is wrong."""

    law: str
    kill: str
    said: str


@dataclass
class AnyCrash:
    """How often a process was killed, what was found, and how often each law was asked."""

    seed: int
    commits: int = 0
    kills: int = 0
    unkilled: int = 0
    """How often the process had ended before it could be killed."""
    findings: list[CrashFinding] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def how(self) -> str:
        """When the process was killed."""
        return f"at each of {self.commits} commits" if self.commits else f"at random moments, seed {self.seed}"

    def report(self, reproduce: str) -> Report:
        """What was found, one finding for each law and sentence."""
        alike: dict[tuple[str, str], list[str]] = {}
        for one in self.findings:
            alike.setdefault((one.law, one.said), []).append(one.kill)
        asked = "no trail that was left asks about it"
        return Report(
            law_version=LAW_VERSION,
            scope=f"kills {self.how}",
            seed=self.seed,
            laws=law_results(
                self.checked,
                Counter(one.law for one in self.findings),
                not_judged=lambda law: None if self.checked[law.id] else asked,
            ),
            counts={"commits": self.commits, "kills": self.kills, "ended_before": self.unkilled},
            findings=tuple(
                Finding(law, f"{kills[0]}: {said}", kind=said, count=len(kills), instances=tuple(kills))
                for (law, said), kills in alike.items()
            ),
            prevented=() if self.kills else ("the command was killed at no moment",),
            seconds=self.seconds,
            reproduce=reproduce,
        )


def crash_any(asked: Asked, *, seed: int, progress: Callable[[str], None] | None = None) -> AnyCrash:
    """Kill, resume, audit, compare. Raises `CannotRun` or `BadSource`."""
    found, began_all = AnyCrash(seed), time.monotonic()
    with _folder() as clean:
        began = time.monotonic()
        _finish(asked.start, clean, asked.database, "the start command")
        took = time.monotonic() - began
        found.commits = _counted(clean)
        whole = _came(asked, clean)
    found.checked.update(whole.checked)
    if whole.broken:
        law, said = next(iter(whole.broken.items()))
        found.findings.append(CrashFinding(law, "no kill", said))
    for name, at, seconds in _kills(found.commits, took, random.Random(seed)):
        if progress is not None:
            progress(f"{found.kills + found.unkilled + 1} kills: {name}")
        with _folder() as folder:
            if not _kill(asked, folder, at, seconds):
                found.unkilled += 1
                continue
            found.kills += 1
            left = _left(asked, folder)
            if left is not None:
                found.checked.update(left.checked)
                found.findings += [CrashFinding(law, name, said) for law, said in left.broken.items()]
            _finish(asked.resume, folder, asked.database, f"the resume command after {name}")
            came = _came(asked, folder)
            found.checked.update(came.checked)
            found.checked.update((SAME, *([ONCE] if asked.effects else [])))
            found.findings += [CrashFinding(law, name, said) for law, said in _differs(came, whole)]
    found.seconds = time.monotonic() - began_all
    return found


def _kills(commits: int, took: float, draw: random.Random) -> Iterator[tuple[str, int, float]]:
    """Each with its name, the commit, and the seconds after which to kill where no commits are counted."""
    for at in range(1, commits + 1):
        yield f"before commit {at} of {commits}", at, 0.0
    if not commits:
        for _ in range(RANDOM_KILLS):
            seconds = draw.uniform(0.0, took)
            yield f"after {seconds:.3f} s of {took:.3f} s", 0, seconds


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fateline-crash-") as outer:
        yield Path(outer) / "run"


def _environment(folder: Path, database: str, at: int) -> dict[str, str]:
    with as_file(files(__package__) / "hook") as hook:
        path = os.pathsep.join(filter(None, (str(hook), os.environ.get("PYTHONPATH"))))
    hooked = {"FATELINE_COMMITS": str(folder / database), "FATELINE_COUNT": str(_counter(folder)), "PYTHONPATH": path}
    return {**os.environ, **hooked, **({"FATELINE_KILL_AT": str(at)} if at else {})}


def _counter(folder: Path) -> Path:
    return folder.parent / "commits"


def _counted(folder: Path) -> int:
    return _counter(folder).stat().st_size if _counter(folder).exists() else 0


def _started(words: Sequence[str], folder: Path, database: str, at: int) -> "subprocess.Popen[bytes]":
    folder.mkdir(exist_ok=True)
    try:
        with (folder.parent / "log").open("wb") as log:
            return subprocess.Popen(
                words, cwd=folder, env=_environment(folder, database, at), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
    except OSError as error:
        raise CannotRun(f"{words[0]}: {error.strerror}") from error


def _finish(words: Sequence[str], folder: Path, database: str, what: str) -> None:
    process = _started(words, folder, database, 0)
    ended = _wait(process)
    if ended != 0:
        lines = (folder.parent / "log").read_text("utf-8", "replace").strip().splitlines()
        said = f": {lines[-1]}" if lines else ""
        raise CannotRun(f"{what} {'took too long' if ended is None else f'ended with {ended}'}{said}")


def _kill(asked: Asked, folder: Path, at: int, seconds: float) -> bool:
    """Start, and kill everything that was started. False if it ended by itself before."""
    process = _started(asked.start, folder, asked.database, at)
    if at:
        return _wait(process) == -signal.SIGKILL
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        return True
    return False


def _wait(process: "subprocess.Popen[bytes]") -> int | None:
    allowed = Allowance(PATIENCE)
    while allowed.left():
        try:
            return process.wait(1.0)
        except subprocess.TimeoutExpired:
            continue
    _kill_group(process)
    return None


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _left(asked: Asked, folder: Path) -> Came | None:
    """What a kill left. None if the database has no tables yet."""
    try:
        return _came(asked, folder)
    except BadSource:
        return None


def _came(asked: Asked, folder: Path) -> Came:
    """What there is now. A copy is read, since reading a database with a log writes a file next to it."""
    with tempfile.TemporaryDirectory(prefix="fateline-crash-") as scratch:
        for file in folder.glob(f"{asked.database}*"):
            shutil.copy(file, scratch)
        path = Path(scratch) / Path(asked.database).name
        with prepared(path, asked.views) as (judged, adapter), read_from(judged, adapter) as source:
            told = tell(audit(Wanted(judged, adapter)), source, asked.database, "", 3)
        with open_any(path, asked.views) as trail:
            things = Counter(_kind(record) for record in trail.records)
    broken = {
        law: next(group.breaches[0].said for group in told.groups if group.law == law)
        for law, one in told.report.laws.items()
        if one.verdict is Verdict.BREACHED
    }
    checked = Counter({law: one.checked for law, one in told.report.laws.items() if one.verdict is Verdict.HOLDS})
    return Came(broken, checked, not told.report.counts["runs_not_over"], things, _effects(asked, folder))


def _kind(record: dict[str, object]) -> str:
    kind = str(record["rec"])
    return f"{kind} {record.get('outcome')}" if kind == "outcomes" else kind


def _effects(asked: Asked, folder: Path) -> Counter[str]:
    """Each line of each file. A file that is not there has none."""
    found: Counter[str] = Counter()
    for name in asked.effects:
        file = folder / name
        found.update(f"{name}: {line!r}" for line in (file.read_text("utf-8").splitlines() if file.is_file() else ()))
    return found


def _differs(came: Came, whole: Came) -> Iterator[tuple[str, str]]:
    """What is otherwise after a crash and a resume than without."""
    yield from ((law, said) for law, said in came.broken.items() if law not in whole.broken)
    if whole.over and not came.over:
        yield SAME, "the run is not over, and it is over without a crash"
    for kind in sorted(came.things | whole.things):
        if kind in ("runs", "rows", "tokens") or kind.startswith("outcomes "):
            now, before = came.things[kind], whole.things[kind]
            if now != before:
                yield SAME, f"{kind}: {now} are recorded, and {before} without a crash"
    for line in sorted(came.effects | whole.effects):
        now, before = came.effects[line], whole.effects[line]
        if now != before:
            yield ONCE, f"{line} is there {now} times, and {before} times without a crash"
