"""Finding 2: children were written before the contract lock was checked.

Here an expansion under an unlocked contract is refused before anything is written.
"""

import pytest

from fateline_engine.contracts import SchemaContract
from fateline_engine.errors import Refused
from fateline_engine.rows import PipelineRow
from fateline_engine.words import Refusal
from tests.impl.harness import Trial, pipeline, sink, source, transform


def test_an_unlocked_contract_leaves_no_children() -> None:
    what = pipeline(source("t"), transform("t", "out", expands=True), sink())
    trial = Trial(what, each_step=True).started().read()
    before = trial.snapshot()
    live = trial.engine.state.live[0, 0]
    rows = [PipelineRow.of({"v": 1}), PipelineRow.of({"v": 2})]
    unlocked = SchemaContract.observing()
    with pytest.raises(Refused) as caught:
        trial.engine.tokens.expand(live.info, rows, unlocked, trial.engine.compiled["t"].edges["continue"])
    assert caught.value.refusal is Refusal.CONTRACT_NOT_LOCKED
    assert trial.snapshot() == before
