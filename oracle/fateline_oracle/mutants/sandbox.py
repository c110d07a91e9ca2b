"""Runs a mutant: copies of the engine and of its adapters, the engine's with the bug in it, under names of their own.

The copies are real source in a temporary folder, imported beside the real ones, and gone afterwards. Not here: the mutants.
"""

import itertools
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Final

import fateline_engine
import fateline_oracle.reference
from fateline_oracle.law.patched import NoSuchPatch
from fateline_oracle.ports.port import Engine

from .mutant import Mutant, Patch

_ENGINE: Final = Path(fateline_engine.__file__).parent
_ADAPTERS: Final = Path(fateline_oracle.reference.__file__).parent
_serial = itertools.count()


@contextmanager
def sandboxed(bug: Mutant) -> Iterator[Engine]:
    """The engine with its bug, behind its adapters, while the block runs."""
    number = next(_serial)
    names = {"fateline_oracle.reference": f"fateline_adapters_{number}", "fateline_engine": f"fateline_engine_{number}"}
    with tempfile.TemporaryDirectory(prefix="fateline-zoo-") as home:
        engine, adapters = Path(home, names["fateline_engine"]), Path(home, names["fateline_oracle.reference"])
        _copy(_ENGINE, engine, names, bug.patches)
        _copy(_ADAPTERS, adapters, names, ())
        sys.path.insert(0, home)
        invalidate_caches()
        try:
            made: Engine = import_module(f"{adapters.name}.engine").ReferenceEngine()
            yield made
        finally:
            sys.path.remove(home)
            for module in [name for name in sys.modules if name.partition(".")[0] in names.values()]:
                del sys.modules[module]


def _copy(source: Path, target: Path, names: Mapping[str, str], patches: Sequence[Patch]) -> None:
    """The package with its patches made, and its own name in it read as the new one."""
    waiting = [*patches]
    for path in sorted(source.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        relative = path.relative_to(source)
        text = path.read_text(encoding="utf-8")
        for patch in [patch for patch in waiting if patch.file == relative.as_posix()]:
            text = patched_text(text, patch)
            waiting.remove(patch)
        if path.suffix == ".py":
            for name, alias in names.items():
                text = text.replace(name, alias)
        written = target / relative
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(text, encoding="utf-8")
    if waiting:
        raise NoSuchPatch(f"{waiting[0].file} is no file of {source.name}")


def patched_text(text: str, patch: Patch) -> str:
    """The text with the patch made. A patch that is none proves nothing."""
    if patch.find == patch.replace:
        raise NoSuchPatch(f"{patch.file}: the replacement changes nothing: {patch.find!r}")
    if (times := text.count(patch.find)) != 1:
        raise NoSuchPatch(f"{patch.file}: this must occur once, and occurs {times} times: {patch.find!r}")
    return text.replace(patch.find, patch.replace)
