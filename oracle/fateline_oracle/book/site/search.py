"""The search of the site: one page with a script, and the index as a script file, so that it works without a server.

The index has the text of each part of each page. Not here: how the script ranks what it finds (`search.js`).
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from .frame import SEARCH, framed
from .markdown_html import Rendered

INDEX: Final = "search-index.js"
_NAME: Final = "const FATELINE_INDEX = "


def index(pages: Sequence[Rendered]) -> str:
    """The index: `pages` as [path, title], and `parts` as [number of the page, anchor, heading, text]."""
    parts = [
        [number, part.place if part.level > 1 else "", part.title, part.text]
        for number, made in enumerate(pages)
        for part in made.sections
    ]
    document = {"pages": [[made.path, made.title] for made in pages], "parts": parts}
    plain = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return f"{_NAME}{plain};\n"


def links(text: str) -> list[str]:
    """Where an index leads, from the top of the site."""
    document = json.loads(text.removeprefix(_NAME).rstrip(";\n"))
    return [document["pages"][number][0] + (f"#{place}" if place else "") for number, place, *_ in document["parts"]]


def search_page() -> str:
    """The page of the search."""
    script = files(__package__).joinpath("search.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # a page that is opened as a file has no origin that `'self'` could mean
    allowed = f"'sha256-{digest}' 'self' file:"
    return framed(
        SEARCH,
        "Search",
        _BODY,
        scripts=f'<script src="{INDEX}"></script>\n<script>{script}</script>\n',
        allowed=allowed,
    )


_BODY: Final = (
    "<h1>Search</h1>\n"
    '<form id="find" role="search"><label for="words">Words, or the id of a law. A part is found if it has all of them.</label>'
    '<input type="search" id="words" name="q" maxlength="200" autocomplete="off" autofocus></form>\n'
    '<p id="count" role="status"></p>\n<ol id="found"></ol>\n'
    "<noscript><p>The search needs its script, which is beside this page.</p></noscript>"
)
