"""What the commands that read a trail of any kind share: the option of views, and opening with one clear error.

Not here: reading (`audit/any_trail.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..audit.any_trail import AnyTrail, open_any
from ..audit.connect import BadSource

views_option = click.option("--views", metavar="FILE", help="SQL file of views through which the database is read.")


@contextmanager
def open_or_fail(path: Path, views: str | None) -> Iterator[AnyTrail]:
    """Open a trail. What cannot be read is bad input, and is reported in one line."""
    try:
        with open_any(path, Path(views) if views is not None else None) as trail:
            yield trail
    except BadSource as error:
        raise click.ClickException(str(error)) from None
