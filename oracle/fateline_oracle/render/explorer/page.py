"""Writes the page: the drawing of the engine, the tables as JSON, one script and one style, in one file that fetches nothing.

What comes from a pipeline, a case or a trail reaches the page in two ways only: escaped by `html.escaped`, or as JSON in a
block that is not executed. The script makes text nodes of it and never HTML. The browser is told to run no other script
(`Content-Security-Policy` with the digest of the one). Not here: what is in the tables (`tables.py`).
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from ..html import element, escaped, folded, text
from ..lineage_svg import pipeline_svg
from .lines import Play

KEYS: Final = (
    "Keys: ← back, → forward, Home to the start, 1 to 9 take what is lawful. A value * is chosen by the engine."
)


def page(play: Play) -> str:
    """The whole file."""
    here = files(__package__)
    style = files("fateline_oracle.render").joinpath("style.css").read_text(encoding="utf-8")
    style += here.joinpath("page.css").read_text(encoding="utf-8")
    script = here.joinpath("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(play.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"{_body(play)}\n"
        f'<script type="application/json" id="tables">{as_data(play.tables)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def as_data(tables: Mapping[str, Any]) -> str:
    """JSON that cannot end the block in which it stands."""
    plain = json.dumps(tables, ensure_ascii=True, separators=(",", ":"))
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _body(play: Play) -> str:
    href, said = play.home
    kind = text("a", said, href=href) + " · fateline explore" if said else "fateline explore"
    head = element("p", kind, class_="kind") + text("h1", play.title, id="title")
    head += text("p", play.about, class_="lead", id="about")
    head += "".join(text("p", note, class_="note") for note in play.notes) + _examples(play)
    drawn = pipeline_svg(play.document)
    drawing = f"{_DRAWING}{drawn}{_LEGEND}</section>" if drawn else ""
    return element("main", "\n".join((head, drawing, *_PARTS)), class_="explorer")


def _examples(play: Play) -> str:
    """The examples of the page: each with a link that plays it, and one to where it is spoken of."""
    items = [
        element("a", escaped(one.line.title), href=f"#{one.name}/") + " " + text("a", one.said, href=one.href)
        for one in play.examples
    ]
    listed = "".join(element("li", item, id=f"play-{one.name}") for one, item in zip(play.examples, items, strict=True))
    return folded(f"{len(items)} examples on this page", element("ul", listed, id="examples")) if items else ""


_DRAWING: Final = '<section id="drawing" aria-label="The pipeline, with the tokens on it">'
_LEGEND: Final = (
    '<p class="legend" aria-hidden="true"><i class="waits"></i> waits <i class="works"></i> works <i class="held"></i> held'
    ' <i class="ended"></i> ended</p>'
)
_PARTS: Final = (
    '<nav class="controls" aria-label="Steps"><button id="first">Start</button><button id="back">← Back</button>'
    '<button id="forward">Forward →</button><button id="play" hidden>Play</button><output id="where"></output>'
    '<a id="link" href="#">Link to this position</a></nav>',
    '<p id="spoken" class="unseen" role="status" aria-live="polite"></p>',
    '<div class="columns"><div>'
    '<section aria-labelledby="can"><h2 id="can" tabindex="-1">What can happen here</h2><div id="lawful"></div></section>'
    '<section id="no" aria-labelledby="cannot"><h2 id="cannot">What is refused here, and why</h2><div id="refused"></div>'
    "</section>"
    "</div><div>"
    '<section aria-labelledby="did"><h2 id="did">The last step</h2><div id="step"></div></section>'
    '<section aria-labelledby="grew"><h2 id="grew">The lineage</h2><div id="lineage"></div></section>'
    '<section aria-labelledby="stands"><h2 id="stands">How everything stands</h2><div id="state"></div></section>'
    '<section aria-labelledby="past"><h2 id="past">The steps so far</h2><ol id="steps"></ol></section>'
    "</div></div>",
    f'<p class="note">{KEYS}</p>',
    "<noscript><p>This page needs its script, which is in the page itself.</p></noscript>",
)
