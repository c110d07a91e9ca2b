"""`fateline mended`: issues that engines of others had and mended, reproduced in both versions.

Not here: running them (`board/reproduced.py`).
"""

from collections.abc import Iterator

import click
import msgspec

from fateline_console.terminal import Progress, say, table

from ..adapters.environments import NoEnvironment, is_made, make
from ..adapters.mended import Mended, every_issue
from ..adapters.profiles import profile_of
from ..audit.connect import BadSource
from ..board.reproduced import broken_in
from ..report.verdict import ExitCode
from .engines import packages_of


class Reproduced(msgspec.Struct, frozen=True):
    """An issue, with the laws that were broken in the version that has it and in the one that does not."""

    engine: str
    issue: str
    laws: tuple[str, ...]
    bad: str
    good: str
    broken_in_bad: tuple[str, ...] = ()
    broken_in_good: tuple[str, ...] = ()
    why_not: str = ""

    @property
    def as_said(self) -> bool:
        return set(self.laws) <= set(self.broken_in_bad) and not set(self.laws) & set(self.broken_in_good)


@click.command()
@click.argument("engines", nargs=-1, metavar="[ENGINE]...")
@click.option(
    "--make", "install", is_flag=True, help="Install versions that are not there, each in a folder by itself."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def mended(engines: tuple[str, ...], install: bool, as_json: bool) -> ExitCode:
    """Reproduce issues that engines of others had and mended, in the version that has each and in the one that does not.

    Without names: all engines. Exit status: 0 each breaks its laws in the first version and not in the second, 1 one does
    otherwise, 2 a version could not be run, 3 there is no such engine.
    """
    for name in engines:
        packages_of(name)
    with Progress() as progress:
        results = [
            _reproduced(engine, number, issue, install, progress)
            for engine, number, issue in every_issue()
            if not engines or engine in engines
        ]
    if as_json:
        click.echo(msgspec.json.encode({"schema": "fateline.mended/1", "issues": results}))
    else:
        say("\n".join(_text(results)))
    if any(not one.as_said and not one.why_not for one in results):
        return ExitCode.BREACHED
    return ExitCode.UNDETERMINED if any(one.why_not for one in results) else ExitCode.HOLDS


def _reproduced(engine: str, number: str, issue: Mended, install: bool, progress: Progress) -> Reproduced:
    known = Reproduced(engine, issue.issue, issue.laws, issue.bad, issue.good)
    broken = []
    try:
        for version in (issue.bad, issue.good):
            progress.update(f"{engine} {version}")
            packages = issue.packages(engine, version)
            if install:
                make(profile_of(engine), packages)
            elif not is_made(packages):
                raise NoEnvironment(f"{', '.join(packages)} is not installed; --make installs it")
            broken.append(broken_in(engine, number, issue, version))
    except (NoEnvironment, BadSource) as problem:
        return msgspec.structs.replace(known, why_not=str(problem))
    return msgspec.structs.replace(known, broken_in_bad=broken[0], broken_in_good=broken[1])


def _text(results: list[Reproduced]) -> Iterator[str]:
    run = [one for one in results if not one.why_not]
    if run:
        yield table(
            [
                (
                    profile_of(one.engine).name, one.issue, f"{one.bad}: {', '.join(one.broken_in_bad) or 'no law'}",
                    f"{one.good}: {', '.join(one.broken_in_good) or 'no law'}", "as said" if one.as_said else "otherwise",
                )
                for one in run
            ],
            ("engine", "issue", "breaks in", "breaks in", ""),
        )  # fmt: skip
    for one in results:
        if one.why_not:
            yield f"{one.issue} was not run: {one.why_not}"
