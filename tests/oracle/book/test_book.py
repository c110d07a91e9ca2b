"""`fateline spec`: writes the book, and tells what is stale, missing, orphaned or not in the index."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fateline_model import LAW_VERSION, LAWS
from fateline_model.records import RELATIONS
from fateline_model.words import GroupKind, NodeKind, Policy, RunStatus, VisitStatus
from fateline_oracle.book import INDEX, PLAIN, make_book
from fateline_oracle.book.decisions import DECISIONS, NOT_USED, laws_of
from fateline_oracle.book.exchanges import FIRST, OTHERS, answers
from fateline_oracle.book.glossary import TERMS
from fateline_oracle.book.judged import CAN, RECORDED, STRATEGIES
from fateline_oracle.book.markdown import NOTICE, anchor, page, table
from fateline_oracle.book.schemas import SCHEMAS
from fateline_oracle.book.tables import TABLES
from fateline_oracle.book.versions import VERSIONS
from fateline_oracle.cli import main
from fateline_oracle.conform.instance import Strategy
from fateline_oracle.ports.messages import ASKED
from fateline_oracle.ports.port import Clock, Does, Drive, Port, Shows
from fateline_oracle.report.verdict import ExitCode

SPECS = Path(__file__).parents[3] / "specs"


@cache
def book() -> dict[str, str]:
    """The generated files in the repository. That they are fresh is said by `make check` and by the slow test below."""
    files = [path for path in SPECS.rglob("*.md") if path.read_text(encoding="utf-8").startswith(NOTICE)]
    files += [*SPECS.glob("tables/*.json"), *SPECS.glob("schemas/*.json")]
    return {path.relative_to(SPECS).as_posix(): path.read_text(encoding="utf-8") for path in files}


@pytest.mark.slow  # the mutants of the law take some seconds
def test_the_book_in_the_repository_is_the_one_that_is_made() -> None:
    assert make_book() == book()


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the book, written anew."""
    monkeypatch.setattr("fateline_oracle.cli.spec.make_book", lambda **more: dict(book()))
    shutil.copytree(SPECS, tmp_path / "specs")
    assert spec("--specs", str(tmp_path / "specs")).exit_code == ExitCode.HOLDS
    return tmp_path / "specs"


def spec(*args: str) -> Result:
    return CliRunner().invoke(main, ["spec", *args])


def check(specs: Path) -> tuple[int, list[str]]:
    """What checking says: the exit status and the problems."""
    result = spec("--check", "--specs", str(specs), "--json")
    told = json.loads(result.stdout)
    assert set(told) == {"schema", "fresh", "folder", "files", "changed", "problems"}
    assert told["changed"] == []
    return result.exit_code, told["problems"]


def test_a_fresh_book_is_fresh(specs: Path) -> None:
    assert check(specs) == (ExitCode.HOLDS, [])
    result = spec("--check", "--specs", str(specs))
    assert result.stdout == f"fresh  {len(book())} generated files in {specs}, index {specs / INDEX}\n"


@pytest.mark.parametrize("name", ["laws.md", "words.md", "tables/policy.json", "schemas/trail.schema.json"])
def test_a_stale_page_is_told_and_writing_mends_it(specs: Path, name: str) -> None:
    (specs / name).write_text((specs / name).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert check(specs) == (ExitCode.BREACHED, [f"{name}: stale"])
    result = spec("--specs", str(specs))
    assert result.exit_code == ExitCode.HOLDS
    assert f"written  {name}\n" in result.stdout
    assert result.stdout.count("written") == 1
    assert check(specs) == (ExitCode.HOLDS, [])


@pytest.mark.parametrize("name", ["mutants.md", "tables/laws.json"])
def test_a_missing_page_is_told_and_writing_mends_it(specs: Path, name: str) -> None:
    (specs / name).unlink()
    code, problems = check(specs)
    assert (code, problems[0]) == (ExitCode.BREACHED, f"{name}: missing")
    assert spec("--specs", str(specs)).exit_code == ExitCode.HOLDS
    assert (specs / name).read_text(encoding="utf-8") == book()[name]


def test_a_page_that_nothing_makes_any_more_is_told_and_not_mended_by_writing(specs: Path) -> None:
    (specs / "old.md").write_text(page("Old"), encoding="utf-8")
    told = ["old.md: generated once, and made by nothing any more", f"{INDEX}: does not lead to old.md"]
    assert check(specs) == (ExitCode.BREACHED, told)
    assert spec("--specs", str(specs)).exit_code == ExitCode.BREACHED


def test_a_page_that_the_index_does_not_lead_to_is_told(specs: Path) -> None:
    (specs / "decisions" / "9999-nobody-knows.md").write_text("# By hand\n", encoding="utf-8")
    assert check(specs) == (ExitCode.BREACHED, [f"{INDEX}: does not lead to decisions/9999-nobody-knows.md"])


def test_without_an_index_every_page_is_told(specs: Path) -> None:
    (specs / INDEX).unlink()
    code, problems = check(specs)
    assert code == ExitCode.BREACHED
    assert len(problems) == len(list(specs.rglob("*.md")))


def test_checking_writes_nothing(specs: Path) -> None:
    (specs / "laws.md").unlink()
    assert spec("--check", "--specs", str(specs)).exit_code == ExitCode.BREACHED
    assert not (specs / "laws.md").exists()


def test_every_generated_page_says_so_and_every_file_ends_in_one_line_end() -> None:
    assert set(book()) >= {*PLAIN, *(f"tables/{name}.json" for name in TABLES)}
    assert {f"schemas/{name}.schema.json" for name in SCHEMAS} <= set(book())
    for name, text in book().items():
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert not name.endswith(".md") or text.startswith(NOTICE), name


def test_the_pages_people_write_are_left_alone(specs: Path) -> None:
    by_hand = [path for path in SPECS.rglob("*.md") if not path.read_text(encoding="utf-8").startswith(NOTICE)]
    assert by_hand
    for path in by_hand:
        assert (specs / path.relative_to(SPECS)).read_bytes() == path.read_bytes()


def test_a_folder_that_is_none_is_bad_input(tmp_path: Path) -> None:
    result = spec("--check", "--specs", str(tmp_path / "nowhere"))
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "no such folder" in result.stderr


def test_the_book_is_found_from_below_a_checkout_and_nowhere_else(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert spec("--check").exit_code == ExitCode.HOLDS
    shutil.rmtree(specs)
    result = spec("--check")
    assert result.exit_code == ExitCode.USAGE
    assert "no `specs` folder here or above" in result.stderr


def test_a_bar_in_a_cell_does_not_split_it() -> None:
    assert table(["a", "b"], [("x|y", None), ("one\ntwo", 3)]).splitlines() == [
        "| a | b |",
        "|---|---|",
        "| x\\|y |  |",
        "| one two | 3 |",
    ]


# ------------------------------------------------------------------------------------------------- what the pages promise

LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    return sorted(SPECS.rglob("*.md"))


def anchors(page: Path) -> set[str]:
    """Every anchor of a page: those of its headings, and those that are set by hand."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {anchor(heading) for heading in headings} | set(re.findall(r'<a id="([^"]+)">', text))


def test_every_page_leads_to_the_glossary() -> None:
    for path in pages():
        if path.name != "glossary.md":
            targets = {link.partition("#")[0] for link in LINK.findall(path.read_text(encoding="utf-8"))}
            assert (SPECS / "glossary.md").resolve() in {(path.parent / target).resolve() for target in targets}, path


def test_every_link_of_the_book_leads_to_a_file_and_an_anchor_that_exist() -> None:
    for path in pages():
        for link in LINK.findall(path.read_text(encoding="utf-8")):
            target, _, place = link.partition("#")
            if "://" in link:
                continue
            file = (path.parent / target).resolve() if target else path
            assert file.exists(), f"{path.name}: {link}"
            assert not place or place in anchors(file), f"{path.name}: {link}"


def test_the_terms_of_the_glossary_are_sorted_and_each_has_its_anchor_and_an_example() -> None:
    names = [term.name for term in TERMS]
    assert names == sorted(set(names))
    assert {anchor(name) for name in names} <= anchors(SPECS / "glossary.md")
    assert all(term.says.endswith(".") and term.example for term in TERMS)
    assert {
        "row", "token", "branch", "fork", "join", "coalesce", "barrier", "frame", "debt", "stack", "beneath", "joined", "visit",
        "attempt", "hop", "fate", "outcome", "late", "loss", "batch", "member", "flush", "trigger", "expansion", "group",
        "promised", "trail", "landscape", "record", "relation", "stimulus", "verdict", "refusal", "step", "transaction", "run",
        "port", "scope", "instance", "family", "vector", "mutant", "witness", "finding", "law", "core", "profile", "lockstep",
        "edge cover", "counterexample", "digest",
    } <= set(names)  # fmt: skip


def test_a_definition_uses_the_words_of_the_model() -> None:
    says = {term.name: term.says for term in TERMS}
    for name, words in (
        ("node", NodeKind), ("policy", Policy), ("group", GroupKind), ("run", RunStatus), ("visit", VisitStatus),
        ("relation", RELATIONS), ("port", Port),
    ):  # fmt: skip
        assert all(f"`{word}`" in says[name] for word in words), name


def test_every_decision_has_its_page_and_every_page_is_a_decision() -> None:
    folder = SPECS / "decisions"
    assert {one.file for one in DECISIONS} == {path.name for path in folder.glob("[0-9]*.md")}
    for one in DECISIONS:
        text = (folder / one.file).read_text(encoding="utf-8")
        assert text.startswith(f"# {one.number} · {one.title}\n"), one.file
        assert f"\n**Laws.** {laws_of(one) or 'None'}" in text, one.file
        assert set(one.laws) <= set(LAWS), one.file


def test_the_numbers_of_the_decisions_have_no_hole_that_the_index_does_not_name() -> None:
    numbers = [int(one.number) for one in DECISIONS]
    assert numbers == sorted(numbers)
    holes = set(range(1, numbers[-1] + 1)) - set(numbers)
    assert {f"{hole:04}" for hole in holes} == set(NOT_USED)


def test_every_word_that_an_engine_may_declare_is_explained() -> None:
    text = book()["ports.md"]
    for words in (Does, Shows, Drive, Clock, Port):
        assert all(f"| `{word}` |" in text or f"`{word}`" in text or f" {word} |" in text for word in words)
    assert set(CAN) == set(Does)
    assert set(RECORDED) == set(Shows)


def test_every_strategy_is_explained() -> None:
    assert list(STRATEGIES) == list(Strategy)


def test_the_first_exchange_can_be_typed_and_answers_what_the_page_shows() -> None:
    block = (SPECS / "protocol.md").read_text(encoding="utf-8").split("```text\n$ ", 1)[1].split("```", 1)[0]
    typed, _, shown = block.partition("\nEND\n")
    assert typed.startswith(".venv/bin/python -m fateline_oracle.serve <<'END'\n")
    command = f"{typed}\nEND\n".replace(".venv/bin/python", shlex.quote(sys.executable), 1)
    done = subprocess.run(["sh"], input=command, capture_output=True, text=True, check=True, cwd=SPECS.parent)
    assert done.stdout == shown


def test_every_line_of_an_exchange_has_a_note_and_every_kind_of_message_is_shown() -> None:
    shown = set()
    for exchange in (FIRST, *OTHERS):
        replies = answers(exchange)
        assert len(replies) == len(exchange.lines) - 1, exchange.title
        for line in exchange.lines[:-1]:
            assert line.asks, exchange.title
            assert line.answers, exchange.title
        assert exchange.lines[-1].message["ask"] == "bye"
        shown |= {line.message["ask"] for line in exchange.lines}
    assert {str(kind.__struct_config__.tag) for kind in ASKED} - shown == {"start_runs", "operation"}
    first = "\n".join(answers(FIRST))
    assert all(f'"{key}"' in first for key in ("records", "refused", "unsupported"))


def test_every_version_on_the_page_is_the_one_of_the_code() -> None:
    values = {one.name: one.value for one in VERSIONS}
    assert values["law"] == LAW_VERSION
    assert list(values) == ["law", "trail", "protocol", "vectors", "report", "case", "landscape"]
    index = json.loads((SPECS / "vectors" / "index.json").read_text(encoding="utf-8"))
    assert (index["schema"], index["law_version"]) == (values["vectors"], values["law"])
