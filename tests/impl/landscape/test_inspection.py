"""Inspection: the same records as the JSON lines have, as CSV files and as tables, and counted."""

import csv
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fateline_engine.landscape.export import RELATIONS, records
from fateline_engine.landscape.inspection import database, overview, write_csv, write_tables
from tests.impl.harness import Trial, diamond


@pytest.fixture
def trial() -> Trial:
    """Two runs in one landscape, so that a record of the other run would be noticed."""
    trial = Trial(diamond(), [{"v": 0}, None])
    trial.run()
    other = Trial(diamond(), [{"v": 0}] * 3, landscape=trial.landscape, run_id="other")
    other.run()
    return trial


def recorded(trial: Trial, relation: str) -> list[dict[str, Any]]:
    """What the JSON lines say; a run is written there as it began, and again as it ended."""
    found = [record for record in records(trial.landscape, "R") if record["rec"] == relation]
    return [{name: value for name, value in record.items() if name != "rec"} for record in found if "seq" in record
            or relation in ("nodes", "edges")]  # fmt: skip


def test_the_overview_counts_the_records_of_one_run(trial: Trial) -> None:
    counts = {relation.name: relation.records for relation in overview(trial.landscape, "R")}
    assert counts == {relation: len(recorded(trial, relation)) for relation in RELATIONS}
    assert counts["rows"] == 2


@pytest.mark.parametrize("relation", RELATIONS)
def test_csv_files_hold_the_records_of_the_json_lines(trial: Trial, tmp_path: Path, relation: str) -> None:
    write_csv(trial.landscape, "R", tmp_path / "out")
    with (tmp_path / "out" / f"{relation}.csv").open(newline="", encoding="utf-8") as stream:
        found = [{name: value for name, value in row.items() if value} for row in csv.DictReader(stream)]
    expected = [{name: str(int(value) if isinstance(value, bool) else value) for name, value in record.items()}
                for record in recorded(trial, relation)]  # fmt: skip
    expected = [{name: value for name, value in record.items() if value} for record in expected]
    assert found == expected


def test_tables_hold_the_records_with_whole_numbers_as_such(trial: Trial, tmp_path: Path) -> None:
    write_tables(trial.landscape, "R", tmp_path / "trail.db")
    conn = sqlite3.connect(tmp_path / "trail.db")
    conn.row_factory = sqlite3.Row
    for relation in RELATIONS:
        found = [dict(row) for row in conn.execute(f'SELECT * FROM "{relation}"')]
        assert [{name: value for name, value in row.items() if value is not None} for row in found] == recorded(
            trial, relation
        )
    conn.close()
    with pytest.raises(FileExistsError, match="choose a new file"):
        write_tables(trial.landscape, "R", tmp_path / "trail.db")


def test_the_landscape_can_be_asked_by_sqlite_utils(trial: Trial) -> None:
    tables = database(trial.landscape)
    assert "tokens" in tables.table_names()
    assert tables.table("rows").count == 5
    assert "STRICT" in tables.table("rows").schema
