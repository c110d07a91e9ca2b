"""`fateline engines`: which engines of others there are, and their environments.

Not here: the environments (`adapters/environments.py`).
"""

import click

from fateline_console.terminal import say, table

from ..adapters import ENGINES
from ..adapters.environments import NoEnvironment, in_version, is_made, make, place
from ..adapters.profiles import profile_of
from ..report.verdict import ExitCode


@click.command()
@click.argument("engines", nargs=-1, metavar="[ENGINE[@VERSION]]...")
@click.option("--make", "install", is_flag=True, help="Install those that are not there, each in a folder by itself.")
def engines(engines: tuple[str, ...], install: bool) -> ExitCode:
    """List the engines of others that can be read or driven, and where each is installed.

    Without names: all. The environments lie in FATELINE_ENGINES, or else in ~/.cache/fateline/engines. Exit status: 0 all
    that were named are installed, 2 one is not, 3 there is no such engine or it cannot be installed.
    """
    rows, all_made = [], True
    for name in engines or ENGINES:
        engine, packages = packages_of(name)
        if install and not is_made(packages):
            say(f"installing {', '.join(packages)}", err=True)
            try:
                make(profile_of(engine), packages)
            except NoEnvironment as problem:
                raise click.ClickException(f"{name}: {problem}") from problem
        made = is_made(packages)
        all_made = all_made and made
        rows.append((name, ", ".join(packages), ways(engine), str(place(packages)) if made else "not installed"))
    say(table(rows, ("engine", "packages", "how", "environment")))
    return ExitCode.HOLDS if all_made else ExitCode.UNDETERMINED


def packages_of(name: str) -> tuple[str, tuple[str, ...]]:
    """The engine of a name such as `langgraph` or `langgraph@1.0.0`, and its packages."""
    engine, _, version = name.partition("@")
    if engine not in ENGINES:
        raise click.ClickException(f"there is no engine {engine!r}; the engines are {', '.join(ENGINES)}")
    profile = profile_of(engine)
    return engine, in_version(profile, version) if version else profile.packages


def ways(engine: str) -> str:
    """How an engine is judged."""
    profile = profile_of(engine)
    return " and ".join([*(["at rest"] if profile.reads else []), *(["driven"] if profile.drives else [])])
