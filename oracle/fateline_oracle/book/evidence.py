"""The pages on how the law is checked: the laws with their evidence, the scopes with their counts, the mutants.

Every number comes from the lock that `fateline verify --lock` writes, or from exploring the mutants while the page is
made. Not here: the rules themselves (`rules.py`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from fateline_model import barrier_machine, batches, lifecycle, machine, merging, step_builder
from fateline_model.checker.domains import DOMAINS
from fateline_model.checker.scopes import NAMED, Instance, instances
from fateline_model.checker.verify import UNREACHABLE
from fateline_model.laws import ALL, Family, Law

from ..law.proofs.gate import contract
from ..law.proofs.induction import INDUCTIONS
from ..law.proofs.obligations import OBLIGATIONS, Runs
from ..law.verification import Locked, MutantReport
from .decisions import decisions_of
from .markdown import code, page, table

Lock = dict[str, Locked]
BY_HAND: Final = "Every number on this page was printed by a command; `fateline verify --scope NAME` prints it again."
MACHINES: Final = (machine, step_builder, batches, lifecycle, barrier_machine, merging)


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
        f"There are {len(ALL)} laws. Each is one sentence and one predicate on one step; beneath it stands how it is checked. A "
        "*core* law must be kept by every engine of this kind. A *profile* law is a choice: an engine may choose otherwise and "
        "say so, with a sentence, in its [profile](ports.md#profiles). *checked at* says where the law can be checked; *needs* says "
        "which relations or columns it needs.",
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
        how = "times checked, on its kernel over every case of a small domain" if law.id in DOMAINS else "times checked"
        known.append(f"{how}: {', '.join(checks)}")
    for runs, said in PROVED.items():
        proofs = [proof.name for proof in (*OBLIGATIONS, *INDUCTIONS) if law.id in proof.laws and proof.runs is runs]
        if proofs:
            known.append(f"{said}: {code(proofs)}")
    own = [report for report in mutants if report.mutant.law == law.id]
    if own:
        known.append(
            f"[mutants](mutants.md) of the law that break it, all caught: {'; '.join(_caught(report) for report in own)}"
        )
    if law.elsewhere:
        known.append(law.elsewhere)
    if decisions := decisions_of(law.id):
        known.append(f"explained by {decisions}")
    return "\n".join(
        [
            f'<a id="{law.id}"></a>',
            "",
            f"### {law.id} · {law.title}",
            "",
            f"**{law.sentence}**",
            "",
            f"*{law.level.capitalize()}. Checked at: {', '.join(law.where)}. Needs: {', '.join(law.needs)}.*",
            "",
            *(f"- {line}" for line in known),
        ]
    )


def _caught(report: MutantReport) -> str:
    count = len(report.steps)
    steps = f", after {count} {'step' if count == 1 else 'steps'}" if count else ""
    return f"`{report.mutant.name}` ({report.mutant.mistake}{steps})"


def scopes_page(lock: Lock) -> str:
    """`scopes.md`."""
    sections = []
    for scope in NAMED:
        locked, own = lock.get(scope), instances(scope)
        if locked is None or locked["instances"].keys() != {instance.line for instance in own}:
            sections += [f"## {scope}", f"Not counted as it now stands: run `fateline verify --scope {scope} --lock`."]
            continue
        total = [sum(int(str(row[place])) for row in locked["instances"].values()) for place in range(3)]
        sections += [
            f"## {scope}",
            f"{len(own)} instances, {total[0]:,} states, {total[1]:,} steps; "
            f"{total[2]:,} states if branches that differ only in their names are counted apart.",
            table(["Family", "Instances", "States", "Steps", "Unreduced", "Of two rows"], _families(own, locked)),
        ]
    return page(
        "Scopes and counts",
        "A [scope](glossary.md#scope) is a named list of [instances](glossary.md#instance) in `fateline_model/checker/scopes.toml`; each scope contains those before "
        "it. The checker visits the states of one row, and treats branches that differ only in their names as one. The exact "
        "counts for any number of rows follow from that, because rows meet only in batches "
        "([decision 0003](decisions/0003-rows-are-counted-not-explored.md)). A family *every pipeline of size N* has each irreducible pipeline "
        "of that size, once up to renaming; the size counts one for each node between source and sinks, and one for each branch of a "
        "gate beyond the second. `fateline_model/checker/small_pipelines.py` defines irreducible and says what these leave out; the other "
        "families are larger or have what they leave out. Use `standard` before you rely on a result.",
        BY_HAND,
        *sections,
        "## What never happens",
        "If one of these happens in any state, `fateline verify` fails.",
        table(["What", "Why it cannot happen"], [(f"`{kind}`", why) for kind, why in UNREACHABLE.items()]),
    )


def _families(own: Iterable[Instance], locked: Locked) -> list[tuple[object, ...]]:
    rows: dict[str, list[int]] = {}
    number = Counter((instance.family, instance.line) for instance in own)
    for (family, line), together in number.items():
        states, steps, unreduced, counts, _ = locked["instances"][line]
        two = counts.get("2", [0])[0] if isinstance(counts, dict) else 0
        row = rows.setdefault(family, [0, 0, 0, 0, 0])
        for place, value in enumerate((together, states, steps, unreduced, two)):
            row[place] += int(str(value))
    return [(family, *(f"{value:,}" if value else "" for value in row)) for family, row in rows.items()]


def proofs_page() -> str:
    """`proofs.md`."""
    rows = [
        (
            f"`{obligation.name}`",
            obligation.sentence,
            obligation.runs.value,
            " ".join(obligation.laws),
            _called_by(obligation.name),
            len(contract(obligation.function).post),
            len(obligation.witnesses),
            len(obligation.mutants),
        )
        for obligation in OBLIGATIONS
    ]
    return page(
        "What is proved for all integers",
        "The [kernels](glossary.md#kernel) of the law have contracts, and CrossHair proves each contract for every integer. A proof counts only if its "
        "[witnesses](glossary.md#witness) run, which shows that the claim is not empty, and if it refutes mutants of the kernel, which shows that the "
        "proof could have failed. `fateline prove` checks all of them and prints each. The tests do the same, and also prove that "
        "the verdict function of the engine, which was written separately, equals the law's.",
        "A proof says something about the machines only if they run what is proved. The column *What runs it* says so of each "
        "function, and *Called by* names the modules of the machines that call it.",
        table(
            ["Kernel", "What is claimed", "What runs it", "Laws", "Called by", "Contracts", "Witnesses", "Mutants"],
            rows,
        ),
        f"{len(rows)} obligations with {sum(row[5] for row in rows)} contracts, {sum(row[6] for row in rows)} witnesses and "
        f"{sum(row[7] for row in rows)} mutants.",
        "## For any number of branches and parents",
        "A kernel is proved for one call. An invariant connects the calls: it holds at the beginning, and Z3 finds no step that "
        "breaks it. The steps are taken from the source that runs: the policy table is evaluated on symbols, and the kernels are "
        "called for every case. Mutants of that source must be refuted with a counterexample.",
        table(
            ["Invariant", "What is claimed", "Laws", "Mutants"],
            [(f"`{one.name}`", one.sentence, " ".join(one.laws), len(one.mutants)) for one in INDUCTIONS],
        ),
    )


def _called_by(kernel: str) -> str:
    """The machines whose code uses a kernel by this name."""
    return code(module.__name__.rpartition(".")[2] for module in MACHINES if hasattr(module, kernel))


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
        "A check that never fails proves nothing. Each [mutant](glossary.md#mutant) is the law with one small change that breaks one law. It "
        "counts as caught when its shortest counterexample breaks that law. `fateline verify --self-test` runs all of them; "
        "`fateline verify --mutant NAME` shows one. Mutants of the *engine* are in [evidence.md](evidence.md).",
        table(["Law", "Mutant", "The mistake", "Steps", "Caught", "Laws also broken"], rows),
        f"{sum(report.killed for report in mutants)} of {len(mutants)} caught.",
    )
