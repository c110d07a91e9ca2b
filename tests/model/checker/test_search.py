"""The search finds what is there: every state, the shortest breach, the stuck state, the cycle; and says when it gave up."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from fateline_model.checker import verify
from fateline_model.checker.mutants import MUTANTS
from fateline_model.checker.search import Counterexample, Explored, explore
from fateline_model.checker.shapes import diamond, line
from fateline_model.checker.systems import Attempt, InstanceOptions, PipelineSystem, State
from fateline_model.checker.verify import UNREACHABLE, Verified, must_fire, unmet, unwitnessed, verify_instance
from fateline_model.laws import ALL, LAWS, Law, StepView
from fateline_model.stimuli import Do, Stimulus
from fateline_model.wellformed import load
from fateline_model.words import Refusal
from fateline_oracle.law.patched import part, patched_model

from .explored import PIPELINES, SMALL, naive, reduced


def line_system(crashes: int = 0) -> PipelineSystem:
    return PipelineSystem(load(line()), 1, crashes, InstanceOptions())


class NeverOver(PipelineSystem):
    """A machine that forgot how to end a run."""

    def attempts(self, state: State) -> Iterator[Attempt]:
        return (attempt for attempt in super().attempts(state) if attempt.stimulus != Stimulus(Do.RUN_OVER))


class EndlessCrashes(PipelineSystem):
    """A machine whose crashes are not counted until the first row is read."""

    def attempts(self, state: State) -> Iterator[Attempt]:
        for attempt in super().attempts(state):
            after = attempt.after
            counted = after is None or after.world[0].rows
            yield attempt if counted or after is None else attempt._replace(after=after._replace(crashes=0))


# ------------------------------------------------------------------------------------------------- naive and reduced


LARGE = ("inner partial", "twins policy=first")
"""The beginnings of names whose naive search takes more than five seconds."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name.startswith(LARGE) else name for name in PIPELINES],
)
def test_the_reduced_search_is_the_naive_one_by_orbit_arithmetic(name: str) -> None:
    one, few = naive(name), reduced(name)
    assert sum(few.weights) == len(one.states)
    assert sum(w * len(t) for w, t in zip(few.weights, few.targets, strict=True)) == one.transitions
    assert one.holds
    assert few.holds
    assert one.has_cycle() is few.has_cycle() is False
    assert set(one.fired) == set(few.fired)
    assert set(one.refused) == set(few.refused)
    assert {law for law, count in one.checks.items() if count} == {law for law, count in few.checks.items() if count}


@pytest.mark.parametrize("name", ["line", "leaving policy=best_effort", "twins policy=require_all"])
def test_a_verified_instance_says_how_many_states_it_stands_for(name: str) -> None:
    """The counts of one row are those of the naive search, whatever was reduced."""
    found = verify_instance(SMALL[name])
    assert found.holds
    assert found.unreduced == len(naive(name).states)
    one = next(count for count in found.counts if count.rows == 1)
    assert (one.states, one.transitions) == (len(naive(name).states), naive(name).transitions)


def test_every_state_is_visited_once_and_every_step_leads_to_one() -> None:
    found = naive("line")
    assert len(set(found.states)) == len(found.states) == len(found.weights) == len(found.targets)
    assert {target for targets in found.targets for target in targets} == set(range(1, len(found.states)))


# ------------------------------------------------------------------------------------------------- stuck and endless


def test_a_stuck_state_is_found_with_the_way_to_it() -> None:
    found = explore(NeverOver(load(line()), 1, 0, InstanceOptions()), ALL)
    assert not found.holds
    assert found.stuck is not None
    assert found.stuck.world[0].source_ended
    assert isinstance(found.counterexample, Counterexample)
    assert found.counterexample.breaches == ()
    assert found.counterexample.path[-1].state == found.stuck
    assert explore(line_system(), ALL).stuck is None


def test_a_cycle_is_seen() -> None:
    assert explore(EndlessCrashes(load(line()), 1, 1, InstanceOptions()), ()).has_cycle()
    assert not explore(line_system(crashes=1), ()).has_cycle()


@pytest.mark.parametrize(
    "targets, cyclic",
    [([[]], False), ([[0]], True), ([[1], [2], []], False), ([[1], [2], [1]], True), ([[1, 1], []], False)],
)
def test_a_cycle_is_a_way_back_and_not_two_ways_to_one_state(targets: list[list[int]], cyclic: bool) -> None:
    states = [State((), number) for number in range(len(targets))]
    assert Explored(states=states, targets=targets).has_cycle() is cyclic


def test_an_endless_instance_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Explored, "has_cycle", lambda self: True)
    found = verify_instance(SMALL["line"])
    assert found.endless
    assert not found.holds


# ------------------------------------------------------------------------------------------------- bounds


def test_a_bound_reached_is_not_holds() -> None:
    found = explore(line_system(), ALL, limit=10)
    assert found.bound_reached
    assert found.counterexample is None
    assert not found.holds
    assert len(found.states) < len(explore(line_system(), ()).states)


def test_a_bound_just_large_enough_is_no_bound() -> None:
    size = len(explore(line_system(), ()).states)
    assert explore(line_system(), (), limit=size).holds
    assert explore(line_system(), (), limit=size - 1).bound_reached


def test_an_instance_whose_bound_was_reached_has_no_counts_and_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "explore", lambda *args, **more: explore(*args, **{**more, "limit": 10}))
    found = verify_instance(SMALL["line"])
    assert (found.holds, found.bound_reached, found.counts, found.digest) == (False, True, [], "")


# ------------------------------------------------------------------------------------------------- counterexamples


def layers(system: Any, laws: Any, checks: Any, view: Any) -> int:
    """How many steps the nearest breach is away: whole layers of states, no path, no numbers, nothing shared."""
    layer, steps = {system.first()}, 0
    while layer:
        steps += 1
        ahead = set()
        for state in layer:
            for attempt in system.attempts(state):
                if attempt.after is None:
                    continue
                seen = view(system.pipeline, state.world, attempt.stimulus, attempt.records, attempt.after.world)
                if any(check is not None for law in laws for check in checks(law, seen)):
                    return steps
                ahead.add(attempt.after)
        layer = ahead
    raise AssertionError("no breach at all")


@pytest.mark.parametrize("name", ["late-without-a-fate", "loss-untold", "memory-only-hold", "row-read-twice"])
def test_the_counterexample_has_the_fewest_stimuli_and_replays(name: str) -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    with patched_model(mutant.file, mutant.find, mutant.replace) as broken:
        scopes, search, laws = (part(broken, module) for module in ("checker.scopes", "checker.search", "laws"))
        instance = next(scopes.instances_called("small", mutant.family))
        example = search.explore(instance.system, instance.laws).counterexample
        assert len(example.path) == layers(instance.system, instance.laws, laws.checks, laws.StepView)
        state = instance.system.first()
        for walked in example.path:
            attempt = next(o for o in instance.system.attempts(state) if o.stimulus == walked.stimulus and o.after)
            assert attempt.records == walked.records
            state = attempt.after
            assert state == walked.state


def test_a_breach_names_every_law_that_the_step_breaks() -> None:
    def never(view: StepView) -> Iterator[str | None]:
        yield "a run is over" if view.over else None

    mine = LAWS["F2"]._replace(id="F98", on=(), predicate=never)
    also: Law = mine._replace(id="F99")
    found = explore(line_system(), [mine, also])
    assert not found.holds
    assert found.counterexample is not None
    assert [breach.law for breach in found.counterexample.breaches] == ["F98", "F99"]
    assert [walked.stimulus.do for walked in found.counterexample.path] == [Do.END_OF_SOURCE, Do.RUN_OVER]  # type: ignore[union-attr]


def test_a_breach_in_a_reduced_search_is_told_with_the_names_of_the_unreduced() -> None:
    """The folded search has lost the names; the instance is searched again without folding."""

    def never(view: StepView) -> Iterator[str | None]:
        yield "two parents" if any(len(parents) > 1 for parents in view.parents.values()) else None

    name = "diamond branches=2 policy=require_all merge=union"
    broken = SMALL[name]._replace(laws=(LAWS["C2"]._replace(predicate=never),))
    finding = verify_instance(broken).finding
    assert finding is not None
    assert finding.laws == [("C2", "two parents")]
    assert finding.steps[0].says == "read(0, valid)"
    assert finding.steps[-1].says.startswith("arrive(0/")


# ------------------------------------------------------------------------------------------------- what must be met


def everything() -> tuple[Counter[str], Counter[str]]:
    fired = Counter(kind for kind in must_fire() if kind not in UNREACHABLE)
    refused = Counter(str(rule) for rule in Refusal if str(rule) not in UNREACHABLE)
    return fired, refused


def test_nothing_is_unmet_once_everything_was_met() -> None:
    assert unmet(*everything()) == ([], [])


@pytest.mark.parametrize("kind", ["crash", "finish sink refused", "flushed outputs", "barrier flush", "read invalid"])
def test_a_kind_of_stimulus_that_never_happened_is_unmet(kind: str) -> None:
    fired, refused = everything()
    del fired[kind]
    assert unmet(fired, refused) == ([kind], [])


def test_a_refusal_that_was_never_given_is_unmet() -> None:
    fired, refused = everything()
    del refused[str(Refusal.OTHER_ROW)]
    assert unmet(fired, refused) == ([Refusal.OTHER_ROW], [])


@pytest.mark.parametrize("kind", UNREACHABLE)
def test_a_claim_of_unreachability_is_disproved_by_one_occurrence(kind: str) -> None:
    fired, refused = everything()
    assert unmet(fired + Counter({kind: 1}), refused) == ([], [kind])


def test_what_is_claimed_unreachable_is_something_that_must_otherwise_be_met() -> None:
    assert set(UNREACHABLE) <= {*must_fire(), *Refusal}
    assert all(UNREACHABLE.values())


def test_a_law_that_was_never_in_danger_is_unwitnessed() -> None:
    judged = [law.id for law in ALL if law.predicate is not None]
    full = Counter([*judged, "C9", "C11"])
    assert unwitnessed(full) == []
    del full["C9"]
    del full["T3"]
    assert unwitnessed(full) == ["C9", "T3"]
    assert set(unwitnessed(Counter())) == {*judged, "C9", "C11"}


def test_progress_is_told_while_searching() -> None:
    told: list[int] = []
    explore(PipelineSystem(load(diamond()), 2, 0, InstanceOptions()), (), progress=told.append)
    assert told[0] == 1
    assert told == sorted(told)
    assert len(told) > 2


def test_a_verified_instance_holds_only_without_finding_bound_and_cycle() -> None:
    fine = Verified("f", "n", "pipeline", 0)
    assert fine.holds
    assert not Verified("f", "n", "pipeline", 0, bound_reached=True).holds
    assert not Verified("f", "n", "pipeline", 0, endless=True).holds
    assert not Verified("f", "n", "pipeline", 0, finding=verify.Finding([], [])).holds
