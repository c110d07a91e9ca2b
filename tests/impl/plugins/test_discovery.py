"""Finding plugins: only what our decorator marks is found, and nothing else is even imported."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from unittest.mock import patch

import pytest

from fateline_engine.plugins.decorators import Mark, PluginKind, mark_of, transform
from fateline_engine.plugins.discovery import NotFound, find
from fateline_engine.plugins.registry import bind
from fateline_engine.settings import SettingsError, read_pipeline

MARKED = """\
from pathlib import Path
from fateline_engine.plugins import transform as t, batch
Path(__file__).with_suffix(".ran").touch()

@t
def double(row, *, by=2):
    return {**row, "n": row["n"] * by}

@t(expands=True)
class Split:
    pass

@batch
def both(rows):
    return rows

def helper(row):
    return row

class Child(Split):
    pass
"""


@pytest.fixture(autouse=True)
def _path_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def module(folder: Path, text: str, name: str) -> str:
    (folder / f"{name}.py").write_text(text)
    return name


def test_a_marked_function_or_class_is_found_beside_the_pipeline(tmp_path: Path) -> None:
    name = module(tmp_path, MARKED, "marked_one")
    thing, mark = find(f"{name}:double", tmp_path)
    assert callable(thing)
    assert thing({"n": 2}) == {"n": 4}
    assert mark == Mark(PluginKind.TRANSFORM)
    assert find(f"{name}:Split", tmp_path)[1] == Mark(PluginKind.TRANSFORM, expands=True)
    assert find(f"{name}:both", tmp_path)[1].kind is PluginKind.BATCH


@pytest.mark.parametrize("name", ["helper", "Child", "Path", "nobody", "t"])
def test_what_is_not_marked_is_not_found_and_its_module_does_not_run(tmp_path: Path, name: str) -> None:
    called = module(tmp_path, MARKED, "marked_two")
    with pytest.raises(NotFound, match=name):
        find(f"{called}:{name}", tmp_path)
    assert not (tmp_path / "marked_two.ran").exists()
    assert called not in sys.modules


@pytest.mark.parametrize(
    "reference",
    ["os:system", "antigravity:fly", "subprocess:run", "builtins:eval", "this:s", "os.path:join", "idlelib.idle:main"],
)
def test_a_pipeline_that_names_any_module_runs_nothing(reference: str, tmp_path: Path) -> None:
    was_there = set(sys.modules)
    nodes = [
        {"name": "s", "kind": "source", "to": "t", "plugin": "csv", "options": {"path": "x.csv"}},
        {"name": "t", "kind": "transform", "to": "o", "plugin": reference, "options": {"command": "touch ran"}},
        {"name": "o", "kind": "sink", "plugin": "csv", "options": {"path": "y.csv"}},
    ]
    with pytest.raises(SettingsError, match=r"nodes\[1\].plugin \(t\) = "):
        bind(read_pipeline({"name": "p", "nodes": nodes}), tmp_path)
    assert reference.partition(":")[0] not in set(sys.modules) - was_there
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "def transform(f): return f\n@transform\ndef x(row): return row\n",
        "import os\n@os.transform\ndef x(row): return row\n",
        "from elsewhere import transform\n@transform\ndef x(row): return row\n",
        "from fateline_engine.plugins import describe as transform\n@transform\ndef x(row): return row\n",
        "from fateline_engine.plugins import transform\nx = print\n",
        "if True:\n  from fateline_engine.plugins import transform\n  @transform\n  def x(row): return row\n",
        "def x(row:\n",
        "\0",
    ],
)
def test_something_that_only_looks_marked_does_not_run(tmp_path: Path, text: str) -> None:
    ran = tmp_path / "ran"
    name = module(tmp_path, f"open({str(ran)!r}, 'w')\n{text}", "looks_marked")
    with pytest.raises(NotFound):
        find(f"{name}:x", tmp_path)
    assert not ran.exists()


def test_the_mark_itself_is_asked_for_in_the_end(tmp_path: Path) -> None:
    text = "from fateline_engine.plugins import transform\n@transform\ndef x(row): return row\nx = print\n"
    name = module(tmp_path, text, "unmarked_later")
    with pytest.raises(NotFound, match="is not marked as a plugin by a decorator"):
        find(f"{name}:x", tmp_path)


def test_a_package_is_not_imported_to_look_into_it(tmp_path: Path) -> None:
    package = tmp_path / "some_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it ran')")
    (package / "inner.py").write_text("x = 1")
    with pytest.raises(NotFound, match="defines no class or function x"):
        find("some_package.inner:x", tmp_path)


def test_a_module_that_fails_to_import_says_why(tmp_path: Path) -> None:
    text = "from fateline_engine.plugins import transform\n1 / 0\n@transform\ndef x(row): return row\n"
    name = module(tmp_path, text, "fails_to_import")
    with pytest.raises(NotFound, match="cannot be imported: ZeroDivisionError"):
        find(f"{name}:x", tmp_path)


def test_a_module_of_the_same_name_from_elsewhere_is_not_taken_for_it(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        module(tmp_path / folder, MARKED, "of_two_homes")
    find("of_two_homes:double", tmp_path / "one")
    sys.path.remove(str(tmp_path / "one"))
    with pytest.raises(NotFound, match="another module of_two_homes is loaded already"):
        find("of_two_homes:double", tmp_path / "other")


@pytest.mark.parametrize(
    "reference, told",
    [
        ("no_such_module_here:x", "no Python module no_such_module_here is installed or lies in"),
        ("a b:x", "write it as module:name"),
        ("..:x", "write it as module:name"),
        ("m:x.y", "write it as module:name"),
        ("nothing", "no plugin of this name"),
        ("sys:exit", "no Python module sys"),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(reference: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=told):
        find(reference, tmp_path)


def test_an_entry_point_announces_a_plugin(tmp_path: Path) -> None:
    name = module(tmp_path, MARKED, "announced")
    sys.path.append(str(tmp_path))
    point = EntryPoint("twice", f"{name}:double", "fateline.plugins")
    with patch("importlib.metadata.entry_points", return_value=[point]) as asked:
        assert find("twice")[1].kind is PluginKind.TRANSFORM
    asked.assert_called_once_with(group="fateline.plugins", name="twice")


def test_a_mark_is_not_inherited() -> None:
    @transform
    class Parent:
        pass

    class Child(Parent):
        pass

    assert mark_of(Parent) == Mark(PluginKind.TRANSFORM)
    assert mark_of(Child) is mark_of(3) is None
