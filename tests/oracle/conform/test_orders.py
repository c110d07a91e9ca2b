"""The same outcomes in every order: where order decides and must not is found from ends alone, and the law itself is quiet."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_oracle.adapters import wire
from fateline_oracle.cli import main
from fateline_oracle.conform.campaign import every_instance
from fateline_oracle.conform.orders import UNKNOWN, End, Orders, compare_orders
from fateline_oracle.engines import engine_of
from fateline_oracle.ports.hello import hello_of

TOY = str(Path(__file__).parents[1] / "adapters" / "toy.py")


def compared(name: str) -> Orders:
    with engine_of(name) as engine:
        chosen = [one for one in every_instance("small") if one.machine == "barrier"]
        return compare_orders(engine, hello_of(engine), chosen)


def test_the_reference_engine_ends_as_the_law_in_every_order() -> None:
    found = compared("reference")
    assert (found.not_allowed, found.differ, found.left_out) == ([], [], [])
    assert (found.orders, found.outcomes, len(found.decides)) == (672, 144, 17)


def test_a_quorum_that_is_met_too_early_ends_differently_in_two_orders() -> None:
    found = compared("zoo:quorum-off-by-one")
    assert found.not_allowed
    example = next(one for one in found.differ if len({end.verdict for _, end in one.ends}) == 2)
    assert {end.verdict for _, end in example.ends} == {"merged", "failed"}
    assert "the law: failed" in str(example)


@pytest.mark.parametrize(
    "mistake, code, said",
    [
        ("", 0, "0 end otherwise than the law, 0 differ between two orders"),
        ("ignores what comes twice", 0, "0 end otherwise than the law, 0 differ between two orders"),
        ("counts lost ones", 1, "ends in a way that the law does not allow"),
        ("waits in vain", 1, "not resolved; a lost, b lost"),
        ("forgets late ones", 1, "no end"),
    ],
)
def test_a_mistake_of_a_process_is_found_from_its_ends(
    monkeypatch: pytest.MonkeyPatch, mistake: str, code: int, said: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(wire.__file__).parents[2]))
    done = CliRunner().invoke(main, ["orders", "--", sys.executable, TOY, *([mistake] if mistake else [])])
    assert done.exit_code == code, done.output
    assert said in done.output


def test_what_could_not_be_told_is_compared_with_nothing() -> None:
    whole = End("merged", (("a", "merged"), ("b", "ended")))
    assert whole.is_like(End("merged", (("a", "merged"), ("b", UNKNOWN))))
    assert not whole.is_like(End("failed", (("a", "merged"), ("b", UNKNOWN))))
    assert not whole.is_like(End("merged", (("a", UNKNOWN), ("b", "no end"))))


def test_an_engine_without_a_barrier_is_not_judged() -> None:
    done = CliRunner().invoke(main, ["orders", "zoo:no-such-bug"])
    assert done.exit_code == 3
