"""Finding 6: union silently overwrote fields, order taken from configuration, no record.

Here the declared order still decides, but every collision is recorded with both sides, and `fail` fails.
"""

import pytest

from fateline_engine.plugins import Pass
from tests.impl.harness import Answer, Trial, diamond

CLASH: dict[str, Answer] = {
    "ta": lambda token, attempt: Pass({"v": 1, "only_a": 1}),
    "tb": lambda token, attempt: Pass({"v": 2}),
}


@pytest.mark.parametrize("collisions, kept", [("last_wins", {"b"}), ("first_wins", {"a"})])
def test_both_sides_of_a_collision_are_in_the_trail(collisions: str, kept: set[str]) -> None:
    trial = Trial(diamond(collisions=collisions), answers=CLASH)
    trial.run()
    told = {(m["field"], m["branch"]): m["kept"] for m in trial.trail("merges")}
    assert {branch for field, branch in told if field == "v"} == {"a", "b"}
    assert {branch for (field, branch), is_kept in told.items() if field == "v" and is_kept} == kept
    assert told["only_a", "a"]


def test_fail_fails_the_barrier() -> None:
    trial = Trial(diamond(collisions="fail"), answers=CLASH)
    trial.run()
    assert trial.fates() == {
        "0": "forked", "0/a": "failed:union_collision", "0/b": "failed:union_collision",
    }  # fmt: skip
