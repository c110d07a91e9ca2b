"""What a resume does with cut visits and unfinished rows is a choice. Its law names it, and a profile may declare it."""

import json
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner

from fateline_model.stimuli import Do, Stimulus
from fateline_oracle.cli import main
from fateline_oracle.conform.campaign import Campaign
from fateline_oracle.conform.instance import InstanceResult, Strategy, drive_instance
from fateline_oracle.conform.verdict import conclude
from fateline_oracle.crash.instance import crash_instance
from fateline_oracle.mutants import mutant_engine
from fateline_oracle.mutants.kill import place_called
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Request
from fateline_oracle.ports.profile import Profile
from fateline_oracle.report.verdict import Verdict

LATER = "opens-cut-visits-later"


def driven(bug: str, declared: Sequence[str] = ()) -> InstanceResult:
    with mutant_engine(bug) as engine:
        return drive_instance(
            engine, hello_of(engine), place_called("line"), Strategy.REFUSALS, seed=0, declared=frozenset(declared)
        )


def laws(done: InstanceResult) -> set[str]:
    return {law for one in done.findings for law, _ in one.shortest.laws}


def test_a_cut_visit_that_is_opened_later_breaks_its_choice_and_no_duty() -> None:
    done = driven(LATER)
    assert laws(done) == {"R5", "D2"}  # D2 compares with the state of the law, in which the visit is open
    assert done.states < done.states_total


def test_a_declared_choice_hides_nothing() -> None:
    """The judge opens the cut visit itself, so what lies behind the resume is driven, too."""
    done = driven(LATER, ["R5"])
    assert (list(done.findings), done.fault) == ([], None)
    assert done.states == done.states_total


def test_a_law_that_an_engine_is_driven_around_does_not_hold() -> None:
    with mutant_engine(LATER) as engine:
        campaign = Campaign("x", "small", 0, hello_of(engine), [driven(LATER, ["R5"])])
    laws = conclude(campaign, (), Profile({"R5": "cut visits are opened later"}), "again").report.laws
    assert laws["R5"].verdict is None
    assert "cut visits are opened later" in str(laws["R5"].why)
    assert laws["V2"].verdict is Verdict.HOLDS


def test_an_engine_that_opens_cut_visits_itself_is_not_asked_to() -> None:
    done = driven("a-filter-fails", ["R5"])
    assert "R5" not in laws(done)
    assert not any("resume" in str(one.shortest.stimuli[-1]) for one in done.findings)


def test_a_second_root_at_a_resume_is_a_choice_and_another_one_is_not() -> None:
    done = driven("begins-cut-rows-again-unguarded")
    first = next(one.shortest for one in done.findings if one.shortest.stimuli[-1].do is Do.RESUME)
    assert first.law == "L9"
    assert {law for law, _ in first.laws} == {"L9", "D2"}


def test_an_attempt_that_goes_on_after_a_crash_is_a_choice() -> None:
    with mutant_engine("goes-on-in-the-visit-that-was-cut") as engine:
        done = crash_instance(engine, hello_of(engine), place_called("line"), depth=1)
    assert done.found is not None
    assert {law for law, _ in done.found.laws} == {"R5"}


def resumed_later(path: Path) -> Path:
    """A trail in which row 1 has come to its end before the cut visit of row 0 is opened again."""
    with mutant_engine(LATER) as engine:
        port = engine.pipeline()
        assert port is not None
        port.start(place_called("line").document or {})

        def do(stimulus: Do, **fields: object) -> None:
            reply = port.do(Request(Stimulus(stimulus, **fields)))  # type: ignore[arg-type]
            assert (reply.refused, reply.unsupported) == (None, None)

        for row in (0, 1):
            do(Do.READ, row=row, verdict="valid")
        first, second = (str(record["token"]) for record in port.trail() if record["rec"] == "tokens")
        do(Do.BEGIN, token=first)
        do(Do.CRASH)
        do(Do.RESUME)
        for token in (second, first):
            do(Do.BEGIN, token=token)
            do(Do.FINISH, token=token, verdict="drop")
        do(Do.END_OF_SOURCE)
        do(Do.RUN_OVER)
        path.write_text("\n".join(json.dumps(dict(record)) for record in port.trail()))
        port.close()
    return path


def test_at_rest_only_the_choice_is_named(tmp_path: Path) -> None:
    trail = resumed_later(tmp_path / "trail.jsonl")
    audited = json.loads(CliRunner().invoke(main, ["audit", str(trail), "--json"]).output)
    assert [law for law, one in audited["laws"].items() if one["breached"]] == ["R5"]
    stepped = CliRunner().invoke(main, ["conform", "--trail", str(trail), "--json"])
    found = json.loads(stepped.output)
    assert [law for law, one in found["laws"].items() if one["breached"]] == []
    assert found["laws"]["R5"]["verdict"] == "not judged", "a row alone does not show what other rows did before"
