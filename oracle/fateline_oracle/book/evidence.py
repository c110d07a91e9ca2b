"""The pages on how it is known: the laws with their evidence, the scopes with their counts, the mutants.

Every figure comes from the lock that `fateline verify --lock` writes, or from exploring the mutants while the page is
made. Not here: the rules themselves (`rules.py`).
"""

from collections.abc import Sequence
from typing import Final

from fateline_model.checker.domains import DOMAINS
from fateline_model.checker.scopes import NAMED, instances
from fateline_model.checker.verify import UNREACHABLE
from fateline_model.laws import ALL, Family, Law

from ..law.proofs.gate import contract
from ..law.proofs.obligations import OBLIGATIONS, Runs
from ..law.verification import Locked, MutantReport
from .markdown import code, page, table

Lock = dict[str, Locked]
BY_HAND: Final = "A figure here is one that a command printed: `fateline verify --scope NAME` gives it again."


PROVED: Final = {
    Runs.MACHINES: "confirmed for all arguments, of functions that the machines call",
    Runs.CLAIM: "confirmed for all arguments, as claims about such functions",
    Runs.APART: "confirmed for all arguments, of the law's definition, which no machine calls",
}
"""What exactly is proved, by what runs the function of the proof."""


def laws_page(lock: Lock, mutants: Sequence[MutantReport]) -> str:
    """`laws.md`."""
    sections = []
    for family in Family:
        sections.append(f"## {family}")
        sections += [_law(law, lock, mutants) for law in ALL if law.family is family]
    return page(
        "The laws",
        f"{len(ALL)} laws, each one sentence, one predicate, and how it is known. *Core* laws are what any engine of this "
        "kind owes; *profile* laws are choices of ours that an engine may declare away, with a sentence each.",
        BY_HAND,
        *sections,
    )


def _law(law: Law, lock: Lock, mutants: Sequence[MutantReport]) -> str:
    known = []
    checks = [
        f"{lock[scope]['laws'][law.id]:,} at scope {scope}"
        for scope in NAMED
        if scope in lock and law.id in lock[scope]["laws"]
    ]
    if checks:
        how = "checked on its kernel, over a small exhaustive domain" if law.id in DOMAINS else "checked on every step"
        known.append(f"{how}: {', '.join(checks)}")
    for runs, said in PROVED.items():
        proofs = [proof.name for proof in OBLIGATIONS if law.id in proof.laws and proof.runs is runs]
        if proofs:
            known.append(f"{said}: {code(proofs)}")
    own = [report for report in mutants if report.mutant.law == law.id]
    if own:
        known.append(f"broken on purpose and caught: {'; '.join(_caught(report) for report in own)}")
    if law.elsewhere:
        known.append(law.elsewhere)
    return "\n".join(
        [
            f"### {law.id} · {law.title}",
            "",
            f"**{law.sentence}**",
            "",
            f"*{law.level.capitalize()}. Judged: {', '.join(law.where)}. Needs: {', '.join(law.needs)}.*",
            "",
            *(f"- {line}" for line in known),
        ]
    )


def _caught(report: MutantReport) -> str:
    steps = f" in {len(report.steps)} steps" if report.steps else ""
    return f"{report.mutant.mistake} (`{report.mutant.name}`{steps})"


def scopes_page(lock: Lock) -> str:
    """`scopes.md`."""
    sections = []
    for scope in NAMED:
        locked = lock.get(scope)
        if locked is None or locked["instances"].keys() != {instance.name for instance in instances(scope)}:
            sections += [f"## {scope}", f"Not counted as it now stands: run `fateline verify --scope {scope} --lock`."]
            continue
        total = [sum(int(str(row[place])) for row in locked["instances"].values()) for place in range(3)]
        sections += [
            f"## {scope}",
            f"{len(locked['instances'])} instances, {total[0]:,} states, {total[1]:,} steps; "
            f"{total[2]:,} states before branches that look alike are made one.",
            table(["Family", "Instances", "States", "Steps", "Unreduced", "Of two rows"], _families(scope, locked)),
        ]
    return page(
        "Scopes and counts",
        "A scope is a named list of instances in `fateline_model/checker/scopes.toml`; each scope contains those before "
        "it. One row is explored with its branches reduced; from it follow the exact counts of any number of rows, "
        "because rows meet only in batches (see [decisions/0003](decisions/0003-rows-are-counted-not-explored.md)).",
        BY_HAND,
        *sections,
        "## Claimed unreachable",
        "If one of these ever happens, `verify` fails.",
        table(["What", "Why not"], [(f"`{kind}`", why) for kind, why in UNREACHABLE.items()]),
    )


def _families(scope: str, locked: Locked) -> list[tuple[object, ...]]:
    rows: dict[str, list[int]] = {}
    for instance in instances(scope):
        states, steps, unreduced, counts, _ = locked["instances"][instance.name]
        two = counts.get("2", [0])[0] if isinstance(counts, dict) else 0
        line = rows.setdefault(instance.family, [0, 0, 0, 0, 0])
        for place, value in enumerate((1, states, steps, unreduced, two)):
            line[place] += int(str(value))
    return [(family, *(f"{value:,}" if value else "" for value in line)) for family, line in rows.items()]


def proofs_page() -> str:
    """`proofs.md`."""
    rows = [
        (
            f"`{obligation.name}`",
            obligation.sentence,
            obligation.runs.value,
            " ".join(obligation.laws),
            len(contract(obligation.function).post),
            len(obligation.witnesses),
            len(obligation.mutants),
        )
        for obligation in OBLIGATIONS
    ]
    return page(
        "What is proved for all integers",
        "The kernels of the law carry contracts, and CrossHair confirms each for every integer. A proof counts only with "
        "witnesses that run, so that it is not about nothing, and with mutants of the kernel that it must refute, so that "
        "it could have failed. A proof says something about the machines only if they run what is proved, so the page says "
        "of each function whether they call it. `fateline prove` settles them all and says which; the tests do so too, and "
        "prove that the engine's verdict, written apart, is the law's.",
        table(["Kernel", "What is claimed", "What runs it", "Laws", "Contracts", "Witnesses", "Mutants"], rows),
        f"{len(rows)} obligations with {sum(row[4] for row in rows)} contracts, {sum(row[5] for row in rows)} witnesses and "
        f"{sum(row[6] for row in rows)} mutants.",
    )


def mutants_page(mutants: Sequence[MutantReport]) -> str:
    """`mutants.md`."""
    rows = [
        (
            report.mutant.law,
            f"`{report.mutant.name}`",
            report.mutant.mistake,
            len(report.steps) or "",
            "yes" if report.killed else "**no**",
            " ".join(report.others),
        )
        for report in mutants
    ]
    return page(
        "The law's own mutants",
        "A check that never fires is a defect. Each mutant is one small change of the law's text that breaks one law; it "
        "counts as caught when its own law is among those that its shortest counterexample breaks. `fateline verify "
        "--self-test` explores them all, `fateline verify --mutant NAME` shows one.",
        table(["Law", "Mutant", "The mistake", "Steps", "Caught", "Also breaks"], rows),
        f"{sum(report.killed for report in mutants)} of {len(mutants)} caught.",
    )
