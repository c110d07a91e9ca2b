"""`fateline merge`: makes the one report of the reports that a command wrote for its shards.

Each command concludes again from the results of all shards, so the report is the one that a single run would have given. Not
here: reading and comparing the reports (`report/parts.py`), and what is concluded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import click

from fateline_console.terminal import say

from ..conform.shard_results import campaign_of
from ..conform.verdict import conclude
from ..crash import verdict as crash
from ..crash.shard_results import crash_test_of
from ..crash.verdict import processes_not_run
from ..ports.profile import Profile
from ..render.conform_text import conformance_text
from ..render.crash_text import crash_text
from ..report.junit import write_junit
from ..report.ledger import Ledger
from ..report.parts import Parts, read_parts
from ..report.reading import BadReport
from ..report.verdict import ExitCode, Report
from . import conform, torture
from .verify import verify_report, verify_text
from .verify_shards import report_of


class Files(NamedTuple):
    """The files that the caller wants."""

    html: str | None
    cases: str | None


class Merged(NamedTuple):
    """The report of all shards, its text, and a line for each file that was written."""

    report: Report
    text: str
    written: Sequence[str]


def _conform(parts: Parts, files: Files) -> Merged:
    campaign, asked = campaign_of(parts)
    ledger = Ledger(asked.ledger, asked.known, asked.no_longer_known)
    found = conclude(campaign, asked.self_tests, Profile(asked.profile), parts.first.reproduce, ledger)
    found = replace(found, report=_with_missing(found.report, parts))
    return Merged(found.report, conformance_text(found), conform.written_files(found, *files))


def _torture(parts: Parts, files: Files) -> Merged:
    campaign, killed, asked = crash_test_of(parts)
    not_run = processes_not_run(asked.engine, asked.kills, asked.faults)
    found = crash.conclude(campaign, killed, not_run, parts.first.reproduce)
    found = replace(found, report=_with_missing(found.report, parts))
    return Merged(found.report, crash_text(found), torture.written_files(found, *files))


def _verify(parts: Parts, files: Files) -> Merged:
    if files.html is not None:
        raise click.UsageError("verify writes no page: leave out --html")
    found, chosen = report_of(parts)
    report = _with_missing(verify_report(found, chosen, parts.first.reproduce, files.cases), parts)
    return Merged(report, verify_text(found, report), [])


def _with_missing(report: Report, parts: Parts) -> Report:
    return replace(report, prevented=(*report.prevented, *parts.missing))


MERGED: Final[Mapping[str, Callable[[Parts, Files], Merged]]] = {
    "conform": _conform,
    "torture": _torture,
    "verify": _verify,
}
"""What concludes again, by the command."""


@click.command()
@click.argument("reports", nargs=-1, required=True, metavar="REPORT...")
@click.option("--html", metavar="FILE", help="Write the report to FILE, as one HTML page.")
@click.option("--cases", metavar="DIR", help="Write every counterexample to DIR, one JSON file each.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML to FILE, one test for each law.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def merge(reports: tuple[str, ...], html: str | None, cases: str | None, junit: str | None, as_json: bool) -> ExitCode:
    """Make one report of REPORT..., which a command wrote with --shard K/N --json, one for each shard.

    It is the report that a run without --shard would have given. A shard that is missing is named, and prevents the verdict
    holds.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 the reports do not belong together, or wrong usage.
    """
    try:
        parts = read_parts([Path(name) for name in reports])
        conclude_again = MERGED.get(parts.first.command)
        if conclude_again is None:
            raise BadReport(f"{parts.found[0][0]}: the reports of this command cannot be merged")
        merged = conclude_again(parts, Files(html, cases))
    except BadReport as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:  # values that are each valid, and contradict one another
        raise click.ClickException(f"the reports contradict themselves: {error}") from error
    say(merged.report.to_json() if as_json else "\n".join([merged.text, *parts.missing]))
    if junit is not None:
        name = merged.report.engine[0] if merged.report.engine is not None else "the law"
        say(write_junit(merged.report, name, Path(junit)), err=as_json)
    for line in merged.written:
        say(line, err=as_json)
    return merged.report.exit_code
