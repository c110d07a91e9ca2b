"""A YAML file as plain data, with the line of every value.

Only this module reads YAML. It builds nothing but dicts, lists, strings, numbers, booleans and null. Keys are taken as they are
written, so `true:` and `no:` are texts. Duplicate keys, aliases, tags, several documents, and files that are too large or too
deep are refused. Not here: checks of the values (`reader.py`).
"""

import re
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

from fateline_engine.settings.problems import Path, Problem, SettingsError

MAX_BYTES: Final = 262_144
MAX_DEPTH: Final = 32
_HALF: Final = re.compile("[\ud800-\udfff]")
"""Halves of characters, which YAML can write as escapes and no file can hold."""


class _Refused(Exception):
    """Something in the text that is not accepted, at a mark."""

    def __init__(self, message: str, mark: yaml.Mark | None, path: Path = (), value: object = None) -> None:
        super().__init__(message)
        self.message, self.mark, self.path, self.value = message, mark, path, value


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses aliases and depth early."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _Refused("write the value out: aliases are not taken", self._mark())
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(f"nested more than {MAX_DEPTH} deep", self._mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _mark(self) -> yaml.Mark | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark: yaml.Mark | None = event.start_mark
        return mark


_PLAIN_TAGS: Final = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp")
}


class _Builder:
    """Turns composed nodes into data, noting lines and duplicate keys on the way."""

    def __init__(self, loader: _Loader) -> None:
        self.loader = loader
        self.lines: dict[Path, int] = {}
        self.refused: list[_Refused] = []

    def build(self, node: yaml.Node, path: Path) -> object:
        self.lines[path] = node.start_mark.line + 1
        if node.tag not in _PLAIN_TAGS:
            self.refused.append(_Refused("tags are not taken: write plain values", node.start_mark, path, node.tag))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        if _HALF.search(node.value):
            self.refused.append(
                _Refused("half of a character, which no text can hold", node.start_mark, path, node.value)
            )
            return None
        if node.tag.endswith(":timestamp"):
            return node.value
        try:
            return self.loader.construct_object(node)
        except (ValueError, OverflowError, LookupError, TypeError, AttributeError, yaml.constructor.ConstructorError):
            self.refused.append(_Refused("this value cannot be read: quote it", node.start_mark, path, node.value))
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        data: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refused.append(_Refused("a key must be a plain word", key.start_mark, path))
                continue
            if _HALF.search(key.value):
                self.refused.append(_Refused("half of a character in a key", key.start_mark, path, key.value))
                continue
            if key.value in data:
                first = self.lines[(*path, key.value)]
                message = f"duplicate key: line {first} has it already; keep one of them"
                self.refused.append(_Refused(message, key.start_mark, (*path, key.value)))
                continue
            data[key.value] = self.build(value, (*path, key.value))
            self.lines[(*path, key.value)] = key.start_mark.line + 1
        return data


def read_document(file: FilePath) -> tuple[object, dict[Path, int]]:
    """The data in `file` and the line of each path in it; `SettingsError` if it cannot be read."""
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):  # a pipe might never end
            raise _error(file, "not a regular file")
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _error(file, f"cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise _error(file, f"larger than {MAX_BYTES} bytes, which no pipeline needs: check that this is the right file")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _error(file, f"not UTF-8 text (byte {error.start}): check that this is the right file") from error
    return parse_document(text, str(file))


def parse_document(text: str, file: str | None = None) -> tuple[object, dict[Path, int]]:
    """The same for a text."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        builder = _Builder(loader)
        data = builder.build(node, ()) if node is not None else None
    except _Refused as refused:
        raise SettingsError([_place(refused, file)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise SettingsError([_place(_Refused(f"not YAML: {problem}", mark), file)]) from error
    except yaml.YAMLError as error:
        raise SettingsError([Problem((), f"not YAML: {error}", file=file)]) from error
    if builder.refused:
        raise SettingsError([_place(refused, file) for refused in builder.refused])
    return data, builder.lines


def _place(refused: _Refused, file: str | None) -> Problem:
    line = refused.mark.line + 1 if refused.mark else None
    if refused.value is None:
        return Problem(refused.path, refused.message, file=file, line=line)
    return Problem(refused.path, refused.message, refused.value, file=file, line=line)


def _error(file: FilePath, message: str) -> SettingsError:
    return SettingsError([Problem((), message, file=str(file))])
