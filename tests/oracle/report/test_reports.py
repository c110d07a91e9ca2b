"""What every command prints for `--json` is the documented object, whatever the verdict."""

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fateline_oracle.book.reports import DATA, FINDING_KEYS, KNOWN_KEYS, LAW_KEYS, REPORT_KEYS, SKIPPED_KEYS
from fateline_oracle.cli import main
from fateline_oracle.report.verdict import Finding, Known, LawResult, Skipped
from fateline_oracle.vectors.store import folder_of
from tests.model.schemas import validator

ROOT = Path(__file__).parents[3]
PLACE = "untimed diamond policy=first timed=False"
LATE = "zoo:late-without-a-fate"


def printed(*words: object, name: str = "report") -> dict[str, Any]:
    """The object that a command printed. It is what the schema says, and its verdict is the exit status."""
    done = CliRunner().invoke(main, [*map(str, words), "--json"])
    told: dict[str, Any] = json.loads(done.stdout)
    assert [error.message for error in validator(name).iter_errors(told)] == []
    if name == "report":
        assert list(told) == list(REPORT_KEYS)
        assert done.exit_code == ["holds", "breached", "undetermined"].index(told["verdict"])
        broken = {law for law, one in told["laws"].items() if one["verdict"] == "breached"}
        assert {finding["law"] for finding in told["findings"]} <= broken
    return told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An example that was run, with its database, and a folder of cases."""
    here = tmp_path_factory.mktemp("reports") / "quorum"
    shutil.copytree(ROOT / "examples" / "quorum", here)
    assert CliRunner().invoke(main, ["run", str(here / "pipeline.yaml")]).exit_code == 0
    return here


@pytest.mark.parametrize("engine, verdict", [("", "holds"), (LATE, "breached")])
def test_conform_hunt_and_replay(folder: Path, tmp_path: Path, engine: str, verdict: str) -> None:
    own = [engine] if engine else []
    cases = tmp_path / "cases"
    told = printed("conform", *own, "--scope", "small", "--instance", PLACE, "--seed", 1, "--cases", cases)
    assert (told["verdict"], told["engine"]["name"]) == (verdict, "reference engine")
    assert printed("hunt", *own, "--corpus", tmp_path / "hunt", "--seed", 3, "--rounds", 20)["verdict"] == verdict
    for case in sorted(cases.glob("*.json")):
        assert printed("replay", case, *own)["verdict"] == "breached"
        assert printed("replay", case, "reference")["verdict"] == "holds"


def test_vectors_one_vector_and_generated_files(tmp_path: Path) -> None:
    shutil.copy(folder_of() / "line.jsonl.gz", tmp_path)
    told = printed("vectors", LATE, "--folder", tmp_path)
    assert (told["verdict"], told["scope"]) == ("holds", "vectors")
    told = printed("vectors", "zoo:a-filter-fails", "--folder", tmp_path)
    assert told["verdict"] == "breached"
    one = printed("vectors", "zoo:a-filter-fails", "--folder", tmp_path, "--run", told["findings"][0]["case"])
    assert (one["verdict"], one["counts"]["steps"]) == ("breached", told["findings"][0]["steps"])
    assert (
        printed("vectors", "reference", "--folder", tmp_path, "--run", told["findings"][0]["case"])["verdict"]
        == "holds"
    )
    assert printed("zoo", "a-filter-fails")["details"]["bugs"]
    assert printed("spec", "--check", "--specs", tmp_path, name="files")["fresh"] is False


def test_trails_and_pipelines(folder: Path) -> None:
    told = printed("audit", folder / "pipeline.db")
    assert (told["verdict"], told["details"]["chain"]["unaltered"]) == ("holds", True)
    assert printed("conform", "--trail", folder / "pipeline.db")["verdict"] == "holds"
    assert printed("verify", "--pipeline", folder / "pipeline.yaml", "--rows", 1)["scope"]


@pytest.mark.parametrize(
    "kind, keys", [(Finding, FINDING_KEYS), (Known, KNOWN_KEYS), (Skipped, SKIPPED_KEYS), (LawResult, LAW_KEYS)]
)
def test_every_key_has_its_meaning_in_the_order_in_which_it_is_printed(kind: type, keys: dict[str, str]) -> None:
    assert [field.name for field in fields(kind)] == list(keys)


def test_what_judges_nothing_prints_data_and_says_which(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "quorum", tmp_path / "quorum")
    database = next(folder.glob("*.db"))
    asked = {
        "run": ["run", tmp_path / "quorum" / "pipeline.yaml"],
        "explain": ["explain", database, "0"],
        "graph": ["graph", folder / "pipeline.yaml"],
        "diff": ["diff", database, database],
    }
    for command, words in asked.items():
        done = CliRunner().invoke(main, [*map(str, words), "--json"])
        assert json.loads(done.stdout)["schema"] == DATA[command], command
    assert DATA["resume"] == DATA["run"]
    assert DATA.keys() - asked.keys() == {"resume", "board", "sweep", "mended"}, "the last three need engines of others"
