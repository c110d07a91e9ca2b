"""The public face: its names are there and typed, it loads nothing heavy, its page runs, and its machine finds a bug."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

import fateline
from fateline.machine import SETTINGS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "specs" / "face.md"
QUICK = settings(SETTINGS, max_examples=25, stateful_step_count=25, derandomize=True, database=None)


@pytest.mark.parametrize("name", fateline.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(fateline, name) is not None


def test_a_type_checker_sees_the_same_names() -> None:
    tree = ast.parse((ROOT / "oracle" / "fateline" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(fateline.__all__)


def test_a_name_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'Judge'; its names are Accepted, "):
        fateline.Judge  # noqa: B018


def test_an_adapter_loads_neither_pytest_nor_hypothesis() -> None:
    code = "import sys, fateline; fateline.Reply; print({'pytest', 'hypothesis'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_machine_finds_a_seeded_bug_and_shows_the_steps() -> None:
    class Late(fateline.EngineMachine):
        engine = "zoo:late-without-a-fate"

    with pytest.raises(AssertionError, match=r"C16: ") as found:
        run_state_machine_as_test(Late, settings=QUICK)
    assert "  1. read(0, valid)" in str(found.value)


def test_the_machine_finds_nothing_in_the_reference_engine() -> None:
    run_state_machine_as_test(fateline.EngineMachine, settings=QUICK)


def test_an_engine_without_a_pipeline_port_is_told_so() -> None:
    class NoPipeline(fateline.EngineMachine):
        engine = "tests.oracle.ports.strange:only_a_barrier"

    with pytest.raises(AssertionError, match="offers no pipeline port"):
        run_state_machine_as_test(NoPipeline, settings=QUICK)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_runs_as_it_stands(tmp_path: Path) -> None:
    adapter, tests = blocks("python")[:2]
    (tmp_path / "my_adapter.py").write_text(adapter)
    (tmp_path / "test_my_engine.py").write_text(tests)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "test_my_engine.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    counts = re.search(r"^\d+ passed", done.stdout, re.MULTILINE)
    assert counts is not None, done.stdout
    assert f"`{counts[0]}`" in PAGE.read_text(encoding="utf-8"), "the page names another count"


def test_the_page_passes_a_strict_type_checker(tmp_path: Path) -> None:
    adapter, tests, _ = blocks("python")
    (tmp_path / "my_adapter.py").write_text(adapter)
    (tmp_path / "test_my_engine.py").write_text(tests)
    sources = os.pathsep.join(str(ROOT / folder) for folder in ("model", "impl", "oracle"))
    words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), "."]
    environment = os.environ | {"MYPYPATH": sources}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_page_names_every_name() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in fateline.__all__ if f"`{name}`" not in text] == []
