"""One counterexample as HTML: the laws, the steps, the last one with the law beside the engine, and pictures of pipeline and
lineage.

A case is plain data, and an engine may have written any of it: all text is escaped and bounded. Not here: the page around it
(`report_page.py`), and the same as text (`counterexample.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fateline_model.laws import LAWS
from fateline_model.words import Refusal

from ..compare.records import HOW, IS_MISSING, paired
from ..conform.case import WHOLE_RUN
from .counterexample import record_text
from .html import element, escaped, listed, short_ids, text
from .lineage_svg import lineage_svg, pipeline_svg
from .report_page import Shown, law_link

LEGAL: Final = 12
RECORDS: Final = 60
DIFFERENCES: Final = 12
ONLY_AT_THE_END: Final = ("torture", WHOLE_RUN)
"""The machines of cases in which only what is recorded at the end is known."""


def shown_case(case: Mapping[str, Any], *, title: str = "", aside: str = "", more: str = "") -> Shown:
    """A case as a finding of a page. `more` is HTML that stands before its pictures."""
    laws, steps = _of(case, "laws"), _of(case, "steps")
    names = list(dict.fromkeys(str(law) for law, _ in laws))
    count = f"{len(steps)} {'step' if len(steps) == 1 else 'steps'}"
    return Shown(
        names[0] if names else "",
        title or str(case.get("title", "")),
        case_html(case, more=more),
        " · ".join(part for part in (aside, count, str(case.get("instance", ""))) if part),
        tuple(names[1:]),
    )


def case_html(case: Mapping[str, Any], *, more: str = "") -> str:
    """The content of a case."""
    steps = _of(case, "steps")
    records = [record for step in steps for record in step.get("records", ())]
    last = steps[-1]["stimulus"] if steps else {}
    concerned = frozenset(str(last[key]) for key in ("token",) if isinstance(last, Mapping) and last.get(key))
    parts = [_messages(_of(case, "laws")), _steps(steps, case), more]
    parts += [_picture("The lineage, as the engine recorded it", lineage_svg(records, concerned))]
    parts += [_picture("The pipeline", pipeline_svg(case.get("pipeline"))), _legal(_of(case, "legal"))]
    return "\n".join(part for part in parts if part)


def _of(case: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = case.get(key) or ()
    return value if isinstance(value, list | tuple) else ()


def _picture(said: str, drawn: str) -> str:
    return element("figure", text("figcaption", said) + drawn) if drawn else ""


def _legal(legal: Sequence[Any]) -> str:
    if not legal:
        return ""
    rest = f" and {len(legal) - LEGAL} more" if len(legal) > LEGAL else ""
    return element("p", f"{text('b', 'Legal here:')} {', '.join(escaped(one, 80) for one in legal[:LEGAL])}{rest}")


def _messages(laws: Sequence[Sequence[str]]) -> str:
    """What was wrong about each law but the first, of which the title of the finding tells."""
    said: dict[str, str] = {}
    for law, message in laws:
        said.setdefault(str(law), str(message))
    others = [(law, message) for law, message in list(said.items())[1:] if law in LAWS]
    return listed(f"{law_link(law)} {escaped(LAWS[law].title)}: {text('em', message)}" for law, message in others)


def _steps(steps: Sequence[Mapping[str, Any]], case: Mapping[str, Any]) -> str:
    lines = []
    told = case.get("machine") not in ONLY_AT_THE_END
    for place, step in enumerate(steps):
        last = place == len(steps) - 1
        inner = text("code", step.get("says", ""), class_="stimulus")
        if not told:
            inner += f"{text('h4', 'What is recorded at the end')}{_records(step.get('records', ()))}" if last else ""
        else:
            inner += _beside(step, case) if last else _records(step.get("records", ()))
        lines.append(element("li", inner, class_="last" if last else None))
    return element("ol", "\n".join(lines), class_="steps") if lines else ""


def _beside(step: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    """What the law says beside what the engine recorded, each difference marked in its place."""
    expected, observed = case.get("expected"), case.get("observed")
    wrong = [str(line) for line in _of(case, "differences")]
    own = step.get("records", ())
    rule = expected if isinstance(expected, str) else None
    pairs = paired([] if rule is not None else list(expected or ()), list(own), wrong)[:RECORDS]
    if rule is not None:
        why = Refusal(rule).sentence if rule in set(Refusal) else ""
        law = text("p", f"refuses it as {rule}: {why}; and writes nothing")
    else:
        law = _list(
            _line(pair.law, pair.mark if pair.mark != IS_MISSING else "") for pair in pairs if pair.law is not None
        )
    if isinstance(observed, str) and observed:
        engine = text("p", observed)
    else:
        engine = _list(
            _line(pair.engine, pair.mark) if pair.engine is not None else _lacking(pair.law)
            for pair in pairs
            if pair.engine is not None or pair.mark == IS_MISSING
        )
    said = [line for line in wrong if not line.startswith(HOW)] if not observed else wrong  # the others are marked
    columns = element("div", text("h4", "The law") + law) + element("div", text("h4", "The engine") + engine)
    return element("div", columns, class_="beside") + listed(map(escaped, said[:DIFFERENCES]), class_="differences")


def _line(record: Mapping[str, Any], mark: str = "") -> tuple[str, bool]:
    """A record, and whether it is marked."""
    chip = f" {text('mark', mark)}" if mark else ""
    return f"{_relation(record)} {short_ids(escaped(record_text(record)))}{chip}", bool(mark)


def _lacking(record: Mapping[str, Any] | None) -> tuple[str, bool]:
    return f"{_relation(record or {})} {text('mark', IS_MISSING)}", True


def _relation(record: Mapping[str, Any]) -> str:
    return text("span", record.get("rec", ""), class_="relation")


def _records(records: Iterable[Mapping[str, Any]]) -> str:
    return _list(map(_line, records))


def _list(lines: Iterable[tuple[str, bool]]) -> str:
    found = list(lines)
    if not found:
        return text("p", "nothing is written", class_="nothing")
    items = [element("li", line, class_="marked" if marked else None) for line, marked in found[:RECORDS]]
    items += [text("li", f"… and {len(found) - RECORDS} more")] if len(found) > RECORDS else []
    return element("ul", "\n".join(items), class_="records")
