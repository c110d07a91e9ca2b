"""`fateline prove`: proves the symbolic obligations, and shows for each that its proof is not empty.

Not here: what is proved and how (`fateline_oracle.law.proofs`).
"""

import os
import shutil
import textwrap
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

import click

from fateline_console.terminal import Progress, paint, table
from fateline_model import LAW_VERSION, LAWS

from ..law.proofs.gate import GET_CROSSHAIR, SECONDS, Proof, call_text, value_text
from ..law.proofs.induction import INDUCTION_BY_NAME, Induction, the_model
from ..law.proofs.obligations import BY_NAME, Obligation
from ..law.proofs.settle import Settled, settle_all
from ..report.verdict import ExitCode, Finding, LawResult, Report, Skipped, Verdict

EVERY: Final[dict[str, Obligation | Induction]] = {**BY_NAME, **INDUCTION_BY_NAME}
"""What is proved: contracts of kernels, and invariants over any number of them."""
JOBS = max(1, min(8, os.cpu_count() or 1))
COLOUR = {"confirmed": "green", "holds": "green", "refuted": "red", "breached": "red"}
INDENT = " " * 4
LEGEND = (
    "witness: a call within the contract, which was run, or a state that is possible. mutant: a change made to the kernel on "
    "purpose, and what refutes it."
)


@click.command()
@click.option(
    "--only",
    type=click.Choice(list(EVERY)),
    multiple=True,
    metavar="NAME",
    help="Prove only this obligation; may be repeated.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=SECONDS,
    show_default=True,
    help="CPU seconds for each condition.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, help="Number of processes.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def prove(only: tuple[str, ...], timeout: float, jobs: int, as_json: bool) -> ExitCode:
    """Prove the kernels of the law for every integer, with CrossHair, and invariants for any number of branches and
    parents, with Z3.

    Each obligation is one contract or one invariant. Witnesses (calls that meet it) are run, and mutants (small changes of
    the kernel) must be refuted, so that no proof is empty.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 wrong usage or input.
    """
    names = [name for name in EVERY if name in only or not only]
    begun = time.monotonic()
    settled: list[Settled] = []
    if find_spec("crosshair") is None:
        click.echo(GET_CROSSHAIR, err=True)
    else:
        with Progress() as progress:
            progress.update(f"proving {len(names)} obligations ...")
            settled = settle_all(
                names,
                seconds=timeout,
                jobs=jobs,
                done=lambda number, name: progress.update(f"{number} of {len(names)} settled: {name}"),
            )
    options = [f"--only {name}" for name in names if only] + [f"--timeout {timeout:g}"] * (timeout != SECONDS)
    report = _report(settled, names, time.monotonic() - begun, " ".join(["fateline prove", *options]))
    click.echo(report.to_json() if as_json else _text(settled, report))
    return report.exit_code


def _report(settled: Sequence[Settled], names: Sequence[str], seconds: float, reproduce: str) -> Report:
    laws = {law: _law(law, settled, names) for law in LAWS}
    undecided = tuple(f"{one.name} was not decided" for one in settled if one.proof is Proof.UNDECIDED)
    asked = [EVERY[name] for name in names]
    return Report(
        law_version=LAW_VERSION,
        scope="kernels",
        seed=None,
        laws=laws,
        counts={
            "obligations": len(names),
            "confirmed": sum(one.proof is Proof.CONFIRMED for one in settled),
            "conditions": sum(len(one.judged) for one in settled),
            "witnesses": sum(len(one.witnesses) for one in settled),
            "mutants": sum(len(obligation.mutants) for obligation in asked),
            "mutants_refuted": sum(kill.refuted for one in settled for kill in one.kills),
        },
        skipped=tuple(
            Skipped(name, "not selected", obligation.laws, 1) for name, obligation in EVERY.items() if name not in names
        ),
        findings=tuple(
            Finding(law, f"{one.name}: {judged.why}, against: {judged.condition}")
            for one in settled
            for judged in one.judged
            if judged.proof is Proof.REFUTED
            for law in EVERY[one.name].laws
        ),
        prevented=undecided,
        seconds=seconds,
        reproduce=reproduce,
    )


def _law(law: str, settled: Sequence[Settled], names: Sequence[str]) -> LawResult:
    """The verdict on a law from its obligations. They prove the part that kernels decide, never the whole law."""
    asked = [name for name in names if law in EVERY[name].laws]
    if not asked:
        here = any(law in obligation.laws for obligation in EVERY.values())
        return LawResult(None, why="its kernels were not selected" if here else "no kernel decides it")
    if not settled:
        return LawResult(Verdict.UNDETERMINED, why=GET_CROSSHAIR)
    found = [one for one in settled if one.name in asked]
    conditions = sum(len(one.judged) for one in found)
    refuted = sum(judged.proof is Proof.REFUTED for one in found for judged in one.judged)
    if refuted:
        return LawResult(Verdict.BREACHED, conditions, refuted)
    doubts = [f"{one.name}: {doubt}" for one in found for doubt in one.doubts]
    if doubts:
        return LawResult(Verdict.UNDETERMINED, conditions, why="; ".join(doubts))
    return LawResult(
        Verdict.HOLDS, conditions, why=f"as far as these kernels decide it, for every integer: {', '.join(asked)}"
    )


def _text(settled: Sequence[Settled], report: Report) -> str:
    width = min(shutil.get_terminal_size((110, 24)).columns, 120)
    parts = [f"The kernels of the law, version {report.law_version}, for every integer", ""]
    parts += [*_wrapped(LEGEND, width, ""), ""] if settled else []
    for one in settled:
        parts += [*_obligation(one, width), ""]
    judged = {law: result for law, result in report.laws.items() if result.verdict}
    rows = [
        (
            law,
            LAWS[law].title,
            paint(str(result.verdict), COLOUR.get(str(result.verdict), "yellow")),
            result.checked,
        )
        for law, result in judged.items()
    ]
    parts += [table(rows, ["law", "", "its kernels", "conditions"]), ""]
    not_judged = " ".join(law for law, result in report.laws.items() if not result.verdict)
    parts += [*_wrapped(f"Not judged here, because no selected kernel decides them: {not_judged}", width, ""), ""]
    counts = report.counts
    parts.append(
        f"{paint(report.verdict, COLOUR.get(report.verdict, 'yellow'), bold=True)}  "
        f"{counts['confirmed']} of {counts['obligations']} obligations, {counts['conditions']} conditions, "
        f"{counts['witnesses']} witnesses, {counts['mutants_refuted']} of {counts['mutants']} mutants refuted, "
        f"{report.seconds:.1f} s"
    )
    return "\n".join(parts)


def _obligation(one: Settled, width: int) -> list[str]:
    obligation = EVERY[one.name]
    proof = paint(f"{one.proof:<10}", COLOUR.get(one.proof, "yellow"), bold=True)
    conditions = f"{len(one.judged)} condition{'' if len(one.judged) == 1 else 's'}"
    lines = [f"{paint(f'{one.name:<16}', bold=True)}  {proof}  {conditions:<13}  {one.seconds:4.1f} s  "]
    lines[0] += " ".join(obligation.laws)
    lines += _wrapped(obligation.sentence, width, INDENT)
    for judged in one.judged:
        if judged.proof is Proof.REFUTED:
            lines += _wrapped(f"REFUTED: {judged.why}, against: {judged.condition}", width, INDENT)
    for doubt in one.doubts:
        lines += _wrapped(f"UNDECIDED: {doubt}", width, INDENT)
    if not any(one.witnesses):
        more = f" (and {len(one.witnesses) - 1} more)" if one.witnesses[1:] else ""
        lines += _wrapped(f"witness  {_witness(obligation)}{more}", width, INDENT)
    for kill in one.kills:
        if kill.refuted:
            lines += _wrapped(f"mutant   {kill.what}: {kill.why}", width, INDENT)
    return lines


def _witness(proved: Obligation | Induction) -> str:
    if isinstance(proved, Induction):
        return [sentence for sentence, _ in proved.witnesses(the_model())][-1]
    witness = proved.witnesses[-1]
    return f"{call_text(proved.function, witness.arguments)} gives {value_text(witness.result)}"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    hanging = indent + " " * (9 if text.startswith(("witness  ", "mutant   ")) else 0)
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False)
