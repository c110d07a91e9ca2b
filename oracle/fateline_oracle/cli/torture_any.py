"""`fateline torture --start`: any engine is crashed at its commits, resumed by a command, and audited.

Not here: the crashing (`crash/any_process.py`).
"""

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from fateline_console.terminal import Progress, say
from fateline_model import LAWS

from ..audit.connect import BadSource
from ..crash.any_process import AnyCrash, Asked, CannotRun, crash_any
from ..report.verdict import ExitCode
from .html_option import write_page

SHOWN = 3
"""The largest number of findings of each law that are shown."""


def torture_any(
    start: str,
    resume: str | None,
    database: str | None,
    effects: tuple[str, ...],
    views: str | None,
    seed: int,
    html: str | None,
    as_json: bool,
) -> ExitCode:
    """Crash a command, and print what was found."""
    if database is None:
        raise click.UsageError(
            "--start needs --database FILE: the database that the command writes, in the folder of the run"
        )
    for name in (database, *effects):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise click.UsageError(f"{name}: name a file in the folder of the run; each run has a new folder")
    asked = Asked(
        shlex.split(start), shlex.split(resume or start), database, effects, Path(views).resolve() if views else None
    )
    try:
        with Progress() as progress:
            found = crash_any(asked, seed=seed, progress=progress.update)
    except (CannotRun, BadSource) as problem:
        raise click.ClickException(str(problem)) from problem
    report = found.report(_reproduce(start, resume, database, effects, views, seed))
    say(report.to_json() if as_json else "\n".join(_text(found)))
    if html is not None:
        from ..render.crash_html import render_any_crash

        say(write_page(html, render_any_crash(found, report, start)), err=as_json)
    return report.exit_code


def _reproduce(
    start: str, resume: str | None, database: str, effects: tuple[str, ...], views: str | None, seed: int
) -> str:
    words = ["fateline", "torture", "--start", start, "--database", database, "--seed", str(seed)]
    words += [] if resume is None else ["--resume", resume]
    words += [word for name in effects for word in ("--effects", name)] + ([] if views is None else ["--views", views])
    return shlex.join(words)


def _text(found: AnyCrash) -> Iterator[str]:
    for law, count in Counter(finding.law for finding in found.findings).items():
        yield f"{law}  {LAWS[law].title} ({count} times)"
        for finding in [one for one in found.findings if one.law == law][:SHOWN]:
            yield f"    {finding.kill}: {finding.said}"
        yield ""
    ended = f"; {found.unkilled} times it had ended before" if found.unkilled else ""
    yield f"{found.kills} kills {found.how}{ended}; {len(found.findings)} findings"
