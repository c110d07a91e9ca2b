"""Every kind of page at two widths and on paper: nothing is cut, nothing fails, and each claim leads to its evidence."""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from fateline_oracle.board.page import board_html
from fateline_oracle.board.rows import read_board
from fateline_oracle.book.landscapes import unpacked
from fateline_oracle.cli import main
from fateline_oracle.conform.replay import Case
from fateline_oracle.crash.any_process import AnyCrash, CrashFinding
from fateline_oracle.render.conform_html import render
from fateline_oracle.render.crash_html import render_any_crash
from fateline_oracle.render.explorer.lines import line_of_case, play_of
from fateline_oracle.render.explorer.page import page as explorer_page
from fateline_oracle.render.explorer.pair import play_of_pair
from tests.oracle.render.chromium import Texts, needs_browser, said_in_console, with_script
from tests.oracle.render.test_pages import Balanced, conformance
from tests.oracle.render.test_side_by_side import LATE, kept_case

WIDE = "a_node_with_the_longest_name_that_an_engine_takes_".ljust(64, "x")


@cache
def of_command(*words: str) -> str:
    """The page that a command writes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "new" / "page.html"
        done = CliRunner().invoke(main, [*words, "--html", str(file)])
        assert done.exit_code in (0, 1), done.output
        assert "The report: " in done.output
        return file.read_text(encoding="utf-8")


@cache
def of_audit() -> str:
    with unpacked("jan28_pre-topology") as path:
        return of_command("audit", str(path))


def of_any_crash() -> str:
    said = f"the file {'x' * 90}.txt: 'b' is there 2 times, and 1 times without a crash"
    found = AnyCrash(7, 3, 3, findings=[CrashFinding("R4", f"kill at commit {n}", said) for n in range(1, 4)])
    return render_any_crash(found, found.report("fateline torture --start 'python run.py'"), "python run.py")


def wide_case() -> Case:
    """A case of a pipeline in which names are wide: its pictures are wider than a sheet of paper."""
    case = kept_case(LATE)
    names = {f'"{name}"': f'"{WIDE[: -len(name)]}{name}"' for name in ("src", "ta", "tb")}
    text = json.dumps(case.document)
    for short, long in names.items():
        text = text.replace(short, long)
    return replace(case, document=json.loads(text))


def drawn(page: str) -> str:
    assert f'data-node="{WIDE[:-2]}ta"' in page, "it is drawn"
    return page


PAGES: dict[str, Callable[[], str]] = {
    "conform": cache(lambda: render(conformance("zoo:late-without-a-fate"))),
    "conform without a finding": cache(lambda: render(conformance(""))),
    "audit": of_audit,
    "torture": lambda: of_command("torture", "zoo:a-fate-in-a-commit-of-its-own", "--family", "line"),
    "torture of a command": of_any_crash,
    "zoo": lambda: of_command("zoo", LATE, "two-recorders"),
    "board": cache(lambda: board_html(read_board())),
    "explorer, a case": lambda: explorer_page(play_of(line_of_case(kept_case(LATE)), 40)),
    "explorer, two cases": lambda: explorer_page(play_of_pair([kept_case(LATE), kept_case(LATE)])),
    "explorer, wide names": lambda: drawn(explorer_page(play_of(line_of_case(wide_case()), 40))),
    "conform, wide names": lambda: drawn(
        render(replace(conformance("zoo:late-without-a-fate"), cases=(dict(wide_case().document),)))
    ),
}
REPORTS = [name for name in PAGES if not name.startswith("explorer")]


# ------------------------------------------------------------------------------------------------- without a browser


@pytest.mark.parametrize("name", PAGES)
def test_every_link_into_the_page_has_its_place_and_no_place_is_there_twice(name: str) -> None:
    html = PAGES[name]()
    Balanced().feed(html)
    seen = Texts(html)
    places = Counter(own["id"] for _, own in seen.tags if own.get("id"))
    assert [place for place, count in places.items() if count > 1 and place not in ("arrow", "tip")] == []
    links = [str(own["href"])[1:] for tag, own in seen.tags if tag == "a" and str(own.get("href")).startswith("#")]
    assert {link for link in links if link} <= set(places)
    assert links or name.startswith("explorer")


@pytest.mark.parametrize("name", REPORTS)
def test_the_verdict_comes_first_and_each_finding_is_reached_from_the_top(name: str) -> None:
    head, _, rest = PAGES[name]().partition("</header>")
    assert ('class="verdict breached"' in head) == (name not in ("conform without a finding", "zoo", "board"))
    assert re.search(r'class="(verdict|lead)', head)
    findings = re.findall(r'<span id="(finding-\d+)" class="place">', rest)
    assert findings or name in ("conform without a finding", "zoo", "board")
    linked = [link for link in findings if f'href="#{link}"' in head]
    assert linked[:1] == findings[:1]
    for law in re.findall(r'<b id="law-([A-Z]\d+)">(?:(?!</tr>).)*class="mark breached"', rest):
        row = rest.partition(f'<b id="law-{law}">')[2].partition("</tr>")[0]
        assert 'href="#finding-' in row, law


def test_a_long_id_is_short_and_the_whole_of_it_is_there() -> None:
    page = of_audit()
    shown = re.sub(r"<code>[^<]*</code>|<[^>]*>", "", page.partition("<body>")[2])
    assert re.findall(r"\b[0-9a-f]{16,}\b", shown) == []
    assert re.search(r'title="[0-9a-f]{32}"', page)
    assert re.search(r"<code>fateline explain [^<]*[0-9a-f]{32}</code>", page)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read_on_every_ground(scheme: str) -> None:
    style = files("fateline_oracle.render").joinpath("style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", {"light": light, "dark": dark}[scheme]))
    for ground in ("paper", "wash"):
        for of_text in ("ink", "soft", "good", "bad", "open", "link"):
            low, high = sorted((luminance(colours[ground]), luminance(colours[of_text])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (of_text, ground)


# ------------------------------------------------------------------------------------------------- in a browser

MEASURED = """
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const out = document.createElement("pre");
out.id = "walked";
out.textContent = JSON.stringify(wide);
document.body.append(out);
"""
ON_PAPER = """
for (const sheet of document.styleSheets)
  for (let place = sheet.cssRules.length - 1; place >= 0; place -= 1) {
    const rule = sheet.cssRules[place];
    if (!(rule instanceof CSSMediaRule)) continue;
    if (rule.conditionText === "print")
      [...rule.cssRules].reverse().forEach((inner) => sheet.insertRule(inner.cssText, place + 1));
  }
const edge = document.documentElement.clientWidth;
const hidden = [...document.querySelectorAll("details > *:not(summary)")].filter((one) => !one.matches(".place"))
  .filter((one) => !one.checkVisibility()).map((one) => one.textContent.slice(0, 60));
const cut = [...document.querySelectorAll("svg, table, pre")].filter((one) => one.getBoundingClientRect().right > edge + 1)
  .map((one) => `${one.tagName} in ${(one.closest("[id]") || document.body).id}`);
const folded = document.querySelectorAll("details:not([open])").length;
const out = document.createElement("pre");
out.id = "walked";
out.textContent = JSON.stringify([hidden, cut, folded]);
document.body.append(out);
"""


def written(name: str, folder: Path) -> Path:
    file = folder / "page.html"
    file.write_text(PAGES[name](), encoding="utf-8")
    return file


@needs_browser
@pytest.mark.parametrize("size", ["1400,1000", "390,844"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_window(name: str, size: str, tmp_path: Path) -> None:
    assert int(with_script(written(name, tmp_path), MEASURED, size=size)) <= 0


@needs_browser
@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_an_error_in_its_script_or_does_what_its_policy_refuses(name: str, tmp_path: Path) -> None:
    assert said_in_console(written(name, tmp_path)) == []


@needs_browser
def test_an_error_of_a_page_is_noticed(tmp_path: Path) -> None:
    file = written("explorer, a case", tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("</body>", "<script>refused</script></body>"), encoding="utf-8")
    assert any("Content Security Policy" in line for line in said_in_console(file))
    file.write_text(
        re.sub(r"<meta http-equiv[^>]*>", "", text).replace('"use strict";', "no_such_name();"), encoding="utf-8"
    )
    assert any("no_such_name" in line for line in said_in_console(file))


@needs_browser
@pytest.mark.parametrize("name", PAGES)
def test_on_paper_all_that_is_folded_is_seen_and_nothing_is_cut(name: str, tmp_path: Path) -> None:
    """The rules for print are taken as the rules of the screen, at the width of a sheet of A4."""
    hidden, cut, folded = json.loads(with_script(written(name, tmp_path), ON_PAPER, size="718,1000"))
    assert hidden == []
    assert cut == []
    assert folded or name not in ("board", "zoo"), "something is folded on these pages"
