"""The book as a folder of HTML that works without a server: `fateline spec --site DIR`.

`make_site` gives the text of every file by its path. Every reference inside the book is a link, and beside each law and each
mutant a link plays an example. Not here: the text of the book.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from ...law.verification import MutantReport
from ...mutants.kept import read_cases
from .additions import additions
from .examples import examples_of
from .frame import GENERATOR, SEARCH, page
from .links import broken
from .markdown_html import Rendered, rendered
from .references import References
from .search import INDEX, index, search_page

DATA: Final = ("tables/*.json", "schemas/*.json")


class NotASite(ValueError):
    """A folder that has other files."""


def make_site(specs: Path, reports: Sequence[MutantReport]) -> tuple[dict[str, str], list[str]]:
    """Every file of the site, and what is wrong with it, a line each. `reports` are those of the law's mutants."""
    book = _read(specs, specs.rglob("*.md"))
    data = _read(specs, (path for pattern in DATA for path in specs.glob(pattern)))
    examples = examples_of(reports, read_cases())
    added = additions(examples)
    references = References(book, data, {*examples.playable, *examples.without})
    pages: list[Rendered] = [rendered(path, text, references, added) for path, text in book.items()]
    site = {made.path: page(made) for made in pages}
    site |= {**data, **examples.pages, SEARCH: search_page(), INDEX: index(pages)}
    return site, [*added.lost(), *broken(site)]


def _read(specs: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(specs).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}


def write_site(folder: Path, site: dict[str, str]) -> list[str]:
    """Write what differs, and remove pages of an earlier site; returns the paths. Raises `NotASite` for a folder of others."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.html")} if folder.is_dir() else {}
    if folder.is_dir() and any(folder.iterdir()) and not _is_ours(folder / "index.html"):
        raise NotASite(f"{folder}: this folder has files and is no site; name a new one")
    changed = [name for name, text in site.items() if not _has(folder / name, text)]
    for name in changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(site[name], encoding="utf-8")
    gone = [name for name, path in found.items() if name not in site and _is_ours(path)]
    for name in gone:
        found[name].unlink()
    return [*changed, *gone]


def _has(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _is_ours(path: Path) -> bool:
    return path.is_file() and f'content="{GENERATOR}"' in path.read_text(encoding="utf-8", errors="replace")
