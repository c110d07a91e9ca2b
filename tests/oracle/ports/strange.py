"""Engines that answer what no engine should: garbage, nothing, too much, too late, lies. One factory each."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fateline_oracle.ports.port import Hello, Port, Reply, Request
from fateline_oracle.reference.engine import LAW_VERSION, ReferenceEngine
from fateline_oracle.reference.pipeline import ReferencePort


class Strange:
    """The reference engine, whose answers are replaced."""

    def __init__(self, answer: Callable[[Request, Reply], Any]) -> None:
        self._port = ReferencePort()
        self._answer = answer

    def start(self, pipeline: Mapping[str, object]) -> None:
        self._port.start(pipeline)

    def do(self, asked: Request) -> Any:
        return self._answer(asked, self._port.do(asked))

    def together(self, asked: Sequence[Request]) -> Any:
        return [self.do(one) for one in asked]

    def trail(self) -> Iterable[Any]:
        return self._port.trail()

    def close(self) -> None:
        self._port.close()


class Engine:
    """Only a pipeline port, and strange."""

    def __init__(self, answer: Callable[[Request, Reply], Any], **said: Any) -> None:
        self._answer, self._said = answer, said

    def hello(self) -> Any:
        return Hello("strange", "0", LAW_VERSION, frozenset({Port.PIPELINE}))._replace(**self._said)

    def pipeline(self) -> Any:
        return Strange(self._answer)

    def lifecycle(self) -> None: ...

    def barrier(self) -> None: ...

    def trail(self) -> None: ...


def garbage() -> Engine:
    return Engine(lambda asked, reply: "yes")


def garbage_records() -> Engine:
    return Engine(lambda asked, reply: Reply(["a record"]))  # type: ignore[list-item]


def unknown_relation() -> Engine:
    return Engine(lambda asked, reply: Reply([{"rec": "secrets"}]))


def unknown_column() -> Engine:
    return Engine(lambda asked, reply: Reply([{"rec": "rows", "password": "x"}]))


def object_value() -> Engine:
    return Engine(lambda asked, reply: Reply([{"rec": "rows", "row": object()}]))


def nothing() -> Engine:
    return Engine(lambda asked, reply: None)


def too_much() -> Engine:
    return Engine(lambda asked, reply: Reply([{"rec": "rows", "row": "0"}] * 200_000))


def too_long() -> Engine:
    return Engine(lambda asked, reply: Reply([{"rec": "rows", "row": "x" * 100_000}]))


def too_late() -> Engine:
    def answer(asked: Request, reply: Reply) -> Reply:
        time.sleep(60)
        return reply

    return Engine(answer)


def raises() -> Engine:
    def answer(asked: Request, reply: Reply) -> Reply:
        raise RuntimeError("out of order\nand more of it")

    return Engine(answer)


def lies_about_ports() -> Engine:
    return Engine(lambda asked, reply: reply, ports=frozenset({Port.PIPELINE, Port.BARRIER}))


def other_law() -> Engine:
    return Engine(lambda asked, reply: reply, law_version="99")


def no_words() -> Engine:
    return Engine(lambda asked, reply: reply, does=frozenset({"juggling"}))


def no_hello() -> Engine:
    engine = Engine(lambda asked, reply: reply)
    engine.hello = lambda: {"name": "x"}  # type: ignore[method-assign]
    return engine


def hides_visits() -> Engine:
    """Says that it shows visits, and does not."""

    def answer(asked: Request, reply: Reply) -> Reply:
        return reply._replace(records=[record for record in reply.records if record["rec"] != "visits"])

    return Engine(answer)


def says_it_hides_visits() -> Engine:
    engine = hides_visits()
    shows = Hello("", "", "", frozenset()).shows - {"visits", "digests"}
    engine._said = {"shows": frozenset(shows)}
    return engine


def cannot_say_lawful() -> Engine:
    """Declares retries, and has no word for them."""

    def answer(asked: Request, reply: Reply) -> Reply:
        verdict = asked.stimulus.verdict or ""
        return Reply(unsupported="no retries here") if verdict.endswith("_retryable") else reply

    return Engine(answer)


def half_an_engine() -> object:
    return object()


def honest() -> ReferenceEngine:
    return ReferenceEngine()


def only_a_barrier() -> Engine:
    """Offers no pipeline port."""
    engine = Engine(lambda asked, reply: reply, ports=frozenset({Port.BARRIER}))
    engine.barrier = ReferenceEngine().barrier  # type: ignore[method-assign, assignment]
    return engine
