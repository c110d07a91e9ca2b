"""`fateline examples`: pipelines, engines and databases to begin with, copied into a folder, also from an installed package.

Not here: what is in them (`examples/README.md`), and what was found in the databases (`specs/found.md`).
"""

import shutil
from pathlib import Path
from typing import Final

import click

from fateline_console.terminal import say

from ..book.landscapes import CASES, unpacked
from ..report.verdict import ExitCode

FIRST: Final = next(iter(CASES))
LEFT_OUT: Final = ("out", "*.db", "*.db-*", "__pycache__")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def examples(folder: Path) -> ExitCode:
    """Copy the examples into DIR, which must not exist.

    Each folder with a pipeline.yaml can be run as it is. `engines` has adapters in several languages, `databases` audit
    databases that engines of others wrote.

    Exit status: 0 copied, 3 wrong usage or input.
    """
    if folder.exists():
        raise click.ClickException(f"{folder}: exists already; name a new folder")
    try:
        shutil.copytree(source(), folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        databases = folder / "databases"
        databases.mkdir()
        for name in CASES:
            with unpacked(name) as database:
                shutil.copy(database, databases / f"{name}.db")
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror or error}") from error
    say(f"The examples are in {folder}; begin with {folder / 'README.md'}, or type:")
    say(f"\n    fateline run {folder / 'quorum' / 'pipeline.yaml'}\n    fateline audit {databases / f'{FIRST}.db'}")
    return ExitCode.HOLDS


def source() -> Path:
    """Where the examples are: in this package in a wheel, in `examples/` in a checkout."""
    packed = Path(__file__).parents[1] / "examples"
    return packed if packed.is_dir() else Path(__file__).parents[3] / "examples"
