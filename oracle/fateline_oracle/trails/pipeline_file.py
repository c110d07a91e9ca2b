"""Reads a pipeline from a JSON or YAML file that is not trusted.

The file is bounded and read by loaders that build plain data only. All problems are reported at once. Not here: the
pipeline that a trail records (`pipeline.py`).
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from fateline_engine.settings.document import read_document
from fateline_engine.settings.problems import SettingsError
from fateline_model import IllFormed, Pipeline, load

LARGEST: Final = 1_000_000
"""The largest number of bytes in a JSON file. The engine bounds YAML itself."""


class BadPipelineFile(ValueError):
    """A file has no valid pipeline; the message lists the problems."""


def read_pipeline(path: Path) -> Pipeline:
    """The pipeline in a file."""
    return document_in(path)[1]


def document_in(path: Path) -> tuple[dict[str, Any], Pipeline]:
    """The document in a file, and the pipeline that it describes."""
    try:
        document: Any = _json(path) if path.suffix == ".json" else read_document(path)[0]
        return document, load(document)
    except IllFormed as problem:
        raise BadPipelineFile(f"{path}: {problem}") from None
    except SettingsError as error:
        raise BadPipelineFile(str(error)) from None


def _json(path: Path) -> object:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise BadPipelineFile(f"{path}: larger than {LARGEST:,} bytes; a pipeline file may not be")
        return json.loads(content.decode("utf-8"), object_pairs_hook=_each_once)
    except BadPipelineFile:
        raise
    except OSError as error:
        raise BadPipelineFile(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadPipelineFile(f"{path}: not readable as json: {error}") from None


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object with distinct keys. For a repeated key, JSON would silently keep the last value."""
    repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if repeated:
        raise ValueError(f"keys repeated in one object: {', '.join(repeated)}")
    return dict(pairs)
