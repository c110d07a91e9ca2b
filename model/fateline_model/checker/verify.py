"""One instance verified: explored, judged and counted, with the result as plain data.

The result is plain data, so that instances can be verified in several processes and a broken copy of the law can be
compared with the sound one. Also here: the stimuli and refusals that a whole scope must have met, and those that are
claimed to be impossible. Not here: clocks, processes and printing; they belong to the caller.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from .. import records as trail
from .. import stimuli_json
from ..barrier_machine import BarrierEvent
from ..laws import ALL
from ..lifecycle import Operation
from ..stimuli import Do, Stimulus
from ..words import VERDICTS_OF, FlushVerdict, Refusal, Verdict
from .domains import DOMAINS
from .rows import Count, Rows
from .scopes import Instance
from .search import Counterexample, Explored, explore
from .symmetry import Symmetry
from .systems import AnyStimulus, Attempt, PipelineSystem


@dataclass
class Step:
    """One step of a counterexample as data: the stimulus as text and as JSON, and the records."""

    says: str
    stimulus: dict[str, object]
    records: list[dict[str, object]]


@dataclass
class Finding:
    """A counterexample as data. `laws` are the laws that its last step breaks, with messages; it is empty for a stuck state."""

    laws: list[tuple[str, str]]
    steps: list[Step]


@dataclass
class Verified:
    """What verifying one instance found."""

    family: str
    name: str
    machine: str
    crashes: int
    states: int = 0
    transitions: int = 0
    unreduced: int = 0
    depth: int = 0
    counts: list[Count] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    finding: Finding | None = None
    bound_reached: bool = False
    endless: bool = False
    digest: str = ""
    line: str = ""

    @property
    def holds(self) -> bool:
        return self.finding is None and not self.bound_reached and not self.endless


def verify_instance(
    instance: Instance, *, naive: bool = False, progress: Callable[[int], None] | None = None
) -> Verified:
    """Explore one instance and judge every step of it. `naive` turns the reduction of branches off."""
    system = instance.system
    fold = None
    if instance.machine == "pipeline" and isinstance(system, PipelineSystem) and not naive:
        fold = Symmetry(system.pipeline, system.verdicts).fold
    summary = sha256()
    watch = (lambda attempt: summary.update(digest_text(attempt).encode())) if instance.in_full else None
    found = explore(system, instance.laws, fold=fold, progress=progress, watch=watch)
    if not found.holds and fold is not None:
        found = explore(system, instance.laws, progress=progress)
    verified = Verified(
        instance.family,
        instance.name,
        instance.machine,
        instance.crashes,
        len(found.states),
        found.transitions,
        sum(found.weights),
        found.depth,
        checks=found.checks,
        fired=found.fired,
        refused=Counter({str(rule): count for rule, count in found.refused.items()}),
        bound_reached=found.bound_reached,
        finding=finding_of(found),
        line=instance.line,
    )
    if found.holds:
        verified.endless = instance.machine in ("pipeline", "batch") and found.has_cycle()
        summary.update(repr((found.targets, found.weights)).encode())
        verified.digest = summary.hexdigest()[:16]
        if instance.machine == "pipeline":
            rows = Rows(found)
            verified.counts = [rows.count(number) for number in instance.rows]
    return verified


def digest_text(attempt: Attempt) -> str:
    """An accepted attempt as the digests of `counts.json` were locked: the form does not follow the names of this code."""
    what = f"stimulus={attempt.stimulus!r}, refusal=None, records={attempt.records!r}"
    return f"Offer({what}, after={attempt.after!r}, beyond={attempt.out_of_bounds!r})"


def verify_domains() -> Verified:
    """The laws of kernels, over their domains."""
    verified = Verified("kernels", "kernels", "kernel", 0)
    broken: list[tuple[str, str]] = []
    for law, domain in DOMAINS.items():
        for check in domain():
            verified.checks[law] += 1
            if check is not None:
                broken.append((law, check))
                break
    verified.finding = Finding(broken, []) if broken else None
    return verified


def finding_of(found: Explored) -> Finding | None:
    """The counterexample of a search as data, if the search found one."""
    example: Counterexample | None = found.counterexample
    if example is None:
        return None
    steps = [
        Step(str(walked.stimulus), stimulus_as_json(walked.stimulus), [trail.as_json(r) for r in walked.records])
        for walked in example.path
    ]
    return Finding([(breach.law, breach.message) for breach in example.breaches], steps)


def stimulus_as_json(stimulus: AnyStimulus) -> dict[str, object]:
    """Any stimulus of any machine as a JSON object, without the fields that it does not carry."""
    if isinstance(stimulus, Stimulus):
        return stimuli_json.as_json(stimulus)
    if isinstance(stimulus, Operation):
        usual = Operation._field_defaults
        document = {key: value for key, value in stimulus._asdict().items() if key not in usual or value != usual[key]}
        return {**document, "tokens": [ref._asdict() for ref in stimulus.tokens]}
    return {key: value for key, value in stimulus._asdict().items() if value not in (None, ())}


# ------------------------------------------------------------------------------------ what a scope must have met


def must_fire() -> tuple[str, ...]:
    """Every kind of stimulus, named as by `search.kind_of`."""
    visits = [
        f"{Do.FINISH} {kind} {verdict}"
        for kind, verdicts in VERDICTS_OF.items()
        for verdict in verdicts
        if verdict is not Verdict.EXPAND or kind == "transform"
    ]
    return (
        "read valid",
        "read invalid",
        *(f"{Do.BEGIN} {kind}" for kind in VERDICTS_OF),
        *visits,
        "arrive",
        "accept",
        *(f"{Do.FLUSHED} {verdict}" for verdict in FlushVerdict),
        *(f"{do} {hold}" for do in (Do.DEADLINE, Do.FLUSH) for hold in ("barrier", "batch")),
        "condition",
        "end_of_source",
        "run_over",
        "crash",
        "resume",
        *(f"barrier {event}" for event in BarrierEvent),
    )


UNREACHABLE: Final[dict[str, str]] = {
    "flush barrier": "Law C12. A loss reaches its barrier in the step that loses the branch, and every cell of the "
    "policy table decides once no branch is awaited; so when nothing upstream is in flight, no barrier is open.",
    Refusal.FIRST_HAS_ARRIVED: "A `first` barrier merges or fails in the step of its first arrival, so no deadline or "
    "flush can find one with a held token. An engine that gets there has lost a verdict, and must say so loudly.",
}
"""Stimuli and refusals that can never happen, with the reason. If one does, the claim is wrong and `verify` fails."""


def unmet(fired: Counter[str], refused: Counter[str]) -> tuple[list[str], list[str]]:
    """What a scope should have met and did not, and what was claimed unreachable and was met."""
    expected = [*must_fire(), *Refusal]
    met = {*fired, *refused}
    return [kind for kind in expected if kind not in met and kind not in UNREACHABLE], [
        k for k in UNREACHABLE if k in met
    ]


def unwitnessed(checks: Counter[str]) -> list[str]:
    """Laws that can be judged here and that were never checked."""
    judged = [law.id for law in ALL if law.predicate is not None or law.id in DOMAINS]
    return [law for law in judged if not checks[law]]
