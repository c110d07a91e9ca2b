"""A patched copy of the model is another model, is gone afterwards, and cannot be the real one by mistake."""

import ast
import inspect
import sys
import tempfile
import time
from pathlib import Path

import pytest

import fateline_model
from fateline_model import coalesce, words
from fateline_oracle.law.patched import NoSuchPatch, part, patched_model

FILE, FIND, REPLACE = "coalesce.py", "lambda counts: counts.arrived > 0,\n", "lambda counts: counts.arrived > 1,\n"
MODEL = Path(fateline_model.__file__).parent


def test_only_the_copy_has_the_change() -> None:
    ours = coalesce.Counts(2, 1, 0, 1)
    with patched_model(FILE, FIND, REPLACE) as package:
        theirs = part(package, "coalesce")
        assert not theirs.HOLDS[theirs.When.SOME_ARRIVED](theirs.Counts(2, 1, 0, 1))
        assert "counts.arrived > 1" in inspect.getsource(theirs.HOLDS[theirs.When.SOME_ARRIVED])
        assert theirs.Policy is part(package, "words").Policy
        assert theirs.Policy is not words.Policy
        assert coalesce.HOLDS[coalesce.When.SOME_ARRIVED](ours)


def test_a_change_shows_through_the_modules_that_use_it() -> None:
    with patched_model("words.py", 'FIRST = "first"', 'FIRST = "1st"') as package:
        assert part(package, "coalesce").Policy.FIRST == "1st"
        assert part(package, "laws").__name__.startswith(package.__name__)


def test_a_package_file_can_be_patched() -> None:
    with patched_model("__init__.py", '"""The law:', '"""A law:') as package:
        assert str(package.__doc__).startswith("A law")


def test_two_copies_live_side_by_side() -> None:
    with patched_model(FILE, FIND, REPLACE) as one, patched_model(FILE, FIND, FIND.replace("0", "2")) as other:
        counts = (4, 2, 0, 1)
        answers = [
            module.HOLDS[module.When.SOME_ARRIVED](module.Counts(*counts))
            for module in (part(one, "coalesce"), part(other, "coalesce"))
        ]
    assert answers == [True, False]


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(sys.modules)
    with patched_model(FILE, FIND, REPLACE) as package:
        assert list(tmp_path.iterdir())
        assert package.__name__ in sys.modules
    with pytest.raises(SyntaxError), patched_model(FILE, FIND, "return (\n"):
        pass
    assert list(tmp_path.iterdir()) == []
    assert set(sys.modules) == before
    assert not any(path.startswith(str(tmp_path)) for path in sys.path_importer_cache)


@pytest.mark.parametrize(
    "file, find, replace, told",
    [
        (FILE, "no such text", "x", "occurs 0 times"),
        (FILE, "", "x", "occurs 0 times"),
        (FILE, "return counts", "x", "but occurs"),
        (FILE, FIND, FIND, "changes nothing"),
        ("no_such.py", "x", "y", "is not a Python file"),
        ("py.typed", "x", "y", "is not a Python file"),
        ("../../pyproject.toml", "x", "y", "is not a Python file"),
    ],
)
def test_a_patch_that_is_none_is_refused_loudly(file: str, find: str, replace: str, told: str) -> None:
    with pytest.raises(NoSuchPatch, match=told), patched_model(file, find, replace):
        pass


def test_the_model_imports_itself_only_relatively() -> None:
    """Else a module of a copy would use the real model, and its mutant would be none."""
    for path in MODEL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            assert not any(name.split(".")[0] == MODEL.name for name in names), path


def test_a_copy_is_made_in_a_moment() -> None:
    """The best of three, in CPU time, so that a busy machine does not matter; nearly all of it is the import."""
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        with patched_model(FILE, FIND, REPLACE):
            seconds.append(time.process_time() - begun)
    assert min(seconds) < 0.3
