"""Defines what a command concludes: verdicts, exit codes, the report object, and the rule for the overall verdict.

There are three verdicts. *Holds*: everything that could be judged was decided, and no law was breached.
*Breached*: at least one law was. *Undetermined*: no breach was seen, but something prevented a decision: a law
left undecided, a bound reached, an error, or nothing judged at all.

A law may also be *not judged*, because the trail or the engine does not show what it needs. That is not a
verdict: it is printed next to the verdict and never changes it.

Standard library only, because `fateline --help` loads this module. Not here: printing, the terminal, HTML.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

SCHEMA: Final = "fateline.report/1"
"""Names the shape of the report object. A change that breaks a reader takes the next number."""

FILES: Final = "fateline.files/1"
"""The same for what the commands print that write or check generated files."""

NOT_JUDGED: Final = "not judged"
"""The verdict in JSON of a law that was not judged; in Python it is `None`."""


class ExitCode(IntEnum):
    """The exit status of the process. Undetermined is not zero, because a bound that was reached is not a proof."""

    HOLDS = 0
    BREACHED = 1
    UNDETERMINED = 2
    USAGE = 3
    """The command line or the input was wrong; nothing was judged."""


class Verdict(StrEnum):
    """What may be concluded about one law, or about all of them together."""

    HOLDS = "holds"
    BREACHED = "breached"
    UNDETERMINED = "undetermined"

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode[self.name]


@dataclass(frozen=True, slots=True)
class LawResult:
    """One law: its verdict, how often it was checked and breached, and the reason if there is no decision.

    `verdict` is `None` if the law was not judged; then `why` must give the reason.
    """

    verdict: Verdict | None
    checked: int = 0
    breached: int = 0
    why: str | None = None

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.BREACHED) != (self.breached > 0):
            raise ValueError(f"verdict {self.verdict} contradicts {self.breached} breaches")
        if self.verdict is None and (self.checked or not self.why):
            raise ValueError("a law that was not judged has no checks, and a reason")
        if self.verdict is Verdict.UNDETERMINED and not self.why:
            raise ValueError("a law left undetermined needs a reason")


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not done, counted so that the report is never silently partial."""

    what: str
    why: str
    laws: tuple[str, ...] = ()
    cases: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of breach: the law that is named first, a message, the tokens, rows and nodes concerned, and the saved case, if
    any.

    A driven engine shows a breach many times: `count` steps in `instances`, which also break the laws `also`. `kind` says what
    they have in common, `severity` how bad it is, `steps` how long the shortest case is, and `closed` how many steps were
    not taken again because of it.
    """

    law: str
    message: str
    tokens: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    case: str | None = None
    kind: str = ""
    severity: str = ""
    count: int = 1
    steps: int = 0
    closed: int = 0
    instances: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that the ledger lists: its law, its kind, how often it was met, and what the ledger says of it."""

    law: str
    kind: str
    count: int
    reason: str
    link: str = ""

    def __str__(self) -> str:
        return " ".join(f"known: {self.law}, {self.kind} ({self.count:,} times): {self.reason} {self.link}".split())


def overall_verdict(laws: Iterable[LawResult], *, prevented: bool = False) -> Verdict:
    """The verdict over all laws.

    Breached if a law is; else undetermined if a law that could be judged was not decided, something else prevented a
    decision, or no law was judged at all; else holds. Laws not judged do not count.
    """
    judged = {law.verdict for law in laws if law.verdict is not None}
    if Verdict.BREACHED in judged:
        return Verdict.BREACHED
    if prevented or not judged or Verdict.UNDETERMINED in judged:
        return Verdict.UNDETERMINED
    return Verdict.HOLDS


def files_json(folder: str, files: int, changed: Sequence[str], problems: Sequence[str]) -> str:
    """What a command prints for `--json` that writes generated files, or checks that they are fresh."""
    fresh = not problems
    document = {
        "schema": FILES,
        "fresh": fresh,
        "folder": folder,
        "files": files,
        "changed": changed,
        "problems": problems,
    }
    return json.dumps(document, indent=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The object that every command prints for `--json`.

    The verdict follows from the laws, and from what prevented a decision whatever the laws say.
    """

    law_version: str
    scope: str | None
    """What was checked: the name of a scope, or of what was audited."""
    seed: int | None
    laws: Mapping[str, LawResult]
    counts: Mapping[str, int]
    skipped: tuple[Skipped, ...] = ()
    findings: tuple[Finding, ...] = ()
    known: tuple[Known, ...] = ()
    """The findings that the ledger lists. They do not change the verdict."""
    prevented: tuple[str, ...] = ()
    """Each bound that was reached, error, and other reason for which the verdict cannot be *holds*."""
    seconds: float
    reproduce: str
    """The command line that repeats this report."""
    engine: tuple[str, str] | None = None
    """The name and the version of the engine that was driven."""
    details: Mapping[str, object] = field(default_factory=dict)
    """What only this command has, as plain data."""
    shard: Mapping[str, object] | None = None
    """Of one shard of several: what `fateline merge` needs (`parts.py`)."""

    def __post_init__(self) -> None:
        breached = {law for law, result in self.laws.items() if result.verdict is Verdict.BREACHED}
        if not_breached := {finding.law for finding in self.findings} - breached:
            raise ValueError(f"findings about laws that are not breached: {', '.join(sorted(not_breached))}")

    @property
    def verdict(self) -> Verdict:
        return overall_verdict(self.laws.values(), prevented=bool(self.prevented))

    @property
    def verdict_text(self) -> str:
        """The verdict as a person reads it. The verdict of a shard is about its share."""
        return (
            str(self.verdict)
            if self.shard is None
            else f"{self.verdict} in shard {self.shard['number']}/{self.shard['of']}"
        )

    @property
    def why(self) -> str:
        """Why the verdict is undetermined; nothing if it is another one."""
        if self.verdict is not Verdict.UNDETERMINED:
            return ""
        undecided = [law for law, one in self.laws.items() if one.verdict is Verdict.UNDETERMINED]
        reasons = [*self.prevented, *([f"no decision about {', '.join(undecided)}"] if undecided else [])]
        return "; ".join(reasons) or "no law could be judged"

    @property
    def exit_code(self) -> ExitCode:
        return self.verdict.exit_code

    def to_json(self) -> str:
        """The report as one JSON object, in ASCII, its keys in the documented order."""
        return json.dumps(
            {
                "schema": SCHEMA,
                "verdict": self.verdict,
                "law_version": self.law_version,
                "engine": dict(zip(("name", "version"), self.engine, strict=True)) if self.engine is not None else None,
                "scope": self.scope,
                "seed": self.seed,
                "laws": {
                    law: asdict(result) | {"verdict": result.verdict or NOT_JUDGED} for law, result in self.laws.items()
                },
                "counts": dict(self.counts),
                "skipped": [asdict(item) for item in self.skipped],
                "findings": [asdict(item) for item in self.findings],
                "known": [asdict(item) for item in self.known],
                "prevented": list(self.prevented),
                "seconds": round(self.seconds, 3),
                "reproduce": self.reproduce,
                "details": dict(self.details),
                "shard": self.shard,
            },
            indent=2,
            allow_nan=False,
        )
