"""The module over which engines of others are driven, checked with a join that is nobody's: what is right holds, each
mistake is named, and nothing is named because of what such an engine does not record."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fateline_model import LAW_VERSION
from fateline_oracle.adapters import wire
from fateline_oracle.adapters.environments import NoEnvironment, driven_by
from fateline_oracle.conform.campaign import Selection, run_campaign
from fateline_oracle.conform.result import Conformance
from fateline_oracle.conform.verdict import conclude
from fateline_oracle.engines import PROCESS, NoSuchEngine, engine_of
from fateline_oracle.ports.profile import Profile
from fateline_oracle.render.conform_text import conformance_text
from fateline_oracle.report.verdict import Verdict

TOY = [sys.executable, str(Path(__file__).with_name("toy.py"))]
LATE = "A token that comes late is discarded."


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(wire.__file__).parents[2]))


def judged(*mistake: str, declared: str | None = None) -> Conformance:
    profile = Profile({declared: LATE} if declared is not None else {})
    campaign = run_campaign(
        PROCESS + shlex.join([*TOY, *mistake]), "small", open_engine=engine_of, seed=0, jobs=1,
        declared=frozenset(profile.laws), only=Selection(("barrier*",)),
    )  # fmt: skip
    return conclude(campaign, [], profile, "")


def broken(found: Conformance) -> set[str]:
    return {law for law, one in found.report.laws.items() if one.verdict is Verdict.BREACHED}


def test_a_join_that_is_right_holds_with_late_tokens_in_its_own_way_declared() -> None:
    found = judged(declared="C16")
    assert broken(found) == set()
    assert found.report.verdict is Verdict.HOLDS
    judged_laws = {law for law, one in found.report.laws.items() if one.verdict is Verdict.HOLDS}
    assert {"C1", "C2", "C3", "C4", "C5", "C7", "C8", "F1"} <= judged_laws
    assert "C16" not in judged_laws


def test_an_engine_that_names_no_rules_may_ignore_what_it_could_refuse() -> None:
    found = judged("ignores what comes twice", declared="C16")
    assert found.report.verdict is Verdict.HOLDS
    assert found.report.counts["refusals"] > 0


def test_an_outcome_without_a_reason_breaks_nothing_if_no_reasons_are_recorded() -> None:
    """A late token that is discarded is late in another way (C16). That its outcome has no reason is no second breach."""
    assert broken(judged()) == {"C16"}


@pytest.mark.parametrize(
    "mistake, laws", [("counts lost ones", {"C3"}), ("waits in vain", {"C4", "C8"}), ("forgets late ones", {"D1"})]
)
def test_a_mistake_is_named(mistake: str, laws: set[str]) -> None:
    named = broken(judged(mistake, declared="C16"))
    assert laws <= named
    assert not named & {"L6", "F4"}


def test_words_in_a_finding_are_those_of_the_records() -> None:
    text = conformance_text(judged("counts lost ones", declared="C16"))
    assert "verdict is 'merged'; the law has 'failed'" in text
    assert "BarrierVerdict" not in text


def test_a_failure_of_an_engine_is_an_answer_with_its_last_words() -> None:
    asked = [
        {"ask": "hello", "id": 1},
        {"ask": "start_barrier", "id": 2, "coalesce": {"name": "j", "branches": ["a"], "policy": "no such policy"}},
        {"ask": "barrier", "id": 3, "do": "arrive", "branch": "a"},
        {"ask": "barrier", "id": 4, "do": "flush"},
        {"ask": "start", "id": 5},
        {"ask": "bye", "id": 6},
    ]
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    done = subprocess.run(TOY, input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0]["law_version"] == LAW_VERSION
    assert "KeyError: 'no such policy'" in answers[2]["error"]["message"]
    assert answers[3]["replies"] == [{"unsupported": "the engine has no event flush()"}]
    assert answers[4]["replies"] == [{"unsupported": "the port has no start"}]
    assert [answer["id"] for answer in answers] == [1, 2, 3, 4, 5]


def test_an_engine_that_is_not_installed_or_cannot_be_driven_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FATELINE_ENGINES", str(tmp_path))
    with pytest.raises(NoEnvironment, match="`fateline engines spiffworkflow@1 --make` installs it"):
        driven_by("spiffworkflow@1")
    with pytest.raises(NoEnvironment, match="no engine 'prefect' can be driven; these can: "):
        driven_by("prefect")
    with pytest.raises(NoSuchEngine, match="engine:nothing"), engine_of("engine:nothing"):
        pass
