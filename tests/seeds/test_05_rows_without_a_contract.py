"""Finding 5: rows without a contract must not become tokens.

Here that is asked before any write.
"""

import pytest

from fateline_engine.errors import Refused
from fateline_engine.rows import PipelineRow
from fateline_engine.words import Refusal
from tests.impl.harness import Trial, diamond


@pytest.mark.parametrize("row", [PipelineRow.of({"v": 1}), None], ids=["a row", "no data"])
def test_a_row_without_a_contract_is_refused_without_a_record(row: PipelineRow | None) -> None:
    trial = Trial(diamond(), each_step=True).started()
    before = trial.snapshot()
    with pytest.raises(Refused) as caught:
        trial.engine.tokens.initial(0, row)
    assert caught.value.refusal is Refusal.NO_CONTRACT
    assert trial.snapshot() == before
