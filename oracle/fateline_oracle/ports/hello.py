"""Checks what an engine declares in `hello`.

Each word must be in its list in `port.py`, the version of the law must be ours, and each declared port must exist. Not
here: what follows from a declaration for a stimulus or a law (`compare/capabilities.py`).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from fateline_model import LAW_VERSION

from .port import Clock, Does, Drive, Engine, EngineFault, Hello, Port, Shows
from .validate import asked_again, guarded


def hello_of(engine: Engine) -> Hello:
    """The declaration of an engine. Raises `EngineFault` if something in it is wrong."""
    declared: object = asked_again(lambda: guarded("hello", engine.hello))
    if not isinstance(declared, Hello):
        raise EngineFault(f"hello: answered {type(declared).__name__}; give a Hello")
    if declared.law_version != LAW_VERSION:
        raise EngineFault(
            f"hello: the engine has law version {declared.law_version!r}; this judge has version {LAW_VERSION!r}"
        )
    for field, words in (("ports", Port), ("does", Does), ("shows", Shows)):
        unknown = [word for word in getattr(declared, field) if word not in set(words)]
        if unknown:
            raise EngineFault(f"hello: {field} has the unknown word {unknown[0]!r}; its words are {', '.join(words)}")
    if declared.drive not in set(Drive) or declared.clock not in set(Clock):
        raise EngineFault(
            f"hello: drive {declared.drive!r} or clock {declared.clock!r} is an unknown word; see specs/ports.md"
        )
    offered = frozenset(port for port in Port if _offered(engine, port))
    if missing := declared.ports - offered:
        raise EngineFault(f"hello: declares port {', '.join(sorted(missing))}, but gives no such port")
    return declared


def hello_as_json(hello: Hello) -> dict[str, Any]:
    """A declaration as data."""
    found: dict[str, Any] = msgspec.to_builtins(hello._asdict(), order="deterministic")
    return found


def hello_in(document: Mapping[str, Any]) -> Hello:
    """The declaration that `hello_as_json` made this of. Raises `ValueError` if a word in it does not exist."""
    return msgspec.convert([document.get(name) for name in Hello._fields], Hello)


def _offered(engine: Engine, port: Port) -> bool:
    return asked_again(lambda: guarded(f"port {port}", getattr(engine, port))) is not None
