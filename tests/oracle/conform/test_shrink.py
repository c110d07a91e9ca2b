"""From a difference to the shortest way to see it, and a saved case that replays."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from fateline_oracle.cli import main
from fateline_oracle.conform.instance import Strategy
from fateline_oracle.conform.replay import BadCase, read_case
from fateline_oracle.mutants import MUTANTS
from fateline_oracle.mutants.case import case_of
from fateline_oracle.mutants.kill import MutantResult, hunt
from fateline_oracle.report.case import write_case
from tests.model.schemas import validator

CHOSEN = (
    "late-without-a-fate",
    "quorum-off-by-one",
    "siblings-share-data",
    "merges-rows-unguarded",
    "names-another-sink",
)


@pytest.fixture(scope="module", params=CHOSEN)
def hunted(request: pytest.FixtureRequest) -> MutantResult:
    return hunt(MUTANTS[request.param], Strategy.REFUSALS)


def test_a_counterexample_is_short(hunted: MutantResult) -> None:
    assert hunted.found is not None
    assert len(hunted.found.stimuli) <= 9


def test_the_same_bug_found_at_random_shrinks_to_as_few_steps() -> None:
    bug = msgspec.structs.replace(MUTANTS["late-without-a-fate"], places=("untimed diamond",))
    guided, at_random = hunt(bug, Strategy.REFUSALS), hunt(bug, Strategy.RANDOM, seed=3)
    assert guided.found is not None
    assert at_random.found is not None
    assert len(at_random.found.stimuli) <= len(guided.found.stimuli) + 2


def test_a_case_fits_its_schema_and_replays(hunted: MutantResult, tmp_path: Path) -> None:
    case = case_of(hunted)
    validator("case").validate(json.loads(json.dumps(case)))
    path = write_case(tmp_path, "case", case)
    again = CliRunner().invoke(main, ["replay", str(path), "--json"])
    assert again.exit_code == 1, again.output
    said = json.loads(again.output)
    assert said["findings"][0]["law"] == hunted.first
    assert said["counts"]["steps"] == len(case["steps"])  # type: ignore[arg-type]
    clean = CliRunner().invoke(main, ["replay", str(path), "reference"])
    assert clean.exit_code == 0, clean.output
    assert "law and engine agree" in clean.output


WITHOUT_STEPS: dict[str, object] = {
    "schema": "fateline.case/1", "law_version": "2", "title": "t", "machine": "pipeline", "instance": "line",
    "laws": [], "steps": [], "expected": None, "reproduce": "x",
}  # fmt: skip


@pytest.mark.parametrize(
    "content, says",
    [
        ("{", "not JSON"),
        ("[]", "this is not a case: its `schema` is not"),
        ('{"schema": "fateline.case/1", "law_version": "0"}', "the case has law version '0'"),
        ('{"schema": "fateline.case/1", "law_version": "2"}', "missing required field `title`"),
        (
            '{"schema": "fateline.case/1", "law_version": "2", "steps": [7]}',
            "Expected `object`, got `int` - at `$.steps[0]`",
        ),
        (json.dumps({**WITHOUT_STEPS, "more": 1}), "unknown field `more`"),
        (json.dumps(WITHOUT_STEPS), "give a list of 1 to"),
    ],
)
def test_what_is_no_case_is_said(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "case.json"
    path.write_text(content)
    with pytest.raises(BadCase) as error:
        read_case(path)
    assert says in str(error.value)


def test_a_case_that_is_not_there_is_bad_input() -> None:
    assert CliRunner().invoke(main, ["replay", "no/such/case.json"]).exit_code == 3
