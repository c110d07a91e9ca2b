"""Scenarios as data: Hypothesis chooses numbers, the law makes stimuli of them, the interpreter steps both.

The rule-based machine of `tests/test_the_promise.py` and this one share the interpreter; here a scenario is a list that can
be shrunk as a whole. That it finds anything is shown on an engine with a seeded bug.
"""

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from fateline_model.checker.shapes import batch, diamond, expand_then_fork, nested
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.stimuli import Do, Stimulus
from fateline_model.wellformed import load
from fateline_oracle.compare.difference import Difference
from fateline_oracle.conform.lockstep import Lockstep
from fateline_oracle.mutants import mutant_engine
from fateline_oracle.ports.port import Engine
from fateline_oracle.reference.engine import ReferenceEngine

DOCUMENTS = [diamond(2, "first"), diamond(3, "best_effort", "union:fail"), nested("quorum:1", "require_all"),
             expand_then_fork("first"), batch("transform", 2)]  # fmt: skip
SCENARIOS = st.lists(st.integers(0, 40), min_size=3, max_size=45)
QUICK = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def stepped(engine: Engine, document: dict[str, object], choices: list[int]) -> Difference | None:
    """The scenario: each number takes one of the stimuli that are lawful then; refused ones are tried in between."""
    pipeline = load(document)
    system = PipelineSystem(pipeline, rows=2, crashes=1, options=InstanceOptions(invalid_rows=True))
    port = engine.pipeline()
    assert port is not None
    lockstep, state = Lockstep(pipeline, document, port, engine.hello()), system.first()
    lockstep.start()
    try:
        for number in choices:
            read = len(state.world[0].rows)
            offers = [
                (attempt.stimulus, attempt.after)
                for attempt in system.attempts(state)
                if isinstance(attempt.stimulus, Stimulus)
                and (attempt.stimulus.do is not Do.READ or attempt.stimulus.row == read)
            ]
            if not offers:
                break
            stimulus, after = offers[number % len(offers)]
            skipped = lockstep.tally.skipped.total()
            found = lockstep.do(stimulus)
            if found is not None:
                return found
            if after is not None and lockstep.tally.skipped.total() == skipped:
                state = after
    finally:
        port.close()
    return None


@QUICK
@given(document=st.sampled_from(DOCUMENTS), choices=SCENARIOS)
def test_no_scenario_parts_the_engine_from_the_law(document: dict[str, object], choices: list[int]) -> None:
    found = stepped(ReferenceEngine(), document, choices)
    assert found is None, f"\n{found}"


@pytest.mark.slow
def test_a_seeded_bug_is_found_and_shrunk() -> None:
    with mutant_engine("a-filter-fails") as engine:
        document = diamond(2, "first")

        def parts(choices: list[int]) -> bool:
            found = stepped(engine, document, choices)
            return found is not None and found.law is not None

        try:
            smallest = find(SCENARIOS, parts, settings=settings(QUICK, max_examples=2_000))
        except NoSuchExample:
            pytest.fail("the bug was not found")
        found = stepped(engine, document, smallest)
    assert found is not None
    assert len(found.stimuli) <= 12
