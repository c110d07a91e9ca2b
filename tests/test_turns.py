"""The slow tests take turns, and none is left out."""

import subprocess
import sys
from pathlib import Path

from .conftest import part_of

ROOT = Path(__file__).parent.parent


def test_each_test_has_its_turn_and_only_one() -> None:
    names = [f"tests/test_some.py::test_{number}" for number in range(500)]
    parts = [[name for name in names if part_of(name, 12) == part] for part in range(12)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert all(20 <= len(part) <= 65 for part in parts)


def test_a_turn_is_two_numbers() -> None:
    words = [sys.executable, "-m", "pytest", "-q", "--collect-only", "--turn", "now", "tests/test_turns.py"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "--turn now: give two numbers, as in --turn 5/12" in done.stdout + done.stderr
