"""The README of the project: what each command in it really prints.

`python -m tests.oracle.readme_page` writes what is printed now into the page; `test_readme` checks that it is fresh. Not here:
the README of the examples (`examples_readme.py`).
"""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from fateline_oracle.cli import main

README = Path(__file__).parents[2] / "README.md"

_BLOCK = re.compile(r"^```text\n\$ (?P<command>fateline .*)\n(?P<output>(?:.*\n)*?)```$", re.MULTILINE)
_TIME = re.compile(r"\b\d+\.\d s\b")
"""What differs each time."""


def rendered(text: str) -> str:
    """`text` with the output of every command in it as it is now."""
    return _BLOCK.sub(_again, text)


def commands(text: str) -> list[str]:
    """The commands whose output the page shows."""
    return [block["command"] for block in _BLOCK.finditer(text)]


def _again(block: re.Match[str]) -> str:
    result = CliRunner().invoke(main, shlex.split(block["command"])[1:], env={"NO_COLOR": "1"})
    return f"```text\n$ {block['command']}\n{_TIME.sub('1.0 s', result.stdout)}```"


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
