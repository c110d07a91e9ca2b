"""The engine's verdict is the law's, proved for all integers; and an engine that differs in one place is refuted."""

import itertools

import pytest

from fateline_engine.verdict import Ruling
from fateline_model.coalesce import Counts, Event, decide, possible, well_formed
from fateline_model.words import Policy
from fateline_oracle.law.proofs.gate import Proof, conclusion, prove

from . import verdicts

pytestmark = pytest.mark.proof


def test_the_engine_decides_as_the_law_does() -> None:
    judged = list(prove(verdicts.engine))
    assert conclusion(judged) is Proof.CONFIRMED, judged


def test_an_engine_that_differs_in_one_place_is_refuted() -> None:
    assert conclusion(prove(verdicts.mutant)) is Proof.REFUTED


def test_the_proof_is_about_something() -> None:
    """The precondition holds of barriers of every policy and event, and every ruling but the impossible one is given."""
    given = {
        verdicts.engine(policy, event, counts)
        for policy, event in itertools.product(Policy, Event)
        for counts in (Counts(*numbers) for numbers in itertools.product(range(2, 5), range(5), range(5), range(1, 5)))
        if well_formed(counts) and possible(policy, event, counts)
    }
    assert given == set(verdicts.SAYS.values()) - {Ruling.FIRST_HAS_ARRIVED}
    assert decide(Policy.FIRST, Event.ARRIVAL, Counts(2, 1, 0, 1)) == "merge"
