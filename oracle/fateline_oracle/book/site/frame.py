"""The frame around each page of the site: the way to the other pages, the search field, the contents of a long page.

Nothing but the page of the search has a script, and no page loads anything from outside. Not here: what is in a page.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from ...render.html import element, escaped, text
from ...render.shell import shell
from .markdown_html import Rendered, Section, linked_from

GENERATOR: Final = "fateline spec --site"
SEARCH: Final = "search.html"
WAYS: Final = (
    ("index.html", "Contents"),
    ("laws.html", "Laws"),
    ("policy.html", "Policy"),
    ("glossary.html", "Glossary"),
    ("decisions/index.html", "Decisions"),
    ("mutants.html", "Mutants"),
)
LONG: Final = 3
"""A page with as many headings below its title has a list of contents."""
MOST: Final = 60
"""Headings of the third level in such a list, at most; the glossary and the board have lists themselves."""


def framed(path: str, title: str, body: str, *, scripts: str = "", allowed: str = "", source: str = "") -> str:
    """A whole page. `allowed` is what may run, for its policy."""
    script = f"script-src {allowed}; " if allowed else ""
    ways = "".join(
        element("a", escaped(said), href=linked_from(path, way), **({"aria-current": "page"} if way == path else {}))
        for way, said in WAYS
    )
    find = (
        f'<form role="search" action="{linked_from(path, SEARCH)}"><input type="search" name="q" aria-label="Search the book" '
        'placeholder="Search" maxlength="200"><button>Search</button></form>'
    )
    foot = (
        f"<footer><p>Made from <code>specs/{escaped(source)}</code> by <code>{GENERATOR}</code>.</p></footer>"
        if source
        else ""
    )
    body = (
        '<a class="skip" href="#main">Skip to the text</a>\n'
        f'<header class="top"><nav aria-label="The book">{ways}</nav>{find if path != SEARCH else ""}</header>\n'
        f'<main id="main">\n{body}\n{foot}</main>\n{scripts}'
    )
    return shell(
        f"{title} · Fateline",
        body,
        style=files(__package__).joinpath("site.css").read_text(encoding="utf-8"),
        allowed=f"{script}base-uri 'none'; form-action 'self' file:",
        head=f'<meta name="generator" content="{GENERATOR}">\n',
    )


def page(made: Rendered) -> str:
    """A page of the book."""
    title, rest = made.body.split("</h1>", 1) if "</h1>" in made.body else ("", made.body)
    body = f"{title}</h1>\n{_contents(made.sections)}{rest}" if title else rest
    return framed(made.path, made.title, body, source=made.page)


def _contents(sections: Sequence[Section]) -> str:
    """The headings of a long page; nothing for a short one."""
    second = [one for one in sections if one.level == 2]
    if len(second) < LONG:
        return ""
    below: dict[str, list[Section]] = {one.place: [] for one in second}
    last = ""
    for one in sections:
        last = one.place if one.level == 2 else last
        if one.level == 3 and last:
            below[last].append(one)
    short = sum(map(len, below.values())) <= MOST + 10
    items = []
    for one in second:
        inner = " ".join(_link(sub, brief=True) for sub in below[one.place]) if short else ""
        items.append(element("li", _link(one) + (element("div", inner, class_="brief") if inner else "")))
    return element(
        "nav", element("details", "<summary>On this page</summary>" + element("ul", "".join(items))), class_="contents"
    )


def _link(one: Section, *, brief: bool = False) -> str:
    return text("a", one.title.partition(" · ")[0] if brief else one.title, href=f"#{one.place}")
