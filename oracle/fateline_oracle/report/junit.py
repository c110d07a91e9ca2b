"""Writes a report as JUnit XML, for tools that collect test results: one test case for each law.

A breached law fails with its first findings, an undetermined law is an error, and a law that was not judged is skipped with
the reason. Not here: what is concluded.
"""

from pathlib import Path
from xml.etree import ElementTree

from fateline_model import LAWS

from .verdict import Report, Verdict

SHOWN = 10


def junit(report: Report, name: str) -> str:
    """The document."""
    suite = ElementTree.Element("testsuite", name=name, time=f"{report.seconds:.3f}")
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for law, result in report.laws.items():
        counts["tests"] += 1
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=f"{law} {LAWS[law].title}")
        if result.verdict is None:
            counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message=_plain(result.why or ""))
        elif result.verdict is Verdict.BREACHED:
            counts["failures"] += 1
            messages = [finding.message for finding in report.findings if law in (finding.law, *finding.also)][:SHOWN]
            failure = ElementTree.SubElement(case, "failure", message=f"breached {result.breached} times")
            failure.text = _plain("\n".join([LAWS[law].sentence, *messages]))
        elif result.verdict is Verdict.UNDETERMINED:
            counts["errors"] += 1
            ElementTree.SubElement(case, "error", message=_plain(result.why or ""))
    for key, count in counts.items():
        suite.set(key, str(count))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def write_junit(report: Report, name: str, path: Path) -> str:
    """Write the file. Returns a line with its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(junit(report, name), encoding="utf-8")
    return f"JUnit XML: {path.resolve()}"


def _plain(text: str) -> str:
    """The text without characters that XML 1.0 cannot hold; an engine may send any."""
    return "".join(
        char if char in "\n\t" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" else "\ufffd" for char in text
    )
