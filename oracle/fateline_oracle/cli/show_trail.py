"""`fateline explain` and `fateline export` for any trail.

For a landscape of the reference engine they are the commands of the engine, which also know the data of rows. For any other
trail they show and write what its records say. Not here: judging.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from fateline_console.terminal import harmless, table
from fateline_engine.cli.explain import explain as explain_landscape
from fateline_engine.cli.export import export as export_landscape
from fateline_model.records import RELATIONS

from ..audit.adapters import find_adapter
from ..audit.any_trail import AnyTrail
from ..audit.connect import BadSource, is_database
from ..audit.source import COLUMNS
from ..render.counterexample import lineage, say
from ..report.verdict import ExitCode
from ..trails.reader import RunTrail
from .trail_options import open_or_fail, views_option

OWN: Final = "fateline"
"""The adapter of the reference engine's landscapes."""
_EVENTS: Final = ("visits", "hops", "members", "losses", "barriers", "merges", "outcomes")
Record = dict[str, Any]

run_option = click.option("--run", "run_id", metavar="RUN", help="Which run. By default the last one.")


def _is_landscape(path: Path, views: str | None) -> bool:
    if path.suffix in (".yaml", ".yml"):
        return True
    try:
        return views is None and path.is_file() and is_database(path) and find_adapter(path).name == OWN
    except BadSource:
        return False


# ---------------------------------------------------------------------------------------------------- explain


@click.command()
@click.argument("database", type=click.Path(path_type=Path))
@click.argument("what")
@run_option
@views_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.pass_context
def explain(
    context: click.Context, database: Path, what: str, run_id: str | None, views: str | None, as_json: bool
) -> ExitCode:
    """Show the lineage of WHAT, as recorded in DATABASE.

    \b
    In a database of the reference engine WHAT is
            a row           3
            a token         3/left.0 by name, 3:7 by id
            a written row   sink:5, the fifth that this sink wrote
            a line of it    out.csv:12, counted as an editor counts
    In any other trail that `fateline audit` reads, WHAT is the id of a row or of a token, in any run; else the place of a row
    in the source of the last run.

    Rows count from 0, written rows and lines from 1. DATABASE may be the pipeline's own YAML file.
    """
    if _is_landscape(database, views):
        done: ExitCode = context.invoke(explain_landscape, database=database, what=what, run_id=run_id, as_json=as_json)
        return done
    with open_or_fail(database, views) as trail:
        runs = [run for run in trail.runs() if run_id is None or run.run == run_id]
        if not runs:
            raise click.ClickException(f"{database} has no run {run_id or 'at all'}")
    run, row, token = find_row(runs, what)
    records = [dict(record) for record in run.rows[row]]
    if as_json:
        click.echo(
            json.dumps({"schema": "fateline.lineage/1", "run": run.run, "row": row, "records": records}, indent=2)
        )
    else:
        click.echo("\n".join(harmless(line) for line in _told(run, row, token, records, trail)))
    return ExitCode.HOLDS


def find_row(runs: list[RunTrail], what: str) -> tuple[RunTrail, str, str | None]:
    """The run and the row that are meant, and the token, if one is: an id before a place in the source, a later run first."""
    for run in reversed(runs):
        if what in run.rows:
            return run, what, None
        for row, records in run.rows.items():
            if any(record["rec"] == "tokens" and str(record["token"]) == what for record in records):
                return run, row, what
    for row, records in runs[-1].rows.items():
        if any(record["rec"] == "rows" and str(record.get("idx")) == what for record in records):
            return runs[-1], row, None
    some = ", ".join(list(runs[-1].rows)[:6])
    raise click.ClickException(
        f"there is no row and no token {what}; run {runs[-1].run} has {len(runs[-1].rows):,} rows, the first are {some}"
    )


def _told(run: RunTrail, row: str, token: str | None, records: list[Record], trail: AnyTrail) -> Iterator[str]:
    yield f"row {row} of run {run.run}, read as {trail.adapter}"
    yield from (f"  {line}" for line in lineage(records))
    events = [record for record in records if record["rec"] in _EVENTS]
    events += [dict(run.batches[batch]) for batch in _batches_of(records) if batch in run.batches]
    if token is not None:
        own = {token, *(str(r["parent"]) for r in records if r["rec"] == "parents" and str(r["child"]) == token)}
        events = [record for record in events if own & set(map(str, record.values()))]
        yield f"what happened to token {token} and its parents:"
    else:
        yield "what happened:"
    for record in sorted(events, key=lambda one: one["seq"] if isinstance(one.get("seq"), int) else 0):
        plain = {key: value for key, value in record.items() if key not in ("seq", "tx", "at", "opened", "closed")}
        yield f"  {record['rec']:<9} {say(plain)}"


def _batches_of(records: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(str(record["batch"]) for record in records if record["rec"] == "members"))


# ---------------------------------------------------------------------------------------------------- export

_new_file = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("database", type=click.Path(path_type=Path))
@run_option
@views_option
@click.option("--output", type=_new_file, help="Write the JSON lines to this file.")
@click.option(
    "--csv", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write CSV files to this folder."
)
@click.option("--tables", "tables", type=_new_file, help="Write a table for each relation to this new SQLite database.")
@click.option("--overview", "counts", is_flag=True, help="Only count the records of each relation.")
@click.option("--json", "as_json", is_flag=True, help="Print the overview as JSON; JSON lines are JSON already.")
@click.option("--head", is_flag=True, help="Only print the head of a landscape, a digest that can be kept elsewhere.")
@click.pass_context
def export(
    context: click.Context,
    database: Path,
    run_id: str | None,
    views: str | None,
    output: Path | None,
    folder: Path | None,
    tables: Path | None,
    counts: bool,
    as_json: bool,
    head: bool,
) -> ExitCode:
    """Write the trail of a run in DATABASE, which is anything that `fateline audit` reads.

    By default it is printed as JSON lines: one object for each record, with the fields that specs/trail.md lists.
    """
    if sum((output is not None, folder is not None, tables is not None, counts, head)) > 1:
        raise click.UsageError("choose one of --output, --csv, --tables, --overview and --head")
    if _is_landscape(database, views):
        done: ExitCode = context.invoke(
            export_landscape, database=database, run_id=run_id, output=output, folder=folder, tables=tables,
            counts=counts, as_json=as_json, head=head,
        )  # fmt: skip
        return done
    if head:
        raise click.ClickException(f"{database}: only a database of the reference engine has a chain of commits")
    with open_or_fail(database, views) as trail:
        records = list(trail.records)
    runs = [record["run"] for record in records if record["rec"] == "runs"]
    if run_id is not None and run_id not in runs:
        raise click.ClickException(f"{database} has no run {run_id}; its runs are: {', '.join(map(str, runs[:12]))}")
    meant = run_id or (runs[-1] if runs else None)
    if run_id is None and len(runs) > 1:
        click.echo(f"note: run {meant}, the last of {len(runs):,}; --run chooses another", err=True)
    records = [record for record in records if record["run"] == meant]
    try:
        if counts:
            click.echo(_overview(records, as_json=as_json))
        elif folder is not None:
            click.echo(f"{_write_csv(records, folder)} files are in {folder}.")
        elif tables is not None:
            _write_tables(records, tables)
            click.echo(f"The tables are in {tables}.")
        else:
            _write_lines(records, output)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(
            f"{output or folder or tables or 'standard output'}: {error.strerror or error}"
        ) from None
    return ExitCode.HOLDS


def _write_lines(records: Iterable[Record], output: Path | None) -> None:
    lines = (json.dumps(record, ensure_ascii=True, separators=(",", ":")) for record in records)
    if output is None:
        for line in lines:
            click.echo(line)
        return
    with output.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def _by_relation(records: Iterable[Record]) -> dict[str, tuple[list[str], list[Record]]]:
    """Each relation with the columns that some record has, and its records."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record["rec"], []).append(record)
    return {
        relation: ([column for column in COLUMNS[relation] if any(column in one for one in own)], own)
        for relation in RELATIONS
        if (own := found.get(relation))
    }


def _overview(records: Iterable[Record], *, as_json: bool) -> str:
    rows = [(relation, len(own), columns) for relation, (columns, own) in _by_relation(records).items()]
    if as_json:
        return json.dumps(
            [{"name": name, "records": count, "columns": columns} for name, count, columns in rows], indent=2
        )
    return table(
        [(name, count, ", ".join(columns)) for name, count, columns in rows], ["relation", "records", "columns"]
    )


def _write_csv(records: Iterable[Record], folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    relations = _by_relation(records)
    for relation, (columns, own) in relations.items():
        with (folder / f"{relation}.csv").open("w", encoding="utf-8", newline="") as stream:
            lines = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
            lines.writeheader()
            lines.writerows(own)
    return len(relations)


def _write_tables(records: Iterable[Record], file: Path) -> None:
    import sqlite_utils

    if file.exists():
        raise FileExistsError(17, f"{file} exists; choose a new file")
    made = sqlite_utils.Database(file)
    for relation, (columns, own) in _by_relation(records).items():
        made.table(relation).insert_all([{column: one.get(column) for column in columns} for one in own])
    made.close()
