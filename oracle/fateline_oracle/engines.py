"""Which engine is meant: nothing is the reference engine, `zoo:NAME` one with a seeded bug, `module:factory` anybody's, and
`process:COMMAND` whatever speaks the protocol.

What `factory()` gives must have the five methods of `port.Engine`; what it says in `hello` is looked through before it is
believed. Not here: the judging.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from .ports.port import Engine, EngineFault, Port
from .ports.validate import asked_again, guarded

REFERENCE = "reference"
ZOO = "zoo:"
PROCESS = "process:"
"""Before a command, written as in a shell: an engine that speaks the protocol."""


class NoSuchEngine(ValueError):
    """What was named cannot be had; the message says what to do."""


@contextmanager
def engine_of(name: str) -> Iterator[Engine]:
    """The engine while the block runs."""
    if name in ("", REFERENCE):
        from .reference.engine import ReferenceEngine

        yield ReferenceEngine()
    elif name.startswith(ZOO):
        from .mutants import mutant_engine

        with mutant_engine(name.removeprefix(ZOO)) as engine:
            yield engine
    elif name.startswith(PROCESS):
        from .ports.process_engine import process_engine

        process = process_engine(name.removeprefix(PROCESS))
        try:
            yield process
        finally:
            process.close()
    else:
        yield _imported(name)


def _imported(name: str) -> Engine:
    module, colon, factory = name.partition(":")
    if not colon or not module or not factory:
        raise NoSuchEngine(f"{name!r} names no engine: write module:factory, or nothing for the reference engine")
    try:
        found = getattr(import_module(module), factory)
    except ImportError as error:
        raise NoSuchEngine(f"{name}: cannot import {module} ({error}); is its folder on PYTHONPATH?") from error
    except AttributeError:
        raise NoSuchEngine(f"{name}: {module} has no {factory!r}") from None
    try:
        engine = asked_again(lambda: guarded("the factory", found))
    except EngineFault as fault:
        raise NoSuchEngine(f"{name}: {fault}") from fault
    missing = [method for method in ("hello", *Port) if not callable(getattr(engine, method, None))]
    if missing:
        raise NoSuchEngine(f"{name}: what it gives has no method {', '.join(missing)}; see fateline_oracle.ports.port")
    made: Engine = engine
    return made
