"""The pytest class: one test a law, a counterexample as the failure, not judged is skipped; and the same as JUnit XML."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import fateline
from fateline_model import LAWS
from fateline_oracle.cli import main
from fateline_oracle.report.junit import junit
from fateline_oracle.report.verdict import Finding, LawResult, Report, Verdict

SUITE = """
import fateline
from fateline_oracle.conform import campaign

WHOLE = campaign.every_instance
campaign.every_instance = lambda scope: tuple(one for one in WHOLE(scope) if one.family in ("line", "leaving"))


class TestEngine(fateline.Conformance):
    engine = "{engine}"
"""


def run(folder: Path, engine: str) -> str:
    (folder / "test_engine.py").write_text(SUITE.format(engine=engine))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-ra", "test_engine.py"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_every_law_is_a_test_and_what_is_not_judged_is_skipped_with_the_reason(tmp_path: Path) -> None:
    said = run(tmp_path, "process:no-such-command")
    assert "cannot be started" in said
    told = run(tmp_path, "")
    assert f"{len(LAWS)} " in told or "passed" in told
    assert "never checked in a case to which it applies" in told
    assert "FAILED test_engine.py::TestEngine::test_law[C16]" not in told


def test_a_bug_fails_its_law_with_the_counterexample(tmp_path: Path) -> None:
    said = run(tmp_path, "zoo:late-without-a-fate")
    assert "FAILED test_engine.py::TestEngine::test_law[C16]" in said
    assert "<- breaks C16" in said
    assert "Repeat with: fateline conform zoo:late-without-a-fate --scope small --seed 0" in said


def test_there_is_nothing_else_to_import() -> None:
    assert fateline.Conformance.engine == ""
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        fateline.Nothing  # noqa: B018


def test_a_report_as_junit_xml_says_each_verdict_and_holds_any_text() -> None:
    report = Report(
        law_version="1", scope="s", seed=0, counts={}, seconds=1.5, reproduce="x",
        laws={
            "F1": LawResult(Verdict.HOLDS, 3), "L2": LawResult(Verdict.BREACHED, 2, 1), "K3": LawResult(None, why="no digests"),
            "C4": LawResult(Verdict.UNDETERMINED, why="a bound"),
        },
        findings=(Finding("L2", "token \x00\ud800 <&> of another row"),),
    )  # fmt: skip
    suite = ElementTree.fromstring(junit(report, "mine"))
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert "of another row" in str(suite.findtext("testcase/failure"))


def test_conform_and_audit_write_it(tmp_path: Path) -> None:
    trail = tmp_path / "trail.jsonl"
    trail.write_text(
        '{"rec": "runs", "run": "r", "status": "running"}\n{"rec": "rows", "run": "r", "row": "0", "idx": 0}\n'
    )
    found = CliRunner().invoke(main, ["audit", str(trail), "--junit", str(tmp_path / "out" / "junit.xml")])
    assert found.exit_code == 2, found.output  # the run is not over
    assert len(ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()) == len(LAWS)
