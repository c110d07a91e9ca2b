"""Counterexamples as a person reads them: one record a line, the lineage as a tree, what the law would have written."""

import json
from pathlib import Path
from typing import Any

import pytest

from fateline_model import Refusal
from fateline_model.checker.mutants import MUTANTS
from fateline_model.checker.verify import Step
from fateline_model.laws import LAWS
from fateline_oracle.law.verification import judge_mutant
from fateline_oracle.render.counterexample import expected_last, lineage, say, show
from fateline_oracle.report.case import case_document, write_case

LATE = judge_mutant(next(mutant for mutant in MUTANTS if mutant.name == "late-without-a-fate"))
TWICE = judge_mutant(next(mutant for mutant in MUTANTS if mutant.name == "row-read-twice"))


def record(rec: str, **columns: Any) -> dict[str, object]:
    return {"rec": rec, "run": "r", **columns}


@pytest.mark.parametrize(
    "written, said",
    [
        (record("hops", token="0", src="g", label="a", dst="ta"), "0: g -a-> ta"),
        (record("parents", child="0/j", parent="0/a", ordinal=0), "0/j has parent 0/a"),
        (record("visits", visit="x", token="0", node="t", attempt=1, status="open"), "0 at t, attempt 1: open"),
        (
            record("visits", visit="x", token="0", node="t", attempt=0, status="failed", verdict="error"),
            "0 at t, attempt 0: failed, error",
        ),
        (record("rows", row="3", source="src", idx=3), "3"),
        (record("outcomes", token="0", outcome="routed", sink="vip"), "0: outcome routed, sink vip"),
        (record("members", batch="agg#0", token="0", ordinal=0), "0: batch agg#0, ordinal 0"),
        (
            record("losses", barrier="j@0", branch="a", token="0/a", reason="failed"),
            "0/a: barrier j@0, branch a, reason failed",
        ),
        (record("runs", status="completed", rows=2), "r: status completed, rows 2"),
    ],
)
def test_a_record_is_one_line(written: dict[str, object], said: str) -> None:
    assert say(written) == said


def test_the_lineage_is_a_tree_with_fates_and_further_parents() -> None:
    records = [
        record("tokens", token="0", row="0"),
        record("outcomes", token="0", outcome="forked", group="0"),
        *(record("tokens", token=f"0/{b}", row="0", group="0") for b in "ab"),
        *(record("parents", child=f"0/{b}", parent="0", ordinal=n) for n, b in enumerate("ab")),
        record("outcomes", token="0/a", outcome="coalesced", group="0/j"),
        record("outcomes", token="0/b", outcome="coalesced", group="0/j"),
        record("tokens", token="0/j", row="0", group="0/j"),
        *(record("parents", child="0/j", parent=f"0/{b}", ordinal=n) for n, b in enumerate("ab")),
        record("outcomes", token="0/j", outcome="completed", sink="out"),
        record("tokens", token="1", row="1"),
        record("outcomes", token="1", outcome="failed", error="*", reason="node_failed"),
    ]
    assert lineage(records) == [
        "0  forked",
        "├─ 0/a  coalesced",
        "│  └─ 0/j and 0/b  completed at out",
        "└─ 0/b  coalesced",
        "1  failed (node_failed)",
    ]


def test_records_without_columns_are_shown_all_the_same() -> None:
    shown = [say({"rec": rec}) for rec in ("hops", "parents", "visits")]
    assert shown == ["?: ? -?-> ?", "? has parent ?", "? at ?, attempt ?: ?"]
    records: list[dict[str, object]] = [{"rec": "tokens"}, {"rec": "parents"}, {"rec": "outcomes"}]
    assert lineage(records) == ["? and ?  ?"]


def test_a_token_that_is_its_own_parent_is_drawn_all_the_same() -> None:
    assert lineage([record("tokens", token="0", row="0"), record("parents", child="0.0", parent="0.0")]) == [
        "0  no fate"
    ]


def test_a_circle_is_drawn_once_and_a_long_line_of_tokens_has_an_end() -> None:
    circle = [record("parents", child=child, parent=parent) for child, parent in ("ba", "ab")]
    assert lineage([*circle, record("tokens", token="a")]) == ["a  no fate", "└─ b  no fate"]
    chain = [record("parents", child=str(n + 1), parent=str(n)) for n in range(3_000)]
    drawn = lineage([record("tokens", token="0"), *chain])
    assert len(drawn) == 42
    assert drawn[-1].strip() == "..."


def test_every_step_is_numbered_and_the_last_one_named_with_its_law() -> None:
    lines = show(LATE.laws, LATE.steps).splitlines()
    numbered = [line for line in lines if line[:4].strip().rstrip(".").isdigit()]
    assert [line.strip().split(".")[0] for line in numbered] == [str(n + 1) for n in range(len(LATE.steps))]
    assert [line for line in numbered if "<- breaks" in line] == [numbered[-1]]
    assert numbered[-1].endswith("<- breaks C16")
    assert "wrote:" not in "".join(lines), "nothing is expected, so nothing stands beside it"


def test_what_the_law_writes_stands_beside_what_was_written() -> None:
    expected = expected_last(LATE.instance, LATE.steps)
    assert isinstance(expected, list)
    assert [str(written["rec"]) for written in expected] == ["visits", "outcomes"]
    text = show(LATE.laws, LATE.steps, expected)
    wrote, law = text.split("       wrote:\n")[1].split("       the law:\n")
    assert wrote.count("\n") == 1
    assert "late_arrival_after_merge" in law
    assert "late_arrival_after_merge" not in wrote


def test_what_the_law_refuses_is_told_with_its_rule() -> None:
    assert expected_last(TWICE.instance, TWICE.steps) is Refusal.ROW_ALREADY_READ
    assert "refuses it: row_already_read (the row has been read" in show(
        TWICE.laws, TWICE.steps, Refusal.ROW_ALREADY_READ
    )


def test_the_law_is_said_in_its_sentence_with_at_most_three_of_its_messages() -> None:
    steps = [Step("crash()", {}, []), Step("resume()", {}, [])]
    text = show([("F1", f"message {n}") for n in range(5)], steps)
    assert LAWS["F1"].sentence in text
    assert [f"message {n}" in text for n in range(5)] == [True, True, True, False, False]
    assert text.startswith("  1. crash()\n       nothing\n  2. resume()"), "a step that writes nothing says so"


def test_nothing_is_expected_where_the_sound_law_does_not_come_that_far() -> None:
    assert expected_last("no such instance", LATE.steps) is None
    assert expected_last(LATE.instance, []) is None
    early = [LATE.steps[0], LATE.steps[0], *LATE.steps[1:]]
    assert expected_last(LATE.instance, early) is None
    assert expected_last(LATE.instance, [Step("read(7, valid)", {}, [])]) is None


def test_a_case_is_written_under_a_name_that_every_file_system_takes(tmp_path: Path) -> None:
    document = case_document("t", "batch", "i", None, LATE.laws, LATE.steps, None, "fateline")
    path = write_case(tmp_path / "a" / "b", "diamond policy=quorum:2 ../../x\n" + "y" * 300, document)
    assert path.parent == tmp_path / "a" / "b"
    assert path.name.startswith("diamond-policy-quorum-2-..-..-x-yyy")
    assert len(path.name) <= 105
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(document))


@pytest.mark.parametrize("expected", [None, Refusal.HAS_FATE, [], [{"rec": "rows"}]])
def test_a_case_keeps_a_refusal_nothing_and_no_record_apart(expected: Any) -> None:
    document = case_document("t", "pipeline", "i", None, [("F1", "m")], [], expected, "fateline")
    assert json.loads(json.dumps(document))["expected"] == (None if expected is None else expected)
    assert document["laws"] == [["F1", "m"]]
