"""The tool that draws random mutants: each change changes the module, and a copy with a change is another engine."""

import ast
from pathlib import Path

import pytest

from tests.mutation import ENGINE, changes_in, mutated, sites

FILES = ("merging.py", "coalesce.py", "rows.py")


@pytest.mark.parametrize("file", FILES)
def test_every_change_changes_the_module_and_leaves_it_readable(file: str) -> None:
    text = (ENGINE / file).read_text(encoding="utf-8")
    plain = ast.unparse(ast.parse(text))
    count = sum(1 for _ in changes_in(ast.parse(text)))
    assert count > 30
    for place in range(0, count, 7):
        tree = ast.parse(text)
        _, _, what, make = list(changes_in(tree))[place]
        make()
        changed = ast.unparse(ast.fix_missing_locations(tree))
        ast.parse(changed)
        assert changed != plain, what


def test_a_mutant_differs_in_one_file(tmp_path: Path) -> None:
    lines = len((ENGINE / FILES[0]).read_text(encoding="utf-8").splitlines())
    found = sites(ENGINE, {FILES[0]: set(range(lines + 1))})
    mutated(ENGINE, tmp_path, found[0])
    copied = [path for path in (tmp_path / ENGINE.name).rglob("*.py") if "__pycache__" not in path.parts]
    different = [
        path for path in copied if path.read_bytes() != (ENGINE / path.relative_to(tmp_path / ENGINE.name)).read_bytes()
    ]
    assert [path.name for path in different] == [FILES[0]]
