"""Declares every message of the protocol once: what the judge asks, and what an engine may answer.

The page `specs/protocol.md` and the JSON Schemas are made from these declarations, and both directions are decoded with them.
Not here: bytes and processes (`process.py`).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

VERSION: Final = 1
"""The version of the protocol. Every change that breaks an engine increases it."""
Text = Annotated[str, Meta(max_length=65_536)]
Record = Annotated[dict[str, Any], Meta(description="a record of specs/trail.md, with its `rec`")]
Records = Annotated[list[Record], Meta(max_length=1_000_000)]


# ------------------------------------------------------------------------------------------------- what is asked


class JudgeMessage(Struct, tag_field="ask", forbid_unknown_fields=True, omit_defaults=True):
    """A message of the judge. The answer carries the same `id`."""

    id: int


class HelloRequest(JudgeMessage, tag="hello"):
    """Always the first message. It names the version of the protocol and of the law that the judge uses."""

    protocol: int
    law_version: str


class Start(JudgeMessage, tag="start"):
    """Port `pipeline`. Begin a new run of a pipeline (specs/pipeline.md). An earlier run is abandoned."""

    pipeline: dict[str, Any]


class HoldSaid(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A barrier, named by its coalesce and the forked token; or a batch, named by its aggregation and its id. The ids are
    those of the engine."""

    node: str
    token: str | None = None
    batch: str | None = None


class StimulusJson(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A stimulus of specs/stimuli.md. Tokens are named by the ids of the engine."""

    do: str
    row: int | None = None
    token: str | None = None
    verdict: str | None = None
    hold: HoldSaid | None = None
    data: list[str] = []
    """For each merge that the step causes, in order: the result that the merge must have. A missing word means `ok`."""


class DoRequest(JudgeMessage, tag="do"):
    """Port `pipeline`. Take one step for each stimulus, in this order, and commit them before the answer."""

    stimuli: list[StimulusJson]


class TrailRequest(JudgeMessage, tag="trail"):
    """Port `pipeline`. Give everything that is recorded of the run until now."""


class BarrierStart(JudgeMessage, tag="start_barrier"):
    """Port `barrier`. Begin one barrier of this coalesce, which is a node of specs/pipeline.md. Nothing has arrived yet."""

    coalesce: dict[str, Any]


class BarrierRequest(JudgeMessage, tag="barrier"):
    """Port `barrier`. One event. It names a branch, never a token."""

    do: Literal["arrive", "lose", "deadline", "flush"]
    branch: str | None = None
    data: list[str] = []


class RunsStart(JudgeMessage, tag="start_runs"):
    """Port `lifecycle`. Begin this number of empty runs, without a pipeline."""

    runs: int


class TokenJson(Struct, forbid_unknown_fields=True):
    """A token, named by the engine's id, and the run that the caller believes it belongs to. The caller may be wrong."""

    run: int
    name: str


class OperationRequest(JudgeMessage, tag="operation"):
    """Port `lifecycle`. One operation of the lifecycle machine (specs/stimuli.md). The arguments may be wrong on purpose."""

    op: str
    run: int
    row: int | None = None
    tokens: list[TokenJson] = []
    branches: list[str] = []
    number: int = 0
    locked: bool = True
    node: str = ""
    outcome: str | None = None
    fields: list[str] = []


class RunRequest(JudgeMessage, tag="run"):
    """Port `trail`. Run a pipeline over these rows (each `valid` or `invalid`) to its end, in an order that the engine
    chooses. For each answer of a node the engine asks the judge."""

    pipeline: dict[str, Any]
    rows: list[str]


class VerdictAnswer(JudgeMessage, tag="verdict"):
    """The answer of the judge to a question of the engine during `run`: the verdict of a node."""

    verdict: str


class Bye(JudgeMessage, tag="bye"):
    """The last message. The engine ends and gives no answer."""


ASKED: Final[tuple[type[JudgeMessage], ...]] = (
    HelloRequest,
    Start,
    DoRequest,
    TrailRequest,
    BarrierStart,
    BarrierRequest,
    RunsStart,
    OperationRequest,
    RunRequest,
    VerdictAnswer,
    Bye,
)


# ------------------------------------------------------------------------------------------------- what is answered


class ErrorAnswer(Struct, forbid_unknown_fields=True):
    """The engine failed. `definite` means: it is certain that nothing was done. In both cases the judge counts an error and
    starts the case again."""

    message: Text
    definite: bool = False


class Answer(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An answer of the engine: the `id` of the message, and either an error or what was asked for."""

    id: int
    error: ErrorAnswer | None = None


class HelloAnswer(Answer):
    """What the engine declares. The words of `does`, `shows`, `drive` and `clock` are listed in specs/ports.md."""

    name: Text = ""
    version: Text = ""
    law_version: str = ""
    ports: list[str] = []
    does: list[str] = []
    shows: list[str] = []
    drive: str = "lockstep"
    clock: str = "none"
    operations: list[str] = []
    """Port `lifecycle`: the operations that the engine supports."""


class ReplyJson(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The result of one stimulus: records; or `refused`, the word of the rule that forbids it, with a message for people; or
    `unsupported`, the reason why the engine does not support it. `unsaid` is an older word for `unsupported`."""

    records: Records = []
    refused: str | None = None
    message: Text = ""
    unsupported: str | None = None
    unsaid: str | None = None


class Done(Answer):
    """The answer to `do` has one reply for each stimulus; to `barrier` and `operation`, one reply."""

    replies: list[ReplyJson] = []


class RecordsAnswer(Answer):
    """The answer to `trail` and `run`: records."""

    records: Records = []


class Begun(Answer):
    """The answer to `start` has only the id. To `start_barrier`, `tokens` gives the id of the token of each branch, and under
    the empty name the id of the forked token. To `start_runs`, `runs` gives the ids of the runs."""

    tokens: dict[str, str] = {}
    runs: list[str] = []


class VerdictRequest(Struct, forbid_unknown_fields=True):
    """A question during `run`: what does this node answer for this token (named as the law names it) on this attempt? For a
    batch, `token` is the name of the batch."""

    id: int
    node: str
    token: str
    attempt: int


ANSWER_TO: Final[dict[type[JudgeMessage], type[Answer] | None]] = {
    HelloRequest: HelloAnswer,
    Start: Begun,
    DoRequest: Done,
    TrailRequest: RecordsAnswer,
    BarrierStart: Begun,
    BarrierRequest: Done,
    RunsStart: Begun,
    OperationRequest: Done,
    RunRequest: RecordsAnswer,
    VerdictAnswer: None,
    Bye: None,
}
ANSWERED: Final[tuple[type[Struct], ...]] = (HelloAnswer, Begun, Done, RecordsAnswer, VerdictRequest)


def encode(message: Struct) -> bytes:
    """A message as one line."""
    return msgspec.json.encode(message) + b"\n"


_ASKING: Final = msgspec.json.Decoder(
    HelloRequest
    | Start
    | DoRequest
    | TrailRequest
    | BarrierStart
    | BarrierRequest
    | RunsStart
    | OperationRequest
    | RunRequest
    | VerdictAnswer
    | Bye
)
_ANSWERS: Final[dict[type[Answer], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind) for kind in (HelloAnswer, Begun, Done, RecordsAnswer)
}
_WHILE_RUNNING: Final = msgspec.json.Decoder(dict[str, Any])


def decode_asking(line: bytes) -> JudgeMessage:
    """Decode a message of the judge; raises msgspec.MsgspecError if it is not one."""
    asked: JudgeMessage = _ASKING.decode(line)
    return asked


def decode_answer(asked: JudgeMessage, line: bytes) -> Answer | VerdictRequest:
    """Decode the answer to a message; raises msgspec.MsgspecError if it is not one."""
    kind = ANSWER_TO[type(asked)]
    assert kind is not None
    if isinstance(asked, RunRequest) and "node" in _WHILE_RUNNING.decode(line):
        return msgspec.json.decode(line, type=VerdictRequest)
    answer: Answer = _ANSWERS[kind].decode(line)
    return answer


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema for each direction."""
    asked, of_asked = msgspec.json.schema_components([_union(ASKED)], ref_template="#/$defs/{name}")
    answered, of_answered = msgspec.json.schema_components(ANSWERED, ref_template="#/$defs/{name}")
    return {"judge": {**asked[0], "$defs": of_asked}, "engine": {"anyOf": list(answered), "$defs": of_answered}}


def _union(kinds: tuple[type[Struct], ...]) -> object:
    found: object = kinds[0]
    for kind in kinds[1:]:
        found = found | kind
    return found
