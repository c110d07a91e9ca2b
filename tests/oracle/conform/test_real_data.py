"""The rows of a driven engine collide, nest and are changed in place, so bugs in its handling of data are found by driving."""

import msgspec
import pytest

from fateline_oracle.conform.campaign import Plan, drive_one
from fateline_oracle.conform.instance import Strategy
from fateline_oracle.mutants import MUTANTS
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.mutants.mutant import Patch
from fateline_oracle.mutants.sandbox import sandboxed
from fateline_oracle.ports.hello import hello_of

DIAMOND = "diamond branches=2 policy=require_all merge=union"
RETRIES = "retries attempts=3"
CHANGED = "a row that something else has changed"
BUGS = {
    "a union keeps the first value where the last must win": (
        Patch(
            "merging.py",
            "if not given or collisions is not Collisions.FIRST_WINS:",
            "if not given or collisions is Collisions.FIRST_WINS:",
        ),
        DIAMOND,
        "C9",
    ),
    "values that collide fail a merge in which the last wins": (
        Patch("merging.py", "collisions is Collisions.FAIL and digest", "collisions is not Collisions.FAIL and digest"),
        DIAMOND,
        "C9",
    ),
    "a list in a row is shared by the tokens of a fork": (
        Patch(
            "rows.py",
            "return _decode(_encode(value)) if self._nested and type(value) in (list, dict) else value",
            "return value",
        ),
        DIAMOND,
        CHANGED,
    ),
    "after a resume a list in a row is shared by the attempts of a visit": (
        Patch("rows.py", "nested = any(type(value) in (list, dict) for value in data.values())", "nested = False"),
        RETRIES,
        CHANGED,
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_in_the_handling_of_data_is_found_by_driving(bug: str) -> None:
    """By its law, or because a plugin is given what it did not write."""
    patch, place, law = BUGS[bug]
    mutant = msgspec.structs.replace(MUTANTS["late-without-a-fate"], name=bug, patches=(patch,))
    with sandboxed(mutant) as engine:
        judged = drive_one(engine, hello_of(engine), place_called(place), Plan(Strategy.REFUSALS, 0))
    named = [broken for found in judged.findings for broken, _ in found.shortest.laws]
    assert law in " ".join([*named, *judged.failures])
