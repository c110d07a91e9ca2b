"""Finding 4: a token could be created for a row that does not exist.

Here the operation looks the row up, and the database refuses the token.
"""

import sqlite3

import pytest

from fateline_engine.errors import Refused
from fateline_engine.words import Refusal
from tests.impl.harness import Trial, diamond


def test_no_token_for_a_row_that_is_not() -> None:
    trial = Trial(diamond()).started().read()
    with pytest.raises(Refused) as caught:
        trial.engine.tokens.existing(5)
    assert caught.value.refusal is Refusal.UNKNOWN_ROW


def test_the_database_refuses_it_too() -> None:
    trial = Trial(diamond()).started().read()
    trial.engine.recorder.commit()
    conn = trial.landscape.conn
    conn.execute("PRAGMA foreign_keys = OFF")
    with pytest.raises(sqlite3.IntegrityError, match="fateline guard tokens_of_a_row"):
        conn.execute(
            "INSERT OR REPLACE INTO tokens SELECT run, 5, token, branch, group_kind, parent, batch_node, batch, fork,"
            " frame, edge, contract, digest, data, seq + 1000, tx + 1000, at FROM tokens"
        )
