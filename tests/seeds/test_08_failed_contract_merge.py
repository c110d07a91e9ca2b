"""Finding 8: a failed contract merge left visits open for ever.

Here it fails the barrier as one, and the run goes on and ends.
"""

from fateline_engine.plugins import Pass
from tests.impl.harness import Trial, diamond


def test_a_contract_conflict_closes_every_visit_and_the_run_goes_on() -> None:
    changes = {"ta": lambda token, attempt: Pass({"v": "text"} if token.data["v"] == 0 else token.data)}
    trial = Trial(diamond(), [{"v": 0}, {"v": 1}], changes, contract={"v": "int"})
    assert trial.run().finished
    assert {visit["status"] for visit in trial.trail("visits")} == {"completed", "failed"}
    assert [barrier.get("reason", "merged") for barrier in trial.trail("barriers")] == ["contract_conflict", "merged"]
    assert trial.fates()["1/join"] == "completed"
