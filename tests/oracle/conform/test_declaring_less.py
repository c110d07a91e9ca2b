"""The laws of the judge about declarations (J4) and about ports that support less (J5), on the reference engine.

Whatever it declares and whatever its ports do not support, it never breaks a law, everything that can be reached is reached,
and no law holds without a question that a wrong engine could have failed.
"""

from random import Random
from typing import Final

import pytest

from fateline_model.checker.scopes import Instance
from fateline_oracle.compare.capabilities import lacking
from fateline_oracle.conform.campaign import Campaign, Plan, drive_one, every_instance
from fateline_oracle.conform.free_run import drive_free_runs
from fateline_oracle.conform.instance import InstanceResult, Strategy
from fateline_oracle.conform.result import SelfTest
from fateline_oracle.conform.verdict import conclude
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Clock, Does, Hello, Port, Shows
from fateline_oracle.ports.profile import Profile
from fateline_oracle.reference.engine import ReferenceEngine
from fateline_oracle.report.verdict import Report, Verdict

from .limited import WHY, Limited, all_but, hello_with

REFUSALS: Final = Plan(Strategy.REFUSALS, 1)
FEW: Final = ("line", "untimed diamond policy=first timed=False", "barrier branches=2 policy=quorum:2 merge=union:fail",
              "barrier branches=2 policy=first merge=nested", "outcomes")  # fmt: skip
MORE: Final = (*FEW, "quarantine", "retries attempts=3", "two batches", "expand then fork policy=require_all",
               "batch in branch policy=require_all", "barrier branches=3 policy=best_effort merge=union:fail", "lineage",
               "diamond branches=2 policy=quorum:1 merge=union:fail", "two rows to merge")  # fmt: skip
SEEN: Final = (SelfTest("a", "b", "C16", "C16", 1),)


def driven(engine: Limited, places: tuple[str, ...]) -> list[InstanceResult]:
    hello = hello_of(engine)
    return [drive_one(engine, hello, place_called(place), REFUSALS) for place in places]


def concluded(engine: Limited, places: tuple[str, ...] | tuple[Instance, ...]) -> Report:
    hello = hello_of(engine)
    instances = [place_called(place) if isinstance(place, str) else place for place in places]
    results = [drive_one(engine, hello, instance, REFUSALS) for instance in instances]
    return conclude(Campaign("x", "small", 1, hello, results), SEEN, Profile(), "again").report


def keeps_every_law(engine: Limited, places: tuple[str, ...]) -> None:
    keep_every_law(driven(engine, places))


def keep_every_law(results: list[InstanceResult]) -> None:
    for judged in results:
        assert (judged.found, judged.failures, judged.bound) == (None, [], None), judged.name
        assert (judged.states, judged.transitions) == (judged.states_total, judged.transitions_total), judged.name


@pytest.mark.parametrize("word", [*Shows, *Does])
def test_a_word_that_is_not_declared_breaks_no_law(word: Shows | Does) -> None:
    keeps_every_law(Limited(all_but(word)), FEW[1:])


@pytest.mark.slow
@pytest.mark.parametrize("word", [*Shows, *Does])
def test_a_word_that_is_not_declared_breaks_no_law_in_more_places(word: Shows | Does) -> None:
    keeps_every_law(Limited(all_but(word)), MORE)


@pytest.mark.parametrize("seed", range(6))
def test_no_random_declaration_breaks_a_law(seed: int) -> None:
    keeps_every_law(Limited(hello_with(Random(seed))), FEW)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_no_random_declaration_breaks_a_law_in_more_places(seed: int) -> None:
    keeps_every_law(Limited(hello_with(Random(seed)), unsaid=0.1 * (seed % 2), seed=seed), MORE)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_ports_do_not_support_is_counted_and_the_rest_is_judged(seed: int) -> None:
    engine = Limited(all_but(), unsaid=0.2, seed=seed)
    results = driven(engine, FEW)
    keep_every_law(results)
    assert sum(judged.skipped[WHY] for judged in results) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 112))
def test_what_the_ports_do_not_support_is_counted_in_more_places(seed: int) -> None:
    keeps_every_law(Limited(all_but(), unsaid=0.2, seed=seed), MORE)


@pytest.mark.parametrize("seed", range(4))
def test_no_law_holds_without_a_question(seed: int) -> None:
    hello = hello_with(Random(seed))
    report = concluded(Limited(hello), FEW)
    assert report.verdict is not Verdict.BREACHED
    for law, result in report.laws.items():
        if result.verdict is Verdict.HOLDS:
            assert result.checked > 0, law
            assert law not in lacking(hello), law


@pytest.mark.parametrize(
    "hello, laws",
    [
        (all_but(Does.CRASH), {"R1": "the engine does not declare crash", "R2": "the engine does not declare crash"}),
        (all_but(Shows.TX), {"K2": "the engine does not show tx", "X3": "the engine does not show tx"}),
        (all_but(Shows.MERGES), {"C9": "the engine does not show merges"}),
        (all_but(Does.BATCHES), {"B1": "the engine does not declare batches", "F5": "the engine does not declare batches"}),
        (all_but(Does.EXPANSION), {"X1": "the engine does not declare expansion"}),
    ],
)  # fmt: skip
def test_a_law_that_nothing_can_break_is_not_judged_and_the_reason_is_said(hello: Hello, laws: dict[str, str]) -> None:
    report = concluded(Limited(hello), FEW)
    assert {law: (report.laws[law].verdict, report.laws[law].why) for law in laws} == {
        law: (None, why) for law, why in laws.items()
    }


@pytest.mark.parametrize("port, machine", [(Port.BARRIER, "barrier"), (Port.LIFECYCLE, "lifecycle")])
def test_an_engine_that_offers_one_port_can_reach_holds(port: Port, machine: str) -> None:
    places = tuple(one for one in every_instance("small") if one.machine == machine and "branches=3" not in one.name)
    report = concluded(Limited(all_but()._replace(ports=frozenset({port}))), places)
    assert report.verdict is Verdict.HOLDS
    assert report.laws["T1"].why == "the engine offers no pipeline port"


@pytest.mark.parametrize("word", Shows)
def test_a_whole_run_that_shows_less_breaks_no_law(word: Shows) -> None:
    instance = place_called("nested outer=require_all inner=first")
    judged = InstanceResult(instance.family, instance.name, instance.machine)
    drive_free_runs(judged, ReferenceEngine().trail(), instance, all_but(word), seed=1)
    assert judged.found is None
    assert (judged.steps > 0) != bool(judged.skipped)
    assert not {law for law, count in judged.checked.items() if count} & lacking(all_but(word))


@pytest.mark.parametrize("clock", [Clock.NONE, Clock.REAL])
def test_deadlines_that_no_clock_lets_pass_are_named(clock: Clock) -> None:
    hello = all_but()._replace(clock=clock)
    results = driven(Limited(hello), FEW[2:3])
    found = conclude(Campaign("x", "small", 1, hello, results), SEEN, Profile(), "again")
    assert f"`deadlines` is declared and no deadline was asked: the clock is {clock}, not injected" in found.notes
    assert results[0].transitions < driven(Limited(all_but()), FEW[2:3])[0].transitions
