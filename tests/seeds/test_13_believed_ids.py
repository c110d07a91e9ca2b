"""Finding 13: writers believed the run and row ids they were given.

Here a token is looked up by run, row and number; what is not there, or is of another run, is refused.
"""

import pytest

from fateline_engine.errors import Refused
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Outcome, Refusal
from tests.impl.harness import Trial, diamond


@pytest.mark.parametrize(
    "change, refusal",
    [
        ({"run": 2}, Refusal.OTHER_RUN), ({"run": 9}, Refusal.UNKNOWN_RUN), ({"row": 9}, Refusal.UNKNOWN_TOKEN),
        ({"token": 9}, Refusal.UNKNOWN_TOKEN),
    ],
)  # fmt: skip
def test_no_writer_believes_an_id(change: dict[str, int], refusal: Refusal) -> None:
    trial = Trial(diamond(), each_step=True).started().read()
    Trial(diamond(), landscape=trial.landscape, run_id="other", each_step=True).started().read()
    info: TokenInfo = trial.engine.state.live[0, 0].info
    before = trial.landscape.snapshot()
    with pytest.raises(Refused) as caught:
        trial.engine.tokens.record(info._replace(**change), Outcome.FAILED, {"error": "x"})  # type: ignore[arg-type]
    assert caught.value.refusal is refusal
    assert trial.landscape.snapshot() == before
