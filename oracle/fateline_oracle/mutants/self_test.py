"""The self-test before each verdict: a judge that overlooks a seeded bug concludes nothing.

Not here: what a failed self-test does to the verdict (`conform/verdict.py`).
"""

from collections.abc import Callable
from typing import Final

from ..conform.instance import Strategy
from ..conform.result import SelfTest
from . import MUTANTS
from .kill import hunt

SELF_TEST: Final = ("late-without-a-fate", "quorum-off-by-one", "merges-rows-unguarded", "siblings-share-data")
"""Few, quick, and of different kinds: of a pipeline, of a barrier, of a hostile caller, and of data."""


def self_test(progress: Callable[[str], None] | None = None) -> tuple[SelfTest, ...]:
    """Whether the judge notices what it must."""
    done = []
    for name in SELF_TEST:
        if progress is not None:
            progress(f"self-test: {name}")
        hunted = hunt(MUTANTS[name], Strategy.REFUSALS)
        done.append(SelfTest(name, hunted.bug.says, hunted.bug.law, hunted.first, hunted.steps))
    return tuple(done)
