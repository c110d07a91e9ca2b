"""Makes the sections of the page, in order: the verdict, breaches, coverage, the laws, what was left out, how to repeat it.

Not here: the pieces of HTML (`html.py`), and the drawing (`lineage_svg.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fateline_model.laws import ALL, LAWS, Family
from fateline_model.words import Refusal

from ..conform.result import Conformance
from ..report.verdict import LawResult, Verdict
from .counterexample import say
from .html import bar, element, escaped, folded, listed, section, table, text
from .lineage_svg import lineage_svg, pipeline_svg

MARK: Final = {Verdict.HOLDS: "✓", Verdict.BREACHED: "✗", Verdict.UNDETERMINED: "?"}
SAYS: Final = {
    Verdict.HOLDS: "Every law that could be judged holds, in every state and every step that was covered.",
    Verdict.BREACHED: "At least one law is broken. The shortest ways to see it are below.",
    Verdict.UNDETERMINED: "No breach was seen, but something prevented a verdict. It is named below.",
}
CASES: Final = 12
LEGAL: Final = 12
RECORDS: Final = 60


def body(found: Conformance) -> str:
    """Everything inside the body of the page."""
    parts = [_head(found), _cases(found), _coverage(found), _laws(found), _aside(found), _foot(found)]
    return element("main", "\n".join(part for part in parts if part))


# ------------------------------------------------------------------------------------------------- the verdict


def _head(found: Conformance) -> str:
    report, counts = found.report, found.report.counts
    verdict = element("span", f"{MARK[report.verdict]} {escaped(report.verdict)}", class_=f"verdict {report.verdict}")
    facts = (
        ("states", f"{counts['states']:,} of {counts['states_total']:,}"),
        ("transitions", f"{counts['transitions']:,} of {counts['transitions_total']:,}"),
        ("refusals tried", f"{counts['refusals']:,}"),
        ("steps", f"{counts['steps']:,}"),
        ("law", f"version {report.law_version}"),
        ("scope", report.scope or ""),
        ("seed", report.seed),
        ("time", f"{report.seconds:.1f} s"),
    )
    facts_html = "".join(element("div", text("dt", name) + text("dd", value)) for name, value in facts)
    named = f"{escaped(found.hello.name)} {text('small', found.hello.version)}"
    return element(
        "header",
        text("p", "Fateline conformance", class_="kind")
        + element("h1", named)
        + element("p", f"{verdict} {escaped(SAYS[report.verdict])}", class_="lead")
        + element("dl", facts_html, class_="facts"),
    )


# ------------------------------------------------------------------------------------------------- counterexamples


def _cases(found: Conformance) -> str:
    shortest: dict[str, dict[str, Any]] = {}
    for case in sorted(found.cases, key=lambda case: len(_of(case, "steps"))):
        laws = _of(case, "laws")
        shortest.setdefault(str(laws[0][0]) if laws else "", case)
    shown = [_case(case, first=place == 0) for place, case in enumerate(list(shortest.values())[:CASES])]
    more = len(found.cases) - len(shown)
    if more > 0:
        shown.append(text("p", f"{more} more counterexamples break the same laws or come later; all are counted."))
    return section("Counterexamples", *shown, id_="cases")


def _of(case: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = case.get(key) or ()
    return value if isinstance(value, list | tuple) else ()


def _case(case: Mapping[str, Any], *, first: bool) -> str:
    laws, steps = _of(case, "laws"), _of(case, "steps")
    names = list(dict.fromkeys(str(law) for law, _ in laws))
    title = f"{escaped(', '.join(names[:1]))} {escaped(LAWS[names[0]].title) if names else ''}"
    aside = text("small", f"{len(steps)} steps · {case.get('instance', '')}")
    parts = [_law_sentences(laws), _steps(steps, case)]
    records = [record for step in steps for record in step.get("records", ())]
    last = steps[-1]["stimulus"] if steps else {}
    concerned = frozenset(str(last[key]) for key in ("token",) if isinstance(last, Mapping) and last.get(key))
    parts.append(lineage_svg(records, concerned))
    drawn = pipeline_svg(case.get("pipeline"))
    if drawn:
        parts.append(folded("The pipeline", drawn))
    legal = _of(case, "legal")
    if legal:
        said = ", ".join(escaped(one, 80) for one in legal[:LEGAL])
        rest = f" and {len(legal) - LEGAL} more" if len(legal) > LEGAL else ""
        parts.append(element("p", f"{text('b', 'Legal here:')} {said}{rest}"))
    return folded(f"{element('b', title)} {aside}", "\n".join(parts), open_=first)


def _law_sentences(laws: Iterable[Sequence[str]]) -> str:
    words: dict[str, str] = {}
    for law, message in laws:
        words.setdefault(str(law), str(message))
    return listed(
        f"{text('b', law)} {escaped(LAWS[law].sentence)} {text('em', f'Here: {message}.')}"
        for law, message in words.items()
        if law in LAWS
    )


def _steps(steps: Sequence[Mapping[str, Any]], case: Mapping[str, Any]) -> str:
    lines = []
    for place, step in enumerate(steps):
        last = place == len(steps) - 1
        inner = text("code", step.get("says", ""), class_="stimulus")
        inner += _expected_and_observed(step, case) if last else _records(step.get("records", ()))
        lines.append(element("li", inner, class_="last" if last else None))
    return element("ol", "\n".join(lines), class_="steps")


def _expected_and_observed(step: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    """What was expected and what was observed, in two columns."""
    expected = case.get("expected")
    if isinstance(expected, str):
        why = Refusal(expected).sentence if expected in set(Refusal) else ""
        law = text("p", f"refuses it as {expected}: {why}; and writes nothing")
    else:
        law = _records(expected or ())
    observed = case.get("observed")
    engine = text("p", observed) if isinstance(observed, str) and observed else _records(step.get("records", ()))
    wrong = listed((escaped(line) for line in _of(case, "differences")[:12]), class_="differences")
    columns = element("div", text("h4", "The law") + law) + element("div", text("h4", "The engine") + engine)
    return element("div", columns, class_="beside") + wrong


def _records(records: Iterable[Mapping[str, Any]]) -> str:
    found = list(records)
    if not found:
        return text("p", "nothing is written", class_="nothing")
    lines = [
        f"{text('span', one.get('rec', ''), class_='relation')} {escaped(record_text(one))}" for one in found[:RECORDS]
    ]
    more = [f"… and {len(found) - RECORDS} more"] if len(found) > RECORDS else []
    return listed([*lines, *more], class_="records")


def record_text(record: Mapping[str, Any]) -> str:
    """A record on one line, whatever it contains."""
    plain = {key: value for key, value in record.items() if key not in ("seq", "tx", "at", "opened", "closed")}
    try:
        return say({key: value for key, value in plain.items() if not key.startswith("digest")})
    except KeyError:
        return ", ".join(f"{key} {value}" for key, value in plain.items())


# ------------------------------------------------------------------------------------------------- coverage and laws


def _coverage(found: Conformance) -> str:
    rows = [
        (
            escaped(one.family),
            f"{one.states:,} / {one.states_total:,}",
            bar(one.states, one.states_total),
            f"{one.transitions:,} / {one.transitions_total:,}",
            bar(one.transitions, one.transitions_total),
            f"{one.refusals:,}",
        )
        for one in found.coverage
    ]
    counts = found.report.counts
    lead = (
        f"{counts['states']:,} of {counts['states_total']:,} states and {counts['transitions']:,} of "
        f"{counts['transitions_total']:,} transitions of the graphs of the law, without unsupported stimuli."
    )
    headers = ("family", "states", "", "transitions", "", "refusals")
    inner = table(headers, rows, numeric=(1, 3, 5))
    return section("Coverage", text("p", lead), folded("By family", inner), id_="coverage")


def _laws(found: Conformance) -> str:
    """The broken laws first, then all laws by family."""
    results = found.report.laws
    groups: list[tuple[str, list[str]]] = [
        ("Broken", [law for law, result in results.items() if result.verdict is Verdict.BREACHED]),
        *((str(family), [law.id for law in ALL if law.family is family and law.id in results]) for family in Family),
    ]
    parts = [
        text("h3", title)
        + table(("law", "", "verdict", "judged"), [_law(law, results[law]) for law in laws], numeric=(3,))
        for title, laws in groups
        if laws
    ]
    return section("The laws", *parts, id_="laws")


def _law(law: str, result: LawResult) -> tuple[str, str, str, str]:
    said = LAWS[law]
    verdict = "not judged" if result.verdict is None else f"{MARK[result.verdict]} {result.verdict}"
    why = text("small", result.why) if result.why else ""
    title = f"{text('b', said.title)} {text('small', said.level)}<br>{escaped(said.sentence)} {why}"
    return text("b", law), title, text("span", verdict, class_=f"mark {result.verdict or ''}"), f"{result.checked:,}"


# ------------------------------------------------------------------------------------------------- next to the verdict


def _aside(found: Conformance) -> str:
    noticed = [
        f"{escaped(test.says)}: "
        + (f"noticed by {escaped(test.named)} after {test.steps:,} steps" if test.named else text("b", "not noticed"))
        for test in found.self_tests
    ]
    declared = [
        f"{text('b', one.law)} {escaped(LAWS[one.law].title)}: {escaped(one.sentence)}" for one in found.declared
    ]
    known = [
        f"{text('b', one.law)} {escaped(one.kind)}, {one.count:,} times: {escaped(one.reason)} {escaped(one.link)}"
        for one in found.report.known
    ]
    skipped = [f"{one.cases:,} {escaped(one.what)}: {escaped(one.why)}" for one in found.report.skipped if one.cases]
    not_judged = [f"{escaped(one.what)}: {escaped(one.why)}" for one in found.report.skipped if not one.cases]
    faults = [escaped(fault) for fault in found.faults[:20]]
    if len(found.faults) > 20:
        faults.append(f"and {len(found.faults) - 20} more times")
    return "\n".join(
        part
        for part in (
            section("Where the engine broke down", listed(faults), id_="faults"),
            section("Known findings, by the ledger", listed(known), id_="known"),
            section("Declared by the profile", listed(declared), id_="declared"),
            section("What was not judged", listed([*skipped, *not_judged]), id_="skipped"),
            section("Notes", listed(escaped(note) for note in found.notes), id_="notes"),
            section(
                "Self-test of the judge",
                text("p", "The same judge first checked engines with one seeded bug each."),
                listed(noticed),
                id_="self-test",
            ),
        )
        if part
    )


def _foot(found: Conformance) -> str:
    return section("Repeat", element("pre", text("code", found.report.reproduce)), id_="again")
