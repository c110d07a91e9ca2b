"""Finding 9: the same failure recording was written five times over, and it drifted.

Here one method fails what is held, for coalesce and aggregation and for every reason: take it away and none
of them can fail a held token.
"""

from typing import Any

import pytest

from fateline_engine.barrier import Barrier
from fateline_engine.plugins import Failure
from fateline_engine.script import Kind, Verdict
from fateline_engine.settings import Pipeline
from tests.impl.harness import Trial, diamond, pipeline, sink, source


def lost(token: Any, attempt: int) -> Verdict:
    return Failure("no")


BATCH = pipeline(source("agg"), {"name": "agg", "kind": "aggregation", "to": "out", "count": 1}, sink())
WAYS: dict[str, tuple[Pipeline, str, str]] = {
    "loss": (diamond(), "tb", "branch_lost"), "deadline": (diamond(timeout_seconds=1), "", "incomplete_branches"),
    "batch": (BATCH, "agg", "batch_failed"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_whatever_fails_a_held_token_goes_the_one_way(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real = Barrier.fail

    def counted(self: Barrier, *given: Any, **more: Any) -> None:
        calls.append(self.node.name)
        real(self, *given, **more)

    monkeypatch.setattr(Barrier, "fail", counted)
    what, guilty, reason = WAYS[way]
    trial = Trial(what, answers={guilty: lost}).started().read()
    trial.move("0")
    if way != "batch":
        trial.move("0/a").move("0/a")
    for work in trial.runnable(Kind.DEADLINE):
        trial.engine.do(work)
    trial.finish()
    fates = {
        record["token"]: record.get("reason") for record in trial.trail("outcomes") if record["outcome"] == "failed"
    }
    failed = {token for token, given in fates.items() if given == reason}
    assert len(calls) == 1
    assert failed & {visit["token"] for visit in trial.trail("visits") if visit["status"] == "failed"}
