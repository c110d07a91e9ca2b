"""Stores vectors as files: one for each family, compressed JSON lines. `index.json` gives their content and coverage.

The first line of an instance has its pipeline, and every line after it a vector. Files are validated when they are
read. Not here: making vectors.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fateline_model import LAW_VERSION

from .make import SCOPE, Document, Graph, all_published, pipeline_of, vectors_of

SCHEMA: Final = "fateline.vectors/1"
INDEX: Final = "index.json"
LARGEST: Final = 64 * 1024 * 1024


class BadVectors(ValueError):
    """Vectors cannot be read; the message says why."""


@dataclass(frozen=True)
class Vector:
    """One vector, with its machine and pipeline."""

    machine: str
    pipeline: Document
    document: Document

    @property
    def id(self) -> str:
        return str(self.document["id"])


def made() -> dict[str, bytes]:
    """Every file, by name. The content is the same whenever it is made."""
    families: dict[str, list[Document]] = {}
    index: list[Document] = []
    made_already: set[str] = set()
    for instance in all_published():
        graph = Graph(instance)
        # a vector that two instances share is kept once
        vectors = [vector for vector in vectors_of(instance, graph) if vector["id"] not in made_already]
        made_already.update(vector["id"] for vector in vectors)
        head = {"instance": instance.name, "machine": instance.machine, "pipeline": pipeline_of(instance)}
        families.setdefault(instance.family, []).extend([head, *vectors])
        lawful = sum("records" in step for vector in vectors for step in vector["steps"])
        index.append(
            {
                "instance": instance.name, "family": instance.family, "machine": instance.machine,
                "states": len(graph.edges), "transitions": graph.transitions, "vectors": len(vectors), "steps": lawful,
                "refusals": sum("refused" in step for vector in vectors for step in vector["steps"]),
            }
        )  # fmt: skip
    files = {f"{family.replace(' ', '-')}.jsonl.gz": _packed(lines) for family, lines in families.items()}
    total = {key: sum(one[key] for one in index) for key in ("states", "transitions", "vectors", "steps", "refusals")}
    about = {
        "schema": SCHEMA, "law_version": LAW_VERSION, "scope": SCOPE, **total,
        "redundancy": round(total["steps"] / total["transitions"], 2), "instances": index,
    }  # fmt: skip
    return {**files, INDEX: (json.dumps(about, indent=1) + "\n").encode()}


def _packed(lines: list[Document]) -> bytes:
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write(text.encode())
    return out.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> list[str]:
    """Write files that differ, and remove files that are no longer made. Returns the names of both."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = [name for name, body in files.items() if not _same(folder / name, body)]
    for name in changed:
        (folder / name).write_bytes(files[name])
    gone = [path for path in folder.iterdir() if path.name not in files]
    for path in gone:
        path.unlink()
    return [*changed, *(path.name for path in gone)]


def stale(folder: Path, files: dict[str, bytes]) -> list[str]:
    """One line for each file that is stale, missing, or no longer made."""
    lines = [
        f"{name}: {'stale' if (folder / name).exists() else 'missing'}"
        for name, body in files.items()
        if not _same(folder / name, body)
    ]
    if folder.is_dir():
        lines += [f"{path.name}: no longer made" for path in sorted(folder.iterdir()) if path.name not in files]
    return lines


def _same(path: Path, body: bytes) -> bool:
    """Compare the unpacked content: versions of zlib pack differently."""
    if not path.exists():
        return False
    found = path.read_bytes()
    if found == body:
        return True
    try:
        return path.suffix == ".gz" and gzip.decompress(found) == gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return False


def folder_of() -> Path:
    """Where the published vectors are: beside this package in a wheel, in `specs/` in a checkout."""
    packed = Path(__file__).parent / "data"
    return packed if packed.is_dir() else Path(__file__).parents[3] / "specs" / "vectors"


def read(folder: Path) -> Iterator[Vector]:
    """Every vector of a folder."""
    paths = sorted(folder.glob("*.jsonl.gz"))
    if not paths:
        raise BadVectors(f"{folder}: no vectors; `fateline vectors` writes them")
    seen: set[str] = set()
    for path in paths:
        head: Document | None = None
        for number, line in enumerate(_lines(path), 1):
            said = _object(f"{path}:{number}", line)
            if "pipeline" in said:
                head = said
                continue
            texts = all(isinstance(said.get(key), str) for key in ("id", "instance"))
            if head is None or not isinstance(said.get("steps"), list) or not texts:
                raise BadVectors(f"{path}:{number}: this line is not a vector")
            if said["id"] in seen:
                raise BadVectors(f"{path}:{number}: vector {said['id']} occurs twice")
            seen.add(said["id"])
            yield Vector(str(head.get("machine")), head["pipeline"], said)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as packed:
            total = 0
            for line in packed:
                total += len(line)
                if total > LARGEST:
                    raise BadVectors(f"{path}: more than {LARGEST:,} bytes of vectors")
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise BadVectors(f"{path}: cannot be read: {error}") from error


def _object(where: str, line: bytes) -> Document:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadVectors(f"{where}: not JSON: {error}") from error
    if not isinstance(said, dict):
        raise BadVectors(f"{where}: not a JSON object")
    return said
