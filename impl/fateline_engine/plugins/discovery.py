"""Finds the plugin that a pipeline calls `module:name`, without running anything that is not a plugin.

Importing a module runs it. A pipeline that could name any module could run any code that happens to be installed. Therefore
the text of the module is read first. It must define `name` at its top level, under one of our decorators, imported from
`fateline_engine.plugins`. Only then is the module imported, and the decorator's mark is checked. Not here: a sandbox. A module
that does define a plugin runs when it is imported, and is trusted like any other installed code.
"""

import ast
import re
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Final

from fateline_engine.plugins.decorators import DECORATORS, Mark, mark_of
from fateline_engine.plugins.protocols import describe

ENTRY_POINTS: Final = "fateline.plugins"
"""The group of entry points in which a distribution announces plugins."""

_HOME: Final = "fateline_engine.plugins"
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


class NotFound(Exception):
    """There is no such plugin; the text describes what was found instead."""


def find(reference: str, beside: Path | None = None) -> tuple[object, Mark]:
    """The plugin at `module:name`, or announced as an entry point called `reference`.

    `beside` is a folder that is searched after the installed modules.
    """
    if ":" in reference:
        module, _, name = reference.partition(":")
        if not all(_WORD.fullmatch(part) for part in [*module.split("."), name]):
            raise NotFound("write it as module:name")
        return _import(module, name, beside)
    from importlib.metadata import entry_points  # only here: it takes long to import

    for point in entry_points(group=ENTRY_POINTS, name=reference):
        return _import(point.module, point.attr, None)
    raise NotFound("no plugin of this name is built in or installed; one of your own is written module:name")


def _import(module: str, name: str, beside: Path | None) -> tuple[object, Mark]:
    spec, folder = _locate(module, beside)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise NotFound(f"no Python module {module} is installed" + (f" or lies in {beside}" if beside else ""))
    _look(Path(spec.origin), module, name)
    if folder and folder not in sys.path:
        sys.path.append(folder)
    try:
        imported = import_module(module)
    except (Exception, SystemExit) as error:
        raise NotFound(f"{module} cannot be imported: {describe(error)}") from error
    if imported.__file__ is None or not Path(imported.__file__).samefile(spec.origin):
        raise NotFound(f"another module {module} is loaded already, from {imported.__file__}: rename one of them")
    thing = getattr(imported, name)
    mark = mark_of(thing)
    if mark is None:
        raise NotFound(f"{module}:{name} is not marked as a plugin by a decorator of {_HOME}")
    return thing, mark


def _locate(module: str, beside: Path | None) -> tuple[ModuleSpec | None, str | None]:
    """Where `module` is, and the folder beside the pipeline if it is there. Imports nothing, parents included."""
    if spec := _descend(module.split("."), None):
        return spec, None
    if beside is None:
        return None, None
    folder = str(beside.resolve())
    return _descend(module.split("."), [folder]), folder


def _descend(parts: list[str], path: list[str] | None) -> ModuleSpec | None:
    spec: ModuleSpec | None = None
    for index in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: index + 1]), path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or ())
    return spec


def _look(file: Path, module: str, name: str) -> None:
    """Read the text of `file`, and raise if it does not define `name` as a plugin."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        raise NotFound(f"{file} cannot be read: {describe(error)}") from error
    ours: set[str] = set()
    decorated: dict[str, bool] = {}
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(module=str(home), names=names) if home == _HOME or home.startswith(f"{_HOME}."):
                ours |= {alias.asname or alias.name for alias in names if alias.name in DECORATORS}
            case ast.ClassDef(name=found) | ast.FunctionDef(name=found):
                decorated[found] = any(_called(decorator) in ours for decorator in statement.decorator_list)
    if name not in decorated:
        raise NotFound(f"{module} defines no class or function {name}")
    if not decorated[name]:
        message = f"import one of {', '.join(sorted(DECORATORS))} from {_HOME} and put it above {name}"
        raise NotFound(f"{module}:{name} is not marked as a plugin: {message}")


def _called(decorator: ast.expr) -> str | None:
    plain = decorator.func if isinstance(decorator, ast.Call) else decorator
    return plain.id if isinstance(plain, ast.Name) else None
