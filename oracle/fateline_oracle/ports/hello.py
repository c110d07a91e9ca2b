"""What an engine declares, checked before it is believed.

Each word must be one of the lists in `port.py`, the law's version ours, and each declared port really offered. Not here:
what follows from a declaration for a stimulus or a law (`compare/capabilities.py`).
"""

from fateline_model import LAW_VERSION

from .port import Clock, Does, Drive, Engine, EngineFault, Hello, Port, Shows
from .validate import asked_again, guarded


def hello_of(engine: Engine) -> Hello:
    """What an engine says of itself, if it says it in the words there are."""
    said: object = asked_again(lambda: guarded("hello", engine.hello))
    if not isinstance(said, Hello):
        raise EngineFault(f"hello: answered {type(said).__name__}, which is no Hello")
    if said.law_version != LAW_VERSION:
        raise EngineFault(
            f"hello: speaks of law version {said.law_version!r}; this judge holds version {LAW_VERSION!r}"
        )
    for field, words in (("ports", Port), ("does", Does), ("shows", Shows)):
        strange = [word for word in getattr(said, field) if word not in set(words)]
        if strange:
            raise EngineFault(f"hello: {field} has {strange[0]!r}; there are {', '.join(words)}")
    if said.drive not in set(Drive) or said.clock not in set(Clock):
        raise EngineFault(f"hello: drive {said.drive!r} and clock {said.clock!r} are not words there are")
    offered = frozenset(port for port in Port if _offered(engine, port))
    if lied := said.ports - offered:
        raise EngineFault(f"hello: says that it offers {', '.join(sorted(lied))}, and gives no such port")
    return said


def _offered(engine: Engine, port: Port) -> bool:
    return asked_again(lambda: guarded(f"port {port}", getattr(engine, port))) is not None
