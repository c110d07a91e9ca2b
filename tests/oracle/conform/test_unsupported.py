"""What a port cannot say of the run as a whole is skipped and counted, and is no breach."""

import sys
from pathlib import Path

import pytest

from fateline_oracle.conform.campaign import run_campaign
from fateline_oracle.engines import engine_of

ENGINES = Path(__file__).parents[3] / "examples" / "engines"


def test_an_engine_that_can_be_asked_nothing_breaks_no_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ENGINES / "python")])
    campaign = run_campaign("template:engine", "small", open_engine=engine_of, seed=0, jobs=1)
    assert [judged.name for judged in campaign.judged if judged.found is not None] == []
    assert campaign.skipped["this engine has no way to do anything yet"] > 0
