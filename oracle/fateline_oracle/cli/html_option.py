"""The option that writes a report as a page, the same for every command that has one.

Not here: what is on the page (`render/`).
"""

from pathlib import Path
from typing import Final

import click

html_option: Final = click.option(
    "--html", metavar="FILE", help="Write the report to FILE, as one HTML page that works offline."
)


def write_page(file: str, page: str) -> str:
    """Write a page, and say where it is."""
    path = Path(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or error}") from error
    return f"The report: {path.resolve()}"
