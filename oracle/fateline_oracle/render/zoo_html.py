"""What the page of `zoo` has: each seeded bug with the law that noticed it, and its counterexample.

It works on the report as data, whose details are the matrix. Not here: the page itself (`report_page.py`), and any decision.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..report.verdict import Report, Verdict
from .case_html import case_html
from .html import element, escaped, listed, table, text
from .report_page import ReportPage, Shown, finding_block, law_link, report_page, with_links


def render_zoo(report: Report, cases: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole page. `cases` are the counterexamples, by the name of the bug."""
    details: Mapping[str, Any] = report.details
    bugs: Sequence[Mapping[str, Any]] = details["bugs"]
    missed = [one for one in bugs if not one["killed"]]
    clean = {None: "not asked", True: "nothing noticed", False: "noticed as if it had a bug"}[details["clean"]]
    return report_page(
        ReportPage(
            kind="Fateline zoo",
            name="Engines with one seeded bug",
            says=_SAYS,
            report=report,
            findings=[Shown(one["law"], f"{one['name']} is not noticed", text("p", one["says"])) for one in missed],
            facts={
                "bugs": f"{len(bugs):,}",
                "noticed by their law": f"{len(bugs) - len(missed):,}",
                "the engine without a bug": clean,
            },
            sections=(
                ("The bugs", table(_HEADERS, [_bug(one, cases) for one in bugs], numeric=(3,), stacked=True)),
                ("Counterexamples", "".join(_case(one, cases[one["name"]]) for one in bugs if one["name"] in cases)),
                ("What one law alone catches", _alone(details["alone"])),
                ("Steps until a bug is noticed", _medians(details["strategies"])),
                ("Laws without a seeded bug", _without(details["without"])),
            ),
            asked="bugs",
        )
    )  # fmt: skip


_SAYS: Final = {
    Verdict.HOLDS: "Each bug is noticed by what must notice it.",
    Verdict.BREACHED: "A bug is not noticed by what must notice it.",
    Verdict.UNDETERMINED: "The bugs were noticed, but something prevented a verdict.",
}
_HEADERS: Final = ("bug", "must be noticed by", "named first", "steps", "", "the mistake")


def _bug(one: Mapping[str, Any], cases: Mapping[str, Any]) -> tuple[str, ...]:
    name = escaped(one["name"])
    result = "noticed" if one["killed"] else "not noticed"
    return (
        element("a", name, href=f"#bug-{one['name']}") if one["name"] in cases else name,
        escaped(f"guard {one['guard']}") if one["guard"] else law_link(one["law"]),
        law_link(one["first"] or ""),
        f"{one['steps']:,}",
        text("span", result, class_="holds" if one["killed"] else "breached"),
        escaped(one["says"]),
    )


def _case(one: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    summary = f"{text('b', one['name'])} {escaped(one['says'])} {text('small', one['instance'])}"
    return finding_block(f"bug-{one['name']}", summary, case_html(case), is_open=False)


def _without(laws: Mapping[str, str]) -> str:
    return listed(f"{law_link(law)}: {with_links(why)}" for law, why in laws.items())


def _alone(alone: Mapping[str, Sequence[str]]) -> str:
    return listed(f"{law_link(law)}: {escaped(', '.join(names), 4_000)}" for law, names in alone.items())


def _medians(strategies: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (escaped(name), f"{one['noticed']:,}", f"{one['bugs']:,}", f"{one['median']:,}" if one["noticed"] else "")
        for name, one in strategies.items()
        if one["bugs"]
    ]
    return table(("strategy", "noticed", "of", "median steps"), rows, numeric=(1, 2, 3)) if rows else ""
