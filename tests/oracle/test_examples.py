"""The examples: every one runs to its end, and the page about them says what they really print."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_oracle.cli import main
from tests.oracle.examples_readme import EXAMPLES, README, Said, folders, inside, picture, rendered
from tests.oracle.reference_page import PAGE, page


@pytest.fixture(scope="module")
def readme() -> tuple[str, list[Said]]:
    return rendered(README.read_text(encoding="utf-8"))


def test_the_readme_is_what_the_commands_print(readme: tuple[str, list[Said]]) -> None:
    fresh, _ = readme
    assert fresh == README.read_text(encoding="utf-8"), "write it anew: python -m tests.oracle.examples_readme"


@pytest.mark.parametrize("example", folders())
def test_the_picture_of_an_example_is_fresh_and_on_the_page(example: str) -> None:
    kept = (EXAMPLES / example / "pipeline.svg").read_text(encoding="utf-8")
    assert kept == picture(example), "draw it anew: python -m tests.oracle.examples_readme"
    assert f"]({example}/pipeline.svg)" in README.read_text(encoding="utf-8")


def test_the_reference_is_fresh_and_leaves_nothing_out() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.oracle.reference_page"
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert all(line.split("|")[-2].strip() for line in rows), "each key says what it means"
    assert len(rows) > 60


def test_the_plugin_on_the_page_works(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    (tmp_path / "mine.py").write_text(text.split("```python\n")[1].split("```")[0])
    (tmp_path / "in.jsonl").write_text('{"amount": 300}\n{"amount": 0}\n{}\n')
    node = text.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "p.yaml").write_text(
        "name: p\nnodes:\n"
        "  - {name: read, kind: source, plugin: jsonl, options: {path: in.jsonl}, to: score}\n" + node + "\n"
        "  - {name: out, kind: sink, plugin: jsonl, options: {path: out.jsonl}}\n"
    )
    with inside(tmp_path):
        result = CliRunner().invoke(main, ["run", "p.yaml", "--json"])
    assert json.loads(result.stdout)["outcomes"] == {"completed": 1, "discarded": 1, "failed": 1}
    assert (tmp_path / "out.jsonl").read_text() == '{"amount": 300, "high": true}\n'


def test_every_example_is_told_and_every_command_succeeds(readme: tuple[str, list[Said]]) -> None:
    _, said = readme
    assert {each.folder for each in said if each.command == "fateline run pipeline.yaml"} == set(folders())
    assert {each.folder for each in said if each.command.startswith("fateline explain")} == set(folders())
    assert [each for each in said if each.status != 0] == []
    assert len(folders()) >= 5


@pytest.mark.parametrize("example", folders())
def test_every_example_can_be_drawn_exported_and_run_again(example: str, tmp_path: Path) -> None:
    folder = tmp_path / example
    shutil.copytree(EXAMPLES / example, folder, ignore=shutil.ignore_patterns("out", "*.db*", "__pycache__"))
    runner = CliRunner()
    with inside(folder):
        for arguments in (["run", "pipeline.yaml"], ["run", "pipeline.yaml"], ["export", "pipeline.db"]):
            result = runner.invoke(main, arguments)
            assert result.exit_code == 0, result.output
        for form in ("--svg", "--mermaid", "--json"):
            assert runner.invoke(main, ["graph", "pipeline.yaml", form]).exit_code == 0


def test_a_second_run_leaves_the_same_outputs_as_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "returns"
    shutil.copytree(EXAMPLES / "returns", folder, ignore=shutil.ignore_patterns("out", "*.db*", "__pycache__"))
    outputs = []
    with inside(folder):
        for _ in range(2):
            assert CliRunner().invoke(main, ["run", "pipeline.yaml"]).exit_code == 0
            outputs.append({path.name: path.read_bytes() for path in (folder / "out").glob("*.jsonl")})
    assert outputs[0] == outputs[1]
    assert set(outputs[0]) == {"desk.jsonl", "quarantine.jsonl", "workshop.jsonl"}
