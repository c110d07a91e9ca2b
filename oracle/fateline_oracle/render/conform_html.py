"""Renders the report of `conform` as one HTML page: no script, nothing fetched, light and dark, readable on a phone.

`sections.py` makes its sections, `lineage_svg.py` draws lineage, `style.css` styles it. All text from an engine is
escaped and bounded. Not here: what is concluded (`conform/verdict.py`).
"""

from importlib.resources import files

from ..conform.result import Conformance
from .html import escaped
from .sections import body


def render(found: Conformance) -> str:
    """The whole page."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    title = f"{escaped(found.hello.name)}: {found.report.verdict}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body(found)}\n</body>\n</html>\n"
    )
