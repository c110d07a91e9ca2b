"""Makes the few pieces of HTML that pages consist of. All given text is escaped and bounded.

Not here: the content of a page.
"""

import html
import re
from collections.abc import Iterable, Sequence
from typing import Final

LONGEST: Final = 400
"""Characters of one text. An engine may call a token what it likes."""


def escaped(text: object, most: int = LONGEST) -> str:
    """Text as HTML."""
    said = str(text)
    return html.escape(said if len(said) <= most else f"{said[: most - 1]}…", quote=True)


def element(tag: str, content: str = "", **attributes: object) -> str:
    """An element; `class_` is its class, `aria_label` its `aria-label`. The content is HTML already."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{said}>{content}</{tag}>"


def text(tag: str, said: object, *, most: int = LONGEST, **attributes: object) -> str:
    """An element that holds text."""
    return element(tag, escaped(said, most), **attributes)


def inline(said: str, most: int = LONGEST) -> str:
    """A sentence as HTML in which what stands between backticks is code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escaped(said, most))


_ID: Final = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,})\b")


def short(said: str) -> str:
    """A text in which a long id is its first and last characters."""
    return _ID.sub(lambda found: f"{found[0][:4]}…{found[0][-4:]}", said)


def short_ids(said: str) -> str:
    """HTML of a text in which a long id is short and says the whole id where a pointer rests on it."""
    return _ID.sub(lambda found: element("span", short(found[0]), title=found[0], class_="id"), said)


def section(title: str, *parts: str, id_: str) -> str:
    """A section under a heading; nothing where it would be empty."""
    content = "\n".join(part for part in parts if part)
    return element("section", f"\n{text('h2', title)}\n{content}\n", id=id_) if content else ""


def listed(items: Iterable[str], **attributes: object) -> str:
    """An unordered list of HTML."""
    lines = [element("li", item) for item in items]
    return element("ul", "\n".join(lines), **attributes) if lines else ""


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Sequence[int] = (),
    stacked: bool = False,
    class_: str | None = None,
) -> str:
    """A table of HTML cells; `numeric` columns stand to the right. Where the page is narrow it scrolls by itself, or each row
    becomes a list (`stacked`), in which a cell has its header before it."""

    def cell(tag: str, place: int, content: str) -> str:
        label = headers[place] if stacked and tag == "td" else None
        return element(tag, content, class_="number" if place in numeric else None, data_label=label or None)

    head = "".join(cell("th", place, escaped(header)) for place, header in enumerate(headers))
    lines = ["".join(cell("td", place, content) for place, content in enumerate(row)) for row in rows]
    inner = element("thead", element("tr", head)) + element("tbody", "\n".join(element("tr", line) for line in lines))
    return element("div", element("table", inner, class_=class_), class_="scroll stacked" if stacked else "scroll")


def folded(summary: str, content: str, *, open_: bool = False, class_: str | None = None) -> str:
    """Something that can be unfolded, without a script."""
    return element("details", f"<summary>{summary}</summary>\n{content}\n", class_=class_, open="" if open_ else None)


def bar(part: int, whole: int) -> str:
    """How much of a whole, as a bar with its figure beside it."""
    share = 100 * part // whole if whole else 0
    filled = element("span", "", style=f"width:{share}%")
    return element("span", filled, class_="bar", role="img", aria_label=f"{share} percent")
