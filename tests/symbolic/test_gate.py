"""What is never a pass: no contract, no call within it, no time, a hollow proof; and what a counterexample must do."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from fateline_model.coalesce import Counts, Decision, Event
from fateline_model.words import Policy
from fateline_oracle.law.proofs.gate import (
    BadCall,
    ConditionResult,
    Proof,
    _understand,
    check_call,
    conclusion,
    contract,
    prove,
    value_text,
)
from fateline_oracle.law.proofs.obligations import Witness
from fateline_oracle.law.proofs.settle import fires

pytestmark = pytest.mark.proof


def no_contract(number: int) -> int:
    """Claims nothing."""
    return number


def only_a_precondition(number: int) -> int:
    """
    pre: number > 0
    """
    return number


def nobody_can_call(number: int) -> int:
    """
    pre: number > 0 and number < 0
    post: False
    """
    return number


def always_raises(number: int) -> int:
    """
    post: False
    raises: ValueError
    """
    raise ValueError("always")


def trips_crosshair_up(number: int) -> int:
    """
    post: False
    raises: ValueError
    """
    raise ValueError(number)


def raises_unasked(number: int) -> int:
    """
    post: True
    """
    return 1 // number


def never_ends(number: int) -> int:
    """
    post: __return__ >= 0
    """
    total = 0
    while total * total < number:
        total += 1
    return total


def unreadable(number: int) -> int:
    """
    post: __return__ ==
    """
    return number


def continued(number: int) -> int:
    """
    post: __return__ == number
    post:
        __return__ > number
    """
    return number


def half(number: int) -> int:
    """
    pre: number > 0
    post: __return__ < number
    post: __return__ > 0
    """
    return number // 2


def breaks_its_word(number: int) -> int:
    """
    post: __return__ > number
    """
    return number


def relies_on_it(number: int) -> int:
    """
    post: __return__ > number
    """
    return breaks_its_word(number)


def told(function: Callable[..., Any], seconds: float = 10.0) -> list[tuple[Proof, str]]:
    return [(one.proof, one.why) for one in prove(function, seconds=seconds)]


@pytest.mark.parametrize(
    "function, why",
    [
        (no_contract, "no contract"),
        (only_a_precondition, "no contract"),
        (nobody_can_call, "no call meets the preconditions"),
        (unreadable, "syntax_err"),
        (trips_crosshair_up, "crosshair fails"),
    ],
)
def test_what_claims_nothing_or_cannot_be_judged_is_not_confirmed(function: Callable[..., Any], why: str) -> None:
    ((proof, said),) = told(function)
    assert proof is Proof.UNDECIDED
    assert why in said


def test_what_takes_too_long_is_not_confirmed() -> None:
    assert told(never_ends, seconds=0.3) == [(Proof.UNDECIDED, "neither confirmed nor refuted within the time")]


def test_a_condition_that_only_one_of_us_reads_is_noticed() -> None:
    """Ours is one line each; what CrossHair would read beyond that is not passed over."""
    judged = tuple(prove(continued))
    assert conclusion(judged) is not Proof.CONFIRMED
    assert len(contract(continued).post) == 1 or judged[-1].proof is not Proof.CONFIRMED


def test_each_postcondition_has_a_verdict_of_its_own() -> None:
    assert told(half) == [(Proof.CONFIRMED, ""), (Proof.REFUTED, "half(1) gives 0")]
    assert conclusion(prove(half)) is Proof.REFUTED


def test_a_function_that_raises_unasked_is_refuted() -> None:
    assert told(raises_unasked) == [
        (Proof.REFUTED, "raises_unasked(0) raises ZeroDivisionError: integer division or modulo by zero")
    ]


def test_a_proof_about_a_function_that_always_raises_is_caught_by_its_witness() -> None:
    """CrossHair confirms it, even that False is true of every result: there is none."""
    assert conclusion(prove(always_raises)) is Proof.CONFIRMED
    assert "always_raises(1) raises ValueError" in fires(always_raises, Witness((1,), 1))


def test_a_called_function_is_what_it_does_not_what_it_promises() -> None:
    """CrossHair by itself would confirm this: it leaves out the paths on which the called one breaks its word."""
    ((proof, why),) = told(relies_on_it)
    assert proof is Proof.REFUTED
    assert why.startswith("relies_on_it(")


def test_without_crosshair_nothing_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "crosshair"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "crosshair", None)
    ((proof, why),) = told(half)
    assert proof is Proof.UNDECIDED
    assert "pip install 'fateline[prove]'" in why


@pytest.mark.parametrize(
    "messages, why",
    [
        ([], "gives no answer"),
        ([("POST_FAIL", "false when calling half(3) (which returns 9)")], "does not fail when it is run"),
        ([("POST_FAIL", "false when calling half(-3) (which returns -2)")], "does not fail when it is run"),
        ([("POST_FAIL", "false when calling half(nonsense)")], "cannot be replayed"),
        ([("POST_FAIL", "false, somehow")], "cannot be replayed"),
        ([("POST_ERR", "boom")], "post_err: boom"),
        ([("CONFIRMED", ""), ("CANNOT_CONFIRM", "")], "cannot_confirm"),
    ],
)
def test_a_word_of_crosshairs_that_shows_nothing_decides_nothing(messages: list[tuple[str, str]], why: str) -> None:
    proof, said = _understand(half, messages)
    assert proof is Proof.UNDECIDED
    assert why in said


def test_nothing_at_all_is_not_confirmed() -> None:
    assert conclusion(()) is Proof.UNDECIDED
    assert conclusion([ConditionResult("", Proof.CONFIRMED), ConditionResult("", Proof.UNDECIDED)]) is Proof.UNDECIDED


def test_a_call_outside_its_contract_shows_nothing_and_a_wrong_one_a_breach() -> None:
    assert check_call(half, 5) == 2
    with pytest.raises(BadCall, match=r"half\(0\) does not meet: number > 0") as outside:
        check_call(half, 0)
    with pytest.raises(BadCall, match=r"half\(1\) gives 0") as wrong:
        check_call(half, 1)
    assert (outside.value.breach, wrong.value.breach) == (False, True)


def test_values_are_written_as_one_would_type_them() -> None:
    for value in (Policy.QUORUM, Event.LOSS, Decision.MERGE, Counts(3, 1, 0, 2), None, True, 7, (1, 2)):
        assert eval(value_text(value)) == value
