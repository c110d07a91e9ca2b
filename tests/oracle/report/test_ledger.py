"""A ledger of known findings: they do not change the verdict, and a ledger that lists what was mended does not let pass."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fateline_oracle.report.ledger import NOTHING_KNOWN, BadLedger, Ledger, ledger_of, read_ledger, settled
from fateline_oracle.report.verdict import Finding, LawResult, Report, Verdict

TODAY = date(2027, 1, 15)
HOLDS = LawResult(Verdict.HOLDS, 9)
REPORT = Report(
    law_version="2", engine=("mine", "1.4.2"), scope="small", seed=1, counts={}, seconds=1.0, reproduce="x",
    laws={"C8": LawResult(Verdict.BREACHED, 9, 2), "F3": LawResult(Verdict.BREACHED, 9, 1), "L1": HOLDS},
    findings=(
        Finding("C8", "first", kind="arrive: missing", count=7, also=("F3",)),
        Finding("C8", "second", kind="lose: unexpected", count=1),
    ),
)  # fmt: skip
FIRST = '[[known]]\nlaw = "C8"\nkind = "arrive: missing"\nreason = "planned"\n'
BOTH = FIRST + '[[known]]\nlaw = "C8"\nkind = "lose: unexpected"\nreason = "by design"\nlink = "there"\n'


def ledger(folder: Path, text: str, version: str = "1.4.2") -> Ledger:
    path = folder / "known.toml"
    path.write_text(text, encoding="utf-8")
    return read_ledger(path, version, TODAY)


def test_a_known_finding_is_counted_and_another_one_still_breaches(tmp_path: Path) -> None:
    report = settled(REPORT, ledger(tmp_path, FIRST))
    assert [(one.kind, one.count, one.reason) for one in report.known] == [("arrive: missing", 7, "planned")]
    assert [finding.message for finding in report.findings] == ["second"]
    assert (report.verdict, report.laws["C8"].verdict) == (Verdict.BREACHED, Verdict.BREACHED)
    assert report.laws["F3"].verdict is None  # only the known finding broke it


def test_if_every_finding_is_known_the_rest_decides(tmp_path: Path) -> None:
    report = settled(REPORT, ledger(tmp_path, BOTH))
    assert (report.verdict, report.findings, report.laws["C8"].verdict) == (Verdict.HOLDS, (), None)
    unsure = settled(replace(REPORT, prevented=("a bound",)), ledger(tmp_path, BOTH))
    assert (unsure.verdict, unsure.why) == (Verdict.UNDETERMINED, "a bound")


def test_an_entry_that_no_longer_occurs_prevents_holds(tmp_path: Path) -> None:
    mended = replace(REPORT, laws={"C8": HOLDS, "F3": HOLDS}, findings=())
    report = settled(mended, ledger(tmp_path, FIRST))
    assert report.verdict is Verdict.UNDETERMINED
    assert "no longer occurs; remove it" in report.why
    assert settled(mended, ledger(tmp_path, FIRST), whole=False).verdict is Verdict.HOLDS
    elsewhere = ledger(tmp_path, FIRST + 'scope = "standard"\n')
    assert settled(mended, elsewhere).verdict is Verdict.HOLDS
    assert settled(replace(mended, scope="standard"), elsewhere).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    "more, applies",
    [
        ("", True),
        ('versions = ["1.4.*"]', True),
        ('versions = ["1.3.*", "1.4.2"]', True),
        ('versions = ["1.5.*"]', False),
        ("expires = 2027-01-15", True),
        ("expires = 2027-01-14", False),
    ],
)
def test_an_entry_is_for_versions_and_until_a_day(tmp_path: Path, more: str, applies: bool) -> None:
    report = settled(REPORT, ledger(tmp_path, f"{FIRST}{more}\n"))
    assert len(report.findings) == (1 if applies else 2)
    assert ("until" in " ".join(report.prevented)) == ("expires" in more and not applies)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("known = 1", "not a ledger"),
        ("[[known]]\nlaw = 'C8'", "not a ledger"),
        (FIRST + "colour = 'red'", "colour"),
        (FIRST.replace("C8", "Q9"), "entry 1: there is no law 'Q9'"),
        (FIRST.replace("planned", " "), "entry 1: `reason` is empty"),
        (FIRST + "expires = 'soon'", "not a ledger"),
        ("[[known", "not TOML"),
        ("[[known]]\n\x00", "not TOML"),
    ],
)
def test_a_bad_ledger_is_refused_with_the_problem(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadLedger, match=problem):
        ledger(tmp_path, text)
    with pytest.raises(BadLedger, match="No such file"):
        read_ledger(tmp_path / "missing.toml", "1", TODAY)


def test_no_ledger_changes_nothing() -> None:
    assert settled(REPORT, NOTHING_KNOWN) == REPORT


TEXTS = st.text(max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["C8", "F3"]), TEXTS, TEXTS), max_size=5), TEXTS.filter(str.strip), TEXTS)
def test_the_ledger_that_is_made_of_a_report_lists_all_of_it(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[str, str, str]], reason: str, link: str
) -> None:
    """Whatever text an engine puts into a finding."""
    folder = tmp_path_factory.mktemp("ledger")
    findings = tuple(Finding(law, message, kind=kind) for law, kind, message in found)
    laws = {law: LawResult(Verdict.BREACHED, 1, 1) for law in ("C8", "F3")}
    report = replace(REPORT, laws=laws, findings=findings)
    (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
    text = ledger_of(folder / "report.json", reason, link, date(2027, 3, 1))
    assert settled(report, ledger(folder, text)).findings == ()
    assert not settled(report, ledger(folder, text)).prevented


def test_what_was_known_keeps_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(settled(REPORT, ledger(tmp_path, FIRST)).to_json(), encoding="utf-8")
    again = ledger(tmp_path, ledger_of(path, "new", "", None))
    assert {one.reason for one in again.entries} == {"planned", "new"}
    assert {one.versions for one in again.entries} == {("1.4.2",)}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other"}'])
def test_a_ledger_is_made_only_of_a_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadLedger, match=r"not JSON|not a report"):
        ledger_of(tmp_path / "report.json", "", "", None)
