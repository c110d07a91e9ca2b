"""The README of the examples: what each command in it really prints.

What it is: a reader of ``examples/README.md`` that runs every ``$ fateline …`` in it, in a copy of the example's
folder, and compares. ``python -m tests.oracle.examples_readme`` writes what is printed now into the page.

What it is not: a test; ``test_examples`` asks it.
"""

import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from fateline_engine.drawing import svg
from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import load_pipeline
from fateline_oracle.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
README = EXAMPLES / "README.md"

_BLOCK = re.compile(r"^```text\n(?P<body>\$ .*?)^```$", re.MULTILINE | re.DOTALL)
_FOLDER = re.compile(r"^## \[.*?\]\((?P<folder>\w+)/pipeline\.yaml\)$", re.MULTILINE)
_RUN = re.compile(r"in \d+\.\d\d s \(run [0-9a-f]{32}\)")
_HEAD = re.compile(r"\b[0-9a-f]{64}\b")
"""What differs from run to run."""


class Said(NamedTuple):
    """One command of the page, and what it printed."""

    folder: str
    command: str
    status: int
    output: str


def rendered(text: str) -> tuple[str, list[Said]]:
    """``text`` with the output of every command in it as it is now."""
    said: list[Said] = []
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "examples"
        shutil.copytree(EXAMPLES, copy, ignore=shutil.ignore_patterns("out", "*.db*", "__pycache__"))

        def again(block: re.Match[str]) -> str:
            folder = [found["folder"] for found in _FOLDER.finditer(text, 0, block.start())][-1]
            commands = [line[2:] for line in block["body"].splitlines() if line.startswith("$ ")]
            ran = [_run(copy / folder, command) for command in commands]
            said.extend(ran)
            return "```text\n" + "\n".join(f"$ {each.command}\n{each.output}" for each in ran) + "```"

        return _BLOCK.sub(again, text), said


def _run(folder: Path, command: str) -> Said:
    name, *arguments = shlex.split(command)
    assert name == "fateline", command
    with inside(folder):
        result = CliRunner().invoke(main, arguments)
    output = _HEAD.sub("4be1…", _RUN.sub("in 0.01 s (run 2f9c…)", result.output))
    return Said(folder.name, command, result.exit_code, output)


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in ``folder``, and forget the plugins that lie there afterwards."""
    path, modules = list(sys.path), set(sys.modules)
    try:
        with chdir(folder):
            yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]


def picture(folder: str) -> str:
    """The pipeline of an example, drawn."""
    return svg(ExecutionGraph.build(load_pipeline(EXAMPLES / folder / "pipeline.yaml")))


def folders() -> list[str]:
    """The examples, each in a folder of its own."""
    return [path.parent.name for path in sorted(EXAMPLES.glob("*/pipeline.yaml"))]


if __name__ == "__main__":
    for each in folders():
        (EXAMPLES / each / "pipeline.svg").write_text(picture(each), encoding="utf-8")
    fresh, _ = rendered(README.read_text(encoding="utf-8"))
    README.write_text(fresh, encoding="utf-8")
