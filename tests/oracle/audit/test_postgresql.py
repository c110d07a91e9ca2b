"""`fateline audit postgresql://...`: the same verdict as on the same records in SQLite, and nothing is written or run there."""

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from fateline_oracle.adapters import ENGINES, unpacked
from fateline_oracle.adapters.profiles import cases_of, packed
from fateline_oracle.audit.adapters import read_adapter
from fateline_oracle.audit.connect import BadSource, is_database
from fateline_oracle.audit.copied_tables import Tables, copy_tables, read_by
from fateline_oracle.audit.import_records import copy_records
from fateline_oracle.audit.postgresql import FUNCTIONS, Place, checked, one_moment, read_from, stored
from fateline_oracle.audit.whole import AuditResult, Wanted, audit
from fateline_oracle.cli import main

from .corpus import records_of
from .damage import WAYS
from .postgresql_server import copy, programs, server

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(programs() is None, reason="no server of PostgreSQL is installed (Debian: postgresql)")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, words)])


def said(database: object) -> dict[str, Any]:
    """The report without what names the place."""
    done = run(database, "--json")
    assert done.exit_code in (0, 1, 2), done.output
    report = json.loads(done.stdout)
    return {key: value for key, value in report.items() if key not in ("scope", "reproduce", "seconds", "details")}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server() as found:
        yield found


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an example with forks, late arrivals, a loss and retries, without its guards."""
    folder = tmp_path_factory.mktemp("example") / "quorum"
    shutil.copytree(ROOT / "examples" / "quorum", folder)
    assert CliRunner().invoke(main, ["run", str(folder / "pipeline.yaml")]).exit_code == 0
    path: Path = folder / "pipeline.db"
    with closing(sqlite3.connect(path)) as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            conn.execute(f'DROP TRIGGER "{name}"')
        conn.execute("PRAGMA journal_mode = DELETE")
    return path


@pytest.fixture(scope="module")
def copied(landscape: Path, address: str) -> str:
    return copy(landscape, address, "copied")


# ---------------------------------------------------------------------------------------------------- the same verdict


@pytest.mark.parametrize("example", ["claims", "invoices", "quorum", "returns", "sensors"])
def test_a_copied_landscape_has_the_verdict_of_the_original(example: str, tmp_path: Path, address: str) -> None:
    shutil.copytree(ROOT / "examples" / example, tmp_path / example)
    assert CliRunner().invoke(main, ["run", str(tmp_path / example / "pipeline.yaml")]).exit_code == 0
    database = tmp_path / example / "pipeline.db"
    assert said(copy(database, address, example)) == said(database)


def test_breaches_are_the_same(landscape: Path, tmp_path: Path, address: str) -> None:
    path = tmp_path / "damaged.db"
    shutil.copy(landscape, path)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("UPDATE fates SET tx = 1 WHERE outcome = 'forked'")
        conn.execute("DELETE FROM visits WHERE verdict = 'written' AND row = 2")
        conn.execute("UPDATE tokens SET run = 99 WHERE row = 3 AND token = 1")
        conn.commit()
    here = said(path)
    assert here["verdict"] == "breached"
    assert said(copy(path, address, "damaged")) == here


def judged(place: Path | Place, wanted: Wanted) -> AuditResult:
    return audit(replace(wanted, path=place))


@pytest.mark.parametrize("seed", range(12))
def test_any_damage_is_found_alike(seed: int, landscape: Path, tmp_path: Path, address: str) -> None:
    """Three damages, ranges of two rows, one process or two; the records lie in tables that are read through views."""
    draw = random.Random(seed)
    trail = records_of(landscape)
    for _ in range(3):
        trail = draw.choice(WAYS)(trail, draw)
    path = tmp_path / "trail.db"
    adapter = copy_records(trail, path, whole=True)
    wanted = Wanted(path, adapter, rows=2, jobs=draw.choice([1, 2]))
    here = audit(wanted)
    views = {relation: query.replace("main.", "") for relation, query in adapter.views.items()}
    there = judged(Place(copy(path, address, f"any{seed}")), replace(wanted, adapter=replace(adapter, views=views)))
    assert (there.checked, there.breached) == (here.checked, here.breached)
    assert set(there.judged.breaches) == set(here.judged.breaches)
    assert there.judged.records == here.judged.records


def test_the_views_of_the_database_are_read(landscape: Path, tmp_path: Path, address: str) -> None:
    """Runs are numbers there, and no view has the column `part`."""
    trail = [{**record, "run": 7} for record in records_of(landscape) if record["rec"] != "merges"]
    path = tmp_path / "trail.db"
    copy_records(trail, path)
    place = copy(path, address, "views")
    with psycopg.connect(place) as conn:
        for relation in sorted({str(record["rec"]) for record in trail}):
            found = conn.execute(f"SELECT * FROM copied_{relation} LIMIT 0").description or ()
            names = ", ".join(f'"{column.name}"' for column in found if column.name not in ("run", "part"))
            conn.execute(
                f"CREATE VIEW trail_{relation} AS SELECT CAST(run AS int) AS run, {names} FROM copied_{relation}"
            )
    report = said(place)
    assert report["verdict"] == "holds", report
    assert report["counts"]["tokens"] == sum(record["rec"] == "tokens" for record in trail)


def test_all_is_read_as_it_was_at_one_moment(landscape: Path, address: str) -> None:
    place = copy(landscape, address, "moment")
    views = read_adapter(
        "views",
        """CREATE VIEW trail_runs AS SELECT CAST(run AS text) AS run FROM runs;
        CREATE VIEW trail_tokens AS SELECT CAST(run AS text) AS run, CAST(token AS text) AS token,
            CAST("row" AS text) AS "row", seq, "row" AS part FROM tokens;""",
    )
    with one_moment(Place(place), 60.0) as then:
        with psycopg.connect(place) as writer:
            writer.execute("DELETE FROM tokens")
        assert audit(Wanted(then, views)).judged.records["tokens"] > 0
    assert audit(Wanted(Place(place), views)).judged.records["tokens"] == 0


@pytest.mark.parametrize(
    "case", [(one, name) for one in ENGINES for name in ("joined", "seeded") if name in cases_of(one)], ids="/".join
)
def test_the_tables_of_a_known_engine_are_read_from_there(case: tuple[str, str], address: str) -> None:
    with unpacked(packed(*case)) as path:
        if not is_database(path):
            return
        assert said(copy(path, address, "-".join(case))) == said(path)


def test_the_schema_of_an_engine_is_named(address: str) -> None:
    with unpacked(packed("dbos", "joined")) as path:
        place = copy(path, address, "schema", schema="dbos")
        assert said(f"{place}?options=-csearch_path%3Ddbos") == said(path)
    assert "Other schemas have tables: dbos; name one with ?options=-csearch_path%3Ddbos" in run(place).output


def test_times_are_read_as_an_engine_writes_them_to_sqlite(address: str, tmp_path: Path) -> None:
    tables: Tables = {"t": {"a": "timestamp with time zone", "b": "jsonb", "c": "boolean", "d": "uuid", "e": "numeric"}}
    with psycopg.connect(f"{address}postgres") as conn:
        conn.execute("CREATE TABLE t (a timestamptz, b jsonb, c boolean, d uuid, e numeric)")
        conn.execute(
            "INSERT INTO t VALUES ('2026-01-02 03:04:05.5+02', '{\"x\": 1}', true, "
            "'00000000-0000-0000-0000-000000000001', 7), (NULL, NULL, false, NULL, 'NaN')"
        )
    copy_tables(Place(f"{address}postgres"), tables, tmp_path / "copy.db", 60.0)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as conn:
        assert conn.execute("SELECT * FROM t").fetchall() == [
            ("2026-01-02 01:04:05.5", '{"x": 1}', 1, "00000000-0000-0000-0000-000000000001", 7),
            (None, None, 0, None, "NaN"),
        ]


def test_only_what_the_views_read_is_copied() -> None:
    tables = {
        "runs": {"id": "text", "secret": "text"},
        "tokens": {"id": "text", "run": "text"},
        "other": {"id": "text"},
    }
    adapter = read_adapter(
        "v",
        "CREATE VIEW trail_runs AS SELECT id AS run FROM runs;"
        "CREATE VIEW trail_tokens AS SELECT run, id AS token FROM tokens;",
    )
    assert read_by(adapter, tables) == {"runs": {"id": "text"}, "tokens": {"id": "text", "run": "text"}}


def test_a_trail_can_be_exported_from_there(landscape: Path, copied: str, tmp_path: Path) -> None:
    for database, folder in ((copied, "there"), (landscape, "here")):
        assert "The trail as Parquet" in run(database, "--export", tmp_path / folder).output
    assert said(tmp_path / "there") == said(tmp_path / "here")


def test_only_new_rows_are_judged_again(copied: str, tmp_path: Path) -> None:
    memory = tmp_path / "last.json"
    for before in (0, 5):
        done = run(copied, "--since", memory, "--json")
        assert json.loads(done.stdout[: done.stdout.rindex("}") + 1])["counts"]["rows_judged_before"] == before


# ---------------------------------------------------------------------------------------------------- what is refused

HARMFUL = [
    "pg_sleep(9)", "PG_SLEEP (9)", '"pg_sleep"(9)', "pg_catalog.pg_sleep(9)", "pg_sleep/**/(9)", "pg_sleep--'\n(9)",
    "setval('s', 1)", "lo_import('/etc/passwd')", "set_config('a', 'b', false)", "pg_read_file('/etc/passwd')",
    "query_to_xml('DELETE', true, true, '')", 'U&"\\0070g_sleep"(9)', "1; DELETE FROM tokens", "public.lower('a')",
    'public . "lower"(1)', "$$a$$", "(SELECT pg_terminate_backend(1))", """'x' || "'" || pg_sleep(9) || "'" """,
]  # fmt: skip


@pytest.mark.parametrize("harmful", HARMFUL)
def test_a_view_calls_nothing_that_could_do_harm(harmful: str) -> None:
    runs = "CREATE VIEW trail_runs AS SELECT run FROM runs;\n"
    checked(read_adapter("views", f"{runs}CREATE VIEW trail_tokens AS SELECT run, lower('x') AS token FROM t;"))
    with pytest.raises(BadSource):
        checked(read_adapter("views", f"{runs}CREATE VIEW trail_tokens AS SELECT run, {harmful} AS token FROM t;"))


def test_the_functions_that_a_view_may_call_change_nothing(address: str) -> None:
    with psycopg.connect(f"{address}postgres") as conn:
        kinds = "SELECT proname, provolatile FROM pg_proc WHERE proname = ANY(%s)"
        found = conn.execute(kinds, (sorted(FUNCTIONS),)).fetchall()
    assert len({name for name, _ in found}) > 50
    assert [name for name, kind in found if kind == "v"] == []


def test_a_head_is_refused(copied: str) -> None:
    done = run(copied, "--head", "0" * 64)
    assert (done.exit_code, "a copy on a server has none" in done.output) == (3, True)


def test_nothing_can_be_written(copied: str) -> None:
    adapter = read_adapter(
        "v", "CREATE VIEW trail_runs AS SELECT id AS run FROM runs; CREATE VIEW trail_tokens AS SELECT 1;"
    )
    adapter = replace(adapter, views={"runs": adapter.views["runs"]})
    with pytest.raises(BadSource, match="read-only transaction"), read_from(Place(copied), adapter) as source:
        source.server.execute("DELETE FROM tokens")  # type: ignore[attr-defined]


def test_a_slow_view_is_given_up(copied: str) -> None:
    with psycopg.connect(copied) as conn:
        conn.execute("CREATE SCHEMA slow")
        conn.execute("CREATE VIEW slow.trail_runs AS SELECT id AS run FROM public.runs")
        conn.execute(
            "CREATE VIEW slow.trail_tokens AS "
            "SELECT 'r' AS run, 't' AS token, 'w' AS \"row\", 1 AS seq, pg_sleep(20)::text AS branch"
        )
    done = run(f"{copied}?options=-csearch_path%3Dslow", "--patience", "0.5")
    assert done.exit_code == 3
    assert "took longer than 0.5 s; --patience allows more" in done.output


def test_what_is_wrong_is_said_without_the_password(address: str) -> None:
    with psycopg.connect(f"{address}postgres", autocommit=True) as conn:
        conn.execute("CREATE DATABASE other")
        with psycopg.connect(f"{address}other") as other:
            other.execute("CREATE TABLE strange (a int)")
    secret = address.replace("postgres@", "postgres:hidden%21@")
    for place, expected in (
        (f"{secret}absent", 'database "absent" does not exist'),
        (f"{secret}other", "Its tables: strange(a)"),
        (f"{address}other?password=hidden!&sslpassword=hidden", "Its tables: strange(a)"),
        (f"{address}other?options=--zz%3D1&password=hidden", "unrecognized configuration parameter"),
        ("postgresql://u:hidden%zz@host/x", "invalid percent-encoded token"),
        ("postgresql://[hidden", "cannot be read"),
    ):
        done = run(place)
        assert (done.exit_code, expected in done.output, "hidden" in done.output) == (3, True, False), done.output
        assert len(done.output.splitlines()) == 1


@pytest.mark.parametrize("kind", ["in place", "copied"])
def test_values_are_bounded(kind: str, address: str) -> None:
    name = f"large-{kind}".replace(" ", "-")
    with psycopg.connect(f"{address}postgres", autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    with psycopg.connect(f"{address}{name}") as conn:
        large = "repeat('x', 17 * 1024 * 1024)"
        if kind == "in place":
            conn.execute(f"CREATE VIEW trail_runs AS SELECT 'r' AS run, {large} AS status")
            conn.execute(
                "CREATE VIEW trail_tokens AS SELECT 'r' AS run, 't' AS token, 'w' AS \"row\", 0 AS seq, 0 AS part"
            )
        else:
            keys = ("DurableExecutionArn", "EventId", "EventType", "Id", "SubType", "Name", "ParentId")
            columns = ", ".join(f"'1' AS \"{key}\"" for key in keys)
            conn.execute(f"CREATE TABLE lines AS SELECT {large} AS line, {columns}")
    done = run(f"{address}{name}")
    assert (done.exit_code, "it has a value of more than 16,777,216 bytes" in done.output) == (3, True), done.output


def test_a_number_of_any_size_is_read() -> None:
    assert [stored(Decimal(text)) for text in ("7", "7.0", "1.5", "1E140000", "-1E30", "NaN", "Infinity")] == [
        7, 7, 1.5, "1E+140000", "-1E+30", "NaN", "Infinity",
    ]  # fmt: skip


def test_what_a_server_says_cannot_steer_a_terminal(copied: str, tmp_path: Path) -> None:
    with psycopg.connect(copied) as conn:
        conn.execute("CREATE SCHEMA odd")
        conn.execute("CREATE VIEW odd.trail_runs AS SELECT E'\\x1b[31mred' AS run, 'completed' AS status")
        conn.execute(
            "CREATE VIEW odd.trail_tokens AS "
            "SELECT E'\\x1b[31mred' AS run, E't\\x1b]0;' AS token, 'w' AS \"row\", 1 AS seq, 0 AS part"
        )
    done = run(f"{copied}?options=-csearch_path%3Dodd")
    assert done.exit_code in (0, 1, 2), done.output
    assert "\x1b[31mred" not in done.output
    assert "\x1b]0;" not in done.output
