"""Finding 11: both executor and caller recorded an outcome, or neither did.

Here a fate is written by the operation that gives it, and a second one is refused by the database.
"""

import pytest

from fateline_engine.errors import EngineBug
from tests.impl.harness import Trial, diamond, fails_for, pruned, sink, source, transform


def test_every_token_of_every_kind_of_end_has_exactly_one_fate() -> None:
    trial = Trial(diamond(policy="quorum", quorum_count=1), [{"v": 0}, {"v": 1}, None], {"ta": fails_for(1)})
    trial.run()
    tokens = sorted(token["token"] for token in trial.trail("tokens"))
    assert sorted(record["token"] for record in trial.trail("outcomes")) == tokens


@pytest.mark.parametrize("on_error", ["discard", "bad", None])
def test_a_token_whose_node_failed_has_one_fate(on_error: str | None) -> None:
    steps = transform("t", "out", **({"on_error": on_error} if on_error else {}))
    trial = Trial(pruned(source("t"), steps, sink("out"), sink("bad")), [{"v": 0}], {"t": fails_for(0)})
    trial.run()
    assert len(trial.trail("outcomes")) == 1


def test_a_second_recorder_is_refused() -> None:
    trial = Trial(diamond()).started().read()
    for _ in range(2):
        trial.engine.recorder.fate(0, 0, "failed", error=b"x")
    with pytest.raises(EngineBug, match="fateline guard fates_written_once"):
        trial.engine.recorder.commit()
