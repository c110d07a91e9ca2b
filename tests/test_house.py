"""The house itself: what the wheel holds, and that the import rules bite."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from bench.__main__ import run

from .deep import run as run_deep

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "fateline": ROOT / "oracle",
    "fateline_console": ROOT / "oracle",
    "fateline_engine": ROOT / "impl",
    "fateline_model": ROOT / "model",
    "fateline_oracle": ROOT / "oracle",
}

RULED = (
    "impl/fateline_engine/cli/run.py",
    "impl/fateline_engine/drawing/__init__.py",
    "impl/fateline_engine/explain.py",
    "model/fateline_model/laws.py",
    "oracle/fateline/conformance.py",
    "oracle/fateline_console/lazy.py",
    "oracle/fateline/machine.py",
    "oracle/fateline_console/terminal.py",
)
"""The modules that a contract names by themselves, and that must therefore exist."""

_SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
_LAYERS = next(contract["layers"] for contract in _SETTINGS if contract.get("containers") == ["fateline_oracle"])
FOLDERS_OF_THE_JUDGE = [folder.strip() for layer in _LAYERS for folder in layer.split("|")]


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    path = ":".join(str(house / source.name) for source in PACKAGES.values())
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=house,
        env={"PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "module, line, contract",
    [
        ("model/fateline_model/intruder.py", "import fateline_engine", "never see each other"),
        ("impl/fateline_engine/intruder.py", "import fateline_model", "never see each other"),
        ("model/fateline_model/intruder.py", "import fateline_oracle", "The face stands on the judge"),
        ("impl/fateline_engine/intruder.py", "import fateline_oracle", "The face stands on the judge"),
        ("model/fateline_model/intruder.py", "def f():\n    import time", "The law is pure"),
        ("model/fateline_model/intruder.py", "from pathlib import Path", "The law is pure"),
        ("model/fateline_model/checker/intruder.py", "import numpy", "The law is pure"),
        ("oracle/fateline_console/terminal.py", "import fateline_engine", "The face stands on the judge"),
        ("impl/fateline_engine/intruder.py", "import fateline", "The face stands on the judge"),
        ("impl/fateline_engine/cli/run.py", "import sqlite_utils", "A run imports no package"),
        ("oracle/fateline_oracle/compare/intruder.py", "import fateline_oracle.conform", "Each folder of the judge"),
        ("oracle/fateline_oracle/render/intruder.py", "import fateline_oracle.cli", "Each folder of the judge"),
        ("oracle/fateline_oracle/report/intruder.py", "import fateline_oracle.law", "Each folder of the judge"),
        (
            "oracle/fateline_oracle/book/friend.py",
            "import fateline_engine, fateline_model, fateline_oracle.conform",
            None,
        ),
    ],
)
def test_import_rules_bite(tmp_path: Path, module: str, line: str, contract: str | None) -> None:
    """In a small house with our rules, one line breaks just the contract that should forbid it."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for file in (*RULED, *(f"{source.name}/{package}/__init__.py" for package, source in PACKAGES.items())):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).parent.joinpath("__init__.py").touch()
        (tmp_path / file).touch()
    for folder in FOLDERS_OF_THE_JUDGE:
        (tmp_path / "oracle/fateline_oracle" / folder).mkdir()
        (tmp_path / "oracle/fateline_oracle" / folder / "__init__.py").touch()
    (tmp_path / module).parent.mkdir(exist_ok=True)
    (tmp_path / module).parent.joinpath("__init__.py").touch()
    (tmp_path / module).write_text(line + "\n")
    result = lint_imports(tmp_path)
    broken = [told for told in result.stdout.splitlines() if told.endswith("BROKEN")]
    assert (result.returncode, len(broken)) == ((0, 0) if contract is None else (1, 1)), result.stdout
    assert contract is None or contract in broken[0]


def test_an_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["no-such-benchmark"]) == 3
    assert "no such benchmark: no-such-benchmark" in capsys.readouterr().out


@pytest.mark.slow
def test_the_wheel_holds_our_packages_typed_and_nothing_else(tmp_path: Path) -> None:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--quiet",
        "--wheel-dir",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(pip, check=True)
    (wheel,) = tmp_path.glob("fateline-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert all(f"{package}/py.typed" in names for package in PACKAGES)
    ours = {
        f"{package}/{file.relative_to(source / package).as_posix()}"
        for package, source in PACKAGES.items()
        for file in (source / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {file.rpartition(".")[2] for file in ours} >= {"py", "toml", "sql", "json", "css", "xz"}
    assert ours <= set(names)


def test_dead_code_is_noticed(tmp_path: Path) -> None:
    """With our settings, a function that nothing calls and an enumeration's word that nothing reads are both named."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for folder in ("model", "impl", "oracle", "bench", "examples"):
        (tmp_path / folder).mkdir()
    colour = "from enum import Enum\n\nclass Colour(Enum):\n    RED = 1\n    BLUE = 2\n\n\n"
    dead = f"{colour}def unused() -> Colour:\n    return Colour.RED\n"
    (tmp_path / "oracle" / "dead.py").write_text(dead)
    done = subprocess.run([sys.executable, "-m", "vulture"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "unused function 'unused'" in done.stdout
    assert "unused variable 'BLUE'" in done.stdout
    assert "'RED'" not in done.stdout


def test_an_unknown_part_of_the_deep_run_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_deep(["no-such-part"]) == 3
    assert "there is no part no-such-part; there are: verify, " in capsys.readouterr().out
