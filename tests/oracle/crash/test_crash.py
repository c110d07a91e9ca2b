"""Torture: every boundary is crashed, the clean engine holds, and what is broken on purpose is named by its law."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from fateline_model.stimuli import Do, Stimulus
from fateline_oracle.cli import main
from fateline_oracle.crash.campaign import instances_to_crash
from fateline_oracle.crash.instance import CrashResult, crash_instance
from fateline_oracle.crash.scenarios import LawCache, scenarios
from fateline_oracle.mutants import MUTANTS
from fateline_oracle.mutants.kill import hunt, place_called
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Boundary, CommitPolicy, Does, EngineFault, Reply, Request
from fateline_oracle.reference.crash import ReferenceCrashPort
from fateline_oracle.reference.engine import ReferenceEngine

TORTURED = [mutant for mutant in MUTANTS.values() if mutant.tortured]
QUICK = ("line", "quarantine", "retries attempts=3")
OTHERS = ("diamond branches=2 policy=first merge=union", "two batches", "leaving policy=require_all")
QUICK_ANIMALS = (
    "a-fate-in-a-commit-of-its-own", "a-row-in-a-commit-of-its-own", "forks-again-after-a-crash",
    "goes-on-in-the-visit-that-was-cut", "confirms-before-it-flushes", "does-not-cut-back",
)  # fmt: skip


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def tortured(name: str, engine: Any = None, depth: int = 1) -> CrashResult:
    made = engine or ReferenceEngine()
    return crash_instance(made, hello_of(made), place_called(name), depth=depth)


reference = cache(tortured)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_the_engine_survives_a_crash_at_every_boundary(name: str) -> None:
    done = reference(name)
    assert (done.found, done.fault) == (None, None)
    assert done.crashed == done.known, "a boundary was met, and what it leaves was never resumed"
    assert done.leftovers[1] > 50
    assert done.leftovers[2] > 10, "the longest scenario is broken off twice"
    assert done.effects, "nothing was written: nothing could be lost or doubled"
    assert {"R1", "R2", "R3", "R4"} <= done.checked.keys()


def test_two_crashes_in_one_run_are_survived_everywhere() -> None:
    done = tortured("line", depth=2)
    assert (done.found, done.fault) == (None, None)
    assert done.leftovers[2] > done.leftovers[1] > 50


def test_every_kind_of_write_is_met_and_every_sink_takes_its_turn() -> None:
    counts = reference("line").known + reference("quarantine").known
    assert set(counts) == {
        "transaction", "statement", "payload", "commit", "sink_write", "sink_torn", "sink_flush", "sink_cut",
    }  # fmt: skip
    kinds = set()
    for name in (*QUICK, *OTHERS):
        port = ReferenceCrashPort()
        port.begin(place_called(name).document or {}, CommitPolicy.STEP)
        kinds |= {path.suffix for path in port._paths.values()}
        port.close()
    assert kinds == {".csv", ".jsonl", ".db"}


def test_scenarios_take_every_step_of_the_graph_and_come_to_the_end() -> None:
    engine, instance = ReferenceEngine(), place_called("leaving policy=require_all")
    lines = list(scenarios(instance, hello_of(engine), LawCache(instance.system.pipeline)))
    assert all(line.stimuli[-1].do is Do.RUN_OVER for line in lines)
    assert len({(run, stimulus) for line in lines for run, stimulus in zip(line.runs, line.stimuli)}) >= 441  # noqa: B905
    assert not any(one.do in (Do.CRASH, Do.RESUME) for line in lines for one in line.stimuli)


def test_a_crash_twice_at_one_place_leaves_one_trace() -> None:
    instance = place_called("line")
    line = next(iter(scenarios(instance, hello_of(ReferenceEngine()), LawCache(instance.system.pipeline))))
    once = line.after_a_crash(1)
    assert once.after_a_crash(1).stimuli == once.stimuli
    assert [one.do for one in once.stimuli[1:3]] == [Do.CRASH, Do.RESUME]


@pytest.mark.parametrize(
    "bug",
    [pytest.param(one, marks=[] if one.name in QUICK_ANIMALS else [pytest.mark.slow]) for one in TORTURED],
    ids=[bug.name for bug in TORTURED],
)
def test_what_is_broken_on_purpose_is_named_by_its_law(bug: Any) -> None:
    from fateline_oracle.conform.instance import Strategy

    hunted = hunt(bug, Strategy.TORTURE)
    assert hunted.killed, f"first {hunted.first}, named {hunted.named}, fault {hunted.fault}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forgets-what-it-held", "forgets-what-was-lost", "a-step-in-two-transactions"])
def test_bugs_of_the_judge_are_told_by_torture_too(name: str) -> None:
    """What a crash between two steps shows, one in the midst of a step shows as well."""
    from fateline_oracle.conform.instance import Strategy

    places = ("line", "diamond branches=2 policy=best_effort merge=union")
    bug = msgspec.structs.replace(MUTANTS[name], tortured=True, places=places)
    assert hunt(bug, Strategy.TORTURE).first in ("R1", "R2")


# ------------------------------------------------------------------------------------------------- ports


class Other(ReferenceEngine):
    """The reference engine, which says or gives something else."""

    def __init__(self, port: Any = None, **said: Any) -> None:
        self._port, self._said = port, said

    def hello(self) -> Any:
        return super().hello()._replace(**self._said)

    def crash(self) -> Any:
        return self._port


def test_an_engine_that_declines_is_skipped_and_counted() -> None:
    done = tortured("line", engine=Other(does=frozenset(Does) - {Does.BOUNDARIES}))
    assert done.skipped == {"the engine does not declare that it can be killed at its write boundaries": 1}
    assert not done.scenarios


def test_an_engine_that_declares_and_gives_no_port_is_at_fault() -> None:
    with pytest.raises(EngineFault, match="gives no crash port"):
        tortured("line", engine=Other(port=object()))


class Lying(ReferenceCrashPort):
    """Answers what it likes to one of the questions."""

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self._answers = answers

    def boundaries(self) -> Any:
        return self._answers.get("boundaries", super().boundaries())

    def sinks(self) -> Any:
        return self._answers.get("sinks", super().sinks())


@pytest.mark.parametrize(
    "answers, told",
    [
        ({"boundaries": ["here"]}, "'here' is not a Boundary"),
        ({"boundaries": [Boundary("nowhere", "x")]}, "is not a Boundary with a write of transaction"),
        ({"boundaries": [Boundary("commit", "never met")]}, "no boundary of this run left never met"),
        ({"sinks": {"out": [1]}}, "give for each sink the ids of its tokens"),
    ],
)
def test_a_port_that_answers_nonsense_is_at_fault(answers: Mapping[str, Any], told: str) -> None:
    done = tortured("line", engine=Other(port=Lying(**answers)))
    assert told in (done.fault or "")


class Forgetful(ReferenceCrashPort):
    """Never takes a run up again."""

    def do(self, asked: Request) -> Reply:
        return Reply(refused="no", message="not I") if asked.stimulus.do is Do.RESUME else super().do(asked)


def test_a_run_that_is_not_taken_up_again_is_a_breach() -> None:
    done = tortured("line", engine=Other(port=Forgetful()))
    assert done.found is not None
    assert done.found.laws[0] == ("R2", "the engine does not resume the crashed run (no: not I)")


class Doubling(ReferenceCrashPort):
    """Says of each effect that it is there twice."""

    def sinks(self) -> dict[str, list[str]]:
        return {name: [*found, *found] for name, found in super().sinks().items()}


def test_an_effect_that_is_there_twice_is_a_breach_without_any_crash() -> None:
    done = tortured("line", engine=Other(port=Doubling()))
    assert done.found is not None
    assert (done.found.laws[0][0], done.found.cuts) == ("R4", ())


def test_a_resume_needs_a_boundary_that_was_met() -> None:
    port = ReferenceCrashPort()
    port.begin(place_called("line").document or {}, CommitPolicy.STEP)
    with pytest.raises(EngineFault, match="no boundary of this run left abc"):
        port.crash_to("abc", None)
    port.close()


def test_what_was_never_begun_is_begun() -> None:
    port = ReferenceCrashPort()
    port.begin(place_called("line").document or {}, CommitPolicy.STEP)
    port.crash_to(port.boundaries()[0].digest, CommitPolicy.STEP)
    assert port.trail() == []
    assert port.do(Request(Stimulus(Do.RESUME))).refused is None
    assert [record["status"] for record in port.trail() if record["rec"] == "runs"] == ["running"]
    port.close()


# ------------------------------------------------------------------------------------------------- the command


def test_the_command_counts_what_it_crashed() -> None:
    result = call("torture", "--family", "line", "--jobs", 1, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["verdict"]) == (0, "holds")
    counts = report["counts"]
    assert counts["boundaries_crashed"] == counts["boundaries_known"] > 1_000
    assert counts["statement_known"] + counts["commit_known"] < counts["boundaries_known"]
    assert report["laws"]["R4"]["checked"] > 100
    assert report["reproduce"] == "fateline torture --scope small --depth 1 --family line"


def test_a_counterexample_is_written_and_replayed(tmp_path: Path) -> None:
    result = call(
        "torture", "zoo:confirms-before-it-flushes", "--family", "quarantine", "--jobs", 1, "--cases", tmp_path
    )
    assert result.exit_code == 1
    assert "killed before a sink is flushed" in result.stdout
    assert "R4  No sink effect lost or doubled" in result.stdout
    (case,) = tmp_path.glob("*.json")
    again = call("replay", case, "zoo:confirms-before-it-flushes", "--json")
    assert (again.exit_code, json.loads(again.stdout)["laws"]["R4"]["verdict"]) == (1, "breached")
    healed = call("replay", case)
    assert healed.exit_code == 0, healed.output
    assert "nothing is lost or doubled" in healed.stdout


@pytest.mark.parametrize(
    "change, told",
    [
        ({"cuts": "here"}, "Expected `array`, got `str` - at `$.cuts`"),
        ({"cuts": [{"boundary": -1, "write": "commit", "steps": 0}]}, "at `$.cuts[0].boundary`"),
        ({"cuts": [{"boundary": 1, "write": "commit", "steps": 0}] * 9}, "give cuts, a list of at most 8"),
        ({"policy": "never"}, "Invalid enum value 'never' - at `$.policy`"),
        (
            {"steps": [{"says": "x", "stimulus": {"do": "begin", "token": "9"}, "records": []}]},
            "do not make a scenario",
        ),
    ],
)
def test_a_case_that_is_none_is_refused(tmp_path: Path, change: Mapping[str, Any], told: str) -> None:
    call("torture", "zoo:never-flushes", "--family", "quarantine", "--jobs", 1, "--cases", tmp_path)
    (path,) = tmp_path.glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    result = call("replay", path)
    assert (result.exit_code, told in result.output) == (3, True), result.output


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--family", "nobody"], "has no family 'nobody'; its families are: line"),
        (["--examples", "nowhere", "--kill", "1", "--family", "line"], "has no folder with a pipeline.yaml"),
        (["no-such-engine"], "is not the name of an engine"),
    ],
)
def test_a_wrong_question_is_bad_input(arguments: Sequence[str], told: str) -> None:
    result = call("torture", *arguments)
    assert (result.exit_code, told in result.output) == (3, True), result.output


def test_every_pipeline_of_the_scope_is_tortured() -> None:
    assert len(instances_to_crash("small")) == 43
    assert {one.family for one in instances_to_crash("standard")} > {"parallel", "nested"}
