"""Files that nobody meant well: each ends within the patience, with one clear line or with that one thing unknown."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_engine.landscape import GUARDS
from fateline_oracle.book.landscapes import unpacked
from fateline_oracle.cli import main
from tests.impl.landscape.test_guards import scene

TOKENS = "CREATE VIEW trail_tokens AS SELECT run, row, token FROM t;\n"
VIEWS = "CREATE VIEW trail_runs AS SELECT run, status FROM r;\n" + TOKENS
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "


def run(command: str, *words: object) -> Result:
    return CliRunner().invoke(main, [command, *map(str, words)])


def made(folder: Path, *statements: str, views: str = VIEWS) -> tuple[Path, Path]:
    """A database of its own schema with one token, and its views."""
    path, file = folder / "own.db", folder / "own.sql"
    conn = sqlite3.connect(path)
    conn.executescript("CREATE TABLE r (run, status); CREATE TABLE t (run, row, token);")
    for statement in statements or ("INSERT INTO r VALUES ('1', 'completed')", "INSERT INTO t VALUES ('1', 'a', 'b')"):
        conn.execute(statement)
    conn.commit()
    conn.close()
    file.write_text(views, encoding="utf-8")
    return path, file


def test_an_index_on_a_function_is_read(tmp_path: Path) -> None:
    path, views = made(tmp_path)
    conn = sqlite3.connect(path)
    conn.execute("CREATE INDEX i ON r (json_extract(status, '$.x')) WHERE json_valid(status)")
    conn.close()
    assert run("audit", path, "--views", views).exit_code == 0


def test_ids_may_be_numbers(tmp_path: Path) -> None:
    numbers = ("INSERT INTO r VALUES (1, 'completed')", "INSERT INTO t VALUES (1, 5, 7)")
    path, views = made(
        tmp_path,
        *numbers,
        views=VIEWS + "CREATE VIEW trail_outcomes AS SELECT '1' AS run, '7' AS token, 'failed' AS outcome FROM t;\n",
    )
    told = json.loads(run("audit", path, "--views", views, "--json").output)
    assert (told["verdict"], told["counts"]["tokens"], told["laws"]["F2"]["verdict"]) == ("holds", 1, "holds")


@pytest.mark.parametrize(
    "views",
    [
        VIEWS
        + f"CREATE VIEW trail_hops AS {ENDLESS}SELECT run, token, 'a' AS src, 'b' AS label, 'c' AS dst FROM t, n;\n",
        f"CREATE VIEW trail_runs AS {ENDLESS}SELECT DISTINCT '1' AS run FROM n;\n" + TOKENS,
    ],
    ids=["hops", "runs"],
)
def test_a_view_that_never_ends_is_said_in_one_line(tmp_path: Path, views: str) -> None:
    path, file = made(tmp_path, views=views)
    found = run("audit", path, "--views", file, "--patience", "0.3")
    assert found.exit_code == 3
    assert "--patience allows more" in found.output
    assert len(found.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "relation, columns, law",
    [
        ("hops", "token, 'a' AS src, 'b' AS label, 'c' AS dst, 1 AS part", "T1"),
        ("batches", "'b' || i AS batch, 'a' AS node, 'completed' AS status", "D2"),
        ("nodes", "'n' || i AS node, 'sink' AS kind", "R4"),
    ],
)
def test_a_view_that_never_ends_leaves_open_what_needs_it(
    tmp_path: Path, relation: str, columns: str, law: str
) -> None:
    """With `part` the database is read in place: the laws on other relations are judged all the same."""
    views = (
        "CREATE VIEW trail_runs AS SELECT run, status FROM r;\n"
        "CREATE VIEW trail_tokens AS SELECT run, row, token, 1 AS part FROM t;\n"
        f"CREATE VIEW trail_{relation} AS {ENDLESS}SELECT run, {columns} FROM t, n;\n"
    )
    path, file = made(tmp_path, views=views)
    told = json.loads(run("audit", path, "--views", file, "--patience", "0.3", "--json").output)
    assert told["verdict"] == "undetermined"
    assert told["laws"]["L1"]["verdict"] == "holds"
    assert f"trail_{relation} took longer" in told["laws"][law]["why"]


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "an empty file"), (b"\x1f\x8b\x08", "gzip"), (b"PGDMP\x01", "PostgreSQL"), (b"PK\x03\x04", "zip"),
        (bytes(64), "zeros"), (b"\xfd7zXZ\x00", "xz"),
    ],
)  # fmt: skip
def test_another_kind_of_file_is_called_by_its_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "given"
    path.write_bytes(content)
    found = run("audit", path)
    assert (found.exit_code, says in found.output) == (3, True), found.output


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    found = run("audit", tmp_path / "pipe")
    assert (found.exit_code, "not a file" in found.output) == (3, True)


def test_text_from_outside_cannot_steer_a_terminal(tmp_path: Path) -> None:
    lines = tmp_path / "trail.jsonl"
    records = [
        {"rec": "runs", "run": "r\ud800", "status": "completed"},
        {"rec": "rows", "run": "r\ud800", "row": "\u001b[31mx"},
        *({"rec": "tokens", "run": "r\ud800", "row": "\u001b[31mx", "token": "t\u202e\u0007"} for _ in range(2)),
    ]
    lines.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    found = run("audit", lines)
    assert found.exit_code == 1
    assert "is made 2 times" in found.output
    assert not set(found.output) & set("\u001b\u202e\u0007")
    assert "\\x1b[31mx" in found.output


@pytest.mark.parametrize("closed", [True, False], ids=["a cycle", "a chain"])
def test_lineage_of_any_length_ends(tmp_path: Path, closed: bool) -> None:
    count, lines = 3_000, tmp_path / "trail.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        file.write('{"rec": "runs", "run": "r", "status": "completed"}\n{"rec": "rows", "run": "r", "row": "0"}\n')
        for number in range(count):
            parent = f"t{(number - 1) % count}"
            root = number == 0 and not closed
            group = {} if root else {"group_kind": "expand", "group": parent}
            file.write(json.dumps({"rec": "tokens", "run": "r", "row": "0", "token": f"t{number}", **group}) + "\n")
            if not root:
                file.write(json.dumps({"rec": "parents", "run": "r", "child": f"t{number}", "parent": parent}) + "\n")
    found = run("audit", lines, "--patience", "0.5")
    assert found.exit_code in (0, 1, 2), found.output
    assert "L4" in found.output


def test_numbers_of_rows_may_be_far_apart(tmp_path: Path) -> None:
    """A range of rows is looked up where there are rows; no time goes into the gaps."""
    database, views = tmp_path / "far.db", tmp_path / "far.sql"
    with closing(sqlite3.connect(database)) as conn, conn:
        conn.execute("CREATE TABLE work (id INTEGER PRIMARY KEY, ended)")
        conn.executemany(
            "INSERT INTO work VALUES (?, ?)", [(number, "completed") for number in (-(2**63), 1, 2**40, 2**63 - 1)]
        )
    views.write_text(
        "CREATE VIEW trail_runs AS SELECT 'r' AS run, 'completed' AS status;"
        "CREATE VIEW trail_rows AS SELECT 'r' AS run, id AS row, id AS part FROM work;"
        "CREATE VIEW trail_tokens AS SELECT 'r' AS run, id AS row, id AS token, id AS part FROM work;"
        "CREATE VIEW trail_outcomes AS SELECT 'r' AS run, id AS token, ended AS outcome, id AS part FROM work;"
    )
    done = CliRunner().invoke(main, ["audit", str(database), "--views", str(views), "--json", "--jobs", "1"])
    assert done.exit_code in (0, 2), (done.output, done.exception)
    assert json.loads(done.output)["counts"]["tokens"] == 4


def test_a_file_of_views_is_checked(tmp_path: Path) -> None:
    views = (
        VIEWS
        + "CREATE VIEW trail_visits AS SELECT run, 'v' AS visit, token, 'n' AS node, 'done' AS status, 5 AS opened "
        "FROM t, (SELECT 1 UNION ALL SELECT 2);\n"
    )
    path, file = made(tmp_path, views=views)
    found = run("views", path, "--check", file)
    assert found.exit_code == 1
    assert "trail_visits.status has words that the law does not know: done. Known: completed, failed" in found.output
    assert "trail_visits.opened is no order: 1 of 2 values are equal to another one" in found.output
    (line,) = [one for one in found.output.splitlines() if one.startswith("visits.attempt ")]
    assert "V5" in line


def test_a_skeleton_can_be_read_as_it_is(tmp_path: Path) -> None:
    path, file = made(tmp_path)
    printed = run("views", path, "--scaffold")
    assert printed.exit_code == 0
    assert "--   r(run, status)" in printed.output
    file.write_text(printed.output, encoding="utf-8")
    assert "looks misread: trail_rows gives no row" in run("views", path, "--check", file).output


def test_a_record_without_a_run_prevents_a_verdict(tmp_path: Path) -> None:
    """A LEFT JOIN that finds no row gives no run either, so no range holds the record. Its absence proves nothing."""
    views = (
        VIEWS
        + "CREATE VIEW trail_outcomes AS SELECT t.run, e.token, 'completed' AS outcome FROM e LEFT JOIN t USING (token);"
    )
    known = ["CREATE TABLE e (token)", "INSERT INTO e VALUES ('b')", "INSERT INTO r VALUES ('1', 'completed')"]
    known.append("INSERT INTO t VALUES ('1', 'a', 'b')")
    path, file = made(tmp_path, *known, views=views)
    assert run("audit", path, "--views", file).exit_code == 0
    (tmp_path / "more").mkdir()
    path, file = made(tmp_path / "more", *known, "INSERT INTO e VALUES ('gone')", views=views)
    done = run("audit", path, "--views", file)
    assert done.exit_code == 2
    assert "1 records of outcomes belong to no run" in done.output


def test_a_record_of_a_run_that_does_not_exist_is_found_without_a_view_of_strays(tmp_path: Path) -> None:
    tokens = ["INSERT INTO t VALUES ('1', 'a', 'b')", "INSERT INTO t VALUES ('2', 'a', 'c')"]
    path, file = made(tmp_path, "INSERT INTO r VALUES ('1', 'completed')", *tokens)
    done = run("audit", path, "--views", file)
    assert done.exit_code == 1
    assert "a record of tokens belongs to a run that does not exist" in done.output


def test_a_version_of_a_schema_that_nobody_has_seen_is_reported(tmp_path: Path) -> None:
    with unpacked("jd_head-topology") as path, closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("PRAGMA user_version = 999")
        conn.commit()
        done = run("audit", path)
    assert "The schema has version 999, and it is read as outcome-and-path of 0 to 29" in done.output


def test_a_column_that_holds_no_json_costs_no_other_verdict(tmp_path: Path) -> None:
    """Origins of a merge, written with the guards off: there are none, and the chain says that the file was altered."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        conn.deserialize(scene())
        for guard in GUARDS:
            conn.execute(f"DROP TRIGGER {guard.name}")
        conn.execute("UPDATE merges SET origins = 'not json'")
        conn.execute("UPDATE fates SET promised = 'not json' WHERE outcome = 'forked'")
        path.write_bytes(conn.serialize())
    told = json.loads(run("audit", path, "--json").output)
    assert told["laws"]["K1"]["verdict"] == "breached"
    assert told["laws"]["L1"]["verdict"] == "holds"
