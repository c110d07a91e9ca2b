"""`fateline verify` as a caller meets it: what it reads and refuses, what it prints, and what it exits with."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from fateline_model import StepView
from fateline_model.checker.mutants import MUTANTS
from fateline_model.checker.shapes import SHAPES, diamond
from fateline_model.checker.systems import PipelineSystem
from fateline_model.checker.verify import Finding
from fateline_model.laws import ALL, LAWS
from fateline_oracle.book.reports import REPORT_KEYS
from fateline_oracle.cli import main
from fateline_oracle.cli import verify_pipeline as pipeline_module
from fateline_oracle.law import verification
from fateline_oracle.law.verification import MutantReport, ScopeReport, judge_mutant, read_lock
from fateline_oracle.report.verdict import ExitCode
from fateline_oracle.trails.pipeline_file import LARGEST, read_pipeline
from tests.model.checker.explored import small_report
from tests.model.schemas import validator

KEYS = list(REPORT_KEYS)


def verify(*args: str) -> Result:
    return CliRunner().invoke(main, ["verify", *args])


def pipeline_file(folder: Path, document: object, name: str = "pipeline.json") -> str:
    path = folder / name
    text = json.dumps(document) if name.endswith(".json") else yaml.safe_dump(document)
    path.write_text(text, encoding="utf-8")
    return str(path)


# ------------------------------------------------------------------------------------------------- a pipeline of yours


@pytest.mark.parametrize("name", ["line.json", "line.yaml", "line.yml", "line"])
def test_a_good_pipeline_is_explored_and_holds(tmp_path: Path, name: str) -> None:
    result = verify("--pipeline", pipeline_file(tmp_path, SHAPES["line"](), name))
    assert result.exit_code == ExitCode.HOLDS, result.output
    assert result.stdout.splitlines()[-1].startswith("holds  line: ")


@pytest.mark.parametrize("name", ["bad.json", "bad.yaml"])
def test_a_bad_pipeline_is_told_with_all_its_problems(tmp_path: Path, name: str) -> None:
    document = diamond(2)
    document["nodes"][0]["to"] = "nowhere"
    document["nodes"][4] |= {"policy": "quorum", "merge": "select"}
    result = verify("--pipeline", pipeline_file(tmp_path, document, name))
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert "'diamond' is not well-formed, 3 problems:" in result.stderr
    for number, told in enumerate(
        ("src: edge `continue` leads to `nowhere`", "j: policy quorum", "j: merge select"), 1
    ):
        assert f"  {number}. {told}" in result.stderr


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefghijkl", "bcdefghijklm", strict=True)
)


@pytest.mark.parametrize(
    "name, content, told",
    [
        ("empty.json", b"", "not readable as json"),
        ("empty.yaml", b"", "give an object with `name` and a list `nodes`"),
        ("torn.json", b'{"nodes": [', "not readable as json"),
        ("torn.yaml", b"nodes: [", "torn.yaml:1: not YAML: "),
        ("latin.json", '{"name": "Käse"}'.encode("latin-1"), "not readable as json"),
        ("latin.yaml", "name: Käse".encode("latin-1"), "not UTF-8 text"),
        ("nul.yaml", b"name: \x00", "not YAML: unacceptable character"),
        ("huge.json", b" " * (LARGEST + 1), "larger than 1,000,000 bytes"),
        ("code.yaml", b"!!python/object/apply:os.system ['echo pwned']", "tags are not taken"),
        ("twice.json", b'{"nodes": [], "nodes": [1]}', "repeated in one object: nodes"),
        ("twice.yaml", b"nodes: []\nnodes: [1]", "twice.yaml:2: nodes: duplicate key"),
        ("two.yaml", b"nodes: []\n---\nnodes: []", "found another document"),
        ("bomb.yaml", (BOMB + "name: *m\nnodes: []").encode(), "aliases are not taken"),
        ("itself.yaml", b"nodes: &n [*n]", "aliases are not taken"),
        ("alias.yaml", b"nodes: *nobody", "aliases are not taken"),
        ("deep.json", b"[" * 100_000, "not readable as json"),
        ("deep.yaml", b"[" * 5_000, "nested more than 32 deep"),
        ("digits.json", b'{"nodes": [{"name": "x", "kind": ' + b"9" * 5_000 + b"}]}", "not readable as json"),
        ("nan.json", b'{"name": NaN, "nodes": []}', "name: found nan"),
    ],
)
def test_a_file_that_holds_no_pipeline_is_bad_input_and_no_error(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = verify("--pipeline", str(tmp_path / name))
    assert result.exit_code == ExitCode.USAGE, result.output
    assert result.stdout == ""
    assert told in result.stderr
    assert len(result.stderr) < 2_000
    assert "Traceback" not in result.stderr


def test_what_yaml_takes_for_truth_is_a_label_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text(
        "nodes: [{name: src, kind: source, to: g}, {name: out, kind: sink},\n"
        "  {name: g, kind: gate, to: out, when: {x: 1}, routes: {true: continue, false: discard, null: discard}}]\n"
        "run: {anything: [an, engine, likes]}\n",
        encoding="utf-8",
    )
    assert list(dict(read_pipeline(tmp_path / "labels.yaml").nodes["g"].routes)) == ["true", "false", "null"]


def test_a_label_is_the_text_that_is_written_so_a_number_is_no_name(tmp_path: Path) -> None:
    path = tmp_path / "numbers.yaml"
    path.write_text("nodes: [{name: g, kind: gate, routes: {1: discard}}]", encoding="utf-8")
    assert "found '1'; names match" in verify("--pipeline", str(path)).stderr


def test_a_file_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    for path, told in ((tmp_path / "none.json", "No such file"), (tmp_path, "Is a directory")):
        result = verify("--pipeline", str(path))
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
        assert told in result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no endless file here")
def test_a_file_without_an_end_is_not_read_to_it() -> None:
    assert "not a regular file" in verify("--pipeline", "/dev/zero").stderr


def test_a_bound_reached_is_undetermined_and_says_how_to_go_on(tmp_path: Path) -> None:
    path = pipeline_file(tmp_path, diamond(2))
    result = verify("--pipeline", path, "--limit", "10")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "- the bound of 10 states was reached: raise --limit, or lower --rows or --crashes" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("undetermined  ")
    assert json.loads(verify("--pipeline", path, "--limit", "10", "--json").stdout)["verdict"] == "undetermined"


def test_json_is_one_object_with_the_documented_keys(tmp_path: Path) -> None:
    path = pipeline_file(tmp_path, SHAPES["retries"]())
    told = json.loads(verify("--pipeline", path, "--json", "--crashes", "0", "--rows", "2").stdout)
    assert list(told) == KEYS
    assert (told["verdict"], told["scope"], told["seed"]) == ("holds", path, None)
    assert {key: told["counts"][key] for key in ("rows", "crashes")} == {"rows": 2, "crashes": 0}
    assert told["reproduce"] == f"fateline verify --pipeline {path} --rows 2 --crashes 0 --limit 2000000"
    assert set(told["laws"]["F1"]) == {"verdict", "checked", "breached", "why"}


def test_a_breach_is_shown_with_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(moment: StepView) -> Iterator[str | None]:
        yield "a row was read" if moment.rows else None

    monkeypatch.setattr(pipeline_module, "ALL", [LAWS["R3"]._replace(predicate=never)])
    path = pipeline_file(tmp_path, SHAPES["line"]())
    result = verify("--pipeline", path)
    assert result.exit_code == ExitCode.BREACHED
    assert "  1. read(0, valid)   <- breaks R3" in result.stdout
    assert "Here: a row was read." in result.stdout
    assert result.stdout.splitlines()[-1].startswith("breached  ")
    told = json.loads(verify("--pipeline", path, "--json").stdout)
    assert told["laws"]["R3"] == {"verdict": "breached", "checked": 1, "breached": 1, "why": None}
    assert [finding["message"] for finding in told["findings"]] == ["a row was read"]


def test_a_stuck_state_is_undetermined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PipelineSystem, "may_stop", lambda self, state: False)
    result = verify("--pipeline", pipeline_file(tmp_path, SHAPES["line"]()))
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "a state is stuck" in result.stdout


def test_warnings_are_noted(tmp_path: Path) -> None:
    result = verify("--pipeline", pipeline_file(tmp_path, diamond(2, "first", "select:a")))
    assert result.exit_code == ExitCode.HOLDS
    assert result.stdout.startswith("note: j: `select` with `first`")


# ------------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    "args, told",
    [
        (("--scope", "tiny"), "'tiny' is not one of 'small', 'standard', 'deep'"),
        (("--mutant", "no-such-thing"), "there is no mutant 'no-such-thing'; the mutants are: two-recorders"),
        (("--self-test", "--mutant", "two-recorders"), "exclude each other"),
        (("--pipeline", "x.json", "--self-test"), "exclude each other"),
        (("--rows", "0"), "0 is not in the range"),
        (("--limit", "0"), "0 is not in the range"),
        (("--jobs", "none"), "not a valid integer"),
    ],
)
def test_a_wrong_call_exits_3(args: tuple[str, ...], told: str) -> None:
    result = verify(*args)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert told in result.stderr


# ------------------------------------------------------------------------------------------------- a scope


def scope_report(monkeypatch: pytest.MonkeyPatch, lock: Path | None = None, **changes: Any) -> ScopeReport:
    """The small scope, explored once, held against this lock and changed so; what the command line then sees."""
    if lock is not None:
        monkeypatch.setattr(verification, "COUNTS", lock)
    report = replace(small_report(), **changes)
    report.drift = verification._drift(report)
    monkeypatch.setattr("fateline_oracle.cli.verify.verify_scope", lambda scope, **more: report)
    return report


def test_a_scope_that_holds_says_so_law_by_law(monkeypatch: pytest.MonkeyPatch) -> None:
    report = scope_report(monkeypatch)
    result = verify("--scope", "small")
    assert result.exit_code == ExitCode.HOLDS
    lines = result.stdout.splitlines()
    assert lines[-1].startswith(f"holds  {len(report.verified)} instances, {report.states:,} states, ")
    said = {line.split()[0]: line for line in lines if line.split()}
    assert all("holds" in said[law.id] for law in ALL if report.checks[law.id])
    assert any(line.startswith("Not judged by exploring: K3") for line in lines)
    assert any(line.startswith("Claimed unreachable: flush barrier.") for line in lines)


def test_a_scope_as_json_has_the_documented_keys_and_every_law(monkeypatch: pytest.MonkeyPatch) -> None:
    report = scope_report(monkeypatch)
    told = json.loads(verify("--scope", "small", "--json").stdout)
    assert list(told) == KEYS
    assert list(told["laws"]) == [law.id for law in ALL]
    assert {law for law, said in told["laws"].items() if said["verdict"] == "not judged"} == {
        skipped for entry in told["skipped"] for skipped in entry["laws"]
    }
    assert told["counts"]["states"] == report.states
    assert told["verdict"] == "holds"


def lock_with(folder: Path, change: str) -> Path:
    """A copy of the lock with one figure changed."""
    lock: Any = read_lock()
    if change == "instance":
        lock["small"]["instances"]["line"][0] += 1
    elif change == "digest":
        lock["small"]["instances"]["line"][-1] = "0" * 16
    elif change == "law":
        lock["small"]["laws"]["F1"] += 1
    elif change == "missing":
        del lock["small"]["instances"]["line"]
    elif change == "surplus":
        lock["small"]["instances"]["another"] = lock["small"]["instances"]["line"]
    else:
        del lock["small"]
    path = folder / "counts.json"
    path.write_text(json.dumps(lock), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "change, told",
    [
        ("instance", "- counts differ from the locked: line: [127, "),
        ("digest", "- counts differ from the locked: line: [126, "),
        ("law", "- the number of checks of the laws differs from the lock"),
        ("missing", "- counts differ from the locked: line: None locked"),
        ("surplus", "- counts differ from the locked: another: [126, "),
        ("scope", "- the counts of scope small are not locked: run `fateline verify --scope small --lock`"),
    ],
)
def test_counts_that_are_not_the_locked_ones_decide_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, told: str
) -> None:
    scope_report(monkeypatch, lock_with(tmp_path, change))
    result = verify("--scope", "small")
    assert result.exit_code == ExitCode.UNDETERMINED
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("- ")]
    assert line.startswith(told)


def test_locking_writes_this_scope_and_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = read_lock()
    lock = lock_with(tmp_path, "instance")
    scope_report(monkeypatch, lock)
    assert verify("--scope", "small", "--lock").exit_code == ExitCode.HOLDS
    assert read_lock() == wanted
    assert (
        lock.read_text(encoding="utf-8").count("\n") == sum(len(wanted[scope]["instances"]) + 5 for scope in wanted) + 2
    )


def test_what_was_never_met_and_what_never_should_have_been_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scope_report(monkeypatch, unmet=["crash"], disproved=["flush barrier"])
    result = verify("--scope", "small")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "- never happened, and not claimed unreachable: crash" in result.stdout
    assert "- claimed unreachable, and met: flush barrier" in result.stdout
    assert "Every kind of stimulus and every refusal was met" not in result.stdout


def test_a_claim_disproved_decides_nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    scope_report(monkeypatch, disproved=["flush barrier"])
    assert verify("--scope", "small").exit_code == ExitCode.UNDETERMINED


def test_a_law_never_in_danger_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = Counter(small_report().checks)
    del checks["T3"]
    scope_report(monkeypatch, checks=checks, unwitnessed=["T3"])
    result = verify("--scope", "small")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "- law T3 was never checked in a case to which it applies" in result.stdout


@pytest.mark.parametrize("endless, told", [(False, "the bound was reached"), (True, "a run need never end")])
def test_an_instance_that_was_not_finished_decides_nothing_and_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endless: bool, told: str
) -> None:
    lock = lock_with(tmp_path, "instance")
    before = lock.read_text(encoding="utf-8")
    first, *rest = small_report().verified
    unfinished = replace(first, endless=endless, bound_reached=not endless)
    scope_report(monkeypatch, lock, verified=[unfinished, *rest])
    result = verify("--scope", "small", "--lock")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert f"- {first.name}: {told}" in result.stdout
    assert lock.read_text(encoding="utf-8") == before


def test_a_breach_in_a_scope_is_shown_and_its_case_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = judge_mutant(next(mutant for mutant in MUTANTS if mutant.name == "silent-discard"))
    first, *rest = small_report().verified
    scope_report(monkeypatch, verified=[replace(first, finding=Finding(broken.laws, broken.steps)), *rest])
    result = verify("--scope", "small", "--json", "--cases", str(tmp_path / "cases"))
    assert result.exit_code == ExitCode.BREACHED
    told = json.loads(result.stdout)
    assert {entry["law"] for entry in told["findings"]} >= {"F4"}
    for path in {entry["case"] for entry in told["findings"]}:
        validator("case").validate(json.loads(Path(path).read_text(encoding="utf-8")))
    assert f"{first.name}: " in verify("--scope", "small").stdout


# ------------------------------------------------------------------------------------------------- its mutants


def test_a_mutant_is_shown_with_numbered_steps_and_expected_beside_written() -> None:
    result = verify("--mutant", "late-without-a-fate")
    assert result.exit_code == ExitCode.HOLDS
    lines = result.stdout.splitlines()
    assert lines[0] == "late-without-a-fate: a late arrival gets a failed visit, and its fate is left for later"
    assert [line.split(".")[0].strip() for line in lines if line[:3].strip().isdigit()] == [
        str(n) for n in range(1, 10)
    ]
    last = next(place for place, line in enumerate(lines) if line.startswith("  9. arrive(0/b)"))
    assert "<- breaks C16" in lines[last]
    wrote, law = lines.index("       wrote:", last), lines.index("       the law:", last)
    assert [line.split()[0] for line in lines[wrote + 1 : law]] == ["visits"]
    assert [line.split()[0] for line in lines[law + 1 : law + 3]] == ["visits", "outcomes"]
    assert "reason late_arrival_after_merge" in lines[law + 2]
    assert f"         {LAWS['C16'].sentence}" in lines
    assert lines[-1].startswith("caught  9 steps")


def test_a_mutant_whose_last_step_the_law_refuses_says_by_which_rule() -> None:
    result = verify("--mutant", "row-read-twice")
    assert "refuses it: row_already_read" in result.stdout


def test_a_mutants_case_is_data_by_the_schema(tmp_path: Path) -> None:
    result = verify("--mutant", "late-without-a-fate", "--cases", str(tmp_path / "new" / "cases"))
    path = tmp_path / "new" / "cases" / "late-without-a-fate.json"
    assert f"The case as data: {path}" in result.stdout
    case = json.loads(path.read_text(encoding="utf-8"))
    validator("case").validate(case)
    assert case["reproduce"] == "fateline verify --mutant late-without-a-fate"
    assert [law for law, _ in case["laws"]] == ["C16"]


def self_test(monkeypatch: pytest.MonkeyPatch, reports: list[MutantReport], missing: list[str]) -> tuple[int, Result]:
    """The self-test of these mutants, as JSON's exit status and as text."""
    monkeypatch.setattr("fateline_oracle.cli.verify.judge_mutants", lambda **more: reports)
    monkeypatch.setattr("fateline_oracle.cli.verify.laws_without_mutant", lambda: missing)
    return verify("--self-test", "--json").exit_code, verify("--self-test")


CAUGHT = [
    MutantReport(mutant, [(mutant.law, "broken")], [], "here", 0.1)
    for mutant in {mutant.law: mutant for mutant in MUTANTS}.values()
]


def test_a_self_test_holds_when_every_mutant_is_caught_by_its_own_law(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = self_test(monkeypatch, CAUGHT, [])
    assert code == text.exit_code == ExitCode.HOLDS
    assert f"{len(CAUGHT)} of {len(CAUGHT)} mutants caught by their own law" in text.stdout


@pytest.mark.parametrize("laws, word", [([], "ALIVE"), ([("Z9", "by accident")], "MISSED")])
def test_a_mutant_that_lives_or_is_caught_by_accident_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, laws: list[tuple[str, str]], word: str
) -> None:
    first, *rest = CAUGHT
    code, text = self_test(monkeypatch, [replace(first, laws=laws), *rest], [])
    assert code == text.exit_code == ExitCode.UNDETERMINED
    assert word in text.stdout
    assert f"{len(rest)} of {len(CAUGHT)} mutants caught" in text.stdout


def test_a_law_without_a_mutant_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *rest = CAUGHT
    code, text = self_test(monkeypatch, rest, [first.mutant.law])
    assert code == text.exit_code == ExitCode.UNDETERMINED
    assert f"- law {first.mutant.law} is checked in the model, but no mutant breaks it" in text.stdout


# ------------------------------------------------------------------------------------------------- every pipeline of a size


def test_every_pipeline_up_to_a_locked_size_holds_and_laws_of_what_none_of_them_has_are_not_judged() -> None:
    result = verify("--all", "4", "--jobs", "1")
    assert result.exit_code == ExitCode.HOLDS, result.output
    assert "holds  71 instances, 10,663 states, 21,970 steps" in result.stdout
    told = json.loads(verify("--all", "4", "--jobs", "1", "--json").stdout)
    assert told["laws"]["B1"]["verdict"] == "not judged"  # there are no batches
    assert {"what": "B1", "why": "nothing in these pipelines asks about it"}.items() <= next(
        one for one in told["skipped"] if one["what"] == "B1"
    ).items()


def test_a_size_that_is_not_locked_is_undetermined_and_says_what_to_do() -> None:
    result = verify("--all", "2", "--jobs", "1")
    assert result.exit_code == ExitCode.UNDETERMINED
    assert "not locked: run the same command with --lock" in result.stdout
