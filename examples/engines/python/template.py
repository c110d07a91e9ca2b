"""A template: an adapter for an engine in Python, judged in the same process. `fateline conform template:engine`.

It offers a pipeline port behind which there is the smallest engine there is: it reads rows and writes them to a sink. Replace
`Engine` by yours. Not here: forks, joins and errors, which this engine does not declare, so that nobody asks for them.
"""

from collections.abc import Iterable, Mapping, Sequence

from fateline import Clock, Drive, Hello, Port, RecordJson, Reply, Request, Shows


class Pipeline:
    """The port: one run at a time. A reply is the records of one step, or a refusal."""

    def start(self, pipeline: Mapping[str, object]) -> None:
        self.records: list[RecordJson] = []

    def do(self, asked: Request) -> Reply:
        return Reply(unsupported="this engine has no way to do anything yet")

    def together(self, asked: Sequence[Request]) -> Sequence[Reply]:
        return [self.do(one) for one in asked]

    def trail(self) -> Iterable[RecordJson]:
        return self.records

    def close(self) -> None:
        """Give up whatever the run holds."""


class Engine:
    """What the engine says of itself, and its ports. None is a port that it does not offer."""

    def hello(self) -> Hello:
        return Hello(
            "template", "0", "2", frozenset({Port.PIPELINE}), does=frozenset(), shows=frozenset({Shows.VISITS, Shows.HOPS}),
            drive=Drive.LOCKSTEP, clock=Clock.NONE,
        )  # fmt: skip

    def pipeline(self) -> Pipeline:
        return Pipeline()

    def lifecycle(self) -> None:
        return None

    def barrier(self) -> None:
        return None

    def trail(self) -> None:
        return None


def engine() -> Engine:
    """What `template:engine` names."""
    return Engine()
