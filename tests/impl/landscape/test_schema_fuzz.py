"""Nothing that the schema promises to refuse is committed, whatever is tried; and without the guards it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fateline_engine.landscape import GUARDS

from .schema_fuzz import PROMISED, TRANSACTIONS, Tally, fuzz
from .test_guards import scene

LONG = 1_200
"""Episodes of the long run: more than 100,000 statements."""


def unguarded() -> bytes:
    with closing(sqlite3.connect(":memory:")) as conn:
        conn.deserialize(scene())
        for guard in GUARDS:
            conn.execute(f"DROP TRIGGER {guard.name}")
        return conn.serialize()


def assert_nothing_gets_through(folder: Path, seeds: range) -> Tally:
    tally = Tally()
    for seed, found in fuzz(scene(), folder, seeds, tally):
        raise AssertionError(f"seed {seed}: {found.laws}\n{found.said}\ncommitted: {found.committed}")
    return tally


def test_forged_transactions_break_no_promised_law(tmp_path: Path) -> None:
    tally = assert_nothing_gets_through(tmp_path, range(16))
    assert tally.committed > 5 * 16, "the state moves on"
    assert {"fork", "expand", "merge", "batch", "read", "visit", "fail"} <= set(tally.kinds)


@pytest.mark.slow
def test_a_hundred_thousand_forged_statements_break_no_promised_law(tmp_path: Path) -> None:
    tally = assert_nothing_gets_through(tmp_path, range(100, 100 + LONG))
    assert tally.statements > 100_000
    assert tally.refused > LONG
    assert tally.committed > LONG


def test_without_the_guards_the_same_transactions_break_most_of_them(tmp_path: Path) -> None:
    """An episode that nothing refuses may become unreadable; then its laws are not counted."""
    tally = Tally()
    broken = {law for _, found in fuzz(unguarded(), tmp_path, range(8), tally) for law in found.laws}
    assert tally.statements < 8 * TRANSACTIONS * 100
    assert len(broken & PROMISED) >= 8, broken
