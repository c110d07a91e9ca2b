"""The zoo: every bug is a real change of the engine, every law and every finding has one, and each is noticed."""

import json
import re
from pathlib import Path

import pytest

import fateline_engine
from fateline_model.laws import ALL, LAWS, Level
from fateline_oracle import mutants
from fateline_oracle.conform.instance import Strategy
from fateline_oracle.law.patched import NoSuchPatch
from fateline_oracle.mutants import FILES, MUTANTS, WITHOUT_MUTANT, NoSuchMutant, mutant_engine
from fateline_oracle.mutants.case import case_of
from fateline_oracle.mutants.kept import playable, read_cases, write_cases
from fateline_oracle.mutants.kill import MutantResult, hunt, places
from fateline_oracle.mutants.matrix import read_matrix
from fateline_oracle.mutants.mutant import GUARDS_OFF, Mutant, Patch, mutants_in
from fateline_oracle.mutants.sandbox import patched_text, sandboxed
from fateline_oracle.toml_tables import BadTable, each_once

ENGINE = Path(fateline_engine.__file__).parent
SLOW = (
    "batch",
    "batch mode=passthrough count=1",
    "expand then fork",
    "lineage",
    "lineage with one token more",
    "two rows and a crash",
)
"""Places that take more than a second or two; mutants that show only there are tried with the slow tests."""


ONE = """
[[mutant]]
name = "one"
law = "F1"
says = "a mistake"
places = ["line"]

[[mutant.patch]]
file = "state.py"
find = '''
    a
'''
replace = '''
    b'''
"""


def test_a_patch_is_read_as_it_stands_and_a_twin_follows_its_mutant() -> None:
    patch, key = Patch("state.py", "    a\n", "    b"), Patch("x.sql", "k", "k, seq")
    assert list(mutants_in(ONE, "one.toml")) == [Mutant("one", "F1", "a mistake", (patch,), ("line",))]
    more = "[mutant.unguarded]\nlaw = 'C1'\npatch = [{file = 'x.sql', find = 'k', replace = 'k, seq'}]\n"
    _, twin = mutants_in(ONE.replace('law = "F1"', 'law = "F1"\nguard = "g"') + more, "one.toml")
    assert twin == Mutant("one-unguarded", "C1", "a mistake", (patch, *GUARDS_OFF, key), ("line",))


@pytest.mark.parametrize(
    "find, replace, message",
    [
        ('law = "F1"\n', "", r"one\.toml: .*missing required field `law`"),
        ("law =", "lore =", r"unknown field `lore`"),
        ("replace = '''", "instead = '''", r"unknown field `instead` - at `\$\.mutant\[0\]\.patch"),
        ('"F1"', "1", r"Expected `str`, got `int` - at `\$\.mutant\[0\]\.law`"),
        ('["line"]', '"line"', r"Expected `array`, got `str`"),
        ("[[mutant]]", "[[mutants]]", r"unknown field `mutants`"),
        ('"F1"', '"F1', r"one\.toml: .*line"),
    ],
)
def test_a_file_of_mutants_is_read_strictly(find: str, replace: str, message: str) -> None:
    with pytest.raises(BadTable, match=message):
        list(mutants_in(ONE.replace(find, replace, 1), "one.toml"))


def test_two_mutants_of_one_name_are_refused() -> None:
    with pytest.raises(BadTable, match="mutants: given twice: a"):
        each_once(["a", "b", "a"], "mutants")


def test_every_file_of_mutants_is_read() -> None:
    folder = Path(mutants.__file__).parent
    assert {path.stem for path in folder.glob("*.toml")} == set(FILES)


@pytest.mark.parametrize("bug", MUTANTS.values(), ids=MUTANTS)
def test_every_patch_changes_the_engine_in_one_place(bug: Mutant) -> None:
    texts: dict[str, str] = {}
    for patch in bug.patches:
        text = texts.get(patch.file) or (ENGINE / patch.file).read_text(encoding="utf-8")
        texts[patch.file] = patched_text(text, patch)


def test_every_law_has_a_bug_or_a_reason_why_there_is_none() -> None:
    with_one = {bug.law for bug in MUTANTS.values()}
    assert with_one | WITHOUT_MUTANT.keys() == {law.id for law in ALL}
    assert not with_one & WITHOUT_MUTANT.keys()


def test_every_finding_has_a_bug() -> None:
    assert {bug.finding for bug in MUTANTS.values()} - {None} == set(range(1, 19))


@pytest.mark.parametrize("bug", MUTANTS.values(), ids=MUTANTS)
def test_every_bug_names_places_that_there_are(bug: Mutant) -> None:
    assert next(places(bug), None) is not None


def test_a_guarded_bug_names_a_guard_of_the_engine() -> None:
    text = (ENGINE / "landscape" / "guards.py").read_text(encoding="utf-8")
    made = {f"{table}_written_once" for table in re.findall(r'^    "(\w+)": \(\(', text, re.MULTILINE)}
    for bug in MUTANTS.values():
        if bug.guard is not None:
            assert bug.guard in made or f'"{bug.guard}' in text, bug.name


@pytest.mark.parametrize(
    "bug",
    [
        pytest.param(bug, marks=[pytest.mark.slow] if set(bug.places) & set(SLOW) else [])
        for bug in MUTANTS.values()
        if not bug.tortured  # those are hunted in tests/oracle/crash
    ],
    ids=[bug.name for bug in MUTANTS.values() if not bug.tortured],
)
def test_it_is_noticed_by_its_law_or_by_its_guard(bug: Mutant) -> None:
    hunted = hunt(bug, Strategy.REFUSALS)
    assert hunted.killed, f"first {hunted.first}, named {hunted.named}, fault {hunted.fault}, tried {hunted.tried}"
    found = json.loads(json.dumps(case_of(hunted))) if playable(hunted) else None
    assert read_cases().get(bug.name) == found, "the kept case is another: fateline zoo --strategies --lock"


def test_the_cases_that_are_kept_are_those_of_the_matrix() -> None:
    shortest = {str(one["name"]): one["shortest"] for one in read_matrix()["bugs"] if not MUTANTS[one["name"]].tortured}
    assert {name: len(case["steps"]) for name, case in read_cases().items()} == {
        name: steps for name, steps in shortest.items() if steps is not None
    }


def test_what_a_law_says_of_a_case_has_no_values_of_python_in_it() -> None:
    said = {str(message) for case in read_cases().values() for _, message in case["laws"]}
    assert len(said) > 80
    assert [one for one in said if re.search(r"\w\(\w+=|<\w+[.:]|\['|\('|\bNone\b", one)] == []


def test_cases_are_kept_as_they_are_and_none_where_there_is_no_file(tmp_path: Path) -> None:
    hunted = hunt(MUTANTS["parents-as-they-came"], Strategy.REFUSALS)
    write_cases([hunted, MutantResult(MUTANTS["resolved-twice"], Strategy.REFUSALS)], tmp_path / "cases")
    assert read_cases(tmp_path / "cases") == {"parents-as-they-came": json.loads(json.dumps(case_of(hunted)))}
    assert read_cases(tmp_path / "none") == {}


CHOICES = (
    "the-error-of-an-earlier-attempt-unguarded",
    "children-counted-backwards-unguarded",
    "parents-as-they-came",
    "a-loss-called-a-deadline",
    "held-tokens-fail-in-their-own-words",
    "late-for-the-wrong-reason",
    "late-without-a-fate",
    "outputs-of-the-last-member",
    "attempts-from-one-unguarded",
    "errors-lead-to-the-first-sink",
)
"""Engines that keep every duty and make one choice differently."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if set(MUTANTS[n].places) & set(SLOW) else []) for n in CHOICES],
)
def test_an_engine_that_makes_a_choice_differently_breaks_its_law_alone_and_can_declare_it(name: str) -> None:
    bug = MUTANTS[name]
    assert LAWS[bug.law].level is Level.PROFILE
    assert set(hunt(bug, Strategy.REFUSALS).named) - {"D1", "D2"} == {bug.law}


def test_the_engine_itself_is_taken_for_no_bug() -> None:
    clean = Mutant("clean", "F1", "nothing", (), ("line", "untimed diamond", "leaving"))
    hunted = hunt(clean, Strategy.REFUSALS)
    assert (hunted.first, hunted.fault) == (None, None)
    assert hunted.steps > 1_000


def test_a_patch_that_is_not_there_is_no_bug() -> None:
    with (
        pytest.raises(NoSuchPatch, match="occurs 0 times"),
        sandboxed(Mutant("none", "F1", "nothing", (Patch("state.py", "no such text", "x"),), ("line",))),
    ):
        pass


def test_a_name_that_is_in_no_cage_is_said() -> None:
    with pytest.raises(NoSuchMutant, match="zoo --list"), mutant_engine("unicorn"):
        pass
