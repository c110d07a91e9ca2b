"""The rule for the overall verdict as a table, and what a report cannot be made to claim."""

import json
from dataclasses import replace

import pytest

from fateline_oracle.report.verdict import ExitCode, Finding, LawResult, Report, Skipped, Verdict, overall_verdict

HOLDS = LawResult(Verdict.HOLDS, checked=9)
BREACHED = LawResult(Verdict.BREACHED, checked=9, breached=1)
UNDECIDED = LawResult(Verdict.UNDETERMINED, checked=9, why="a choice was left open")
NOT_JUDGED = LawResult(None, why="the trail records no visits")


@pytest.mark.parametrize(
    "laws, prevented, expected",
    [
        ([HOLDS], False, Verdict.HOLDS),
        ([HOLDS, HOLDS], False, Verdict.HOLDS),
        ([HOLDS, NOT_JUDGED], False, Verdict.HOLDS),
        ([], False, Verdict.UNDETERMINED),
        ([NOT_JUDGED], False, Verdict.UNDETERMINED),
        ([HOLDS, UNDECIDED], False, Verdict.UNDETERMINED),
        ([HOLDS], True, Verdict.UNDETERMINED),
        ([BREACHED], False, Verdict.BREACHED),
        ([BREACHED, HOLDS], False, Verdict.BREACHED),
        ([BREACHED, NOT_JUDGED], False, Verdict.BREACHED),
        ([UNDECIDED, BREACHED], False, Verdict.BREACHED),
        ([BREACHED], True, Verdict.BREACHED),
    ],
)
def test_overall_verdict(laws: list[LawResult], prevented: bool, expected: Verdict) -> None:
    assert overall_verdict(laws, prevented=prevented) is expected


def test_exit_codes_are_the_documented_numbers() -> None:
    assert {verdict: int(verdict.exit_code) for verdict in Verdict} == {
        "holds": 0,
        "breached": 1,
        "undetermined": 2,
    }
    assert int(ExitCode.USAGE) == 3


REPORT = Report(
    law_version="1",
    scope="small",
    seed=7,
    laws={"L2": BREACHED, "V1": NOT_JUDGED},
    counts={"tokens": 12},
    skipped=(Skipped("visits", "not recorded", laws=("V1",), cases=3),),
    findings=(Finding("L2", "parents of two rows", tokens=("3/j",), rows=("3", "4")),),
    seconds=1.23456,
    reproduce="fateline verify --scope small --seed 7",
)


def test_report_as_json_has_the_documented_keys_in_order() -> None:
    told = json.loads(REPORT.to_json())
    assert list(told) == [
        *("schema", "verdict", "law_version", "engine", "scope", "seed", "laws", "counts"),
        *("skipped", "findings", "known", "prevented", "seconds", "reproduce", "details", "shard"),
    ]
    assert told["schema"] == "fateline.report/1"
    assert told["verdict"] == "breached"
    assert told["laws"] == {
        "L2": {"verdict": "breached", "checked": 9, "breached": 1, "why": None},
        "V1": {"verdict": "not judged", "checked": 0, "breached": 0, "why": "the trail records no visits"},
    }
    assert told["skipped"] == [{"what": "visits", "why": "not recorded", "laws": ["V1"], "cases": 3}]
    assert told["findings"] == [
        {
            "law": "L2",
            "message": "parents of two rows",
            "tokens": ["3/j"],
            "rows": ["3", "4"],
            "nodes": [],
            "case": None,
            "kind": "",
            "severity": "",
            "count": 1,
            "steps": 0,
            "closed": 0,
            "instances": [],
            "also": [],
        }
    ]
    assert told["seconds"] == 1.235


def test_a_report_is_undetermined_though_its_laws_hold_if_a_bound_was_reached() -> None:
    report = replace(REPORT, laws={"L1": HOLDS}, findings=(), prevented=("a bound was reached",))
    assert (report.exit_code, report.why) == (ExitCode.UNDETERMINED, "a bound was reached")


def test_a_report_says_why_it_is_undetermined() -> None:
    report = replace(REPORT, laws={"L1": UNDECIDED, "L2": HOLDS}, findings=())
    assert report.why == "no decision about L1"
    assert replace(REPORT, laws={"V1": NOT_JUDGED}, findings=()).why == "no law could be judged"
    assert REPORT.why == ""


def test_a_finding_needs_a_breached_law() -> None:
    with pytest.raises(ValueError, match="not breached: V1"):
        replace(REPORT, findings=(Finding("V1", "a visit left open"),))


@pytest.mark.parametrize(
    "verdict, checked, breached, why",
    [
        (Verdict.HOLDS, 9, 1, None),
        (Verdict.BREACHED, 9, 0, None),
        (Verdict.UNDETERMINED, 9, 0, None),
        (None, 9, 0, "not recorded"),
        (None, 0, 0, None),
    ],
)
def test_a_law_result_cannot_contradict_itself(
    verdict: Verdict | None, checked: int, breached: int, why: str | None
) -> None:
    with pytest.raises(ValueError, match=r"verdict|not judged|undetermined"):
        LawResult(verdict, checked, breached, why)
