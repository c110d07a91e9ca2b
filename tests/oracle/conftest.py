"""What several tests of the judge share: the trails that the engine writes of the examples."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fateline_oracle.cli import main

from .audit.corpus import pipelines, walked

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/pipeline.yaml"))


@pytest.fixture(scope="session")
def example_trails(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The exported trail of every example; and `deadline`, a walk in which a barrier's deadline fails it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in EXAMPLES:
        folder = tmp_path_factory.mktemp("examples") / name
        shutil.copytree(ROOT / "examples" / name, folder)
        assert CliRunner().invoke(main, ["run", str(folder / "pipeline.yaml")]).exit_code == 0
        exported = CliRunner().invoke(main, ["export", str(folder / "pipeline.db")])
        found[name] = [json.loads(line) for line in exported.output.splitlines()]
    (instance,) = [one for one in pipelines() if one.name == "leaving policy=require_all"]
    found["deadline"] = next(
        records
        for records in walked(instance, 40)
        if any(r.get("trigger") == "deadline" and r.get("arrived") and r["verdict"] == "failed" for r in records)
    )
    return found
