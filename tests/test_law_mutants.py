"""The tool that draws random mutants of the law: what it notices, how it names a mutant, and what its lock does not allow."""

import ast
from pathlib import Path

from fateline_oracle.book.random_mutants import Noticed, RandomMutant, read, written

from .law_mutants import MODEL, described, explored, problems
from .mutation import Site, changes_in, copied, mutated

LAW, LOCK = Noticed("law", "C9", 7, "kernels"), Noticed("lock", "-", 9, "line")
MUTANT = RandomMutant("merging.py", "a < b", "a <= b")


def site(file: str, what: str, text: str) -> Site:
    """The first site of this change whose new text contains these words."""
    for number, line, found, _ in changes_in(ast.parse((MODEL / file).read_text(encoding="utf-8"))):
        one = Site(file, line, found, number)
        if found == what and text in described(one).new:
            return one
    raise LookupError(text)


def test_a_mutant_is_named_by_its_text() -> None:
    assert described(site("merging.py", "comparison", "givers >= 0 and first_wins")) == RandomMutant(
        "merging.py", "if fold.givers > 0 and first_wins:", "if fold.givers >= 0 and first_wins:"
    )


def test_a_broken_kernel_is_noticed_by_its_law(tmp_path: Path) -> None:
    mutated(MODEL, tmp_path, site("merging.py", "comparison", "givers >= 0 and first_wins"))
    assert explored(tmp_path) == Noticed("law", "C9", 0, "kernels")


def test_a_model_that_cannot_run_fails(tmp_path: Path) -> None:
    copied(MODEL, tmp_path)
    (tmp_path / MODEL.name / "merging.py").write_text("raise KeyError('gone')", encoding="utf-8")
    assert explored(tmp_path)[:2] == ("failure", "KeyError")


def test_a_mutant_that_no_law_notices_needs_a_reason() -> None:
    locked = written(1, 10, [(MUTANT, LOCK)], {"unnoticed": []})
    assert problems([(MUTANT, LOCK)], locked) == [
        "merging.py: `a < b` becomes `a <= b`: noticed by lock; random_mutants.json has no reason for it"
    ]
    locked["unnoticed"][0]["why"] = "the two are never equal"
    assert problems([(MUTANT, LOCK)], locked) == []
    assert written(1, 10, [(MUTANT, LOCK)], locked)["unnoticed"][0]["why"] == "the two are never equal"


def test_a_smaller_share_of_the_laws_is_a_problem() -> None:
    locked = written(1, 10, [(MUTANT, LAW)], {"unnoticed": []})
    locked["unnoticed"] = [{**MUTANT._asdict(), "by": "lock", "why": "known"}]
    assert problems([(MUTANT, LAW)], locked) == []
    assert problems([(MUTANT, LOCK)], locked) == ["laws and failures notice 0; locked are 1"]


def test_every_mutant_of_the_book_that_no_law_notices_has_a_reason() -> None:
    locked = read()
    assert locked["count"] >= 100
    assert sum(locked["noticed"].values()) == locked["count"]
    assert [one for one in locked["unnoticed"] if not one["why"]] == []
