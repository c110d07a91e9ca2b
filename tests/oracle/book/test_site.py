"""The book as HTML: nothing of it is lost, every link leads somewhere, and what it says is found and can be played."""

import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest
from click.testing import CliRunner, Result

from fateline_model import LAWS
from fateline_model.checker.mutants import MUTANTS as OF_THE_LAW
from fateline_oracle.book.decisions import DECISIONS
from fateline_oracle.book.glossary import TERMS
from fateline_oracle.book.markdown import anchor
from fateline_oracle.book.site import NotASite, make_site, write_site
from fateline_oracle.book.site.links import broken
from fateline_oracle.book.site.references import path_of
from fateline_oracle.book.site.search import INDEX, index
from fateline_oracle.cli import main
from fateline_oracle.law.verification import judge_mutant
from fateline_oracle.mutants import MUTANTS
from fateline_oracle.mutants.kept import read_cases
from tests.oracle.render.chromium import Texts, needs_browser, opened

SPECS = Path(__file__).parents[3] / "specs"
PLAYED = ("over-before-the-source", "own-parent", "two-recorders")
"""Mutants of the law that are explored here: each of another machine, and found at once."""
ON_KERNELS = next(one for one in OF_THE_LAW if one.family == "kernels")


@cache
def made() -> tuple[dict[str, str], list[str]]:
    chosen = [one for one in OF_THE_LAW if one.name in PLAYED]
    return make_site(SPECS, [judge_mutant(one) for one in (*chosen, ON_KERNELS)])


def site() -> dict[str, str]:
    return made()[0]


def html_pages() -> dict[str, str]:
    return {path: text for path, text in site().items() if path.endswith(".html")}


class Page(HTMLParser):
    """The text of a page without code, its links, and what else is asked about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.prose: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.tags.append(tag)
        if tag == "a" and own.get("href"):
            self.links.append(own["href"] or "")
        elif own.get("src") or own.get("href"):
            self.loaded.append(own.get("src") or own.get("href") or "")
        if tag in ("code", "pre", "script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.prose.append(data)


def markdown_left(text: str) -> list[str]:
    """Marks of Markdown, and of HTML that was made text, in the text of a page."""
    prose = "".join(Page(text).prose)
    return re.findall(r"\]\(|\*\*|`|^#+ |\|\s*-{3}|<!--|<a |(?<!\w)\*\w", prose, re.MULTILINE)


def law_of(law: str) -> str:
    """What stands under the heading of a law."""
    return site()["laws.html"].split(f'id="{law}"', 1)[1].partition("</h3>")[2].partition("<h3 ")[0]


def row(path: str, mutant: str) -> str:
    """The row of a mutant."""
    return site()[path].split(f'<tr id="{mutant}">', 1)[1].partition("</tr>")[0]


def test_nothing_is_wrong_with_the_site() -> None:
    assert made()[1] == []


def test_every_page_of_the_book_is_a_page_without_a_mark_of_markdown() -> None:
    for path in SPECS.rglob("*.md"):
        text = site()[path_of(path.relative_to(SPECS).as_posix())]
        assert markdown_left(text) == [], path.name
        assert "<h1" in text, path.name


@pytest.mark.parametrize("left", ["[a](b.md)", "**a**", "`a`", "\n## a", "| --- |", "&lt;!-- a --&gt;", "*a*"])
def test_a_mark_that_is_left_is_noticed(left: str) -> None:
    assert markdown_left(f"<p>{left}</p>")


def test_no_word_of_a_page_is_lost() -> None:
    for path in SPECS.rglob("*.md"):
        source = re.sub(r"\]\([^)]*\)|<[^>]*>|```[\s\S]*?```|\.md\b|/README\b", " ", path.read_text(encoding="utf-8"))
        shown = unescape(re.sub(r"<[^>]*>", " ", site()[path_of(path.relative_to(SPECS).as_posix())]))
        words = set(re.findall(r"[A-Za-z]{4,}", source)) - set(re.findall(r"[A-Za-z]{4,}", shown))
        assert not words, path.name


def reached_from(start: str) -> set[str]:
    """The pages, and the places on them, that links lead to."""
    found, waiting = {start}, [start]
    while waiting:
        path = waiting.pop().partition("#")[0]
        for link in Page(site()[path]).links:
            target, _, place = link.partition("#")
            file = normpath(join(dirname(path), target)) if target else path
            for one in (file, f"{file}#{place}"):
                if "://" not in link and file in site() and one not in found:
                    found.add(one)
                    waiting += [one] if file.endswith(".html") and one == file else []
    return found


def test_every_law_decision_term_mutant_and_page_is_reached_from_the_index() -> None:
    reached = reached_from("index.html")
    assert {f"laws.html#{law}" for law in LAWS} <= reached
    assert {path_of(f"decisions/{one.file}") for one in DECISIONS} <= reached
    assert {f"glossary.html#{anchor(one.name)}" for one in TERMS} <= reached
    assert {f"evidence.html#{name}" for name in read_cases()} <= reached
    assert "evidence.html" in reached
    assert all(row("evidence.html", name) for name in MUTANTS)
    assert {f"mutants.html#{name}" for name in PLAYED} <= reached
    assert set(html_pages()) - {"search.html"} <= reached


@pytest.mark.parametrize(
    "link, says",
    [
        ("[a](no-such-page.md)", "words.html: no-such-page.html leads nowhere"),
        ("[a](laws.md#C99)", "words.html: laws.html#C99 leads nowhere"),
        ("[a](#nothing)", "words.html: #nothing leads nowhere"),
        ('<a id="here"></a> [a](#here) [b](https://example.org/x)', ""),
    ],
)
def test_a_link_that_leads_nowhere_is_noticed(link: str, says: str, tmp_path: Path) -> None:
    shutil.copytree(SPECS, tmp_path / "specs", ignore=shutil.ignore_patterns("vectors"))
    page = tmp_path / "specs" / "words.md"
    page.write_text(page.read_text(encoding="utf-8") + f"\n{link}\n", encoding="utf-8")
    (text,) = [text for path, text in pages_of(tmp_path / "specs") if path == "words.html"]
    assert broken({**site(), "words.html": text}) == ([says] if says else [])


def pages_of(specs: Path) -> Iterator[tuple[str, str]]:
    """The pages of a book, without examples."""
    from fateline_oracle.book.site.additions import Additions
    from fateline_oracle.book.site.frame import page
    from fateline_oracle.book.site.markdown_html import rendered
    from fateline_oracle.book.site.references import References

    for path in specs.rglob("*.md"):
        name = path.relative_to(specs).as_posix()
        one = rendered(name, path.read_text(encoding="utf-8"), References((), (), ()), Additions())
        yield one.path, page(one)


def test_an_example_that_is_not_on_its_page_and_a_part_that_is_not_there_are_noticed() -> None:
    wrong = site()["laws.html"].replace("#law-own-parent/", "#law-nobody/")
    (line,) = broken({**site(), "laws.html": wrong})
    assert re.fullmatch(r"laws\.html: play/[\w-]+\.html#law-nobody/ leads nowhere", line)
    parts = site()[INDEX].replace('"C8","C8', '"C88","C8')
    assert broken({**site(), INDEX: parts}) == [f"{INDEX}: laws.html#C88 leads nowhere"]


def test_html_in_a_page_stays_text(tmp_path: Path) -> None:
    hostile = (
        "# <script>x</script>\n\n<img src=x onerror=y>\n\n<a href='javascript:z'>a <b>c</b> [d](javascript:e) `<i>`\n"
    )
    (tmp_path / "page.md").write_text(f"{hostile}\n| <u> |\n|---|\n| <svg> |\n", encoding="utf-8")
    ((_, text),) = pages_of(tmp_path)
    seen = Page(text)
    assert not {"script", "img", "b", "i", "u", "svg"} & set(seen.tags)
    assert not [link for link in seen.links if "javascript" in link]


# ------------------------------------------------------------------------------------------------- what is linked


def test_a_law_leads_to_its_terms_decisions_mutants_and_vectors_and_they_lead_back() -> None:
    law = law_of("F2")
    for target in (
        'href="glossary.html#token"', 'href="decisions/0008-late-tokens-fail-at-the-barrier.html"',
        'href="mutants.html#over-before-the-source"', 'href="vectors.html#line"',
    ):  # fmt: skip
        assert target in law, target
    for path, target in (
        ("glossary.html", "laws.html#F2"), ("decisions/0008-late-tokens-fail-at-the-barrier.html", "../laws.html#F2"),
        ("mutants.html", "laws.html#F2"), ("evidence.html", "laws.html#F2"), ("vectors.html", "laws.html#F2"),
    ):  # fmt: skip
        assert f'href="{target}"' in site()[path], path


def test_ids_of_laws_in_plain_text_are_links_on_every_page() -> None:
    for path, text in html_pages().items():
        if path != "laws.html" and not path.startswith("play/") and path != "search.html":
            prose = re.sub(r"<(a|code|pre|style|title)\b[\s\S]*?</\1>|<h\d[\s\S]*?</h\d>", "", text)
            plain = re.sub(r"<[^>]*>", " ", prose)
            assert [one for one in re.findall(r"\b[A-Z]\d{1,2}\b", plain) if one in LAWS] == [], path


def test_beside_every_law_and_every_mutant_stands_an_example_or_why_there_is_none() -> None:
    kept = read_cases()
    for law in LAWS:
        said = law_of(law)
        assert ('class="button" href="play/' in said) != ("No example to play: " in said), law
    for name, mutant in MUTANTS.items():
        said = row("evidence.html", name)
        assert ('class="button" href="play/' in said) == (name in kept or f"{name}-unguarded" in kept), name
        assert name in kept or "a guard of the database" in said or "is crashed" in said, name
        assert name in kept or mutant.guard is not None or mutant.tortured, name
    assert "No steps to play: it was found on the kernels" in row("mutants.html", ON_KERNELS.name)


def example(link: str) -> tuple[dict[str, object], dict[str, object]]:
    """The tables of the page that a link opens, and the example on it."""
    path, _, name = link.partition("#")
    found = re.search(r'id="tables">(.*?)</script>', site()[path])
    assert found is not None
    tables = json.loads(found[1])
    return tables, tables["examples"][name.rstrip("/")]


def test_the_example_of_a_law_ends_with_a_breach_of_it() -> None:
    seen = 0
    for law in LAWS:
        for link in re.findall(r'class="button" href="([^"]*)"', law_of(law)):
            line = example(link)[1]["line"]
            assert isinstance(line, list)
            assert law in {one for one, _ in line[-1]["broken"]}, law
            seen += 1
    assert seen > 50


# ------------------------------------------------------------------------------------------------- the search


def parts_of(text: str) -> list[tuple[str, str, str]]:
    document = json.loads(text.removeprefix("const FATELINE_INDEX = ").rstrip(";\n"))
    return [(f"{document['pages'][page][0]}#{place}", title, said) for page, place, title, said in document["parts"]]


def test_the_index_has_every_law_by_its_id_and_its_sentence_and_every_page() -> None:
    parts = {place: (title, said) for place, title, said in parts_of(site()[INDEX])}
    for law in LAWS.values():
        title, said = parts[f"laws.html#{law.id}"]
        assert title == f"{law.id} · {law.title}"
        assert law.sentence.replace("`", "") in said
    assert {place.partition("#")[0] for place in parts} == {
        path_of(path.relative_to(SPECS).as_posix()) for path in SPECS.rglob("*.md")
    }
    assert index([]) == 'const FATELINE_INDEX = {"pages":[],"parts":[]};\n'


def written(folder: Path) -> Path:
    write_site(folder, site())
    return folder


@needs_browser
@pytest.mark.parametrize(
    "words, first, title",
    [
        ("C8", "laws.html#C8", "C8 · Every branch is accounted for"),
        ("f2", "laws.html#F2", "F2 · Exactly one when the run is over"),
        ("exactly+successors+promised", "laws.html#F6", ""),
        ("barrier", "glossary.html#barrier", "barrier"),
    ],
)
def test_a_browser_finds_a_law_by_its_id_and_by_words_of_its_sentence(
    words: str, first: str, title: str, tmp_path: Path
) -> None:
    seen = Texts(opened(written(tmp_path / "site") / "search.html", f"?q={words}"))
    found = [own["href"] for tag, own in seen.tags if tag == "a" and "href" in own]
    assert first in found
    assert seen.by_id["found"].startswith(title)


@needs_browser
def test_a_search_for_nothing_known_or_for_html_finds_nothing_and_runs_nothing(tmp_path: Path) -> None:
    page = written(tmp_path / "site") / "search.html"
    html = opened(page, "?q=%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D1%22%3E")
    assert "<title>Search · Fateline</title>" in html
    assert Texts(opened(page, "?q=zyxwv")).by_id["count"] == "0 parts"


# ------------------------------------------------------------------------------------------------- what is loaded


def test_nothing_is_loaded_but_the_index_and_every_page_has_a_policy() -> None:
    for path, text in html_pages().items():
        assert Page(text).loaded == ([INDEX] if path == "search.html" else []), path
        assert "content=\"default-src 'none'; style-src 'unsafe-inline';" in text, path
        assert "@import" not in text, path
        assert not re.search(r"url\((?!#)", text), path
        assert ("script-src" in text) == (path == "search.html" or path.startswith("play/")), path


def test_every_page_has_a_way_past_the_menu_and_one_first_heading() -> None:
    for path, text in html_pages().items():
        assert len(re.findall(r"<h1\b", text)) == 1, path
        assert path.startswith("play/") or '<a class="skip" href="#main">' in text, path
        assert '<html lang="en">' in text, path


WIDTH = """
const out = document.createElement("pre");
out.id = "walked";
out.textContent = document.documentElement.scrollWidth - document.documentElement.clientWidth;
document.body.append(out);
"""


@needs_browser
@pytest.mark.parametrize("path", ["laws.html", "evidence.html", "board.html", "search.html", "policy.html"])
def test_no_page_is_wider_than_a_phone(path: str, tmp_path: Path) -> None:
    file = written(tmp_path / "site") / path
    text = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", site()[path])
    file.write_text(text.replace("</body>", f"<script>{WIDTH}</script></body>"), encoding="utf-8")
    assert int(Texts(opened(file, size="390,844")).by_id["walked"]) <= 0


@needs_browser
def test_a_link_beside_a_law_plays_its_example(tmp_path: Path) -> None:
    (link,) = re.findall(r'class="button" href="([^"]*)"', law_of("F2"))
    path, _, fragment = link.partition("#")
    tables, one = example(link)
    line = one["line"]
    assert isinstance(line, list)
    page = written(tmp_path / "site") / path
    start = Texts(opened(page, f"#{fragment}"))
    assert start.by_id["title"] == one["title"]
    assert start.by_id["where"] == f"step 0 of {len(line)}"
    edges = ".".join(str(step["edge"]) for step in line)
    end = Texts(opened(page, f"#{fragment}{edges}"))
    assert end.by_id["where"] == f"step {len(line)}"
    assert "F2 When a run is over" in end.by_id["step"]
    assert "The law with one mistake" in end.by_id["step"]
    other = next(name for name, other in tables["examples"].items() if other is not one)  # type: ignore[attr-defined]
    assert Texts(opened(page, f"#{other}/")).by_id["title"] == tables["examples"][other]["title"]  # type: ignore[index]


# ------------------------------------------------------------------------------------------------- the folder


def test_a_site_is_written_over_an_earlier_one_and_never_over_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    assert set(write_site(folder, site())) == set(site())
    assert write_site(folder, site()) == []
    (folder / "old.html").write_text(site()["index.html"], encoding="utf-8")
    (folder / "mine.html").write_text("mine", encoding="utf-8")
    (folder / "laws.html").write_text("other", encoding="utf-8")
    assert write_site(folder, site()) == ["laws.html", "old.html"]
    assert (folder / "mine.html").exists()
    assert not (folder / "old.html").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(NotASite, match="has files and is no site"):
        write_site(tmp_path / "other", site())


def asked(*words: str) -> Result:
    return CliRunner().invoke(main, ["spec", *words])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without exploring the mutants of the law."""
    monkeypatch.setattr("fateline_oracle.cli.spec.judge_mutants", lambda **more: [])
    monkeypatch.setattr("fateline_oracle.book.site.make_site", lambda specs, reports: made())


@pytest.mark.usefixtures("quick")
def test_the_command_writes_the_site_and_says_what_to_open(tmp_path: Path) -> None:
    done = asked("--specs", str(SPECS), "--site", str(tmp_path / "site"))
    assert done.exit_code == 0, done.output
    assert f"{len(site())} files, " in done.output
    assert "open" in done.output
    assert (tmp_path / "site" / "index.html").is_file()
    again = json.loads(asked("--specs", str(SPECS), "--site", str(tmp_path / "site"), "--json").stdout)
    assert (again["fresh"], again["files"], again["changed"]) == (True, len(site()), [])


@pytest.mark.usefixtures("quick")
def test_the_command_says_a_broken_link_and_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--specs", str(SPECS), "--site", str(tmp_path / "site"))
    assert asked(*words, "--check").exit_code == 3
    monkeypatch.setattr(
        "fateline_oracle.book.site.make_site", lambda specs, reports: (site(), ["a.html: b leads nowhere"])
    )
    done = asked(*words)
    assert (done.exit_code, "broken  a.html: b leads nowhere" in done.output) == (1, True)
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert asked("--specs", str(SPECS), "--site", str(tmp_path / "file")).exit_code == 3
    assert asked("--specs", str(SPECS), "--site", str(SPECS)).exit_code == 3
    monkeypatch.setattr("fateline_oracle.cli.spec.find_spec", lambda name: None)
    assert "pip install 'fateline[site]'" in asked(*words).output


@pytest.mark.slow  # explores all mutants of the law
def test_the_whole_site_plays_every_law_that_a_mutant_with_steps_breaks(tmp_path: Path) -> None:
    done = asked("--specs", str(SPECS), "--site", str(tmp_path / "site"))
    assert done.exit_code == 0, done.output
    rows = (tmp_path / "site" / "mutants.html").read_text(encoding="utf-8")
    for mutant in OF_THE_LAW:
        assert f'<tr id="{mutant.name}">' in rows
    assert rows.count('class="button"') == sum(one.family != "kernels" for one in OF_THE_LAW)
