"""The pages at the top of the checkout: what README shows is what is printed, and every link leads somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

from fateline_oracle.cli import COMMANDS
from tests.oracle.readme_page import README, commands, rendered

ROOT = README.parent
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/engines/README.md")
BY_HAND = (*PAGES, "specs/README.md", "specs/design.md", "specs/audit.md", "specs/durability.md")
COINED = re.compile(
    r"\b((?:is|are|be) told|anew|is_supported|doomed|so many|of (?:its|their) own|animals?|in danger|held against|beside it)\b"
)
"""Words and idioms that pages do not use: `glossary.md` has the terms."""


def test_the_readme_shows_what_its_commands_print() -> None:
    text = README.read_text(encoding="utf-8")
    assert commands(text)
    assert rendered(text) == text, "write it again: python -m tests.oracle.readme_page"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert "://" in link or (page.parent / link).exists(), link


def test_the_readme_names_every_command() -> None:
    table = README.read_text(encoding="utf-8").split("## The commands", 1)[1].split("\n## ", 1)[0]
    words = set(re.findall(r"`(?:fateline )?([a-z]+)`", table))
    assert {command.name for command in COMMANDS} <= words


@pytest.mark.parametrize(
    "name", [*BY_HAND, *sorted(f"specs/decisions/{p.name}" for p in (ROOT / "specs/decisions").glob("0*"))]
)
def test_pages_that_people_write_use_no_coined_words(name: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert COINED.findall(text) == []


def test_the_changelog_has_a_section_for_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_contributing_and_design_name_every_folder_of_the_judge() -> None:
    judge = ROOT / "oracle" / "fateline_oracle"
    folders = sorted(path.parent.name for path in judge.glob("*/__init__.py"))
    for name in ("CONTRIBUTING.md", "specs/design.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert [folder for folder in folders if f"{folder}/" not in text] == [], name


def test_what_make_says_of_its_targets_is_what_contributing_says() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):.*## (.*)$", Path(ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert all(f"make {target}" in text for target, _ in targets), targets
    (minutes,) = set(re.findall(r"less than (\d+) minutes", text))
    assert f"less than {minutes} minutes" in dict(targets)["deep"]
