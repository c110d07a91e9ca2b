"""Every obligation is confirmed, its witnesses fire, its mutants are refuted; and the contracts leave no choice."""

import inspect
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fateline_model import LAWS, coalesce, deadlines, kernels, merging
from fateline_model.coalesce import Counts, Decision, Event, decide, possible, well_formed
from fateline_model.kernels import (
    Mark,
    Move,
    Phase,
    fits,
    mark_on_arrival,
    mark_on_loss,
    mark_on_resolution,
    next_phase,
)
from fateline_model.words import BarrierVerdict, Policy, Refusal
from fateline_oracle.law.proofs import restated
from fateline_oracle.law.proofs.gate import Proof, contract
from fateline_oracle.law.proofs.obligations import BY_NAME, OBLIGATIONS, Mutant, Runs
from fateline_oracle.law.proofs.restated import decide_again
from fateline_oracle.law.proofs.settle import kill, settle, settle_all

pytestmark = pytest.mark.proof

MODEL = Path(str(kernels.__file__)).parent
MACHINES = ("machine", "lifecycle", "barrier_machine", "step_builder", "batches", "coalesce", "state")


LONG = ("decide", "next_event")
"""The two whose mutants take the solver longest; with the slow tests."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in BY_NAME]
)
def test_it_is_confirmed_its_witnesses_fire_and_its_mutants_are_refuted(name: str) -> None:
    obligation, settled = BY_NAME[name], settle(name)
    assert settled.doubts == ()
    assert settled.proof is Proof.CONFIRMED
    assert len(settled.judged) == len(contract(obligation.function).post)
    assert settled.witnesses == ("",) * len(obligation.witnesses)
    assert obligation.witnesses
    assert obligation.mutants
    assert [kill.refuted for kill in settled.kills] == [True] * len(obligation.mutants)
    assert all(kill.why.startswith(f"{name}(") for kill in settled.kills)


def test_every_contract_of_a_kernel_is_an_obligation() -> None:
    written = {
        name
        for module in (coalesce, deadlines, kernels, merging, restated)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and contract(function).post
    }
    assert written == set(BY_NAME)
    assert len(BY_NAME) == len(OBLIGATIONS)


def test_every_obligation_names_laws_of_the_catalogue() -> None:
    assert all(obligation.laws and set(obligation.laws) <= set(LAWS) for obligation in OBLIGATIONS)


def test_a_mutant_that_changes_nothing_that_matters_lives_and_is_told() -> None:
    idle = Mutant("the same in other words", "deadlines.py", "return first_at + timeout", "return timeout + first_at")
    found = kill(BY_NAME["deadline_of"], idle)
    assert (found.refuted, found.why) == (False, "confirmed as well")


def test_a_mutant_that_no_longer_applies_is_told() -> None:
    gone = Mutant("a change of what is not there", "kernels.py", "no such text", "x")
    found = kill(BY_NAME["deadline_of"], gone)
    assert not found.refuted
    assert "occurs 0 times" in found.why


@pytest.mark.parametrize(
    "change", [{"witnesses": ("no",)}, {"kills": ()}, {"judged": ()}], ids=["witness", "mutant", "condition"]
)
def test_a_proof_that_may_be_empty_is_not_believed(change: dict[str, tuple[str, ...]]) -> None:
    settled = settle("deadline_of")
    assert settled.proof is Proof.CONFIRMED
    assert replace(settled, **change).proof is Proof.UNDECIDED  # type: ignore[arg-type]


def test_processes_of_their_own_say_the_same() -> None:
    names = ["same_line", "expired"]
    heard: list[str] = []
    apart = settle_all(names, jobs=2, done=lambda number, name: heard.append(name))
    assert [one.name for one in apart] == names
    assert sorted(heard) == sorted(names)
    assert [one.proof for one in apart] == [one.proof for one in settle_all(names)]


def _answers(function: object, names: Mapping[str, object], answers: Iterable[object]) -> list[object]:
    assert callable(function)
    post = [compile(text, "post", "eval") for text in contract(function).post]
    scope = vars(inspect.getmodule(function))
    return [one for one in answers if all(eval(text, scope, {**names, "__return__": one}) for text in post)]


def test_the_restated_policy_leaves_one_decision_on_every_small_barrier() -> None:
    asked = 0
    for policy, event, n in itertools.product(Policy, Event, range(2, 5)):
        for arrived, lost, quorum in itertools.product(range(n + 1), range(n + 1), range(1, n + 1)):
            counts = Counts(n, arrived, lost, quorum)
            if well_formed(counts) and (arrived or event is not Event.ARRIVAL):
                found = decide_again(policy, event, counts)
                names = {"policy": policy, "event": event, "counts": counts}
                assert _answers(decide_again, names, Decision) == [found]
                assert not possible(policy, event, counts) or found in _answers(decide, names, Decision)
                asked += 1
    assert asked > 800


def test_the_contract_of_next_phase_leaves_one_answer_to_every_move() -> None:
    for phase, move in itertools.product(Phase, Move):
        names = {"phase": phase, "move": move}
        assert _answers(next_phase, names, [None, *Phase]) == [next_phase(phase, move)]


def test_the_contracts_of_the_marks_leave_one_answer_to_every_event() -> None:
    answers = [*Mark, *Refusal]
    for mark, resolved in itertools.product(Mark, (False, True)):
        if fits(mark, resolved):
            names: dict[str, object] = {"mark": mark, "resolved": resolved}
            assert _answers(mark_on_arrival, names, answers) == [mark_on_arrival(mark, resolved)]
            assert _answers(mark_on_loss, names, answers) == [mark_on_loss(mark, resolved)]
    for mark, verdict in itertools.product(Mark, BarrierVerdict):
        if fits(mark, False):
            names = {"mark": mark, "verdict": verdict}
            assert _answers(mark_on_resolution, names, Mark) == [mark_on_resolution(mark, verdict)]


def test_the_page_says_of_each_proof_what_runs_it() -> None:
    """A function of the machines is called by one of their files; a function apart is called by none."""
    machines = "".join((MODEL / f"{name}.py").read_text() for name in MACHINES)
    for obligation in OBLIGATIONS:
        called = f"{obligation.name}(" in machines.replace(f"def {obligation.name}(", "")
        named = f", {obligation.name})" in machines
        assert (called or named) == (obligation.runs is Runs.MACHINES), obligation.name
