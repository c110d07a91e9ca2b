"""``explain``, ``graph`` and ``export``: what they print, and one clear error for what cannot be had."""

import json
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fateline_engine.landscape.export import RELATIONS
from fateline_oracle.cli import main
from fateline_oracle.report.verdict import ExitCode

PIPELINE = """\
name: small
nodes:
  - {name: read, kind: source, to: split, plugin: csv, options: {path: in.csv, fields: {n: int}}}
  - {name: split, kind: gate, when: n > 1, routes: {true: fork, false: out}, fork: {a: join, b: work}}
  - {name: work, kind: transform, to: join, plugin: derive, options: {fields: {b: n + 1}}}
  - {name: join, kind: coalesce, branches: [a, b], merge: select, select_branch: a, policy: first, to: out}
  - {name: out, kind: sink, plugin: jsonl, options: {path: out.jsonl}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that was run twice."""
    folder = tmp_path_factory.mktemp("trail")
    (folder / "small.yaml").write_text(PIPELINE)
    (folder / "in.csv").write_text("n\n1\n2\n")
    assert call("run", folder / "small.yaml").exit_code == 0
    (folder / "in.csv").write_text("n\n7\n")
    assert call("run", folder / "small.yaml").exit_code == 0
    return folder


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def runs(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "small.db")) as connection:
        return [run for (run,) in connection.execute("select id from runs order by run")]


def test_explain_tells_the_latest_run_unless_told_otherwise(folder: Path) -> None:
    latest = call("explain", folder / "small.db", "0")
    assert latest.exit_code == ExitCode.HOLDS
    assert latest.stdout.startswith('row 0 of read: {"n": 7}\n└─ 0  read\n')
    first, second = runs(folder)
    assert call("explain", folder / "small.db", "0", "--run", second).stdout == latest.stdout
    assert '{"n": 1}' in call("explain", folder / "small.db", "0", "--run", first).stdout


def test_explain_takes_the_pipeline_and_a_line_of_its_output(folder: Path) -> None:
    of_line = call("explain", folder / "small.yaml", f"{folder / 'out.jsonl'}:1")
    assert "0/join  merged from 0/a  ◀ this one" in of_line.stdout
    assert call("explain", folder / "small.db", "out:1").stdout == of_line.stdout


def test_the_hint_to_the_explorer_can_be_typed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no part of the answer, and the engine's own command line, which has no explorer, does not give it."""
    assert "explore" not in call("explain", folder / "small.db", "0").stderr
    monkeypatch.setattr("fateline_engine.cli.is_terminal", lambda stream: True)
    for asked in (("explain", folder / "small.yaml", "0"), ("graph", folder / "small.yaml")):
        said = call(*asked)
        hint = said.stderr.partition("Step through it with: fateline ")[2]
        assert "explore" not in said.stdout
        played = call(*shlex.split(hint), "--output", tmp_path / "page.html")
        assert played.exit_code == 0, hint
        words = [sys.executable, "-m", "fateline_engine", *map(str, asked)]
        assert "explore" not in subprocess.run(words, capture_output=True, text=True, check=True).stderr


def test_explain_tells_programs_the_same(folder: Path) -> None:
    told = json.loads(call("explain", folder / "small.db", "0/a", "--json").stdout)
    assert (told["asked_for"], [token["name"] for token in told["tokens"]]) == ("0/a", ["0", "0/a", "0/join"])


@pytest.mark.parametrize("command", [["explain", "0"], ["export"]])
def test_a_trail_that_cannot_be_read_is_one_clear_error(folder: Path, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "text.db").write_text("no database, but a text of some length\n" * 20)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("create table mine (x)")
    for database, told in [
        (tmp_path / "nowhere.db", "No such file"),
        (tmp_path / "text.db", "not JSON"),
        (tmp_path / "other.db", "no known adapter fits this database"),
    ]:
        result = call(command[0], database, *command[1:])
        assert result.exit_code == ExitCode.USAGE, result.output
        assert told in result.stderr
        assert "Traceback" not in result.output
    unknown = call(command[0], folder / "small.db", *command[1:], "--run", "nobody")
    assert unknown.exit_code == ExitCode.USAGE
    assert f"has no run nobody; its runs are: {', '.join(runs(folder))}" in unknown.stderr


def test_what_is_not_in_the_trail_is_said_to_be_missing(folder: Path) -> None:
    for what, told in [
        ("5", "no row 5: it has 1, counted from 0"),
        ("0/z", "no token 0/z"),
        ("out:9", "no row 9 was written"),
        (f"{folder / 'in.csv'}:1", "is not the file of exactly one sink"),
    ]:
        result = call("explain", folder / "small.db", what)
        assert (result.exit_code, told in result.stderr) == (ExitCode.USAGE, True), result.stderr


def records(text: str) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in text.splitlines())


def test_export_writes_every_record_of_one_run(folder: Path, tmp_path: Path) -> None:
    first, _ = runs(folder)
    result = call("export", folder / "small.db", "--run", first)
    assert result.exit_code == ExitCode.HOLDS
    exported = list(records(result.stdout))
    assert {record["run"] for record in exported} == {first}
    with closing(sqlite3.connect(folder / "small.db")) as connection:
        for relation in ("rows", "tokens", "parents", "visits", "hops", "outcomes", "barriers", "nodes", "edges"):
            query = f"select count(*) from trail_{relation} where run = ?"
            (count,) = connection.execute(query, (first,)).fetchone()
            assert count == sum(record["rec"] == relation for record in exported) > 0, relation
    assert call("export", folder / "small.db", "--run", first, "--output", tmp_path / "t.jsonl").stdout == ""
    assert (tmp_path / "t.jsonl").read_text() == result.stdout
    assert call("export", folder / "small.db", "--json", "--run", first).stdout == result.stdout


def test_export_counts_and_writes_csv_files_and_tables(folder: Path, tmp_path: Path) -> None:
    counted = call("export", folder / "small.db", "--overview")
    assert counted.exit_code == 0
    assert [line.split()[0] for line in counted.stdout.splitlines()[2:]] == list(RELATIONS)
    as_json = json.loads(call("export", folder / "small.db", "--overview", "--json").stdout)
    assert [relation["name"] for relation in as_json] == list(RELATIONS)
    assert call("export", folder / "small.db", "--csv", tmp_path / "csv").exit_code == 0
    assert {file.name for file in (tmp_path / "csv").iterdir()} == {f"{relation}.csv" for relation in RELATIONS}
    assert call("export", folder / "small.db", "--tables", tmp_path / "t.db").exit_code == 0
    again = call("export", folder / "small.db", "--tables", tmp_path / "t.db")
    assert (again.exit_code, "choose a new file" in again.stderr) == (3, True)
    both = call("export", folder / "small.db", "--overview", "--csv", tmp_path / "csv")
    assert (both.exit_code, "choose one of" in both.stderr) == (3, True)


def test_export_leaves_out_what_was_not_recorded(folder: Path) -> None:
    for record in records(call("export", folder / "small.db").stdout):
        assert None not in record.values()
        assert isinstance(record.get("kept", True), bool)


@pytest.mark.parametrize("command", ["export", "graph"])
def test_a_place_that_cannot_be_written_is_one_clear_error(folder: Path, command: str) -> None:
    source = folder / ("small.db" if command == "export" else "small.yaml")
    result = call(command, source, "--output", folder / "no" / "such" / "folder")
    assert result.exit_code == ExitCode.USAGE
    assert "No such file or directory" in result.stderr


def test_graph_draws_in_three_forms_and_warns(folder: Path, tmp_path: Path) -> None:
    plain = call("graph", folder / "small.yaml")
    assert plain.exit_code == ExitCode.HOLDS
    assert plain.stdout.startswith("flowchart LR\n")
    assert "warning: " in plain.stderr
    assert call("graph", folder / "small.yaml", "--mermaid").stdout == plain.stdout
    picture = call("graph", folder / "small.yaml", "--svg").stdout
    assert picture.startswith("<svg ")
    call("graph", folder / "small.yaml", "--svg", "--output", tmp_path / "p.svg")
    assert (tmp_path / "p.svg").read_text() == picture
    data = json.loads(call("graph", folder / "small.yaml", "--json").stdout)
    assert {node["node"]: node["owes"] for node in data["nodes"]}["work"] == ["split.b"]
    assert {"src": "split", "label": "a", "dst": "join"} in data["edges"]
    assert len(data["warnings"]) == 1


def test_graph_tells_everything_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE.replace("to: join, plugin", "to: out, plugin").replace("n > 1", "n >"))
    result = call("graph", tmp_path / "p.yaml")
    assert result.exit_code == ExitCode.USAGE
    assert f"{tmp_path / 'p.yaml'}:4: nodes[1].when (split) = 'n >': column 4: expected a value" in result.stderr
