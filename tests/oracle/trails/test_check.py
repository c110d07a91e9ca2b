"""Trails at rest: what an engine wrote in whole runs is accepted, and what was damaged afterwards is not, by its law."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_model.checker.scopes import instances
from fateline_model.checker.systems import PipelineSystem
from fateline_model.stimuli import Do
from fateline_oracle.cli import main
from fateline_oracle.compare.names import Names
from fateline_oracle.conform.edge_cover import plan
from fateline_oracle.conform.explore import ConcreteGraph
from fateline_oracle.reference.pipeline import ReferencePort
from fateline_oracle.report.verdict import Verdict
from fateline_oracle.trails.accept import Acceptor
from fateline_oracle.trails.check import TrailResult, check_run, check_runs, report_of
from fateline_oracle.trails.pipeline import pipeline_of
from fateline_oracle.trails.reader import BadTrail, lines_of, runs_of

from .damages import Record, changed

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/pipeline.yaml"))


@pytest.fixture
def trails(example_trails: dict[str, list[Record]]) -> dict[str, list[Record]]:
    return example_trails


def judged(records: list[Record]) -> TrailResult:
    found = TrailResult()
    for trail in runs_of(records):
        check_run(trail, pipeline_of(trail), found)
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_trail_of_every_example_is_accepted_to_its_last_record(trails: dict[str, list[Record]], name: str) -> None:
    found = judged(trails[name])
    assert found.findings == []
    assert found.accepted == found.rows > 0
    assert found.consumed == found.records == len(trails[name])
    assert report_of(found, "x").verdict is Verdict.HOLDS


def test_a_trail_in_another_order_of_lines_is_accepted(trails: dict[str, list[Record]]) -> None:
    told = [record for record in trails["claims"] if record["rec"] in ("nodes", "edges")]
    rest = [record for record in trails["claims"] if record["rec"] not in ("nodes", "edges")]
    assert not judged([*reversed(rest), *told]).breached


def test_a_trail_without_any_order_is_accepted_where_one_can_be_found(trails: dict[str, list[Record]]) -> None:
    bare = [{k: v for k, v in record.items() if k not in ("seq", "tx", "at")} for record in trails["returns"]]
    found = judged(bare)
    assert not found.breached
    assert not found.undetermined


def test_what_is_not_recorded_is_not_judged(trails: dict[str, list[Record]]) -> None:
    bare = [{k: v for k, v in record.items() if not k.startswith("digest")} for record in trails["quorum"]]
    report = report_of(judged(bare), "x")
    assert report.laws["K3"].verdict is None
    assert report.laws["K3"].why == "the trail does not record digests"


def test_rows_that_went_the_same_way_are_stepped_once(trails: dict[str, list[Record]]) -> None:
    (trail,) = runs_of(trails["returns"])
    acceptor = Acceptor(pipeline_of(trail))
    assert acceptor.pipeline.nodes.keys() == {str(node["node"]) for node in trail.about["nodes"]}


@pytest.mark.parametrize(
    "content, says",
    [
        (b"{\n", "1: not JSON"),
        (b'{"rec": "nonsense"}\n', "a record has the unknown relation 'nonsense'"),
        (b'{"rec": "rows", "run": "r", "idx": "one"}\n', "idx is 'one'; give a whole number"),
        (b'{"rec": "rows"}\n', "run is None; give the id of a run"),
        (b'{"rec": "rows", "run": "' + b"x" * 2_000_000 + b'"}\n', "the line has more than"),
    ],
)
def test_what_is_no_trail_is_said_with_its_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "trail.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadTrail) as error:
        runs_of(lines_of(path))
    assert says in str(error.value)


def test_a_trail_without_nodes_asks_for_its_pipeline(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    path.write_text('{"rec": "rows", "run": "r", "row": "0", "idx": 0}\n')
    found = check_runs(runs_of(lines_of(path)))
    assert found.accepted == 0
    assert "--pipeline" in next(iter(found.undetermined))
    assert report_of(found, "x").verdict is Verdict.UNDETERMINED


def test_the_command_judges_a_database_and_compares_two(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(ROOT / "examples" / "quorum", tmp_path / name)
        assert CliRunner().invoke(main, ["run", str(tmp_path / name / "pipeline.yaml")]).exit_code == 0
    trail = str(tmp_path / "one" / "pipeline.db")
    found = CliRunner().invoke(main, ["conform", "--trail", trail, "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["counts"]["accepted_rows"] == 5
    alike = CliRunner().invoke(main, ["diff", trail, str(tmp_path / "two" / "pipeline.db")])
    assert alike.exit_code == 0, alike.output
    assert "5 of 5 rows have the same records" in alike.output


def test_a_difference_that_no_schedule_explains_is_told(trails: dict[str, list[Record]], tmp_path: Path) -> None:
    paths = []
    damage = changed({"verdict": "drop"}, rec="visits", verdict="pass")
    for name, records in (("a", trails["returns"]), ("b", damage(trails["returns"]))):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        paths.append(str(path))
    told = CliRunner().invoke(main, ["diff", *paths])
    assert told.exit_code == 1, told.output
    assert "No schedule explains" in told.output


def test_rows_of_one_way_whose_merges_end_otherwise_are_each_accepted() -> None:
    """One acceptor remembers what the law makes of the stimuli of a row; the data of a merge are not among them."""
    (instance,) = [one for one in instances("small") if one.name == "expand then fork policy=require_all"]
    assert isinstance(instance.system, PipelineSystem)
    ways, port = (
        ConcreteGraph(instance.system, lambda stimulus, state: stimulus.do not in (Do.CRASH, Do.RESUME)),
        ReferencePort(),
    )
    acceptor, found = Acceptor(instance.system.pipeline), TrailResult()
    for walk in sorted(map(ways.graph.stimuli, plan(ways.graph.targets)), key=len, reverse=True)[:150]:
        port.start(instance.document or {})
        names, here = Names(), ways.first()
        for stimulus in walk:
            taken = ways.take(here, stimulus)
            names.learn(port.do(names.asked(taken.stimulus)).records)
            here = taken.to
        for trail in runs_of([{**record, "run": "r"} for record in port.trail()]):
            check_run(trail, instance.system.pipeline, found, acceptor=acceptor)
    port.close()
    assert found.findings == []
    assert found.accepted == found.rows == 150
