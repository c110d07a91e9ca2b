"""The reference engine that declares less, shows less, or says of some stimuli that its ports do not support them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any
from zlib import crc32

from fateline_model.barrier_machine import BarrierStimulus
from fateline_model.lifecycle import Operation, World
from fateline_oracle.ports.port import Clock, Does, Hello, Port, RecordJson, Reply, Request, Shows
from fateline_oracle.ports.shown import shown_by
from fateline_oracle.reference.engine import ReferenceEngine

Hidden = Callable[[Sequence[RecordJson]], Sequence[RecordJson]]
WHY = "this adapter has no way to say it"


def hello_with(chance: Random) -> Hello:
    """The declaration of the reference engine with a random part of its words."""
    own = ReferenceEngine().hello()

    def some(words: frozenset[Any]) -> frozenset[Any]:
        return frozenset(word for word in sorted(words) if chance.random() < 0.75)

    clock = chance.choice([Clock.INJECTED, Clock.INJECTED, Clock.REAL, Clock.NONE])
    ports = frozenset(chance.sample([Port.PIPELINE, Port.BARRIER, Port.LIFECYCLE], chance.randint(1, 3)))
    return own._replace(ports=ports, does=some(own.does), shows=some(own.shows), clock=clock)


class Limited:
    """The reference engine behind a declaration. It records only what it declares, and refuses with its own words if it does
    not declare the law's. `unsaid` is the share of stimuli that its ports do not support, chosen by `seed`."""

    def __init__(self, hello: Hello, *, unsaid: float = 0.0, seed: int = 0) -> None:
        self._hello, self._engine = hello, ReferenceEngine()
        self._shown: Hidden = shown_by(hello)
        self._unsaid, self._seed = unsaid, seed

    def hello(self) -> Hello:
        return self._hello

    def pipeline(self) -> "_Pipeline | None":
        return _Pipeline(self._engine.pipeline(), self) if Port.PIPELINE in self._hello.ports else None

    def barrier(self) -> "_Barrier | None":
        return _Barrier(self._engine.barrier(), self) if Port.BARRIER in self._hello.ports else None

    def lifecycle(self) -> "_Lifecycle | None":
        return _Lifecycle(self._engine.lifecycle(), self) if Port.LIFECYCLE in self._hello.ports else None

    def trail(self) -> Any:
        return None

    def says(self, stimulus: object) -> bool:
        """False for stimuli that the ports do not support. It depends on what is asked, never on the order."""
        return not self._unsaid or crc32(f"{self._seed} {stimulus}".encode()) % 1000 >= 1000 * self._unsaid

    def limited(self, reply: Reply) -> Reply:
        refused = reply.refused if Shows.REFUSALS in self._hello.shows or reply.refused is None else "no"
        return reply._replace(records=self._shown(reply.records), refused=refused)


class _Pipeline:
    def __init__(self, port: Any, engine: Limited) -> None:
        self._port, self._engine = port, engine

    def start(self, pipeline: Mapping[str, object]) -> None:
        self._port.start(pipeline)

    def do(self, asked: Request) -> Reply:
        word = (asked.stimulus.do, asked.stimulus.verdict, asked.hold.node if asked.hold else None)
        return self._engine.limited(self._port.do(asked)) if self._engine.says(word) else Reply(unsupported=WHY)

    def together(self, asked: Sequence[Request]) -> Sequence[Reply]:
        return [self.do(one) for one in asked]

    def trail(self) -> Iterable[RecordJson]:
        return self._engine._shown(list(self._port.trail()))

    def close(self) -> None:
        self._port.close()


class _Barrier:
    def __init__(self, port: Any, engine: Limited) -> None:
        self._port, self._engine = port, engine

    def start(self, coalesce: Mapping[str, object]) -> Mapping[str, str]:
        tokens: Mapping[str, str] = self._port.start(coalesce)
        return tokens

    def do(self, stimulus: BarrierStimulus) -> Reply:
        return self._engine.limited(self._port.do(stimulus)) if self._engine.says(stimulus) else Reply(unsupported=WHY)

    def close(self) -> None:
        self._port.close()


class _Lifecycle:
    def __init__(self, port: Any, engine: Limited) -> None:
        self._port, self._engine = port, engine

    def start(self, runs: int) -> Sequence[str]:
        made: Sequence[str] = self._port.start(runs)
        return made

    def offers(self, operation: Operation, world: World) -> bool:
        return bool(self._port.offers(operation, world))

    def do(self, operation: Operation) -> Reply:
        word = (operation.op, operation.outcome, operation.number)
        return self._engine.limited(self._port.do(operation)) if self._engine.says(word) else Reply(unsupported=WHY)

    def close(self) -> None:
        self._port.close()


def all_but(*words: Does | Shows) -> Hello:
    """The declaration of the reference engine without these words."""
    own = ReferenceEngine().hello()
    does = own.does - {word for word in words if isinstance(word, Does)}
    shows = own.shows - {word for word in words if isinstance(word, Shows)}
    return own._replace(ports=own.ports - {Port.TRAIL}, does=does, shows=shows)
