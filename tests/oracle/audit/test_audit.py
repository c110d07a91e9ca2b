"""`fateline audit`: what it reads, what it never does, and that what it says does not depend on how it went about it."""

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_model import LAWS
from fateline_model.laws import ALL, Where
from fateline_oracle.audit.adapters import find_adapter, known_adapters, read_adapter
from fateline_oracle.audit.connect import BadSource
from fateline_oracle.audit.import_records import copy_records, graph_records
from fateline_oracle.audit.queries import OF_THE_GRAPH, OF_THE_ROWS, Query, judged_at_rest, queries, shared
from fateline_oracle.audit.row_range import ASKED, RangeWorker
from fateline_oracle.audit.source import reading
from fateline_oracle.audit.summary import WHY_NOT
from fateline_oracle.audit.whole import THINGS, Wanted, audit
from fateline_oracle.book.landscapes import CASES, judged, unpacked
from fateline_oracle.cli import main
from fateline_oracle.report.verdict import Verdict

from .corpus import Record, pipelines

ROOT = Path(__file__).parents[3]


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, words)])


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an example with forks, late arrivals, a loss and retries."""
    folder = tmp_path_factory.mktemp("quorum") / "quorum"
    shutil.copytree(ROOT / "examples" / "quorum", folder)
    assert CliRunner().invoke(main, ["run", str(folder / "pipeline.yaml")]).exit_code == 0
    return folder / "pipeline.db"


def damaged(landscape: Path, folder: Path, *statements: str) -> Path:
    """A copy without guards, on which something was done."""
    path = folder / "damaged.db"
    shutil.copy(landscape, path)
    conn = sqlite3.connect(path)
    for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        conn.execute(f'DROP TRIGGER "{name}"')
    for statement in statements:
        conn.execute(statement)
    conn.commit()
    conn.execute("PRAGMA journal_mode = DELETE")
    conn.close()
    return path


# ---------------------------------------------------------------------------------------------------- the queries


def test_every_law_is_either_asked_or_it_is_said_why_not() -> None:
    assert {law.id for law in ALL} - judged_at_rest() == set(WHY_NOT)
    for law in ALL:
        assert (Where.AUDIT in law.where) == (law.id in judged_at_rest()), law.id


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.name)
def test_a_query_says_what_a_row_means_and_what_it_asks(query: Query) -> None:
    assert query.law in LAWS
    assert query.meaning.startswith("A returned row is")
    assert query.asked in ({*ASKED, "records"} if query.unit == "row" else {*THINGS, "parents"})
    assert query.sql.upper().startswith(("SELECT", "WITH"))


def test_the_graph_as_queries_is_the_graph_of_the_law(tmp_path: Path) -> None:
    """Which branch is owed to which coalesce, worked out in SQL and by the model."""
    for number, instance in enumerate(pipelines("standard")):
        pipeline = instance.system.pipeline
        copy = tmp_path / f"{number}.db"
        records: list[Record] = [{"rec": "runs", "run": "r", "status": "running"}, *graph_records(pipeline, "r")]
        with reading(copy, copy_records(records, copy)) as source:
            source.conn.execute("ATTACH '' AS slice")
            slices = RangeWorker(source, None, 60.0, 10)
            slices.begin("r")
            rows = source.conn.execute("SELECT gate, branch, coalesce FROM slice.joined")
            joined = {(gate, branch): coalesce for gate, branch, coalesce in rows}
            stacks = dict(source.conn.execute("SELECT node, branches FROM slice.stacks").fetchall())
        assert joined == dict(pipeline.joined), instance.name
        for node, stack in pipeline.stacks.items():
            if str(pipeline.nodes[node].kind) not in ("sink", "coalesce", "source"):
                assert stacks[node] == "".join(f">{branch}" for _, branch in stack), (instance.name, node)


def test_shared_tables_say_what_they_hold_and_adapters_what_they_want() -> None:
    assert all(shared(name).meaning for name in (*OF_THE_GRAPH, *OF_THE_ROWS))
    assert all(adapter.wants for adapter in known_adapters())


def test_a_query_can_be_pasted_into_a_console(landscape: Path) -> None:
    conn = sqlite3.connect(landscape)
    for query in queries():
        if query.unit == "row":
            text = run("--sql", query.law).output
            script = text[: text.index("-- A returned row is")]
            conn.executescript(script.replace("CREATE TEMP VIEW", "CREATE TEMP VIEW IF NOT EXISTS"))
            if "part" not in query.sql and "outcome_rules" not in query.sql:
                assert conn.execute(query.sql).fetchall() == [], query.name
    conn.close()


# ---------------------------------------------------------------------------------------------------- real databases


@pytest.mark.parametrize("name", CASES)
def test_real_databases_break_the_laws_that_they_are_known_to_break(name: str) -> None:
    report = judged(name).report
    broken = {law for law, result in report.laws.items() if result.verdict is Verdict.BREACHED}
    assert broken == set(CASES[name].breaks)
    over = not report.counts["runs_not_over"]
    assert report.verdict is (Verdict.BREACHED if broken else Verdict.HOLDS if over else Verdict.UNDETERMINED)


def test_an_older_schema_with_axes_is_read_too(tmp_path: Path) -> None:
    """Between two of its versions the newest schema had no table of losses and no place of a row in its own source."""
    with unpacked("jd_head-co-require_all-union-loss") as path:
        older = tmp_path / "older.db"
        shutil.copy(path, older)
    conn = sqlite3.connect(older)
    conn.executescript(
        "DROP TABLE coalesce_branch_losses; DROP INDEX ix_rows_run_source_row;"
        "CREATE TABLE copy AS SELECT row_id, run_id, source_node_id, row_index, source_data_hash, created_at FROM rows;"
        "PRAGMA foreign_keys = OFF; DROP TABLE rows; ALTER TABLE copy RENAME TO rows;"
    )
    conn.close()
    found = run(older, "--json")
    assert find_adapter(older).name == "outcome-and-path-early"
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["laws"]["C13"]["why"].startswith("not recorded: ")


def test_a_choice_that_is_declared_is_counted_and_no_breach() -> None:
    with unpacked("feb03-agg_replicate") as path:
        found = run(path)
    assert found.exit_code == 0
    assert "declared: B5 Outputs are children of the first member, 36 times: The outputs of a batch" in found.output


@pytest.mark.parametrize(
    "name, says",
    [
        (
            "jd_head-mixed",
            "(status: failed); 2 rows were read; how many its source has is not recorded; 8 of its 15 tokens have no end",
        ),
        (
            "jd_072-collision",
            "(status: failed); 1 row was read; how many its source has is not recorded; all tokens that there are",
        ),
    ],
)
def test_a_run_that_is_not_over_is_said_and_never_simply_holds(name: str, says: str) -> None:
    with unpacked(name) as path:
        found = run(path)
    assert found.exit_code == 2
    assert says in found.output


def test_what_an_engine_does_otherwise_is_declared_counted_and_no_breach(landscape: Path, tmp_path: Path) -> None:
    path = damaged(landscape, tmp_path, "UPDATE fates SET reason = 'branch_lost' WHERE reason LIKE 'late%'")
    assert "C16" in json.loads(run(path, "--json").output)["laws"]
    text = (ROOT / "oracle/fateline_oracle/audit/sql/adapters/fateline.sql").read_text()
    views = tmp_path / "mine.sql"
    views.write_text("-- Profile: C16 Late tokens are called lost.\n" + text)
    told = json.loads(run(path, "--views", views, "--law", "C16", "--json").output)
    assert told["laws"]["C16"]["verdict"] == "not judged"
    assert told["counts"]["declared"] > 0 == told["counts"]["breaches"]
    assert {"what": "law C16", "cases": told["counts"]["declared"]}.items() <= next(
        one for one in told["skipped"] if one["what"] == "law C16"
    ).items()


# ---------------------------------------------------------------------------------------------------- how it goes about it


def test_in_place_copied_as_lines_and_in_several_processes_it_says_the_same(landscape: Path, tmp_path: Path) -> None:
    path = damaged(
        landscape, tmp_path, "DELETE FROM visits WHERE row = 1 AND verdict = 'written'",
        "UPDATE parents SET parent_row = 0 WHERE row = 2 AND child = 1", "UPDATE barriers SET arrived = 'thorough' WHERE row = 3",
    )  # fmt: skip
    adapter = find_adapter(path)
    alone = audit(Wanted(path, adapter))
    spread = audit(Wanted(path, adapter, jobs=2, rows=1))
    assert alone.breached
    assert dict(alone.breached) == dict(spread.breached)
    lines = tmp_path / "trail.jsonl"
    lines.write_text(CliRunner().invoke(main, ["export", str(path)]).output)
    copied = {
        law: one["breached"] for law, one in json.loads(run(lines, "--json").output)["laws"].items() if one["breached"]
    }
    assert copied == dict(alone.breached)
    views = tmp_path / "without-part.sql"
    with reading(path, adapter) as source:
        shown = {
            name: ", ".join(f'"{one}"' for one in columns if one != "part") for name, columns in source.columns.items()
        }
    views.write_text(
        "".join(f"CREATE VIEW trail_{n} AS SELECT {c} FROM ({adapter.views[n]});\n" for n, c in shown.items())
    )
    without = {
        law: one["breached"]
        for law, one in json.loads(run(path, "--views", views, "--json").output)["laws"].items()
        if one["breached"]
    }
    assert without == dict(alone.breached)


def test_parquet_on_duckdb_says_the_same(landscape: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="SKIPPED LOUDLY: DuckDB is not installed; pip install 'fateline[fleet]'")
    path = damaged(landscape, tmp_path, "DELETE FROM fates WHERE row = 1 AND outcome = 'completed'",
                   "UPDATE visits SET attempt = 7 WHERE row = 2 AND verdict = 'written'")  # fmt: skip
    assert run(path, "--export", tmp_path / "fleet").exit_code == 1
    mine, theirs = (json.loads(run(where, "--json").output)["laws"] for where in (path, tmp_path / "fleet"))
    assert {law: one["breached"] for law, one in mine.items()} == {law: one["breached"] for law, one in theirs.items()}
    assert any(one["breached"] for one in mine.values())


def test_only_what_was_not_at_its_end_is_judged_again(tmp_path: Path) -> None:
    folder = tmp_path / "sensors"
    shutil.copytree(ROOT / "examples" / "sensors", folder)
    source = folder / next(path.name for path in folder.iterdir() if path.suffix in (".csv", ".jsonl"))
    assert source.exists()
    assert CliRunner().invoke(main, ["run", str(folder / "pipeline.yaml")]).exit_code == 0
    path, memory = folder / "pipeline.db", tmp_path / "last.json"
    first = json.loads(run(path, "--since", memory, "--json").output)
    again = json.loads(run(path, "--since", memory, "--json").output)
    assert first["counts"]["rows"] == 10
    assert first["counts"]["rows_judged_before"] == 0
    assert again["counts"]["rows"] == 0
    assert again["counts"]["rows_judged_before"] == 10
    broken = damaged(path, tmp_path, "DELETE FROM rows WHERE row = 9")
    assert run(broken, "--since", memory).exit_code == 1, "the number of rows is asked of the whole run"


def test_a_row_that_was_broken_is_told_again(landscape: Path, tmp_path: Path) -> None:
    path = damaged(landscape, tmp_path, "UPDATE fates SET sink = NULL WHERE row = 1 AND sink IS NOT NULL")
    memory = tmp_path / "last.json"
    assert run(path, "--since", memory).exit_code == 1
    again = json.loads(run(path, "--since", memory, "--json").output)
    assert again["verdict"] == "breached"
    assert again["counts"]["rows"] == 1


def test_an_unfinished_row_is_judged_again_with_all_that_shared_its_batch(tmp_path: Path) -> None:
    """The first audit sees a batch of which one member has not gone on; the second must see the whole batch."""
    records: list[Record] = [
        {"rec": "runs", "run": "r", "status": "running"},
        *({"rec": "nodes", "run": "r", "node": n, "kind": k, "config": c} for n, k, c in (
            ("src", "source", "{}"), ("agg", "aggregation", '{"mode": "passthrough", "count": 2}'), ("out", "sink", "{}"))),
        {"rec": "edges", "run": "r", "src": "src", "label": "continue", "dst": "agg"},
        {"rec": "edges", "run": "r", "src": "agg", "label": "continue", "dst": "out"},
        {"rec": "batches", "run": "r", "batch": "agg#0", "node": "agg", "trigger": "count", "status": "completed"},
    ]  # fmt: skip
    for number in (0, 1):
        token, seq = f"{number}:0", 10 * number
        records += [
            {"rec": "rows", "run": "r", "row": str(number), "source": "src", "idx": number, "seq": seq},
            {"rec": "tokens", "run": "r", "row": str(number), "token": token, "seq": seq + 1},
            {"rec": "hops", "run": "r", "token": token, "src": "src", "label": "continue", "dst": "agg", "seq": seq + 2},
            {"rec": "visits", "run": "r", "visit": f"a{number}", "token": token, "node": "agg", "attempt": 0,
             "status": "completed", "opened": seq + 3, "closed": 30 + number, "seq": 30 + number},
            {"rec": "members", "run": "r", "batch": "agg#0", "token": token, "ordinal": number, "seq": seq + 4},
            {"rec": "outcomes", "run": "r", "token": token, "outcome": "buffered", "batch": "agg#0", "seq": seq + 5},
            {"rec": "hops", "run": "r", "token": token, "from_visit": f"a{number}", "src": "agg", "label": "continue", "dst": "out",
             "seq": 40 + number},
        ]  # fmt: skip
    records += [
        {"rec": "visits", "run": "r", "visit": "o0", "token": "0:0", "node": "out", "attempt": 0, "status": "completed",
         "verdict": "written", "opened": 50, "closed": 51, "seq": 51},
        {"rec": "outcomes", "run": "r", "token": "0:0", "outcome": "completed", "sink": "out", "seq": 52},
    ]  # fmt: skip
    copy = tmp_path / "copy.db"
    wanted = Wanted(copy, copy_records(records, copy))
    first = audit(wanted)
    assert dict(first.breached) == {}
    assert first.remembered.runs["r"].open, "row 1 is not at its end"
    second = audit(wanted, first.remembered)
    assert dict(second.breached) == {}
    assert second.judged.records["members"] == 2


def test_only_a_run_or_a_law(landscape: Path) -> None:
    told = json.loads(run(landscape, "--law", "L2", "--json").output)
    assert told["laws"]["F1"]["why"] == "this law was not selected"
    assert told["laws"]["L2"]["verdict"] == "holds"
    assert "there is no run nonsense" in run(landscape, "--run", "nonsense").output
    assert run(landscape, "--law", "Z1").exit_code == 3


def test_the_page_shows_what_was_found(landscape: Path, tmp_path: Path) -> None:
    path = damaged(landscape, tmp_path, "DELETE FROM visits WHERE row = 1 AND verdict = 'written'")
    page = tmp_path / "out" / "page.html"
    assert run(path, "--html", page).exit_code == 1
    text = page.read_text()
    assert "<script" not in text
    assert "its visit of" in text
    assert "<svg" in text


# ---------------------------------------------------------------------------------------------------- hostile databases


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()
    }


def test_nothing_is_written_to_a_database_or_beside_it(landscape: Path, tmp_path: Path) -> None:
    for mode in ("DELETE", "WAL"):
        folder = tmp_path / mode
        folder.mkdir()
        path = Path(shutil.copy(landscape, folder))
        conn = sqlite3.connect(path)
        conn.execute(f"PRAGMA journal_mode = {mode}")
        conn.close()
        before = fingerprint(folder)
        assert run(path).exit_code == 0
        assert fingerprint(folder) == before


def test_what_a_dead_writer_left_is_read_and_left_as_it_is(landscape: Path, tmp_path: Path) -> None:
    folder, dead = tmp_path / "live", tmp_path / "dead"
    folder.mkdir()
    dead.mkdir()
    path = damaged(landscape, folder)
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA wal_autocheckpoint = 0")
    conn.execute("DELETE FROM visits WHERE row = 1 AND verdict = 'written'")
    conn.commit()
    for name in (path.name, f"{path.name}-wal"):
        shutil.copy(folder / name, dead / name)
    conn.close()
    before = fingerprint(dead)
    assert run(dead / path.name).exit_code == 1, "what is in the log alone is seen"
    assert fingerprint(dead) == before


@pytest.mark.parametrize(
    "damage, code",
    [
        (lambda body: body[: len(body) // 2], 3),
        (lambda body: body[:5000] + b"\xff" * 4096 + body[9096:], 3),
        (lambda body: b"SQLite format 3\0", 3),
        (lambda body: b"", 3),
        (lambda body: b"PK\x03\x04 no database at all", 3),
    ],
    ids=["truncated", "overwritten", "only a head", "empty", "something else"],
)
def test_what_is_no_database_is_said_in_one_line(landscape: Path, tmp_path: Path, damage: object, code: int) -> None:
    path = tmp_path / "bad.db"
    path.write_bytes(damage(landscape.read_bytes()))  # type: ignore[operator]
    found = run(path)
    assert found.exit_code == code, found.output
    assert len(found.output.strip().splitlines()) == 1
    assert str(path) in found.output


def test_hostile_contents_are_a_breach_or_one_line(landscape: Path, tmp_path: Path) -> None:
    statements = {
        "sql in names": ["UPDATE nodes SET name = name || '''; DROP TABLE runs; --' WHERE kind = 'sink'"],
        "no utf-8": ["UPDATE tokens SET branch = CAST(x'fffe00' AS TEXT) WHERE branch IS NOT NULL"],
        "config is no json": ["UPDATE nodes SET config = 'not json' WHERE kind = 'coalesce'"],
        "config of another shape": ["UPDATE nodes SET config = '{\"branches\": {\"a\": [1]}, \"policy\": 7}' WHERE kind = 'coalesce'"],
        "its own parent": ["UPDATE parents SET parent = child WHERE child = 1"],
        "two that made each other": [
            "PRAGMA foreign_keys = OFF", "UPDATE parents SET parent = 2 WHERE child = 1", "UPDATE parents SET parent = 1 WHERE child = 2",
        ],
    }  # fmt: skip
    for number, (name, damage) in enumerate(statements.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = damaged(landscape, folder, *damage)
        before = fingerprint(folder)
        found = run(path, "--patience", "20")
        assert found.exit_code == 1, (name, found.output[-400:], found.exception)
        assert "Unaltered: no." in found.output, name
        assert ("Lawful: yes" in found.output) == name.startswith("sql") or name == "config is no json", name
        assert fingerprint(folder) == before


def test_huge_text_is_refused_in_one_line(landscape: Path, tmp_path: Path) -> None:
    path = damaged(
        landscape, tmp_path, f"UPDATE nodes SET config = '{{\"a\": \"' || hex(zeroblob({9 * 1024 * 1024})) || '\"}}'"
    )
    found = run(path)
    assert found.exit_code == 3
    assert "too big" in found.output
    assert len(found.output.strip().splitlines()) == 1


def test_a_view_named_like_a_table_is_none(landscape: Path, tmp_path: Path) -> None:
    path = damaged(landscape, tmp_path, "ALTER TABLE rows RENAME TO rows_", "CREATE VIEW rows AS SELECT * FROM rows_")
    found = run(path)
    assert found.exit_code == 3
    assert "no known adapter fits this database" in found.output
    assert "fateline (no rows.valid)" in found.output


def test_wrong_types_are_breaches(tmp_path: Path) -> None:
    with unpacked("feb03-co-first-select") as path:
        bad = tmp_path / "bad.db"
        shutil.copy(path, bad)
    conn = sqlite3.connect(bad)
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute("UPDATE token_outcomes SET token_id = x'00ff' WHERE rowid = 1")
    conn.execute("UPDATE node_states SET attempt = 'many', started_at = 7 WHERE rowid = 2")
    conn.commit()
    conn.close()
    told = json.loads(run(bad, "--json").output)
    assert told["laws"]["L6"]["breached"]
    assert told["laws"]["V5"]["breached"]


def test_a_question_that_takes_too_long_leaves_its_law_undetermined(landscape: Path) -> None:
    adapter = find_adapter(landscape)
    found = audit(Wanted(landscape, adapter, patience=0.0))
    assert not found.judged.gave_up or set(found.judged.gave_up.values()) == {"one question took longer than 0 s"}
    told = json.loads(run(landscape, "--json").output)
    assert told["verdict"] == "holds"


@pytest.mark.parametrize(
    "text, says",
    [
        ("SELECT 1;", "is not a view of a relation"),
        ("CREATE VIEW trail_nonsense AS SELECT 1;", "is not a view of a relation"),
        ("CREATE VIEW trail_runs AS SELECT 1 AS run;", "there is no view trail_tokens"),
        ("-- Profile: Q9 whatever\n", "does not begin with the id of a law"),
        ("-- Like: nothing\n", "there is no adapter 'nothing'"),
        ("DROP TABLE runs;", "is not a view of a relation"),
        ("x" * 300_000, "at most"),
    ],
)
def test_a_file_of_views_that_is_none_is_said_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadSource, match=says):
        read_adapter("mine.sql", text)


@pytest.mark.parametrize(
    "view, says",
    [
        ("SELECT id AS run, 'x' AS row, 'y' AS token, 1 AS colour FROM runs", "has an unknown column 'colour'"),
        ("SELECT id AS run FROM runs", "lacks the column 'row'"),
        ("SELECT load_extension('x') AS run, 1 AS row, 1 AS token", "not authorized"),
        ("SELECT nothere AS run, 1 AS row, 1 AS token FROM runs", "no such column"),
    ],
)
def test_views_that_do_not_fit_are_said_with_the_view(landscape: Path, tmp_path: Path, view: str, says: str) -> None:
    views = tmp_path / "mine.sql"
    views.write_text(
        f"CREATE VIEW trail_runs AS SELECT id AS run, status FROM runs;\nCREATE VIEW trail_tokens AS {view};\n"
    )
    found = run(landscape, "--views", views)
    assert found.exit_code == 3
    assert "trail_tokens" in found.output
    assert says in found.output


# ---------------------------------------------------------------------------------------------------- known findings


def test_known_findings_of_a_database_do_not_change_its_verdict(landscape: Path, tmp_path: Path) -> None:
    """A real database with two breaches: known, it passes; in a mended database, its ledger does not."""
    report, known = tmp_path / "report.json", tmp_path / "known.toml"
    with unpacked("jan28-select") as path:
        report.write_text(run(path, "--json").stdout, encoding="utf-8")
        made = CliRunner().invoke(main, ["ledger", str(report), "--reason", "an old run"])
        known.write_text(made.stdout, encoding="utf-8")
        again = run(path, "--ledger", known)
        assert (run(path).exit_code, again.exit_code) == (1, 0), again.output
        assert "known: C9" in again.stdout
    elsewhere = known.read_text(encoding="utf-8")
    known.write_text(
        "".join(line for line in elsewhere.splitlines(True) if "scope" not in line and "versions" not in line)
    )
    gone = run(landscape, "--ledger", known)
    assert (gone.exit_code, "no longer occurs; remove it" in gone.stdout) == (2, True), gone.output
    assert run(landscape, "--ledger", known, "--law", "F1").exit_code == 0
