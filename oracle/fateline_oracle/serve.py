"""Puts an engine written in Python behind the protocol: `python -m fateline_oracle.serve module:factory`.

It is for trying the protocol and measuring its cost. The lifecycle port is left out, because a Python port needs the
world of the law, which is not part of a message. Every message is validated. Not here: any engine.
"""

import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from fateline_model.barrier_machine import BarrierEvent, BarrierStimulus
from fateline_model.stimuli import Do, Stimulus
from fateline_model.words import MergeData

from .engines import engine_of
from .ports.messages import (
    Answer,
    BarrierRequest,
    BarrierStart,
    Begun,
    Bye,
    Done,
    DoRequest,
    ErrorAnswer,
    HelloAnswer,
    HelloRequest,
    JudgeMessage,
    RecordsAnswer,
    ReplyJson,
    RunRequest,
    Start,
    StimulusJson,
    TrailRequest,
    VerdictAnswer,
    VerdictRequest,
    decode_asking,
    encode,
)
from .ports.port import Engine, EngineFault, Hold, Port, Reply, Request


class Served:
    """One engine, and those of its ports that are open."""

    def __init__(self, engine: Engine, lines: BinaryIO, out: BinaryIO) -> None:
        self._engine, self._in, self._out = engine, lines, out
        self._ports: dict[Port, Any] = {}

    def serve(self) -> None:
        """Answer line by line, to the end of the input or `bye`."""
        for line in self._in:
            asked = decode_asking(line)
            if isinstance(asked, Bye):
                return
            try:
                answer = _DOES[type(asked)](self, asked)
            except EngineFault as fault:
                answer = Answer(id=asked.id, error=ErrorAnswer(str(fault)[:60_000]))
            self._say(answer)

    def _say(self, message: msgspec.Struct) -> None:
        self._out.write(encode(message))
        self._out.flush()

    def _port(self, port: Port) -> Any:
        if port not in self._ports:
            self._ports[port] = getattr(self._engine, port)()
        if self._ports[port] is None:
            raise EngineFault(f"there is no port {port}")
        return self._ports[port]

    # ------------------------------------------------------------------------------------------------ messages

    def hello(self, asked: HelloRequest) -> Answer:
        said = self._engine.hello()
        words: dict[str, list[str]] = {
            name: sorted(map(str, getattr(said, name))) for name in ("ports", "does", "shows")
        }
        words["ports"] = [port for port in words["ports"] if port != Port.LIFECYCLE]  # it needs the world of the law
        return HelloAnswer(
            id=asked.id, name=said.name, version=said.version, law_version=said.law_version, drive=str(said.drive),
            clock=str(said.clock), ports=words["ports"], does=words["does"], shows=words["shows"],
        )  # fmt: skip

    def start(self, asked: Start) -> Answer:
        self._port(Port.PIPELINE).start(asked.pipeline)
        return Begun(id=asked.id)

    def do(self, asked: DoRequest) -> Answer:
        replies = self._port(Port.PIPELINE).together([_request(one) for one in asked.stimuli])
        return Done(id=asked.id, replies=[_reply_json(reply) for reply in replies])

    def trail(self, asked: TrailRequest) -> Answer:
        return RecordsAnswer(id=asked.id, records=[dict(record) for record in self._port(Port.PIPELINE).trail()])

    def start_barrier(self, asked: BarrierStart) -> Answer:
        return Begun(id=asked.id, tokens=dict(self._port(Port.BARRIER).start(asked.coalesce)))

    def barrier(self, asked: BarrierRequest) -> Answer:
        stimulus = BarrierStimulus(BarrierEvent(asked.do), asked.branch, tuple(map(MergeData, asked.data)))
        return Done(id=asked.id, replies=[_reply_json(self._port(Port.BARRIER).do(stimulus))])

    def run(self, asked: RunRequest) -> Answer:
        def verdict(node: str, token: str, attempt: int) -> str:
            self._say(VerdictRequest(asked.id, node, token, attempt))
            said = decode_asking(self._in.readline())
            assert isinstance(said, VerdictAnswer)
            return said.verdict

        records = self._port(Port.TRAIL).run(asked.pipeline, asked.rows, verdict)
        return RecordsAnswer(id=asked.id, records=[dict(record) for record in records])


_DOES: dict[type[JudgeMessage], Callable[[Served, Any], Answer]] = {
    HelloRequest: Served.hello,
    Start: Served.start,
    DoRequest: Served.do,
    TrailRequest: Served.trail,
    BarrierStart: Served.start_barrier,
    BarrierRequest: Served.barrier,
    RunRequest: Served.run,
}


def _request(stimulus: StimulusJson) -> Request:
    hold = Hold(stimulus.hold.node, stimulus.hold.token, stimulus.hold.batch) if stimulus.hold is not None else None
    data = tuple(map(MergeData, stimulus.data))
    return Request(Stimulus(Do(stimulus.do), stimulus.row, stimulus.token, stimulus.verdict, None, data), hold)


def _reply_json(reply: Reply) -> ReplyJson:
    return ReplyJson([dict(record) for record in reply.records], reply.refused, reply.message, reply.unsupported)


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    with engine_of(name) as engine:
        Served(engine, sys.stdin.buffer, sys.stdout.buffer).serve()


if __name__ == "__main__":
    main()
