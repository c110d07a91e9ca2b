"""Settles an obligation: its proof, its witnesses, its mutants, and the verdict on all of them.

A proof whose witness does not run, or whose mutant is not refuted, does not count: the obligation is then undecided. Not
here: the obligations (`obligations.py`), and what may be concluded from the output of CrossHair (`gate.py`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from fateline_oracle.law.patched import NoSuchPatch, part, patched_model
from fateline_oracle.law.proofs import restated
from fateline_oracle.law.proofs.gate import (
    SECONDS,
    BadCall,
    ConditionResult,
    Proof,
    check_call,
    conclusion,
    prove,
    value_text,
)
from fateline_oracle.law.proofs.induction import INDUCTION_BY_NAME, Induction, ask, possible, refuted, the_model
from fateline_oracle.law.proofs.obligations import BY_NAME, Mutant, Obligation, Witness
from fateline_oracle.parallel import in_processes


@dataclass(frozen=True, slots=True)
class Kill:
    """The result for a mutant: the counterexample that refutes it, or why it is not refuted."""

    what: str
    refuted: bool
    why: str


@dataclass(frozen=True, slots=True)
class Settled:
    """An obligation with all its results. It is confirmed only if witnesses run and mutants are refuted."""

    name: str
    judged: tuple[ConditionResult, ...]
    witnesses: tuple[str, ...]
    kills: tuple[Kill, ...]
    seconds: float

    @property
    def proof(self) -> Proof:
        """Refuted if a postcondition is; confirmed if all are and the proof is shown not to be empty."""
        proof = conclusion(self.judged)
        return Proof.UNDECIDED if proof is Proof.CONFIRMED and self.doubts else proof

    @property
    def doubts(self) -> tuple[str, ...]:
        """The reasons why the obligation is not confirmed, apart from a counterexample."""
        undecided = tuple(f"{one.condition}: {one.why}" for one in self.judged if one.proof is Proof.UNDECIDED)
        living = tuple(f"mutant not refuted: {kill.what}: {kill.why}" for kill in self.kills if not kill.refuted)
        no_mutant = () if self.kills else ("no mutant",)
        return undecided + tuple(why for why in self.witnesses if why) + living + no_mutant


def settle(name: str, seconds: float = SECONDS) -> Settled:
    """Prove one obligation, run its witnesses, and try its mutants. Arguments and result can be pickled."""
    if name in INDUCTION_BY_NAME:
        return settle_induction(INDUCTION_BY_NAME[name])
    obligation = BY_NAME[name]
    begun = time.perf_counter()
    return Settled(
        name=name,
        judged=tuple(prove(obligation.function, seconds=seconds)),
        witnesses=tuple(fires(obligation.function, witness) for witness in obligation.witnesses) or ("no witness",),
        kills=tuple(kill(obligation, mutant, seconds=seconds) for mutant in obligation.mutants),
        seconds=time.perf_counter() - begun,
    )


def settle_induction(induction: Induction) -> Settled:
    """Prove one invariant, look for its witnesses, and refute its mutants."""
    begun, model = time.perf_counter(), the_model()
    kills = []
    for mutant in induction.mutants:
        found = refuted(induction, mutant)
        kills.append(Kill(mutant.what, found is not None, found.why if found else "the invariant holds as well"))
    return Settled(
        name=induction.name,
        judged=tuple(ask(claim) for claim in induction.claims(model)),
        witnesses=tuple(possible(claim) for claim in induction.witnesses(model)) or ("no witness",),
        kills=tuple(kills),
        seconds=time.perf_counter() - begun,
    )


def settle_all(
    names: Sequence[str], *, seconds: float = SECONDS, jobs: int = 1, done: Callable[[int, str], None] = lambda *_: None
) -> list[Settled]:
    """Settle several obligations, in `jobs` processes. `done` is called with the number settled and the last name."""
    settled: dict[str, Settled] = {}
    tasks = [(name, seconds) for name in names]
    for number, ((name, _), found) in enumerate(in_processes(_settle, tasks, jobs=jobs, start="spawn"), 1):
        settled[name] = found
        done(number, name)
    return [settled[name] for name in names]


def _settle(_: None, task: tuple[str, float]) -> Settled:
    return settle(*task)


def fires(function: Callable[..., Any], witness: Witness) -> str:
    """An empty text if the witness runs as declared; otherwise the problem."""
    try:
        result = check_call(function, *witness.arguments)
    except BadCall as error:
        return f"witness: {error}"
    if result != witness.result or type(result) is not type(witness.result):
        return f"witness: {value_text(result)} instead of the expected {value_text(witness.result)}"
    return ""


def kill(obligation: Obligation, mutant: Mutant, *, seconds: float = SECONDS) -> Kill:
    """Prove the same contract on a patched model. It must fail with a counterexample that can be run."""
    undecided = ""
    try:
        with patched_model(mutant.file, mutant.find, mutant.replace) as model:
            for judged in prove(obligation.in_module(_in(model, obligation.module)), seconds=seconds):
                if judged.proof is Proof.REFUTED:
                    return Kill(mutant.what, True, judged.why)
                undecided = undecided or judged.why
    except NoSuchPatch as error:
        undecided = str(error)
    return Kill(mutant.what, False, undecided or "confirmed as well")


def _in(model: ModuleType, module: ModuleType) -> ModuleType:
    """The same module in a patched model. `restated.py` is copied into it, so that it uses the patched kernels."""
    if module is not restated:
        return part(model, module.__name__.partition(".")[2])
    text = Path(str(restated.__file__)).read_text(encoding="utf-8")
    (Path(model.__path__[0]) / "restated.py").write_text(text.replace("from fateline_model.", "from ."), "utf-8")
    return import_module(f"{model.__name__}.restated")
