"""`fateline hunt`: what it finds is kept and stepped again; it goes on where it stopped; a seed walks the same way."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_oracle.cli import main
from fateline_oracle.conform.fuzz import STATE, BadCorpus, Hunt
from fateline_oracle.engines import engine_of
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Drive, Port
from fateline_oracle.report.verdict import Verdict

from .test_going_on import with_both


def hunt(*words: object) -> Result:
    return CliRunner().invoke(main, ["hunt", *map(str, words)])


def test_nothing_is_found_in_the_reference_engine_and_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = json.loads(hunt("--corpus", tmp_path, "--seed", 5, "--rounds", 12, "--json").output)
    second = json.loads(hunt("--corpus", tmp_path, "--rounds", 8, "--json").output)
    whole = json.loads(hunt("--corpus", tmp_path / "whole", "--seed", 5, "--rounds", 20, "--json").output)
    assert first["verdict"] == second["verdict"] == "holds"
    assert first["counts"]["walks"] == 12
    assert second["counts"] == whole["counts"]
    assert second["counts"]["walks"] == 20


def test_a_bug_is_found_kept_once_a_shape_and_stepped_again(tmp_path: Path) -> None:
    found = hunt("zoo:late-without-a-fate", "--corpus", tmp_path, "--seed", 3, "--rounds", 60)
    assert found.exit_code == 1, found.output
    cases = sorted(path for path in tmp_path.glob("*.json") if path.name != STATE)
    assert cases
    laws = {json.loads(path.read_text())["laws"][0][0] for path in cases}
    assert laws == {"C16"}
    state = json.loads((tmp_path / STATE).read_text())
    assert len(state["cases"]) == len(cases)
    again = hunt("zoo:late-without-a-fate", "--corpus", tmp_path, "--rounds", 0)
    assert again.exit_code == 1
    assert again.output.count("replayed  breaks C16") == len(cases)
    mended = hunt("--corpus", tmp_path, "--rounds", 0)
    assert mended.output.count("replayed  holds now") == len(cases)
    assert hunt("--corpus", tmp_path, "--rounds", 3).exit_code == 0, "what an earlier hunt found is mended"
    replayed = CliRunner().invoke(main, ["replay", str(cases[0]), "zoo:late-without-a-fate"])
    assert replayed.exit_code == 1, replayed.output


def test_findings_are_told_apart_by_their_kind(tmp_path: Path) -> None:
    """The same bug at many places and after many other steps is one finding for each thing that it meets."""
    report = json.loads(
        hunt("zoo:late-without-a-fate", "--corpus", tmp_path, "--seed", 3, "--rounds", 60, "--json").output
    )
    kinds = [finding["kind"] for finding in report["findings"]]
    assert len(kinds) == len(set(kinds)) < sum(finding["count"] for finding in report["findings"])
    assert report["laws"]["C16"]["breached"] > report["laws"]["L1"]["breached"] == 0
    assert {Path(finding["case"]).parent for finding in report["findings"]} == {tmp_path}


@pytest.mark.parametrize("port", [Port.BARRIER, Port.LIFECYCLE])
def test_an_engine_that_offers_one_port_is_hunted_through_it(tmp_path: Path, port: Port) -> None:
    with engine_of("") as engine:
        found = Hunt(engine, hello_of(engine)._replace(ports=frozenset({port})), "", tmp_path, 1)
        for event in found.rounds():
            if event.kind == "walked" and found.progress.rounds == 5:
                break
        report = found.report("")
    assert (report.verdict, report.counts["walks"], report.findings) == (Verdict.HOLDS, 5, ())
    assert report.counts["steps"] > 20
    assert {law for law, one in report.laws.items() if one.verdict is None} >= {"R1", "T1"}


@pytest.mark.parametrize("bug, law", [("", None), ("siblings-share-data", "K3")])
def test_an_engine_that_only_runs_whole_is_hunted_through_whole_runs(tmp_path: Path, bug: str, law: str | None) -> None:
    with engine_of(f"zoo:{bug}" if bug else "") as engine:
        hello = hello_of(engine)._replace(ports=frozenset({Port.TRAIL}), drive=Drive.WHOLE_RUN)
        found = Hunt(engine, hello, bug, tmp_path, 1)
        found.instances = [
            one for one in found.instances if one.name.startswith("diamond branches=2 policy=require_all")
        ]
        for event in found.rounds():
            if event.kind == "walked" and found.progress.rounds == 4:
                break
        report = found.report("")
        assert report.counts["walks"] == 4
        assert {finding.law for finding in report.findings} == ({law} if law else set())
        again = Hunt(engine, hello, bug, tmp_path, 1)
        again.progress = found.progress
        assert [event.text for event in again.replayed()] == [f"breaks {law}"] * len(found.progress.cases)


def test_a_corpus_belongs_to_an_engine_and_says_when_its_version_changed(tmp_path: Path) -> None:
    hunt("--corpus", tmp_path, "--seed", 1, "--rounds", 1)
    with engine_of("") as engine:
        hello = hello_of(engine)
        assert Hunt(engine, hello._replace(version="9"), "", tmp_path, None).notes == [
            "the last hunt was in version 0.1.0; its cases are stepped again in 9"
        ]
        with pytest.raises(BadCorpus, match="this is the corpus of reference engine, not of another"):
            Hunt(engine, hello._replace(name="another"), "", tmp_path, None)


def test_behind_a_difference_the_walk_goes_on(tmp_path: Path) -> None:
    """With two bugs in one engine, one hunt finds both: the bug that nearly every walk meets does not hide the other."""
    with with_both("late-without-a-fate", "siblings-share-data") as engine:
        found = Hunt(engine, hello_of(engine), "", tmp_path, 3)
        for event in found.rounds():
            if event.kind == "walked" and found.progress.rounds == 40:
                break
        laws = {finding.law for finding in found.report("").findings}
    assert {"C16", "K3"} <= laws


def test_ctrl_c_keeps_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked = Hunt._walk
    calls: list[int] = []

    def stopping(self: Hunt, *rest: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return walked(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Hunt, "_walk", stopping)
    found = hunt("--corpus", tmp_path, "--seed", 1)
    assert "stopped" in found.output
    assert json.loads((tmp_path / STATE).read_text())["rounds"] == 3


@pytest.mark.parametrize(
    "content, says",
    [
        ("{", "not written by a hunt"),
        ('{"schema": "x", "law_version": "2"}', "written by another version"),
        ("[]", "not written by"),
    ],
)
def test_a_folder_that_holds_something_else_is_said(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / STATE).write_text(content)
    found = hunt("--corpus", tmp_path, "--rounds", 1)
    assert found.exit_code == 3
    assert says in found.output


def test_another_seed_needs_another_folder(tmp_path: Path) -> None:
    hunt("--corpus", tmp_path, "--seed", 1, "--rounds", 1)
    assert "this hunt has seed 1" in hunt("--corpus", tmp_path, "--seed", 2, "--rounds", 1).output


@pytest.mark.slow
def test_it_steers_to_what_was_not_seen(tmp_path: Path) -> None:
    """Kinds of steps seen grow faster than when any lawful stimulus is taken."""
    counts = []
    for looked_at in (6, 1):
        with engine_of("") as engine, pytest.MonkeyPatch.context() as patch:
            patch.setattr("fateline_oracle.conform.fuzz.LOOKED_AT", looked_at)
            found = Hunt(engine, hello_of(engine), "", tmp_path / str(looked_at), 7)
            for event in found.rounds():
                if event.kind == "walked" and found.progress.rounds == 80:
                    break
            counts.append(len(found.progress.seen))
    assert counts[0] > counts[1]
