"""`fateline run` and `fateline resume`: the reference engine, on a terminal.

A pipeline is read, checked and run, with one line of progress and a summary. Exit status 0 says that the run has
finished, 1 that it has stopped and can be resumed with nothing lost, 2 or 3 that it never began. Whatever stops a run, the
landscape is at its last commit and records that the run is not over. Not here: the running itself (`orchestrator.py`).
"""

import json
import shlex
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from fateline_console.terminal import Progress, is_terminal, paint, say, table
from fateline_engine.cli import program
from fateline_engine.cli.exit_code import ExitCode
from fateline_engine.errors import EngineError, LandscapeError, ResumeRefused
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.runs import list_runs
from fateline_engine.orchestrator import Orchestrator, Summary
from fateline_engine.otel import SpanFactory
from fateline_engine.plugins import PluginUnavailable
from fateline_engine.plugins.registry import Plugins, load
from fateline_engine.script import Boundary, Production
from fateline_engine.settings import SettingsError
from fateline_engine.words import RunStatus

SCHEMA = "fateline.run/1"

_pipeline = click.argument("pipeline", type=click.Path(dir_okay=False, path_type=Path))
_database = click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The database of the audit trail. By default it lies beside the pipeline and ends in .db.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a summary.")


@click.command()
@_pipeline
@_database
@_as_json
def run(pipeline: Path, database: Path | None, as_json: bool) -> ExitCode:
    """Run PIPELINE, a YAML file, from its first row to its end.

    Exit status: 0 finished, 1 stopped and resumable, 2 interrupted before it began, 3 bad input.
    """
    return _Runner(pipeline, database, as_json).run()


@click.command()
@_pipeline
@_database
@click.option("--run", "run_id", help="Which run to resume. By default the only one that is not over.")
@_as_json
def resume(pipeline: Path, database: Path | None, run_id: str | None, as_json: bool) -> ExitCode:
    """Resume a stopped run of PIPELINE from its last commit.

    Exit status: 0 finished, 1 stopped again and resumable, 2 interrupted before it began, 3 bad input.
    """
    return _Runner(pipeline, database, as_json).resume(run_id)


class _Live(Production):
    """Production, with a line of progress after each commit."""

    def __init__(self, plugins: Plugins, progress: Progress) -> None:
        super().__init__(plugins)
        self._progress = progress
        self.orchestrator: Orchestrator | None = None

    def boundary(self, kind: Boundary) -> None:
        if kind is Boundary.COMMITTED and self.orchestrator is not None:
            summary = self.orchestrator.summary()
            rate = summary.rows / summary.seconds if summary.seconds else 0
            self._progress.update(f"{summary.rows:,} rows, {rate:,.0f} a second")


def _script(plugins: Plugins, progress: Progress | None) -> Production:
    """A traced script if tracing is configured, one with progress on a terminal, otherwise a plain one."""
    spans = SpanFactory.configured()
    if spans.recording:
        from fateline_engine.otel import TracedProduction

        return TracedProduction(plugins, spans)
    return Production(plugins) if progress is None else _Live(plugins, progress)


class _Runner:
    """One invocation: reads the pipeline, opens the landscape, runs, and reports."""

    def __init__(self, pipeline: Path, database: Path | None, as_json: bool) -> None:
        self._file = pipeline
        self._database = database or pipeline.with_suffix(".db")
        self._as_json = as_json
        self._head: str | None = None
        self._arguments = [str(pipeline), *(["--database", str(database)] if database else [])]
        self._reproduce = self._command("run")

    def run(self) -> ExitCode:
        graph, plugins = self._read()
        note = getattr(plugins.source, "note", None)
        if note is not None:
            say(paint(f"note: {graph.source.name}: {note}", "yellow"), err=True)
        with self._landscape(must_exist=False) as landscape:
            try:
                self._refuse_unfinished(landscape)
                before = len(list_runs(landscape))
                with self._orchestrator(graph, plugins, landscape) as orchestrator:
                    return self._tell(orchestrator, orchestrator.run, lambda: len(list_runs(landscape)) > before)
            except (click.ClickException, KeyboardInterrupt):
                landscape.take_back()
                raise

    def resume(self, run_id: str | None) -> ExitCode:
        self._arguments += ["--run", run_id] if run_id else []
        self._reproduce = self._resume_line()
        graph, plugins = self._read()
        with (
            self._landscape(must_exist=True) as landscape,
            self._orchestrator(graph, plugins, landscape, run_id) as orchestrator,
        ):
            return self._tell(orchestrator, orchestrator.resume, lambda: True)

    def _read(self) -> tuple[ExecutionGraph, Plugins]:
        """The pipeline and its plugins; bad input is reported with all its problems."""
        try:
            graph, plugins = load(self._file)
        except (SettingsError, EngineError) as error:
            raise _bad_input(str(error)) from error
        for warning in graph.warnings:
            say(paint(f"warning: {warning}", "yellow"), err=True)
        other = plugins.files.add(self._database, "the audit trail")
        if other is not None:
            raise _bad_input(f"{self._database} cannot hold the audit trail: {other}; choose another with --database")
        return graph, plugins

    @contextmanager
    def _landscape(self, *, must_exist: bool) -> Iterator[Landscape]:
        try:
            landscape = Landscape.open(self._database, must_exist=must_exist)
        except (LandscapeError, sqlite3.Error) as error:
            raise _bad_input(str(error)) from error
        with landscape:
            try:
                list_runs(landscape)
            except (LandscapeError, sqlite3.Error) as error:  # an altered file, which is said before anything is begun
                raise _bad_input(f"{self._database}: {error}") from error
            yield landscape

    def _refuse_unfinished(self, landscape: Landscape) -> None:
        unfinished = [run.id for run in list_runs(landscape) if run.status is not RunStatus.COMPLETED]
        if unfinished:
            message = f"{self._database} holds a run that is not over ({', '.join(unfinished)})"
            raise _bad_input(f"{message}: resume it with `{self._resume_line()}`, or choose another --database")

    @contextmanager
    def _orchestrator(
        self, graph: ExecutionGraph, plugins: Plugins, landscape: Landscape, run_id: str | None = None
    ) -> Iterator[Orchestrator]:
        with Progress() as progress:
            shown = is_terminal(sys.stderr)
            script = _script(plugins, progress if shown else None)
            try:
                orchestrator = Orchestrator(graph, landscape, plugins=plugins, script=script, run_id=run_id)
            except EngineError as error:
                raise _bad_input(str(error)) from error
            if isinstance(script, _Live):
                script.orchestrator = orchestrator
            try:
                yield orchestrator
            finally:
                orchestrator.close()

    def _tell(self, orchestrator: Orchestrator, go: Callable[[], Summary], begun: Callable[[], bool]) -> ExitCode:
        """Run, and report how it went. What fails before a run has begun is bad input."""
        try:
            try:
                summary = go()
            finally:
                with suppress(sqlite3.Error):  # a database that cannot be read has its own message
                    self._head = orchestrator.landscape.head.digest.hex()
        except ResumeRefused as error:
            raise _bad_input(str(error)) from error
        except (EngineError, PluginUnavailable, sqlite3.Error, OSError) as error:
            if not begun():
                raise _bad_input(str(error)) from error
            return self._stopped(str(error), orchestrator.run_id)
        except KeyboardInterrupt:
            if not begun():
                raise
            return self._stopped("interrupted from the keyboard", orchestrator.run_id)
        if not summary.finished:
            return self._stopped(summary.stopped_by or "unknown", summary.run, summary)
        self._finished(summary)
        return ExitCode.DONE

    def _resume_line(self) -> str:
        return self._command("resume")

    def _command(self, name: str) -> str:
        """A command line that can be typed again."""
        return f"{program()} {shlex.join([name, *self._arguments])}"

    def _stopped(self, why: str, run_id: str | None = None, summary: Summary | None = None) -> ExitCode:
        if self._as_json:
            status = summary.status if summary else RunStatus.INTERRUPTED
            say(self._object(run_id, status, summary, stopped_by=why))
        message = f"Stopped: {why}.\nNothing that was committed is lost. Go on with: {self._resume_line()}"
        if self._head is not None:
            message += f"\nThe head of the audit trail is {self._head}"
        say(paint(message, "yellow"), err=True)
        return ExitCode.STOPPED

    def _finished(self, summary: Summary) -> None:
        for barrier in summary.last_defence:
            say(f"warning: the barrier {barrier} had to be flushed: please report it", err=True)
        if self._as_json:
            say(self._object(summary.run, summary.status, summary))
            return
        say(f"Finished: {_count(summary.rows, 'row')} in {summary.seconds:.2f} s (run {summary.run}).")
        if summary.outcomes:
            counts = sorted(summary.outcomes.items(), key=lambda item: (-item[1], item[0]))
            say("\n" + table([(str(outcome), count) for outcome, count in counts], ["outcome", "tokens"]))
        say(f"\nThe audit trail is in {self._database}; ask it with: {program()} explain {self._database} 0")
        say(f"Its head is {self._head}")

    def _object(
        self, run_id: str | None, status: RunStatus, summary: Summary | None, stopped_by: str | None = None
    ) -> str:
        counts = {str(outcome): count for outcome, count in summary.outcomes.items()} if summary else {}
        return json.dumps(
            {
                "schema": SCHEMA,
                "run": run_id,
                "status": status,
                "rows": summary.rows if summary else None,
                "outcomes": counts,
                "seconds": round(summary.seconds, 3) if summary else None,
                "stopped_by": stopped_by,
                "last_defence": list(summary.last_defence) if summary else [],
                "database": str(self._database),
                "head": self._head,
                "reproduce": self._reproduce,
            },
            indent=2,
        )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _bad_input(message: str) -> click.ClickException:
    return click.ClickException(message)
