"""Planned runs: what is planned, what is found in the trail, and that a finding is one row that can be run again."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle import limits
from fateline_oracle.cli import main
from fateline_oracle.compare.difference import Difference
from fateline_oracle.compare.whole_run import PlannedRow, WholeRun, run_of
from fateline_oracle.conform import whole_runs
from fateline_oracle.conform.free_run import PortRuns
from fateline_oracle.conform.plan import check_plan
from fateline_oracle.conform.planned_command import CommandRuns
from fateline_oracle.conform.planned_rows import RETRYABLE, planned_rows, usual
from fateline_oracle.engines import engine_of
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Engine, EngineFault
from fateline_oracle.report.verdict import Finding
from fateline_oracle.trails.check import FINDINGS

ENGINE = Path(__file__).parents[3] / "examples" / "engines" / "command-line"
JOBLOG = f"{sys.executable} {ENGINE / 'joblog.py'} {{pipeline}} {{rows}} {{trail}}"
VIEWS = str(ENGINE / "views.sql")
DIAMOND = "diamond branches=2 policy=require_all merge=union"
QUORUM = "diamond branches=2 policy=quorum:2 merge=union"
PLANNED = [one for one in instances("small") if isinstance(one.system, PipelineSystem)]


def plan(*words: object) -> Result:
    return CliRunner().invoke(main, ["plan", *map(str, words)])


# ------------------------------------------------------------------------------------------------- the rows


@pytest.mark.parametrize("instance", PLANNED[::4], ids=lambda instance: instance.name)
def test_each_unusual_answer_is_planned_alone_before_any_two(instance: Any) -> None:
    rows = planned_rows(instance.system, 10_000)
    unusual = [len(row.answers) + (not row.valid) for row in rows]
    assert unusual == sorted(unusual)
    assert len({str(row) for row in rows}) == len(rows)
    alone = {(node, answers) for row in rows if len(row.answers) == 1 for node, answers in row.answers.items()}
    for node, answer in usual(instance.system).items():
        verdicts = [str(verdict) for verdict in instance.system.verdicts[node]]
        assert {(node, (verdict,)) for verdict in verdicts if verdict != answer} <= alone
        assert {(node, (verdict, answer)) for verdict in verdicts if verdict in RETRYABLE} <= alone
    assert planned_rows(instance.system, 7) == rows[:7]


def test_a_run_as_data_is_the_same_run() -> None:
    whole = WholeRun(
        (PlannedRow(), PlannedRow(False, {"t": ("error_retryable", "pass"), "u /b": ("error",)})), {"agg#0": "empty"}
    )
    assert run_of(json.loads(json.dumps(whole.as_json()))) == whole
    with pytest.raises(ValueError, match="not a whole run"):
        run_of({"rows": [{"valid": True}]})


def test_a_plan_is_written_and_needs_one_of_two_options(tmp_path: Path) -> None:
    done = plan("--instance", "retries*", "--to", tmp_path)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (tmp_path / "000" / "rows.jsonl").read_text().splitlines()]
    assert rows[0] == {"row": 0, "valid": True, "verdict_t": "pass", "verdict_out": "written", "verdict_bad": "written"}
    assert "error_retryable; pass" in {row["verdict_t"] for row in rows}
    assert json.loads((tmp_path / "000" / "pipeline.json").read_text())["name"] == "retries"
    assert len((tmp_path / "000" / "rows.csv").read_text().splitlines()) == len(rows) + 1
    assert plan("--instance", "retries*").exit_code == 3
    assert "must say where its trail is" in plan("--run", "true").output
    assert plan("--instance", "none*", "--to", tmp_path).exit_code == 3


# ------------------------------------------------------------------------------------------------- a command


def test_an_engine_with_its_own_tables_holds_and_says_what_it_cannot_run() -> None:
    done = plan(
        "--instance", "retries*", "--instance", DIAMOND, "--instance", "two batches", "--views", VIEWS, "--run", JOBLOG
    )
    assert done.exit_code == 0, done.output
    assert "skipped: 1 pipelines: there are no aggregations here" in done.output


def test_a_bug_is_one_row_with_one_unusual_answer_and_can_be_run_again(tmp_path: Path) -> None:
    words = ("--instance", DIAMOND, "--views", VIEWS, "--cases", tmp_path, "--run", f"{JOBLOG} --bug late", "--json")
    done = plan(*words)
    told = json.loads(done.stdout)
    assert (done.exit_code, [finding["law"] for finding in told["findings"]]) == (1, ["F2"])
    (case,) = tmp_path.glob("*.json")
    (row,) = json.loads(case.read_text())["steps"][0]["stimulus"]["rows"]
    assert len(row["answers"]) == 1, row
    again = ("--again", case, "--views", VIEWS, "--run")
    assert plan(*again, f"{JOBLOG} --bug late").exit_code == 1
    assert plan(*again, JOBLOG).exit_code == 0


SCRIPTS = {
    "ends early": ("import sys; print('disk full'); sys.exit(9)", 1, "1 rows were given, and the trail has 0"),
    "leaves nothing": ("print('fine')", 2, "there is no trail at {trail}; fine"),
    "leaves nonsense": ("import sys; open(sys.argv[3], 'w').write('nonsense')", 2, "the trail cannot be read"),
    "cannot": ("import sys; print('too hard'); sys.exit(77)", 2, "too hard"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_command_that_does_not_run_to_its_end_is_a_finding_or_said(tmp_path: Path, script: str) -> None:
    text, code, says = SCRIPTS[script]
    path = tmp_path / "engine.py"
    path.write_text(text)
    done = plan("--instance", "line", "--rows", 2, "--run", f"{sys.executable} {path} {{pipeline}} {{rows}} {{trail}}")
    assert (done.exit_code, says in done.output) == (code, True), done.output
    if script == "ends early":
        assert "R3" in done.output
        assert "exit status 9: disk full" in done.output


def test_a_command_that_is_silent_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "engine.py"
    path.write_text("import time\nwhile True: time.sleep(1)")
    done = plan("--instance", "line", "--timeout", 0.5, "--run", f"{sys.executable} {path} {{trail}}")
    assert (done.exit_code, "no sign of life within 0.5 s" in done.output) == (2, True), done.output
    assert "cannot be started" in plan("--instance", "line", "--run", "/no/such/command {trail}").output


def test_the_answer_that_a_node_gave_must_be_recorded(tmp_path: Path) -> None:
    """An engine that writes another answer into its log than its plugin gave is found, though its log is lawful."""
    instance = place_called("retries attempts=3")
    assert isinstance(instance.system, PipelineSystem)
    runs = CommandRuns(JOBLOG.split(), instance.system, dict(instance.document or {}), Path(VIEWS))
    trail = runs.run(WholeRun((PlannedRow(True, {"t": ("drop",)}),)))
    assert runs.judged(WholeRun((PlannedRow(True, {"t": ("drop",)}),)), trail) is None
    found = runs.judged(WholeRun((PlannedRow(True, {"t": ("error",)}),)), trail)
    assert found is not None
    assert ("D1", "t answered error to row 0, attempt 0, and drop is recorded") in found.laws


def test_a_database_of_another_kind_and_rows_that_are_missing(tmp_path: Path) -> None:
    instance = place_called("retries attempts=3")
    assert isinstance(instance.system, PipelineSystem)
    runs = CommandRuns(JOBLOG.split(), instance.system, dict(instance.document or {}), Path(VIEWS))
    trail = runs.run(WholeRun((PlannedRow(),)))
    found = runs.judged(WholeRun((PlannedRow(), PlannedRow())), trail)
    assert found is not None
    assert ("R3", "2 rows were given, and the trail has 1") in found.laws
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE x(y)").connection.commit()
    with pytest.raises(EngineFault, match="cannot be read"):
        runs._left(tmp_path / "other.db", "")


def test_a_run_is_judged_however_much_was_found_before() -> None:
    """A result keeps a limited number of findings; those of earlier runs do not fill it."""
    with engine_of("zoo:a-filter-fails") as made:
        port, instance = made.trail(), place_called("line")
        assert port is not None
        assert isinstance(instance.system, PipelineSystem)
        runs = PortRuns(port, instance.system, dict(instance.document or {}), hello_of(made))
        runs.result.findings += [Finding("L1", "an earlier run")] * FINDINGS
        found = runs.checked(WholeRun((PlannedRow(True, {"t": ("drop",)}),)))
    assert found is not None
    assert found.law == "V4"


def test_no_plan_holds_of_nothing() -> None:
    instance = place_called("line")
    assert isinstance(instance.system, PipelineSystem)
    found = check_plan(
        [("line", instance.system, dict(instance.document or {}))], ["false", "{trail}"], None, 0, 0.0, ""
    )
    assert str(found.report.verdict) != "holds"


# ------------------------------------------------------------------------------------------------- the trail port


def port_runs(engine: Engine, instance: Instance) -> PortRuns:
    """Whole runs of an instance through the trail port."""
    port = engine.trail()
    assert port is not None
    assert isinstance(instance.system, PipelineSystem)
    return PortRuns(port, instance.system, dict(instance.document or {}), hello_of(engine))


def _shortest(runs: PortRuns) -> Difference:
    """The first difference that whole runs show, made short."""
    found = next(found for seed in range(20) if (found := runs.drawn(seed, [True] * 12)) is not None)
    return runs.shortest(found)


@pytest.mark.parametrize(
    "engine, place, law",
    [
        ("siblings-share-data", DIAMOND, "K3"),
        ("a-filter-fails", "line", "V4"),
        ("quorum-off-by-one", "diamond branches=2 policy=quorum:2 merge=union", "C3"),
    ],
)
def test_what_a_whole_run_of_an_engine_shows_is_made_one_row_and_replayed(
    tmp_path: Path, engine: str, place: str, law: str
) -> None:
    instance = place_called(place)
    with engine_of(f"zoo:{engine}") as made:
        small = _shortest(port_runs(made, instance))
    (whole,) = small.stimuli
    assert (small.law, len(whole.rows)) == (law, 1)
    assert sum(map(len, whole.rows[0].answers.values())) <= 1
    assert _again(f"zoo:{engine}", instance, whole) is not None
    assert _again("", instance, whole) is None


def test_a_run_that_does_not_end_is_made_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is late gets no fate, so the run of this engine goes on for ever."""
    monkeypatch.setattr(limits, "_silence", 1.0)
    monkeypatch.setattr(whole_runs, "LEAST", 0.5)
    instance = place_called(DIAMOND)
    with engine_of("zoo:late-without-a-fate") as made:
        small = _shortest(port_runs(made, instance))
        (whole,) = small.stimuli
        assert (small.observed, small.laws, len(whole.rows)) == (whole_runs.WITHOUT_END, (), 1)
        assert 1 <= sum(map(len, whole.rows[0].answers.values())) <= 2
        assert small.differences[0].startswith("the run does not end: run: no answer within 1 s, twice")
    assert _again("", instance, whole) is None


def _again(name: str, instance: Instance, whole: WholeRun) -> Difference | None:
    with engine_of(name) as made:
        return port_runs(made, instance).checked(whole)
