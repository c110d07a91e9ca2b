"""What `conform` concludes: verdict and exit status, what is declared, what is not judged, and a judge that is blind."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_model.laws import ALL
from fateline_oracle.cli import main
from fateline_oracle.compare.difference import Difference
from fateline_oracle.conform import campaign, verdict
from fateline_oracle.conform.campaign import Campaign
from fateline_oracle.conform.instance import InstanceResult
from fateline_oracle.conform.result import SelfTest
from fateline_oracle.mutants import self_test
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.ports.port import Hello, Port
from fateline_oracle.ports.profile import BadProfile, Profile, read_profile
from fateline_oracle.report.verdict import Verdict

STRANGE = "tests.oracle.ports.strange"
HELLO = Hello("x", "0", "2", frozenset({Port.PIPELINE}))
NOTHING = Profile()
SEEN = (SelfTest("a", "b", "C16", "C16", 1),)
PLACE = "untimed diamond policy=first timed=False"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three instances instead of a scope, in this process."""
    chosen = (place_called(PLACE), place_called("outcomes"), place_called("retries attempts=3"))
    monkeypatch.setattr(campaign, "every_instance", lambda scope: chosen)
    monkeypatch.setattr("fateline_oracle.cli.conform.every_instance", lambda scope: chosen)
    monkeypatch.setattr(verdict, "every_instance", lambda scope: chosen)
    monkeypatch.setattr("fateline_oracle.cli.conform.every_instance", lambda scope: chosen)  # if it was imported before
    monkeypatch.setattr(self_test, "SELF_TEST", ("late-without-a-fate",))


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["conform", *words, "--scope", "small", "--jobs", "1", "--seed", "5"])
    return result.exit_code, result.output


@pytest.mark.usefixtures("few")
def test_the_reference_engine_is_driven_through_everything() -> None:
    code, output = run()
    counts = json.loads(run("--json")[1])["counts"]
    assert code == 2, output  # of three instances not every law can be in danger, and nothing else stands in the way
    laws = json.loads(run("--json")[1])["laws"]
    assert {law["why"] for law in laws.values() if law["verdict"] == "undetermined"} == {
        "never checked in a case to which it applies"
    }
    assert counts["states"] == counts["states_total"] > 0
    assert counts["transitions"] == counts["transitions_total"] > 0
    assert "self-test: a token that comes late" in output
    assert "noticed by C16" in output


@pytest.mark.usefixtures("few")
def test_a_breach_is_shown_saved_and_drawn(tmp_path: Path) -> None:
    page, cases = tmp_path / "out" / "report.html", tmp_path / "cases"
    code, output = run("zoo:late-without-a-fate", "--html", str(page), "--cases", str(cases))
    assert code == 1, output
    assert "<- breaks C16" in output
    assert "Legal here:" in output
    assert "missing: outcomes 0/" in output
    assert page.read_text().startswith("<!doctype html>")
    assert list(cases.glob("*.json"))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", ["garbage", "nothing", "raises"])
def test_an_engine_that_breaks_down_decides_nothing(name: str) -> None:
    code, output = run(f"{STRANGE}:{name}")
    assert code == 2, output
    assert "the engine broke down: " in output
    assert "undetermined" in output
    assert "Traceback" not in output


@pytest.mark.usefixtures("few")
def test_what_cannot_be_believed_or_found_is_one_line() -> None:
    assert run(f"{STRANGE}:other_law")[0] == 2
    for words in (["nowhere"], ["zoo:unicorn"], [f"{STRANGE}:nobody"]):
        code, output = run(*words)
        assert code == 3, output
        assert len(output.strip().splitlines()) == 1


def concluded(judged: list[InstanceResult], profile: Profile = NOTHING, tests: tuple[SelfTest, ...] = SEEN) -> Verdict:
    return verdict.conclude(Campaign("x", "small", 1, HELLO, judged), tests, profile, "again").report.verdict


def whole(law: str | None = None, **more: int) -> InstanceResult:
    judged = InstanceResult("f", PLACE, "pipeline", 5, 5, 9, 9)
    judged.checked.update({law.id: 1 for law in ALL})
    if law is not None:
        judged.findings.note(Difference((), (), "x", ("d",), ((law, "so"), ("D2", "so"))))
    for name, value in more.items():
        setattr(judged, name, value)
    return judged


def test_a_graph_that_was_not_driven_through_is_undetermined() -> None:
    assert concluded([whole()]) is Verdict.HOLDS
    assert concluded([whole(states=4)]) is Verdict.UNDETERMINED


def test_a_judge_that_did_not_notice_its_own_bugs_decides_nothing() -> None:
    assert concluded([whole()], tests=(SelfTest("a", "b", "C16", None, 1),)) is Verdict.UNDETERMINED


def test_a_profile_law_can_be_declared_away_and_a_core_law_cannot(tmp_path: Path) -> None:
    assert concluded([whole("C16")]) is Verdict.BREACHED
    declared = Profile({"C16": "late tokens are dropped silently"})
    assert concluded([whole("C16")], declared) is Verdict.HOLDS
    assert concluded([whole("F1")], declared) is Verdict.BREACHED
    path = tmp_path / "profile.toml"
    path.write_text('[laws]\nF1 = "two are better"\nX99 = "?"\nC16 = ""\n[more]\n')
    with pytest.raises(BadProfile) as error:
        read_profile(path)
    said = str(error.value)
    assert "F1: At most one fate is a core law" in said
    assert "X99: there is no such law" in said
    assert "C16: write a sentence" in said
    assert "more: a profile has only the table" in said
    path.write_text('[laws]\nC16 = "late tokens\\n are dropped"\n')
    assert read_profile(path).laws == {"C16": "late tokens are dropped"}


@pytest.mark.usefixtures("few")
def test_a_ledger_lets_known_findings_pass_and_fails_when_they_are_gone(tmp_path: Path) -> None:
    report, known = tmp_path / "report.json", tmp_path / "known.toml"
    code, text = run("zoo:late-without-a-fate", "--json", "--instance", PLACE)
    assert code == 1
    report.write_text(text[text.index("{") :], encoding="utf-8")
    made = CliRunner().invoke(main, ["ledger", str(report)])
    assert (made.exit_code, "Give each entry its `reason`" in made.output) == (0, True)
    known.write_text(CliRunner().invoke(main, ["ledger", str(report), "--reason", "it is planned"]).stdout)
    code, text = run("zoo:late-without-a-fate", "--ledger", str(known), "--instance", PLACE)
    assert (code, "it is planned" in text) == (0, True), text
    code, text = run("--ledger", str(known))
    assert (code, "no longer occurs; remove it" in text) == (2, True)
    known.write_text("[[known]]\nlaw = 1\n")
    assert run("--ledger", str(known))[0] == 3


@pytest.mark.usefixtures("few")
def test_a_part_of_a_scope_is_checked_and_only_that_is_concluded() -> None:
    code, text = run("zoo:late-without-a-fate", "--instance", PLACE, "--law", "L1", "--law", "C4")
    assert code == 0, text  # the bug breaks neither law
    code, text = run("zoo:late-without-a-fate", "--instance", "untimed*", "--law", "C16", "--json")
    laws = json.loads(text[text.index("{") :])["laws"]
    assert (code, laws["C16"]["verdict"], laws["L1"]["why"]) == (1, "breached", "not asked for")
    assert run("--instance", "no such*")[0] == 3
    assert run("--list") == (0, "".join(f"{one.name}\n" for one in campaign.every_instance("small")))
