"""Databases that engines of others wrote: each is known by its tables, breaks the laws that it is known to break and no other,
and a damage to a healthy one is found."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_oracle.adapters import ENGINES, of_engine, unpacked
from fateline_oracle.adapters.profiles import cases_of, packed, profile_of
from fateline_oracle.audit.adapters import read_adapter
from fateline_oracle.audit.connect import BadSource
from fateline_oracle.audit.import_records import copy_records
from fateline_oracle.audit.source import reading
from fateline_oracle.audit.summary import tell
from fateline_oracle.audit.whole import Wanted, audit
from fateline_oracle.audit.whole_file import judged_file
from fateline_oracle.cli import main
from fateline_oracle.report.verdict import Verdict
from tests.code_lines import code_lines

LARGEST = 300_000
"""The largest number of bytes that all packed databases may have together."""
LONGEST = 100
"""The largest number of lines of what translates the records of one engine."""
CASES = [(engine, name) for engine in ENGINES for name in cases_of(engine)]


def healthy(engine: str, folder: Path, *statements: str) -> Path:
    """The database in which everything was joined, changed."""
    with unpacked(packed(engine, "joined")) as path:
        copy = folder / "changed.db"
        shutil.copy(path, copy)
    conn = sqlite3.connect(copy)
    for statement in statements:
        assert conn.execute(statement).rowcount > 0, statement
    conn.commit()
    conn.close()
    return copy


def broken(path: Path) -> set[str]:
    laws = judged_file(path, "changed").report.laws
    return {law for law, one in laws.items() if one.verdict is Verdict.BREACHED}


@pytest.mark.parametrize("engine, name", CASES)
def test_a_database_is_known_and_breaks_what_it_is_known_to_break(engine: str, name: str) -> None:
    with unpacked(packed(engine, name)) as path:
        summary = judged_file(path, name)
    assert summary.adapter == engine
    report = summary.report
    laws = {law for law, one in report.laws.items() if one.verdict is Verdict.BREACHED}
    assert laws == set(cases_of(engine)[name].breaks)
    over = not report.counts["runs_not_over"]
    assert report.verdict is (Verdict.BREACHED if laws else Verdict.HOLDS if over else Verdict.UNDETERMINED)
    assert sum(one.verdict is not None for one in report.laws.values()) > 10


def test_every_packed_database_is_described_and_they_are_small() -> None:
    held = [file for engine in ENGINES for file in of_engine(engine, "").iterdir() if file.name.endswith(".xz")]
    assert len(held) == len(CASES)
    assert sum(len(file.read_bytes()) for file in held) < LARGEST


@pytest.mark.parametrize("engine", ENGINES)
def test_adapters_are_short_and_each_choice_quotes_its_engine(engine: str) -> None:
    profile = profile_of(engine)
    programs = [*(["views.sql"] if profile.reads else []), *(["drive.py"] if profile.drives else [])]
    assert programs
    for name in programs:
        text = of_engine(engine, name).read_text("utf-8")
        assert (code_lines(text) if name.endswith(".py") else text.count("\n")) <= LONGEST, name
    assert profile.packages
    assert all("==" in package for package in profile.packages)
    assert all(choice.documented and choice.where for choice in profile.choices)


@pytest.mark.parametrize(
    "engine, change, laws",
    [
        ("langgraph", "DELETE FROM writes WHERE channel = 'branch:to:b'", {"L7", "L9"}),
        (
            "langgraph",
            "DELETE FROM writes WHERE task_path = '~__pregel_pull, join' AND checkpoint_id = ("
            "SELECT max(checkpoint_id) FROM writes WHERE task_path = '~__pregel_pull, join')",
            {"L9"},
        ),
        ("dbos", "UPDATE workflow_status SET parent_workflow_id = 'run1' WHERE workflow_uuid = 'run0/b'", {"F6", "X1"}),
        ("dbos", "DELETE FROM operation_outputs WHERE child_workflow_id = 'run1/a'", {"F6", "X1"}),
        ("prefect", "UPDATE task_run SET state_type = 'PENDING' WHERE task_key LIKE 'after%'", {"F2"}),
        ("prefect", "UPDATE task_run SET state_type = 'RUNNING' WHERE task_key LIKE 'branch%'", {"F2"}),
    ],
)
def test_a_damage_is_found(engine: str, change: str, laws: set[str], tmp_path: Path) -> None:
    assert broken(healthy(engine, tmp_path, change)) == laws


def test_a_join_that_is_to_run_when_the_process_dies_is_no_breach(tmp_path: Path) -> None:
    """All names have arrived, and the task of the join has written nothing yet."""
    last = "(SELECT max(checkpoint_id) FROM writes WHERE task_path = '~__pregel_pull, join')"
    path = healthy(
        "langgraph",
        tmp_path,
        f"DELETE FROM checkpoints WHERE checkpoint_id > {last}",
        f"DELETE FROM writes WHERE checkpoint_id >= {last}",
    )
    report = judged_file(path, "changed").report
    assert broken(path) == set()
    assert report.verdict is Verdict.UNDETERMINED
    assert report.counts["tokens_without_end"] == 1


# ------------------------------------------------------------------------------------------------------ JSON lines


def without(case: str, folder: Path, *types: str, name: str | None) -> Path:
    """A history in which the first event of these types, of an operation of this name, is missing."""
    with unpacked(packed("aws_durable", case)) as path:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    gone = next(place for place, line in enumerate(lines) if line["EventType"] in types and line.get("Name") == name)
    copy = folder / "changed.jsonl"
    copy.write_text("".join(f"{json.dumps(line)}\n" for line in (*lines[:gone], *lines[gone + 1 :])), encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    "types, name, laws",
    [
        (("ContextSucceeded",), "b", {"F2"}),
        (("StepSucceeded",), "do c", {"V1", "V3"}),
        (("StepSucceeded",), "after", {"V1", "V3"}),
        (("ContextStarted",), "a", {"L6"}),
        (("ExecutionStarted",), "execution-name", {"L6"}),
    ],
)
def test_a_history_that_lacks_an_event_is_found(
    types: tuple[str, ...], name: str, laws: set[str], tmp_path: Path
) -> None:
    assert broken(without("joined", tmp_path, *types, name=name)) == laws


def test_an_execution_without_its_end_is_not_over(tmp_path: Path) -> None:
    report = judged_file(without("failed", tmp_path, "ExecutionFailed", name="execution-name"), "changed").report
    assert report.verdict is Verdict.UNDETERMINED


def test_lines_of_another_engine_can_be_explained() -> None:
    with unpacked(packed("aws_durable", "joined")) as path:
        row = next(iter(json.loads(path.read_text("utf-8").splitlines()[0]).values()))
        told = CliRunner().invoke(main, ["explain", str(path), row])
    assert told.exit_code == 0, told.output
    assert "coalesced" in told.output


def merge_of(tokens: dict[str, tuple[str, str]], *merged: str) -> list[dict[str, object]]:
    """A row whose tokens are made by forks, each with its parent and its branch, and a merge of some of them; no graph."""
    made: list[dict[str, object]] = [
        {"rec": "runs", "status": "completed", "rows": 1},
        {"rec": "rows", "row": "r", "source": "s", "idx": 0},
        {"rec": "tokens", "row": "r", "token": "0"},
        {"rec": "tokens", "row": "r", "token": "j", "group_kind": "join", "group": "j"},
        {"rec": "outcomes", "token": "j", "outcome": "completed"},
    ]
    made += [{"rec": "parents", "child": "j", "parent": token} for token in merged]
    for token, (parent, branch) in tokens.items():
        group = {"group_kind": "fork", "group": parent, "branch": branch}
        made += [
            {"rec": "tokens", "row": "r", "token": token, **group},
            {"rec": "parents", "child": token, "parent": parent},
        ]
    for token in ("0", *tokens):
        branches = [branch for parent, branch in tokens.values() if parent == token]
        if branches:
            made.append(
                {"rec": "outcomes", "token": token, "outcome": "forked", "group": token, "promised": ",".join(branches)}
            )
        else:
            made.append({"rec": "outcomes", "token": token, "outcome": "coalesced", "group": "j"})
    return [{**record, "run": "1"} for record in made]


def broken_laws(records: list[dict[str, object]], folder: Path) -> set[str]:
    copy = folder / f"{len(list(folder.iterdir()))}.db"
    told = tell(audit(Wanted(copy, copy_records(records, copy))), None, "trail", "", 3)
    return {group.law for group in told.groups}


def test_without_a_graph_a_join_over_several_forks_is_no_breach(tmp_path: Path) -> None:
    """Whether a join takes branches of one fork is a question about the graph."""
    deeper = {"a": ("0", "a"), "b": ("0", "b"), "aa": ("a", "on")}
    assert broken_laws(merge_of(deeper, "aa", "b"), tmp_path) == set()


def test_one_branch_twice_is_a_breach_with_a_graph_or_without(tmp_path: Path) -> None:
    assert "C2" in broken_laws(merge_of({"a": ("0", "a"), "b": ("0", "a")}, "a", "b"), tmp_path)
    assert broken_laws(merge_of({"a": ("0", "a"), "b": ("0", "b")}, "a", "b"), tmp_path) == set()


# ------------------------------------------------------------------------------------------- steps, and what cannot be broken


TWO_STEPS = """
-- Adapter: counted
-- Derived: L5 F6 the parents are made of the groups
CREATE VIEW trail_step_one AS SELECT 'r' AS run, value AS token FROM (SELECT * FROM json_each('[1, 2, 3]'));
CREATE VIEW trail_step_two AS SELECT run, token FROM trail_step_one WHERE token > 1;
CREATE VIEW trail_runs AS SELECT DISTINCT run, 'completed' AS status, 1 AS rows FROM trail_step_two;
CREATE VIEW trail_tokens AS SELECT run, 'row' AS "row", token FROM trail_step_two;
"""


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.db"
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE things (id)")
    conn.close()
    return path


def test_steps_are_computed_once_and_read_by_what_follows(empty: Path) -> None:
    adapter = read_adapter("counted", TWO_STEPS)
    assert list(adapter.steps) == ["step_one", "step_two"]
    with reading(empty, adapter) as source:
        kinds = dict(source.conn.execute("SELECT name, type FROM temp.sqlite_schema"))
        assert source.conn.execute("SELECT count(*) FROM given_tokens").fetchone() == (2,)
    assert kinds["given_step_one"] == kinds["given_step_two"] == "table"
    assert kinds["given_tokens"] == "view"


def test_a_step_that_cannot_be_computed_is_named(empty: Path) -> None:
    adapter = read_adapter("counted", TWO_STEPS.replace("json_each('[1, 2, 3]')", "no_table"))
    with pytest.raises(BadSource, match="counted: trail_step_one: no such table"), reading(empty, adapter):
        pass


def test_a_step_that_never_ends_is_given_up(empty: Path) -> None:
    endless = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up) SELECT n AS value FROM up"
    adapter = read_adapter("counted", TWO_STEPS.replace("json_each('[1, 2, 3]')", f"({endless})"))
    with pytest.raises(BadSource, match=r"trail_step_one took longer than 0\.1 s"), reading(empty, adapter, 0.1):
        pass


def test_what_cannot_be_broken_is_not_said_to_hold(empty: Path, tmp_path: Path) -> None:
    views = tmp_path / "views.sql"
    views.write_text(TWO_STEPS)
    told = CliRunner().invoke(main, ["audit", str(empty), "--views", str(views)]).output
    lines = [line for line in told.splitlines() if "the parents are made of the groups" in line]
    assert len(lines) == 1
    assert {"L5", "F6"} <= set(lines[0].replace(":", " ").split())


def test_a_wrong_declaration_is_refused() -> None:
    with pytest.raises(BadSource, match="Derived: 'Z9 nothing' does not begin with ids of laws"):
        read_adapter("counted", TWO_STEPS.replace("L5 F6 the parents are made of the groups", "Z9 nothing"))
