"""Follows every link inside the site: to a file of it, and to a place in that file.

Not here: links to other sites.
"""

from collections.abc import Mapping
from html.parser import HTMLParser
from posixpath import dirname, join, normpath

from .search import INDEX
from .search import links as indexed

ADDRESSES = ("href", "src", "action")


class _Page(HTMLParser):
    """The places of a page, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            if name in ADDRESSES and value is not None:
                self.links.append(value)


def broken(site: Mapping[str, str]) -> list[str]:
    """Each link that leads nowhere, as a line: the page and the link."""
    pages = {path: _Page(text) for path, text in site.items() if path.endswith(".html")}
    links = [(path, link) for path, page in pages.items() for link in page.links]
    links += [(INDEX, link) for link in indexed(site[INDEX])]
    return [
        f"{path}: {link} leads nowhere" for path, link in dict.fromkeys(links) if not _leads(path, link, site, pages)
    ]


def _leads(path: str, link: str, site: Mapping[str, str], pages: Mapping[str, _Page]) -> bool:
    if "://" in link:
        return True
    target, mark, place = link.partition("#")
    file = normpath(join(dirname(path), target)) if target else path
    if file not in site:
        return False
    if not mark or file not in pages or (not place and not target):
        return True
    example, slash, _ = place.partition("/")  # a position on a page of the explorer
    return (f"play-{example}" if slash else place) in pages[file].places
