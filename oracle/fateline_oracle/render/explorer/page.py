"""Writes the page: the drawing of the engine, the tables as JSON, one script and one style, in one file that fetches nothing.

What comes from a pipeline, a case or a trail reaches the page in two ways only: escaped by `html.escaped`, or as JSON in a
block that is not executed. The script makes text nodes of it and never HTML. The browser is told to run no other script
(`Content-Security-Policy` with the digest of the one). Not here: what is in the tables (`tables.py`).
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from ..html import element, escaped, folded, section, table, text
from ..lineage_svg import pipeline_svg
from ..shell import NOTHING_ELSE, shell
from .lines import Play

KEYS: Final = (
    "Keys: ← back, → forward, Home to the start, 1 to 9 take what is lawful. A value * is chosen by the engine."
)
PAIR_KEYS: Final = (
    "Keys: ← back, → forward, Home to the start; both sides move. ≠ marks what is unlike the other side. "
    "A value * is chosen by the engine."
)
NO_TOKEN: Final = "no such token"


def page(play: Play) -> str:
    """The whole file."""
    here = files(__package__)
    script = here.joinpath("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    tables = f'<script type="application/json" id="tables">{as_data(play.tables)}</script>'
    return shell(
        play.title,
        f"{_body(play)}\n{tables}\n<script>{script}</script>",
        style=here.joinpath("page.css").read_text(encoding="utf-8"),
        allowed=f"script-src 'sha256-{digest}'; {NOTHING_ELSE}",
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
    drawn, lines = pipeline_svg(play.document), play.tables["lines"]
    if len(lines) == 2:
        panes = [_pane(letter, line, drawn) for letter, line in zip("AB", lines, strict=True)]
        parts = (
            head,
            _ends(play),
            _CONTROLS,
            element("div", "".join(panes), class_="pair"),
            text("p", PAIR_KEYS, class_="note"),
        )
    else:
        beside = any(
            "differences" in step
            for line in (*lines, *play.tables.get("examples", {}).values())
            for step in line["line"]
        )
        parts = (head, _drawing(drawn), _CONTROLS, _BESIDE if beside else _ALONE, text("p", KEYS, class_="note"))
    return element("main", "\n".join((*parts, _NO_SCRIPT)), class_="explorer")


def _examples(play: Play) -> str:
    """The examples of the page: each with a link that plays it, and one to where it is spoken of."""
    items = [
        element("a", escaped(one.line.title), href=f"#{one.name}/") + " " + text("a", one.said, href=one.href)
        for one in play.examples
    ]
    listed = "".join(element("li", item, id=f"play-{one.name}") for one, item in zip(play.examples, items, strict=True))
    return folded(f"{len(items)} examples on this page", element("ul", listed, id="examples")) if items else ""


def _ends(play: Play) -> str:
    """How two cases end, token by token; what differs comes first."""
    tokens = dict.fromkeys(token for end in play.ends for token in end.fates)
    rows = [[end.fates.get(token, NO_TOKEN) for end in play.ends] for token in tokens]
    lines = sorted(zip(tokens, rows, strict=True), key=lambda line: len(set(line[1])) == 1)
    differ = sum(len(set(row)) > 1 for row in rows)
    said = f"{differ} of {len(rows)} tokens end differently." if differ else "All tokens end alike."
    cells = [[f"{text('b', token)}{_UNLIKE if len(set(row)) > 1 else ''}", *map(escaped, row)] for token, row in lines]
    headers = ("", *(end.title for end in play.ends))
    return section("How the two end", text("p", said), table(headers, cells, stacked=True), id_="ends")


def _pane(letter: str, line: Mapping[str, Any], drawn: str) -> str:
    """One of two lines."""
    suffix = "-b" if letter == "B" else ""
    heading = text("h2", f"{letter}: {line['title']}", id=f"pane{suffix}")
    content = "".join(_section(name, suffix, "h3") for name in ("step", "lineage", "state", "steps"))
    return element(
        "article", f"{heading}{_drawing(drawn, suffix)}{content}", aria_labelledby=f"pane{suffix}", class_="pane"
    )


def _drawing(drawn: str, suffix: str = "") -> str:
    if not drawn:
        return ""
    unique = re.sub(r'(id="|#)(arrow|tip)\b', rf"\g<0>{suffix}", drawn)  # the names within a drawing
    label = "The pipeline, with the tokens on it"
    return element("section", f"{unique}{_LEGEND}", id=f"drawing{suffix}", class_="drawing", aria_label=label)


_LEGEND: Final = (
    '<p class="legend" aria-hidden="true"><i class="waits"></i> waits <i class="works"></i> works <i class="held"></i> held'
    ' <i class="ended"></i> ended</p>'
)
_CONTROLS: Final = (
    '<nav class="controls" aria-label="Steps"><button id="first">Start</button><button id="back">← Back</button>'
    '<button id="forward">Forward →</button><button id="play" hidden>Play</button><output id="where"></output>'
    '<a id="link" href="#">Link to this position</a></nav>\n'
    '<p id="spoken" class="unseen" role="status" aria-live="polite"></p>'
)
_NO_SCRIPT: Final = "<noscript><p>This page needs its script, which is in the page itself.</p></noscript>"
_UNLIKE: Final = ' <mark class="unlike">≠</mark>'
_TITLES: Final = {
    "lawful": "What can happen here",
    "refused": "What is refused here, and why",
    "step": "The last step",
    "lineage": "The lineage",
    "state": "How everything stands",
    "steps": "The steps so far",
}
"""The sections, by the element that the script fills."""


def _section(name: str, suffix: str = "", heading: str = "h2") -> str:
    title = text(heading, _TITLES[name], id=f"title-{name}{suffix}", tabindex="-1" if name == "lawful" else None)
    content = element("ol" if name == "steps" else "div", id=f"{name}{suffix}")
    return element("section", title + content, aria_labelledby=f"title-{name}{suffix}", class_=f"part-{name}")


def _columns(*columns: tuple[str, ...]) -> str:
    inner = "".join(element("div", "".join(map(_section, names))) for names in columns)
    return element("div", inner, class_="columns")


_ALONE: Final = _columns(("lawful", "refused"), ("step", "lineage", "state", "steps"))
_BESIDE: Final = _section("step") + _section("lineage") + _columns(("lawful", "refused"), ("state", "steps"))
"""With something beside the law, the two sections that compare take the whole width."""
