"""The one frame of every page: its head, its policy and its style. A page fetches nothing, and runs no script but its own.

Not here: what is on a page (`report_page.py`, `explorer/page.py`), and the ways between the pages of the book
(`book/site/frame.py`).
"""

from functools import cache
from importlib.resources import files
from typing import Final

from .html import escaped

NOTHING_ELSE: Final = "base-uri 'none'; form-action 'none'"


@cache
def _style() -> str:
    return files(__package__).joinpath("style.css").read_text(encoding="utf-8")


def shell(title: str, body: str, *, style: str = "", allowed: str = NOTHING_ELSE, head: str = "") -> str:
    """A whole page. `style` is added to that of all pages, `allowed` ends its policy, `head` is HTML that is added there."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; {allowed}\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n{head}'
        f"<title>{escaped(title)}</title>\n<style>\n{_style()}{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
