"""A model that was written in another language, from the pages alone, has the same states and steps as the law."""

import shutil

import pytest

from fateline_oracle.book.independent import spin_counts

from .counted import HERE, Policies, by_spin, by_the_law, called, cases

FAST = {("diamond", ("quorum",)), ("batch", ("require_all",))}
needs_spin = pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("gcc")), reason="SPIN is not installed: apt-get install spin gcc"
)


def every_case() -> list[object]:
    return [
        pytest.param(
            name, policies, id=called(name, policies), marks=[] if (name, policies) in FAST else [pytest.mark.slow]
        )
        for name, policies in cases()
    ]


@needs_spin
@pytest.mark.parametrize("name, policies", every_case())
def test_spin_counts_what_the_law_counts(name: str, policies: Policies) -> None:
    assert by_spin(name, policies) == by_the_law(name, policies) == tuple(spin_counts()[called(name, policies)])


def test_the_figures_of_the_book_are_those_of_every_case() -> None:
    assert list(spin_counts()) == [called(name, policies) for name, policies in cases()]


@needs_spin
@pytest.mark.parametrize(
    "find, replace",
    [
        ("n_ - lost_ < NEEDED(b_)", "n_ - lost_ <= NEEDED(b_)"),
        ("MARK(b, s) = IS_LATE; ", ""),
        ("&& tries[t] + 1 < attempts", "&& tries[t] < attempts"),
        ("held_ >= NEEDED(b_)", "held_ > NEEDED(b_)"),
    ],
)
def test_a_model_with_a_mistake_is_counted_otherwise(find: str, replace: str) -> None:
    """So equal counts say something."""
    text = (HERE / "machine.pml").read_text(encoding="utf-8")
    assert text.count(find) == 1
    assert by_spin("diamond", ("quorum",), text.replace(find, replace)) != by_the_law("diamond", ("quorum",))


@needs_spin
def test_a_run_that_cannot_go_on_is_an_error() -> None:
    text = (HERE / "machine.pml").read_text(encoding="utf-8").replace("ended && AT_REST", "false && AT_REST")
    with pytest.raises(ValueError, match="invalid end state"):
        by_spin("batch", ("first",), text)
