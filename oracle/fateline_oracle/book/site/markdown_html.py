"""Makes a page of the book HTML, with its references linked and with what the site adds to it.

markdown-it reads the Markdown; its tokens are changed here before they become HTML. HTML in the Markdown is shown as text,
except anchors, and comments, which are left out. Not here: the frame around a page (`frame.py`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from posixpath import dirname, relpath
from typing import Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from fateline_model import LAWS

from ...render.html import table
from ..markdown import anchor
from .additions import Additions
from .examples import Key
from .references import References, path_of, terms

_ANCHOR: Final = re.compile(r'<a id="([\w.-]+)">(</a>)?')
_ARROW: Final = re.compile(r"\s*(\S+) --> (\S+?)(?:: (.*))?")
_READER: Final = MarkdownIt("commonmark").enable("table")
_READER.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>')
_READER.add_render_rule("table_close", lambda *_: "</table></div>\n")


class Section(NamedTuple):
    """A part of a page under one heading, for the contents and the search. `level` is that of the heading."""

    level: int
    place: str
    title: str
    text: str


class Rendered(NamedTuple):
    """A page as HTML."""

    page: str
    path: str
    title: str
    body: str
    sections: tuple[Section, ...]


def rendered(page: str, text: str, references: References, additions: Additions) -> Rendered:
    """A page of the book, by its path below `specs/` and its text."""
    reading = _Reading(page, references, additions)
    tokens = list(reading.blocks(_READER.parse(text)))
    body = str(_READER.renderer.render(tokens, _READER.options, {})) + additions.ends.get(page, "")
    sections = tuple(Section(level, place, title, " ".join(words)) for level, place, title, words in reading.sections)
    return Rendered(page, reading.path, sections[0].title if sections else page, body, sections)


def linked_from(path: str, target: str) -> str:
    """A path from the top of the site, with or without a fragment, as a link from a page."""
    to, mark, place = target.partition("#")
    if "://" in target:
        return target
    return f"#{place}" if mark and to in (path, "") else relpath(to, dirname(path) or ".") + mark + place


class _Reading:
    """One page while it is changed, from its first token to its last."""

    def __init__(self, page: str, references: References, additions: Additions) -> None:
        self.page, self.references, self.additions = page, references, additions
        self.path = path_of(page)
        self.sections: list[tuple[int, str, str, list[str]]] = []
        self.used: Counter[str] = Counter()
        self.anchored = ""
        """The anchor that stands alone before a heading."""
        self.paragraphs = 0
        """Paragraphs since the heading."""
        self.row: Key | None = None
        """The mutant of the row of a table."""

    def blocks(self, tokens: Sequence[Token]) -> Iterator[Token]:
        for number, token in enumerate(tokens):
            following = tokens[number + 1 : number + 6]
            if token.type == "html_block":
                yield _html("" if token.content.startswith("<!--") else escape(token.content))
                continue
            if token.type == "fence":
                self.note(token.content)
                if token.info == "mermaid":
                    yield _html(_arrows(token.content))
                    continue
            if token.type == "heading_open":
                self.heading(token, following[0])
            elif token.type == "paragraph_open":
                self.paragraphs += 1
                alone = _ANCHOR.fullmatch(following[0].content)
                self.anchored = alone[1] if alone else ""
                token.attrs |= {"class": "anchor"} if alone else {}
            elif token.type == "tr_open":
                self.row = self.row_of(following)
                token.attrs |= {"id": self.row.mutant} if self.row is not None else {}
            elif token.type == "inline":
                if tokens[number - 1].type != "heading_open":
                    self.note(_said(token))
                token.children = list(self.cell(token) if self.row is not None else self.line(token.children or []))
            yield token
            if token.type == "paragraph_close" and not self.anchored:
                yield from self.added()

    def note(self, text: str) -> None:
        """Text of the section, for the search."""
        if self.sections and text:
            self.sections[-1][3].append(text)

    def heading(self, opened: Token, line: Token) -> None:
        """A heading gets the anchor that sites that show Markdown give it; its section the one that was set by hand, if any."""
        own = anchor(line.content)
        self.used[own] += 1
        own += f"-{self.used[own] - 1}" if self.used[own] > 1 else ""
        opened.attrSet("id", own)
        self.sections.append((int(opened.tag[1:]), self.anchored or own, _said(line), []))
        self.anchored, self.paragraphs = "", 0

    def added(self) -> Iterator[Token]:
        """What the site adds behind this paragraph."""
        place = self.sections[-1][1] if self.sections else ""
        after, content = self.additions.after.get((self.page, place), (0, ""))
        if after == self.paragraphs:
            self.additions.placed.add((self.page, place))
            yield _html(content)

    def row_of(self, following: Sequence[Token]) -> Key | None:
        """The mutant of a row, whose name stands alone in the first or the second cell."""
        cells = [one.content for one in following if one.type == "inline"]
        names = [found[1] for cell in cells if (found := re.fullmatch(r"`([\w-]+)`", cell))]
        return next((key for name in names if (key := self.references.row(name, self.page)) is not None), None)

    def cell(self, token: Token) -> Iterator[Token]:
        """A cell in the row of a mutant. Its name is no link, because it is here; below it stands what is added."""
        assert self.row is not None
        if token.content != f"`{self.row.mutant}`":
            yield from self.line(token.children or [])
            return
        yield from token.children or []
        self.additions.placed.add((self.page, self.row.mutant))
        yield _html(self.additions.rows.get(self.row, ""))

    def line(self, children: Sequence[Token]) -> Iterator[Token]:
        """A line, with what it refers to as links. In the sentence of a law these are the terms of the glossary."""
        sentence = self.page == "laws.md" and self.sections[-1][1] in LAWS and self.paragraphs == 1
        inside = 0
        for token in children:
            inside += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type == "link_open":
                token.attrSet("href", _followed(str(token.attrGet("href") or "")))
            if token.type == "html_inline":
                known = token.content == "</a>" or _ANCHOR.fullmatch(token.content)
                yield _html(token.content if known else escape(token.content))
            elif token.type == "text" and inside:
                yield _html(escape(self.named(token.content), quote=False))
            elif token.type == "text":
                for piece, target in terms(token.content) if sentence else self.references.named(token.content):
                    yield self.link(target, escape(piece, quote=False), "term" if sentence else "ref")
            elif token.type == "code_inline" and not inside:
                shown = f"<code>{escape(token.content, quote=False)}</code>"
                yield self.link(self.references.code(token.content, self.page), shown, "ref")
            else:
                yield token

    def named(self, text: str) -> str:
        """The text of a link. A file of the book is named without its ending, which is another here."""
        return text.removesuffix(".md").removesuffix("/README") if text in self.references.pages else text

    def link(self, target: str | None, shown: str, kind: str) -> Token:
        if target is None:
            return _html(shown)
        return _html(f'<a class="{kind}" href="{escape(linked_from(self.path, target))}">{shown}</a>')


def _followed(href: str) -> str:
    """Where a link of the Markdown leads in the site."""
    path, mark, place = href.partition("#")
    return href if "://" in href or not path.endswith(".md") else path_of(path) + mark + place


def _html(content: str) -> Token:
    """HTML as it is."""
    return Token("html_inline", "", 0, content=content)


def _said(line: Token) -> str:
    """The text of a line, without its marks."""
    return "".join(
        " " if one.type in ("softbreak", "hardbreak") else one.content
        for one in line.children or []
        if one.type != "html_inline"
    )


def _arrows(diagram: str) -> str:
    """A diagram of states as a table: no script draws it here."""
    found = [line for line in map(_ARROW.fullmatch, diagram.splitlines()) if line is not None]
    rows = [[_state(line[1], "start"), _state(line[2], "end"), escape(line[3] or "")] for line in found]
    return table(("From", "To", "By"), rows)


def _state(name: str, outside: str) -> str:
    return escape(outside if name == "[*]" else name)
