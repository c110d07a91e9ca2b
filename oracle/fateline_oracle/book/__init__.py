"""The book: every page of `specs/` that can be generated, made from the law itself and from what the checker found.

`make_book` gives the text of every generated file by its path below `specs/`; `stale` says which of them on disk are not
what they should be, and which generated file has no source any more. Not here: the pages that people write
(`README.md`, `design.md`, `decisions/`); of those the book only checks that the index leads to every page, itself or by
the index of a folder.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..crash.figures import read_figures
from ..law.verification import judge_mutants, read_lock
from ..mutants.matrix import read_matrix
from . import (
    board,
    decisions,
    engines,
    evidence,
    found,
    glossary,
    implementers,
    independent,
    judged,
    order,
    protocol,
    reports,
    rules,
    vectors,
    versions,
    vocabulary,
)
from .markdown import NOTICE
from .schemas import SCHEMAS
from .tables import TABLES, with_version

PLAIN: Final[dict[str, Callable[[], str]]] = {
    "words.md": vocabulary.words_page,
    "trail.md": vocabulary.trail_page,
    "pipeline.md": vocabulary.pipeline_page,
    "policy.md": rules.policy_page,
    "lifecycle.md": rules.lifecycle_page,
    "stimuli.md": rules.stimuli_page,
    "proofs.md": evidence.proofs_page,
    "ports.md": judged.ports_page,
    "verdicts.md": reports.verdicts_page,
    "vectors.md": vectors.vectors_page,
    "found.md": found.found_page,
    "engines.md": engines.engines_page,
    "board.md": board.board_page,
    "protocol.md": protocol.protocol_page,
    "glossary.md": glossary.glossary_page,
    "implementers.md": implementers.implementers_page,
    "independent.md": independent.independent_page,
    "order.md": order.order_page,
    "versions.md": versions.versions_page,
    "decisions/README.md": decisions.decisions_page,
}
INDEX: Final = "README.md"


def make_book(*, jobs: int = 1) -> dict[str, str]:
    """Every generated file: path below `specs/` to text. Explores the law's mutants, which takes some seconds."""
    lock = read_lock()
    mutants = judge_mutants(jobs=jobs)
    book = {path: make() for path, make in PLAIN.items()}
    book["laws.md"] = evidence.laws_page(lock, mutants)
    book["scopes.md"] = evidence.scopes_page(lock)
    book["mutants.md"] = evidence.mutants_page(mutants)
    census = read_matrix()
    book["evidence.md"] = judged.evidence_page(census, read_figures())
    book["findings.md"] = judged.findings_page(census)
    for name, table in TABLES.items():
        book[f"tables/{name}.json"] = _json(with_version(table()))
    for name, schema in SCHEMAS.items():
        book[f"schemas/{name}.schema.json"] = _json(schema())
    return book


def _json(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def stale(specs: Path, book: dict[str, str]) -> list[str]:
    """What is wrong with the book on disk, a line each."""
    lines = []
    for name, text in book.items():
        path = specs / name
        if not path.exists():
            lines.append(f"{name}: missing")
        elif path.read_text(encoding="utf-8") != text:
            lines.append(f"{name}: stale")
    for path in sorted(specs.rglob("*.md")):
        name = path.relative_to(specs).as_posix()
        if name not in book and path.read_text(encoding="utf-8").startswith(NOTICE):
            lines.append(f"{name}: generated once, and made by nothing any more")
    return lines + _not_in_index(specs)


_LINK: Final = re.compile(r"\]\(([^)#\s]+)")


def _links(page: Path) -> set[Path]:
    """The files that a page leads to."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return {(page.parent / target).resolve() for target in _LINK.findall(text) if "://" not in target}


def _not_in_index(specs: Path) -> list[str]:
    index = specs / INDEX
    reached = _links(index)
    for page in [page for page in reached if page.name == INDEX and page.parent != specs.resolve()]:
        reached |= _links(page)
    pages = sorted(page for page in specs.rglob("*.md") if page != index)
    return [
        f"{INDEX}: does not lead to {page.relative_to(specs).as_posix()}"
        for page in pages
        if page.resolve() not in reached
    ]


def write(specs: Path, book: dict[str, str]) -> list[str]:
    """Write what differs; returns the paths that did."""
    changed = []
    for name, text in book.items():
        path = specs / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed
