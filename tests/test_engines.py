"""The engines of `examples/engines`, and their page typed as it stands: what is promised there is what is printed."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINES = ROOT / "examples" / "engines"
NODE, PERL = shutil.which("node"), shutil.which("perl")
COMPILER = shutil.which("g++")
needs_node = pytest.mark.skipif(NODE is None, reason="SKIPPED LOUDLY: there is no node on this machine")
needs_perl = pytest.mark.skipif(PERL is None, reason="SKIPPED LOUDLY: there is no perl on this machine")

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="SKIPPED LOUDLY: there is no g++ on this machine")


def fateline(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from fateline_oracle.cli import main; main()", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def blocks(heading: str) -> list[str]:
    """The shell transcripts under a heading of the page."""
    text = (ENGINES / "README.md").read_text()
    part = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```text\n(.*?)```", part, re.S)


@needs_node
def test_the_first_attempts_give_the_errors_that_the_page_shows(tmp_path: Path) -> None:
    for block in blocks("1. A process that answers"):
        listing, command = block.split("\n$ fateline ", 1)
        (tmp_path / "engine.js").write_text(listing.removeprefix("$ cat engine.js\n"))
        line, _, expected = command.partition("\n")
        found = fateline(*line.split(" | ")[0].split(), cwd=tmp_path)
        last = [one for one in (found.stdout + found.stderr).splitlines() if one.strip()]
        for wanted in (one for one in expected.splitlines() if one.strip()):
            assert _without_seconds(wanted) in map(_without_seconds, last), found.stdout[-800:]


@needs_node
@pytest.mark.slow
def test_the_engine_in_javascript_holds() -> None:
    found = fateline("conform", "--scope", "standard", "--seed", "1", "--", "node", str(ENGINES / "node/adapter.js"))
    assert found.returncode == 0, found.stdout[-2000:]


@needs_node
def test_its_seeded_bug_is_found_in_at_most_ten_steps_and_without_it_nothing_is(tmp_path: Path) -> None:
    words = [
        "hunt",
        "--corpus",
        str(tmp_path / "h"),
        "--seed",
        "3",
        "--rounds",
        "60",
        "--",
        "node",
        str(ENGINES / "node/adapter.js"),
    ]
    assert fateline(*words).returncode == 0
    words[2] = str(tmp_path / "bug")
    found = fateline(*words, "--bug", "late-without-a-fate")
    assert found.returncode == 1
    steps = [int(number) for number in re.findall(r"new +C16 in (\d+) steps", found.stdout)]
    assert steps
    assert min(steps) <= 10


def test_an_adapter_has_at_most_a_hundred_lines() -> None:
    lengths = {
        path: len((ENGINES / path).read_text().splitlines()) for path in ("node/adapter.js", "python/template.py")
    }
    assert max(lengths.values()) <= 100
    assert len((ENGINES / "perl/vectors.pl").read_text().splitlines()) <= 60


@needs_compiler
def test_the_barrier_in_a_compiled_language_does_what_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ENGINES, tmp_path / "examples" / "engines")
    (block,) = blocks("In a compiled language")
    compile_it, *judged = block.removeprefix("$ ").split("\n$ ")
    subprocess.run(shlex.split(compile_it), cwd=tmp_path, check=True)
    for shown in judged:
        line, _, expected = shown.partition("\n")
        printed = fateline(*shlex.split(line.split(" | ")[0])[1:], cwd=tmp_path).stdout
        for wanted in (one for one in expected.splitlines() if one.strip() and one != "..."):
            assert _without_seconds(wanted) in _without_seconds(printed)


def _without_seconds(text: str) -> str:
    return re.sub(r"[\d.]+ s\b", "# s", text)


@needs_perl
def test_the_barrier_in_perl_is_held_against_the_vectors_and_a_bug_in_it_is_seen() -> None:
    words = [str(PERL), str(ENGINES / "perl/vectors.pl"), str(ROOT / "specs/vectors/barrier.jsonl.gz")]
    good = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout) == (0, "0 of 720 vectors failed\n")
    bad = subprocess.run([*words, "--bug"], capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "the law says 'waits', this says 'merged" in bad.stdout


def test_the_page_about_an_engine_with_only_a_command_line_is_what_the_commands_print(tmp_path: Path) -> None:
    """A line of dots stands for lines that the page leaves out; the seconds at the end of a verdict are not compared."""
    folder = tmp_path / "command-line"
    shutil.copytree(ENGINES / "command-line", folder)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "class Scripted:" in text
    assert text.split("```python\n")[1].split("```")[0] in (folder / "joblog.py").read_text(encoding="utf-8")
    typed = re.findall(r"```text\n\$ (.*?)\n(.*?)```", text, re.S)
    assert len(typed) == 5
    for command, shown in typed:
        words = shlex.split(command.replace("'python ", f"'{sys.executable} "))
        if words[0] == "fateline":
            printed = re.sub(r", \d+\.\d s$", "", fateline(*words[1:], cwd=folder).stdout, flags=re.M)
        else:
            printed = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout
        rest = printed
        for part in filter(None, re.split(r"^\.\.\.\n", shown, flags=re.M)):
            _, found, rest = rest.partition(part)
            assert found == part, f"{command}\nis expected to print\n{part}\nand printed\n{printed}"
