"""Makes a second copy of the model with one piece of its text replaced, to find out whether a check would notice.

The package is copied to a temporary directory, the text is replaced in one file, and the copy is imported under another
name in addition to the real one. So a mutant is real source: it can be read, stepped through and given to CrossHair.
The classes of a copy are different classes: never mix its states and words with those of the real model.

Not here: any mutant (mutants are data, next to the checks that must catch them), and changing the model in place.
"""

import itertools
import linecache
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

import fateline_model

_MODEL: Final = Path(fateline_model.__file__).parent
_serial = itertools.count()


class NoSuchPatch(ValueError):
    """The text to replace does not occur exactly once, or the replacement is the same. Such a mutant proves nothing."""


@contextmanager
def patched_model(file: str, find: str, replace: str) -> Iterator[ModuleType]:
    """The package `fateline_model` with the one `find` in `file` (say `laws/fate.py`) replaced, while the block runs.

    Yields the package; `part` gives its modules. The patched file is imported first, so that an error in it is raised.
    """
    patched = _patch(file, find, replace)
    alias = f"{_MODEL.name}_patched_{next(_serial)}"
    with tempfile.TemporaryDirectory(prefix="fateline-") as home:
        root = Path(home) / alias
        _copy(_MODEL, root)
        (root / file).write_text(patched, encoding="utf-8")
        for stale in (root / file).parent.glob(f"__pycache__/{Path(file).stem}.*.pyc"):
            stale.unlink()
        try:
            package = _load(alias, root)
            part(package, ".".join(Path(file).with_suffix("").parts).removesuffix("__init__").rstrip("."))
            yield package
        finally:
            for name in [name for name in sys.modules if name == alias or name.startswith(f"{alias}.")]:
                del sys.modules[name]
            for path in [path for path in sys.path_importer_cache if path.startswith(home)]:
                del sys.path_importer_cache[path]
            for path in [path for path in linecache.cache if path.startswith(home)]:
                del linecache.cache[path]


def part(package: ModuleType, module: str) -> ModuleType:
    """A module of a patched package by its name in the real one, say `laws.fate`; the package itself for ""."""
    return import_module(f"{package.__name__}.{module}") if module else package


def _patch(file: str, find: str, replace: str) -> str:
    path = _MODEL / file
    if path.suffix != ".py" or not path.is_file() or _MODEL not in path.resolve().parents:
        raise NoSuchPatch(f"{file} is not a Python file of {_MODEL.name}")
    text = path.read_text(encoding="utf-8")
    if find == replace:
        raise NoSuchPatch(f"{file}: the replacement changes nothing: {find!r}")
    if not find or (times := text.count(find)) != 1:
        raise NoSuchPatch(f"{file}: the text must occur once, but occurs {times if find else 0} times: {find!r}")
    return text.replace(find, replace)


def _copy(source: Path, target: Path) -> None:
    """Copy with file times, so that compiled files stay valid. Another process may be writing those."""
    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            _copy(path, target / path.name)
        elif source.name != "__pycache__":
            shutil.copy2(path, target / path.name)
        elif path.suffix == ".pyc":
            try:
                shutil.copy2(path, target / path.name)
            except FileNotFoundError:
                continue


def _load(alias: str, root: Path) -> ModuleType:
    spec = spec_from_file_location(alias, root / "__init__.py", submodule_search_locations=[str(root)])
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {root}")
    package = module_from_spec(spec)
    sys.modules[alias] = package
    spec.loader.exec_module(package)
    return package
