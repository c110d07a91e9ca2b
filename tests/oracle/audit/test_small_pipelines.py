"""Lawful trails of every small pipeline are quiet in both encodings of the law, the queries and the stepping."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fateline_model.checker.scopes import Instance, Sizes, instances
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle.audit.import_records import copy_records
from fateline_oracle.audit.source import OF_ROWS
from fateline_oracle.audit.whole import Wanted, audit
from fateline_oracle.trails.check import TrailResult, check_run
from fateline_oracle.trails.reader import runs_of

from .corpus import Record, walked

SMALL = instances(Sizes(4, 0))
OF_SIZE_5 = instances(Sizes(5, 0))[len(SMALL) :]
PARTS = [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 8))]


def breaches(chosen: Sequence[Instance], walks: int, folder: Path) -> list[tuple[str, str]]:
    """What either encoding says of the longest walks through these pipelines; all queries are asked once, of all of them."""
    every: list[Record] = []
    stepped: list[tuple[str, str]] = []
    for place, instance in enumerate(chosen):
        assert isinstance(instance.system, PipelineSystem)
        for records in walked(instance, walks):
            own = [{**record, "run": f"{place}/{record['run']}"} for record in records]
            every += own
            found = TrailResult()
            for trail in runs_of(own):
                check_run(trail, instance.system.pipeline, found)
            stepped += [(instance.name, law) for law in found.breached]
    copy = folder / "copy.db"
    asked = audit(Wanted(copy, copy_records(every, copy, whole=True)))
    assert sum(record["rec"] in OF_ROWS for record in every) > 100
    return stepped + [(chosen[0].family, f"{law}: {message}") for law, message, *_ in asked.judged.breaches]


@pytest.mark.parametrize("part", PARTS)
def test_up_to_size_4(part: int, tmp_path: Path) -> None:
    assert breaches(SMALL[part::8], 4, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_of_size_5(part: int, tmp_path: Path) -> None:
    assert breaches(OF_SIZE_5[part::8], 2, tmp_path) == []


def test_a_loss_by_a_fork_that_leads_away_and_is_not_recorded_is_found(tmp_path: Path) -> None:
    """The barriers have no say here: the trail ends with the step of the fork."""
    found = 0
    for instance in SMALL:
        assert isinstance(instance.system, PipelineSystem)
        for records in walked(instance, 1):
            lost = [record for record in records if record["rec"] == "losses" and record["reason"] == "forked_away"]
            if lost:
                until = [one for one in records if one.get("tx", 0) <= lost[0]["tx"] and one not in lost]
                until = [one for one in until if one["rec"] != "runs"]
                until.append({"rec": "runs", "run": records[0]["run"], "status": "running"})
                copy = tmp_path / f"{found}.db"
                asked = audit(Wanted(copy, copy_records(until, copy, whole=True)))
                found += 1
                assert "C8" in asked.breached, instance.name
    assert found > 3
