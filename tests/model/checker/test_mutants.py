"""The law's own mutants: each applies, each law has one, and each is caught by its own law and no accident."""

import re
from pathlib import Path

import pytest

import fateline_model
from fateline_model.checker import verify
from fateline_model.checker.domains import DOMAINS
from fateline_model.checker.mutants import MUTANTS, Mutant
from fateline_model.checker.scopes import instances
from fateline_model.laws import ALL, LAWS
from fateline_oracle.law import verification
from fateline_oracle.law.verification import judge_mutant, judge_mutants, laws_without_mutant

MODEL = Path(fateline_model.__file__).parent
NAMES = {mutant.name: mutant for mutant in MUTANTS}


def test_names_are_unique_and_can_be_typed() -> None:
    assert len(NAMES) == len(MUTANTS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_replaced_occurs_exactly_once(name: str) -> None:
    mutant = NAMES[name]
    assert (MODEL / mutant.file).read_text(encoding="utf-8").count(mutant.find) == 1
    assert mutant.replace != mutant.find


def test_no_two_mutants_are_the_same_change() -> None:
    assert len({(mutant.file, mutant.find, mutant.replace) for mutant in MUTANTS}) == len(MUTANTS)


def test_no_mutant_changes_a_law_or_the_checker() -> None:
    """It is the machine that is broken; a broken judge would prove nothing."""
    assert not [mutant.name for mutant in MUTANTS if mutant.file.startswith(("laws/", "checker/"))]


def test_every_law_that_is_judged_in_the_model_has_a_mutant() -> None:
    judged = {law.id for law in ALL if law.predicate is not None} | set(DOMAINS)
    assert judged <= {mutant.law for mutant in MUTANTS} <= set(LAWS)
    assert laws_without_mutant() == []


def test_a_law_without_a_mutant_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MUTANTS", [mutant for mutant in MUTANTS if mutant.law != "T3"])
    assert laws_without_mutant() == ["T3"]


def test_every_family_names_instances_of_the_scope_that_is_the_default() -> None:
    names = [instance.name for instance in instances("standard")]
    for mutant in MUTANTS:
        assert mutant.family == "kernels" or any(name.startswith(mutant.family) for name in names), mutant.name


@pytest.mark.parametrize("name", NAMES)
def test_it_is_caught_by_its_own_law(name: str) -> None:
    report = judge_mutant(NAMES[name])
    assert report.killed, report.laws or "nothing was noticed"
    assert report.mutant.law not in report.others
    assert bool(report.steps) == (report.instance != "kernels")


@pytest.mark.slow
def test_a_change_that_changes_nothing_is_not_caught_and_is_told() -> None:
    find, replace = "    if draft.source_ended:\n", "    if draft.source_ended is True:\n"
    found = judge_mutant(Mutant("idle", "F1", "machine.py", find, replace, "none", "line"))
    assert not found.killed
    assert (found.laws, found.steps) == ([], [])


ALONE = {
    "one-branch-contradicts-itself", "collisions-fail-by-any-rule", "impossible-data-believed", "buffered-in-silence",
    "failed-flush-closed-as-good", "flush-not-run-again", "every-child-of-a-fork-is-the-first", "another-rule-named",
    "a-lawful-step-refused", "data-that-can-be-refused", "at-work-while-down",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ALONE))
def test_no_other_law_notices_it(name: str) -> None:
    """So the law is not a second name of another one."""
    assert judge_mutant(NAMES[name]).others == []


def test_a_mutant_caught_only_by_another_law_is_not_caught_by_its_own() -> None:
    report = judge_mutant(NAMES["row-read-twice"]._replace(law="F7"))
    assert not report.killed
    assert "R3" in report.others


def test_several_processes_say_the_same_in_the_same_order() -> None:
    chosen = [NAMES[name] for name in ("silent-discard", "row-read-twice", "one-tick-late")]
    told: list[str] = []
    apart = judge_mutants(chosen, jobs=2, progress=told.append)
    assert [report.mutant for report in apart] == chosen
    assert [(r.laws, [s.says for s in r.steps]) for r in apart] == [
        (r.laws, [s.says for s in r.steps]) for r in judge_mutants(chosen)
    ]
    assert told[-1] == "3 of 3 mutants"


def test_the_sound_law_is_not_caught() -> None:
    """The control: what the mutants are told from."""
    for family in ("line", "retries"):
        instance = next(one for one in instances("small") if one.name.startswith(family))
        assert verify.verify_instance(instance).finding is None
    assert verify.verify_domains().finding is None
