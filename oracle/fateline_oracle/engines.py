"""Opens an engine by its name.

No name means the reference engine; `zoo:NAME` is an engine with a seeded bug; `engine:NAME` is an engine of others in its
environment, `engine:NAME@VERSION` in another version; `module:factory` is an engine in Python; and `process:COMMAND` is a
process that speaks the protocol. The result of `factory()` must have the five methods of
`ports.port.Engine`; its `hello` is validated before use. Not here: the judging.
"""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from .ports.port import Engine, EngineFault, Port
from .ports.profile import Profile
from .ports.validate import asked_again, guarded

REFERENCE = "reference"
ZOO = "zoo:"
PROCESS = "process:"
"""The prefix of a command, written as in a shell, that starts an engine which speaks the protocol."""


OTHERS: Final = "engine:"
"""The prefix of the name of an engine that others made; `fateline engines` lists them."""


class NoSuchEngine(ValueError):
    """There is no engine of that name; the message says what to do."""


def profile_of_engine(name: str) -> Profile:
    """The profile that comes with an engine of others; an empty one for all other engines."""
    if not name.startswith(OTHERS):
        return Profile()
    from .adapters import ENGINES
    from .adapters.profiles import profile_of

    engine = name.removeprefix(OTHERS).partition("@")[0]
    return Profile(profile_of(engine).declared) if engine in ENGINES else Profile()


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
    elif name.startswith((PROCESS, OTHERS)):
        from .ports.process_engine import process_engine

        process = process_engine(name.removeprefix(PROCESS) if name.startswith(PROCESS) else _of_others(name))
        try:
            yield process
        finally:
            process.close()
    else:
        yield _imported(name)


def _of_others(name: str) -> str:
    from .adapters.environments import NoEnvironment, driven_by

    try:
        return shlex.join(driven_by(name.removeprefix(OTHERS)))
    except NoEnvironment as problem:
        raise NoSuchEngine(f"{name}: {problem}") from problem


def _imported(name: str) -> Engine:
    module, colon, factory = name.partition(":")
    if not colon or not module or not factory:
        raise NoSuchEngine(
            f"{name!r} is not the name of an engine: write module:factory, or leave it out for the reference engine"
        )
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
        raise NoSuchEngine(f"{name}: the engine lacks the method {', '.join(missing)}; see fateline_oracle.ports.port")
    made: Engine = engine
    return made
