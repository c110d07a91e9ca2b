"""`fateline audit`: checks every law that records at rest can show, on an audit database in place.

Not here: the checking (`fateline_oracle.audit`), and the page (`fateline_oracle.render.audit_html`).
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint, say, table
from fateline_engine.landscape.chain import Chain
from fateline_model import LAW_VERSION, LAWS

from ..adapters import ENGINES, unpacked
from ..adapters.profiles import cases_of, packed
from ..audit.any_trail import prepared
from ..audit.connect import BadSource
from ..audit.incremental import recall
from ..audit.postgresql import place_of, read_from
from ..audit.queries import judged_at_rest, needed_tables, queries, shared
from ..audit.source import PATIENCE
from ..audit.summary import AuditSummary, Group, tell
from ..audit.whole import Wanted
from ..audit.whole import audit as audited
from ..engines import OTHERS
from ..render.counterexample import lineage
from ..report.junit import write_junit
from ..report.law_results import COLOUR
from ..report.ledger import BadLedger
from ..report.verdict import ExitCode, Verdict
from .chain import as_object, chain_of, statements
from .engine_options import ledger_for, ledger_option
from .html_option import html_option, write_page
from .verify import JOBS

SHOWN_RUNS = 5
"""The largest number of runs that are not over, of which each gets a sentence."""
PICTURED = 40
"""The largest number of tokens in a row that is drawn."""
_LONG = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{12,}\b")
"""Long ids, which are shortened to their first digits; --json has them whole."""


def _located(given: str) -> Path:
    """`engine:ENGINE/CASE` is what another engine wrote and comes with the package; it is unpacked while the command runs."""
    if not given.startswith(OTHERS):
        return Path(given)
    engine, __, case = given.removeprefix(OTHERS).partition("/")
    cases = cases_of(engine) if engine in ENGINES else {}
    if case not in cases:
        known = [f"{OTHERS}{one}/{name}" for one in ENGINES for name in cases_of(one)]
        raise click.ClickException(f"there is no database {given}; there are {', '.join(known)}")
    return click.get_current_context().with_resource(unpacked(packed(engine, case)))


@click.command()
@click.argument("database", required=False)
@click.option("--run", "runs", multiple=True, metavar="RUN", help="Check only this run; may be repeated.")
@click.option("--law", "laws", multiple=True, metavar="LAW", help="Check only this law; may be repeated.")
@click.option(
    "--views", metavar="FILE", help="SQL file that reads your schema: CREATE VIEW trail_<relation> AS SELECT ..."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Number of examples shown for each kind of breach.",
)
@click.option(
    "--since",
    metavar="FILE",
    help="Check only rows that are new or had not ended in the audit remembered in FILE, and update FILE.",
)
@ledger_option
@click.option(
    "--head",
    "kept",
    metavar="DIGEST",
    help="A head of this trail that was kept elsewhere: is all as it was then?",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, help="Number of processes.", show_default=True)
@click.option(
    "--patience",
    type=click.FloatRange(0.01),
    default=PATIENCE,
    show_default=True,
    help="Seconds for one query about one range of rows.",
)
@html_option
@click.option("--export", metavar="FOLDER", help="Write the trail to FOLDER as Parquet files, for audits on DuckDB.")
@click.option("--sql", "printed", metavar="LAW", help="Only print the queries of this law.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML to FILE, one test for each law.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def audit(
    database: str | None,
    runs: tuple[str, ...],
    laws: tuple[str, ...],
    views: str | None,
    limit: int,
    since: str | None,
    ledger_file: str | None,
    kept: str | None,
    jobs: int,
    patience: float,
    html: str | None,
    export: str | None,
    printed: str | None,
    junit: str | None,
    as_json: bool,
) -> ExitCode:
    """Check DATABASE against the law, and report each breach with its run, row and token.

    DATABASE is an audit database (SQLite), `postgresql://USER@HOST/NAME`, a trail in JSON lines, or a folder that --export
    wrote, which is checked on DuckDB; or `engine:ENGINE/CASE`, one of those of specs/engines.md. It is opened read-only;
    nothing is written to it or into its folder.

    Exit status: 0 the law holds, 1 it is breached or the trail was altered, 2 undetermined, 3 wrong usage or input.
    """
    if printed is not None:
        say(_queries(printed))
        return ExitCode.HOLDS
    if database is None:
        raise click.UsageError("Missing argument 'DATABASE'.")
    for law in laws:
        if law not in judged_at_rest():
            raise click.ClickException(
                f"--law {law}: there is no query for this law; the laws with queries are {', '.join(sorted(judged_at_rest()))}"
            )
    asked = frozenset(laws) if laws else None
    try:
        ledger_for(ledger_file, "")
        place = place_of(database)
        if place is not None and kept is not None:
            raise click.ClickException(
                "--head: the chain of commits is in the file of the engine; a copy on a server has none"
            )
        where = place or _located(database)
        database = database if place is None else str(place)
        chain = chain_of(where, kept) if isinstance(where, Path) else None
        if isinstance(where, Path) and where.is_dir():
            summary = _of_fleet(where, asked, max(1_000, limit), _reproduce(database, runs, laws, views), limit)
            return _shown(summary, None, database, limit, html, junit, as_json)
        with prepared(where, Path(views) if views is not None else None, patience) as (path, adapter):
            wanted = Wanted(path, adapter, runs, asked, jobs, max(1_000, limit), patience)
            before = recall(Path(since), adapter.name) if since is not None else None
            with Progress() as progress:
                found = audited(wanted, before, progress.update)
            with read_from(path, adapter, patience) as source:
                summary = tell(
                    found,
                    source,
                    database,
                    _reproduce(database, runs, laws, views),
                    limit * 1_000 if as_json else limit,
                    ledger_for(ledger_file, adapter.name),
                    whole=not (runs or laws or since),
                )
                if export is not None:
                    from ..audit.parquet import export_parquet

                    export_parquet(source, Path(export))
    except (BadSource, BadLedger) as error:
        raise click.ClickException(str(error)) from None
    if since is not None:
        Path(since).write_text(found.remembered.to_json(), encoding="utf-8")
    code = _shown(summary, chain, database, limit, html, junit, as_json)
    if export is not None:
        say(f"The trail as Parquet: {Path(export).resolve()}", err=as_json)
    return code


def _of_fleet(folder: Path, laws: frozenset[str] | None, kept: int, reproduce: str, limit: int) -> AuditSummary:
    from ..audit.parquet import audit_fleet

    with Progress() as progress:
        found = audit_fleet(folder, laws, kept, progress.update)
    return tell(found, None, str(folder), reproduce, limit)


def _shown(
    summary: AuditSummary,
    chain: Chain | None,
    database: str,
    limit: int,
    html: str | None,
    junit: str | None,
    as_json: bool,
) -> ExitCode:
    report = summary.report
    if chain is not None:
        report = replace(report, details={"chain": as_object(chain)})
    say(report.to_json() if as_json else _text(summary, chain, limit))
    if junit is not None:
        say(write_junit(summary.report, database, Path(junit)), err=as_json)
    if html is not None:
        from ..render.audit_html import render_audit

        say(write_page(html, render_audit(summary, database)), err=as_json)
    altered = chain is not None and not chain.unaltered
    return ExitCode.BREACHED if altered else summary.report.exit_code


def _queries(law: str) -> str:
    own = [query for query in queries() if query.law == law]
    if not own:
        raise click.ClickException(
            f"--sql {law}: there is no query for this law; the laws with queries are {', '.join(sorted(judged_at_rest()))}"
        )
    head = f"-- {law} · {LAWS[law].title}\n-- {LAWS[law].sentence}"
    tables = [shared(name) for name in needed_tables(own)]
    made = [f"-- {one.name}: {one.meaning}\nCREATE TEMP VIEW {one.name} AS\n{one.sql};" for one in tables]
    return "\n\n".join([head, *made, *(f"-- {query.meaning}\n{query.sql};" for query in own)])


def _reproduce(database: str, runs: tuple[str, ...], laws: tuple[str, ...], views: str | None) -> str:
    words = ["fateline", "audit", database, *(word for run in runs for word in ("--run", run))]
    words += [word for law in laws for word in ("--law", law)]
    return shlex.join([*words, *(["--views", views] if views is not None else [])])


# ---------------------------------------------------------------------------------------------------- as text


def _text(summary: AuditSummary, chain: Chain | None, limit: int) -> str:
    """The verdict and what was found first; then the laws; what was not judged at the end."""
    report = summary.report
    counts = report.counts
    parts = [
        f"{paint(report.verdict, COLOUR[report.verdict], bold=True)}  {report.scope}, read as {summary.adapter}: "
        f"{counts['breaches']:,} breaches in {counts['tokens']:,} tokens of {counts['rows']:,} rows, {counts['runs']:,} runs"
    ]
    if chain is not None:
        parts += [f"  {line}" for line in statements(chain, report.verdict)]
    parts += [f"  {line}" for line in summary.answer()]
    parts += [f"  {line[0].upper()}{line[1:]}." for line in summary.not_over[:SHOWN_RUNS]]
    if len(summary.not_over) > SHOWN_RUNS:
        parts.append(f"  {len(summary.not_over) - SHOWN_RUNS:,} more runs are not over; --json has them.")
    for group in summary.groups:
        parts += ["", *_group(summary, group, limit)]
    judged = [(law, result) for law, result in report.laws.items() if result.verdict is not None]
    rows = [
        (
            law,
            LAWS[law].title,
            f"{result.checked:,}" if result.checked else None,
            paint(str(result.verdict), COLOUR[result.verdict]),
            f"{result.breached:,} times" if result.verdict is Verdict.BREACHED else result.why,
        )
        for law, result in judged
        if result.verdict is not None
    ]
    parts += ["", table(rows, ("law", "", "questions", "verdict", ""))]
    parts += ["", *_not_judged(summary)]
    parts += map(str, report.known)
    parts += [f"- {reason}" for reason in report.prevented if reason.startswith("the ledger")]
    parts += [f"note: {note}" for note in summary.notes]
    parts.append(f"{counts['records']:,} records in {report.seconds:.1f} s, law version {LAW_VERSION}")
    return "\n".join(parts)


def _not_judged(summary: AuditSummary) -> Iterator[str]:
    """What was not judged, a line for each reason with all its laws."""
    for law, (count, sentence) in summary.declared.items():
        yield f"declared: {law} {LAWS[law].title}, {count:,} times: {sentence}"
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in summary.report.skipped:
        if one.what == "rows":
            yield f"skipped: {one.cases:,} rows: {one.why}"
        elif one.laws and one.laws[0] not in summary.declared:
            reasons.setdefault((one.what.rpartition(" ")[0], one.why), []).append(one.laws[0])
    for (what, why), laws in reasons.items():
        yield f"not judged: {'parts of ' if what.startswith('a part') else ''}{' '.join(laws)}: {why}"


def _group(summary: AuditSummary, group: Group, limit: int) -> list[str]:
    count = len(group.breaches)
    lines = [
        f"{paint(group.law, 'red', bold=True)}  {group.heading}",
        f"    The law: {LAWS[group.law].sentence}",
        f"    Likely cause: {group.meaning.cause}",
        f"    Look at: {group.meaning.look}",
    ]
    known = summary.explained(group)
    if known is not None:
        lines.append(f"    Known of this schema: {known}")
    for breach in group.breaches[:limit]:
        where = f"row {breach.row}, " if breach.row is not None else ""
        lines.append(f"    {where}{f'token {breach.token} ' if breach.token is not None else ''}{breach.said}")
    if count > limit:
        lines.append(f"    ... and {count - limit:,} more")
    if 0 < sum(record["rec"] == "tokens" for record in group.picture) <= PICTURED:
        lines += [f"        {line}" for line in lineage(group.picture)]
    return [_LONG.sub(r"\1…", line) for line in lines]
