"""Every command that reads a trail reads every kind of trail."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_oracle.book.landscapes import CASES, unpacked
from fateline_oracle.cli import main

NAMES = sorted(CASES)
MINE = """
CREATE VIEW trail_runs AS SELECT 'r' AS run;
CREATE VIEW trail_tokens AS SELECT 'r' AS run, item AS row, id AS token FROM work;
CREATE VIEW trail_outcomes AS SELECT 'r' AS run, id AS token, 'completed' AS outcome FROM work;
"""


def asked(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.mark.parametrize("name", NAMES)
def test_each_command_reads_the_databases_of_other_engines(name: str, tmp_path: Path) -> None:
    with unpacked(name) as path:
        database, lines = str(path), str(tmp_path / "trail.jsonl")
        stepped = asked("conform", "--trail", database, "--json")
        assert stepped.exit_code in (0, 2), stepped.output
        report = json.loads(stepped.output)
        assert report["counts"]["consumed"] == report["counts"]["records"] > 0
        assert asked("diff", database, database).exit_code in (0, 3)
        assert asked("export", database, "--output", lines).exit_code == 0
        records = map(json.loads, Path(lines).read_text().splitlines())
        first = next((record for record in records if record["rec"] == "tokens"), None)
        if first is None:
            return  # the last run of this database has no token
        shown = asked("explain", database, first["token"])
        assert shown.exit_code == 0
        assert first["token"] in shown.output
        again = json.loads(asked("conform", "--trail", lines, "--json").output)
        assert again["counts"]["tokens"] > 0
        assert not again["findings"] or report["findings"]


def test_views_parquet_and_json_lines_are_read_by_each_command(tmp_path: Path) -> None:
    with unpacked("jd_head-topology") as path:
        pytest.importorskip("duckdb")
        folder, lines = tmp_path / "parquet", tmp_path / "trail.jsonl"
        assert asked("audit", str(path), "--export", str(folder)).exit_code == 0
        assert asked("export", str(path), "--output", str(lines)).exit_code == 0
        accepted = [
            json.loads(asked("conform", "--trail", str(source), "--json").output)["counts"]["accepted_rows"]
            for source in (path, folder)
        ]
        assert accepted == [20, 20]
        assert asked("diff", str(path), str(folder)).exit_code == 0
        assert asked("diff", str(path), str(lines)).exit_code == 0
        assert asked("explain", str(folder), "3").output == asked("explain", str(path), "3").output
        assert asked("export", str(folder), "--overview").output == asked("export", str(path), "--overview").output


def test_a_schema_of_ones_own_is_read_by_each_command(tmp_path: Path) -> None:
    import sqlite3

    database, views = tmp_path / "mine.db", tmp_path / "mine.sql"
    with sqlite3.connect(database) as conn:
        conn.execute("CREATE TABLE work (id, item)")
        conn.executemany("INSERT INTO work VALUES (?, ?)", [(1, 10), (2, 20)])
    conn.close()
    views.write_text(MINE)
    options = ("--views", str(views))
    stepped = asked("conform", "--trail", str(database), *options)
    assert stepped.exit_code == 2
    assert "records no nodes or no edges" in stepped.output
    assert "1  completed" in asked("explain", str(database), "10", *options).output
    assert asked("export", str(database), *options).output.count('"rec":"tokens"') == 2
    assert asked("export", str(database), *options, "--csv", str(tmp_path / "csv")).exit_code == 0
    assert (tmp_path / "csv" / "tokens.csv").read_text() == "run,row,token\nr,10,1\nr,20,2\n"
    assert asked("export", str(database), *options, "--tables", str(tmp_path / "t.db")).exit_code == 0


@pytest.mark.parametrize("command", ["conform --trail", "explain", "export", "diff"])
def test_what_is_no_trail_is_said_in_one_line(tmp_path: Path, command: str) -> None:
    path = tmp_path / "nothing.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(84))
    words = {"explain": [str(path), "3"], "diff": [str(path), str(path)]}.get(command, [str(path)])
    done = asked(*command.split(), *words)
    assert done.exit_code == 3
    assert len(done.output.strip().splitlines()) == 1
