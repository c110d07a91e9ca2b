"""Every invariant is proved, its witnesses exist, its mutants are refuted, and an unproved one is not confirmed."""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import pytest

from fateline_model import LAWS
from fateline_oracle.law.proofs.gate import Proof
from fateline_oracle.law.proofs.induction import INDUCTION_BY_NAME, INDUCTIONS, Claim, ask, possible, the_model
from fateline_oracle.law.proofs.obligations import BY_NAME
from fateline_oracle.law.proofs.settle import settle, settle_induction

pytestmark = pytest.mark.proof


@pytest.mark.parametrize("name", INDUCTION_BY_NAME)
def test_it_is_confirmed_its_witnesses_exist_and_its_mutants_are_refuted(name: str) -> None:
    settled, induction = settle(name), INDUCTION_BY_NAME[name]
    assert settled.doubts == ()
    assert settled.proof is Proof.CONFIRMED
    assert settled.judged
    assert set(settled.witnesses) == {""}
    assert [kill.refuted for kill in settled.kills] == [True] * len(induction.mutants)
    assert all(": not for " in kill.why for kill in settled.kills)


def test_every_claim_is_confirmed_by_itself_and_no_sentence_stands_twice() -> None:
    for induction in INDUCTIONS:
        claims = list(induction.claims(the_model()))
        assert len({sentence for sentence, _ in claims}) == len(claims)
        assert [sentence for sentence, formula in claims if ask((sentence, formula)).proof is not Proof.CONFIRMED] == []


def test_names_are_unlike_those_of_kernels_and_laws_exist() -> None:
    assert not set(INDUCTION_BY_NAME) & set(BY_NAME)
    assert {law for induction in INDUCTIONS for law in induction.laws} <= set(LAWS)


def test_a_wrong_claim_is_refuted_with_values_and_an_impossible_witness_is_a_doubt() -> None:
    import z3

    held = z3.Int("held")

    def wrong(_: ModuleType) -> Iterator[Claim]:
        yield "nothing is held", held == 0

    def never(_: ModuleType) -> Iterator[Claim]:
        yield "more than it is", held > held

    found = settle_induction(replace(INDUCTIONS[0], claims=wrong))
    assert found.proof is Proof.REFUTED
    assert found.judged[0].why.startswith("nothing is held: not for held = ")
    assert possible(("a state", held > 5)) == ""
    settled = settle_induction(replace(INDUCTIONS[0], witnesses=never))
    assert settled.proof is Proof.UNDECIDED
    assert "there is no state in which more than it is" in " ".join(settled.doubts)


def test_a_mutant_that_changes_nothing_is_a_doubt_and_so_is_a_proof_of_nothing() -> None:
    idle = replace(INDUCTIONS[2].mutants[0], find="if parent.row != line.row:", replace="if line.row != parent.row:")
    assert settle_induction(replace(INDUCTIONS[2], mutants=(idle,))).proof is Proof.UNDECIDED
    assert settle_induction(replace(INDUCTIONS[0], claims=lambda _: iter(()))).proof is not Proof.CONFIRMED
