"""Concludes from the vectors that an engine passed and failed: a verdict for each law, and findings by their kind.

Not here: running vectors (`run.py`), and what is printed (`cli/vectors.py`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fateline_model import LAW_VERSION
from fateline_model.laws import Law

from ..compare.capabilities import declared_and_not_asked, why_not_judged
from ..compare.difference import Kind
from ..conform.findings import Findings, broken_by
from ..ports.port import Hello
from ..report.law_results import law_results
from ..report.ledger import NOTHING_KNOWN, Ledger, settled
from ..report.verdict import Finding, Report, Skipped
from .run import Failure, Score, gap


@dataclass(frozen=True)
class VectorConformance:
    """The result of running vectors on an engine."""

    report: Report
    public: Score
    secret: Score
    broke_down: dict[str, int]
    """How often the engine failed with each message."""
    notes: tuple[str, ...] = ()


def conclude(
    hello: Hello,
    public: Score,
    secret: Score,
    seed: int | None,
    seconds: float,
    reproduce: str,
    ledger: Ledger = NOTHING_KNOWN,
) -> VectorConformance:
    """The verdict on an engine."""
    failed = {**public.failed, **secret.failed}
    broke_down = Counter(str(one.replayed.fault) for one in failed.values() if one.replayed.found is None)
    kinds = _kinds(failed)
    breached = broken_by(kinds.found)
    checked = public.checked + secret.checked

    def not_judged(law: Law) -> str | None:
        return why_not_judged(law, hello, checked[law.id], "no vector that was run asks about it")

    laws = law_results(checked, breached, not_judged=not_judged)
    prevented = [f"the engine broke down in {len(broke_down)} ways"] if broke_down else []
    prevented += [] if public.asked else ["no vector was run"]
    if gap(public, secret):
        prevented.append("a much larger share of the published vectors is passed than of the hidden ones")
    skipped = [Skipped("vectors", why, cases=count) for why, count in sorted(public.skipped.items())]
    skipped += [Skipped(f"law {law}", str(one.why), (law,)) for law, one in laws.items() if one.verdict is None]
    report = Report(
        law_version=LAW_VERSION,
        engine=(hello.name, hello.version),
        scope="vectors",
        seed=seed,
        laws=laws,
        counts={
            "published": public.asked, "published_passed": public.passed, "hidden": secret.asked,
            "hidden_passed": secret.passed, "steps": public.steps + secret.steps,
        },
        skipped=tuple(skipped),
        findings=tuple(kinds.findings()),
        prevented=tuple(prevented),
        seconds=seconds,
        reproduce=reproduce,
    )  # fmt: skip
    return VectorConformance(
        settled(report, ledger), public, secret, dict(broke_down), tuple(declared_and_not_asked(hello))
    )


@dataclass
class _Kinds:
    """The kinds of difference in the vectors that failed. Of each kind the instances, and of each shortest case the vector."""

    found: Findings = field(default_factory=Findings)
    instances: dict[Kind, dict[str, None]] = field(default_factory=dict)
    vector_of: dict[int, tuple[str, str]] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        """One finding for each kind, the worst first, with the id of its shortest vector."""
        for kind in self.found:
            name, instance = self.vector_of[id(kind.shortest)]
            yield kind.finding(instance, self.instances[kind.shortest.kind], name)


def _kinds(failed: Mapping[str, Failure]) -> _Kinds:
    kinds = _Kinds()
    for name, one in failed.items():
        found = one.replayed.found
        if found is not None:
            kinds.found.note(found)
            kinds.instances.setdefault(found.kind, {})[one.instance] = None
            kinds.vector_of[id(found)] = name, one.instance
    return kinds
