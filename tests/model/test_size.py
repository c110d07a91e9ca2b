"""The law stays small: what decides a step fits into one reading."""

from pathlib import Path

import pytest

import fateline_model
from tests.code_lines import code_lines, code_lines_of

MODEL = Path(fateline_model.__file__).parent
MACHINES = (
    "machine.py",
    "lifecycle.py",
    "barrier_machine.py",
    "step_builder.py",
    "batches.py",
    "coalesce.py",
    "merging.py",
    "kernels.py",
    "state.py",
    "stimuli.py",
)


def test_what_decides_a_step_has_at_most_1150_code_lines() -> None:
    assert code_lines_of(*(MODEL / name for name in MACHINES)) <= 1150


@pytest.mark.parametrize(
    "text, lines",
    [
        ("", 0),
        ("import os\nfrom x import (\n    y,\n)\n", 0),
        ('"""A page.\n\nMore of it.\n"""\n# and a comment\n\nx = 1\n', 1),
        ("x = 1  # a comment beside code\n", 1),
        ('x = """a text\nover three\nlines"""\n', 3),
        ('X = 1\n"""What X is."""\n', 1),
        ("def f(\n    a,\n):\n    '''Says.'''\n    return a\n", 4),
        ("print(1)\n", 1),
    ],
)
def test_a_code_line_is_no_import_no_docstring_no_comment_and_not_blank(text: str, lines: int) -> None:
    assert code_lines(text) == lines
