"""Finding 1: merging parents of different rows, or no parents, went unchecked.

Here a merge asks for its parents' run, row and fork before it writes, and the database refuses a link across
rows.
"""

import sqlite3

import pytest

from fateline_engine.errors import Refused
from fateline_engine.rows import PipelineRow
from fateline_engine.words import Refusal
from tests.impl.harness import Trial, diamond


def forked() -> Trial:
    trial = Trial(diamond(), [{"v": 0}, {"v": 1}]).started().read().move("0").read()
    return trial.move("1")


@pytest.mark.parametrize("rows, refusal", [((0, 1), Refusal.OTHER_ROW), ((), Refusal.NO_PARENTS)])
def test_a_merge_over_rows_or_of_nothing_is_refused(rows: tuple[int, ...], refusal: Refusal) -> None:
    trial = forked()
    parents = [trial.engine.state.live[row, 1 + row].info for row in rows]
    before = trial.engine.recorder.seq
    way = trial.engine.compiled["join"].edges["continue"]
    with pytest.raises(Refused) as caught:
        trial.engine.tokens.coalesce(parents, PipelineRow.of({}), way)
    assert caught.value.refusal is refusal
    assert trial.engine.recorder.seq == before


def test_the_database_refuses_a_parent_of_another_row() -> None:
    trial = forked()
    trial.engine.recorder.commit()
    trial.landscape.conn.execute("PRAGMA foreign_keys = OFF")
    with pytest.raises(sqlite3.IntegrityError, match="parents_of_one_row"):
        trial.landscape.conn.execute("INSERT OR REPLACE INTO parents VALUES (1, 1, 2, 1, 0, 0, 1000, 1000, 1)")
