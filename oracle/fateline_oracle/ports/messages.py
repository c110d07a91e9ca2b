"""Every message of the protocol, declared once: what the judge asks, and what an engine may answer.

The page `specs/protocol.md` and the JSON Schemas come from these declarations, and both directions are decoded against them.
Not here: bytes and processes (`process.py`).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

VERSION: Final = 1
"""Of the protocol. It goes up with every change that breaks an engine."""
Text = Annotated[str, Meta(max_length=65_536)]
Record = Annotated[dict[str, Any], Meta(description="a record of specs/trail.md, with its `rec`")]
Records = Annotated[list[Record], Meta(max_length=1_000_000)]


# ------------------------------------------------------------------------------------------------- what is asked


class Asking(Struct, tag_field="ask", forbid_unknown_fields=True, omit_defaults=True):
    """What the judge asks. The answer carries the same `id`."""

    id: int


class HelloAsked(Asking, tag="hello"):
    """Always first: who are you? The judge says which protocol it speaks and which law it holds."""

    protocol: int
    law_version: str


class Start(Asking, tag="start"):
    """Port `pipeline`. Begin a new run of a pipeline (specs/pipeline.md); an earlier run is given up."""

    pipeline: dict[str, Any]


class HoldSaid(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A barrier by its node and the forked token, or a batch by its node and its id: ids are the engine's own."""

    node: str
    token: str | None = None
    batch: str | None = None


class StimulusSaid(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A stimulus of specs/stimuli.md; tokens by the engine's own ids."""

    do: str
    row: int | None = None
    token: str | None = None
    verdict: str | None = None
    hold: HoldSaid | None = None
    data: list[str] = []
    """What the merge kernel is to say of the data of each merge that the step causes, in order; `ok` where absent."""


class DoAsked(Asking, tag="do"):
    """Port `pipeline`. One step for each stimulus, in this order, committed before the answer."""

    stimuli: list[StimulusSaid]


class TrailAsked(Asking, tag="trail"):
    """Port `pipeline`. All that is recorded of the run, as it stands."""


class BarrierStart(Asking, tag="start_barrier"):
    """Port `barrier`. Begin one barrier of this coalesce, a node of specs/pipeline.md; nothing has arrived."""

    coalesce: dict[str, Any]


class BarrierAsked(Asking, tag="barrier"):
    """Port `barrier`. One event; it names a branch, never a token."""

    do: Literal["arrive", "lose", "deadline", "flush"]
    branch: str | None = None
    data: list[str] = []


class RunsStart(Asking, tag="start_runs"):
    """Port `lifecycle`. Begin so many empty runs, without a pipeline."""

    runs: int


class TokenSaid(Struct, forbid_unknown_fields=True):
    """A token of one of the runs, by the engine's id; the caller may well name one of another run."""

    run: int
    name: str


class OperationAsked(Asking, tag="operation"):
    """Port `lifecycle`. One operation of specs/lifecycle.md, hostile arguments included."""

    op: str
    run: int
    row: int | None = None
    tokens: list[TokenSaid] = []
    branches: list[str] = []
    number: int = 0
    locked: bool = True
    node: str = ""
    outcome: str | None = None
    fields: list[str] = []


class RunAsked(Asking, tag="run"):
    """Port `trail`. Run a pipeline over rows (`valid` or `invalid`) to its end, in any order. The engine may ask back."""

    pipeline: dict[str, Any]
    rows: list[str]


class VerdictSaid(Asking, tag="verdict"):
    """The judge's answer where an engine asked back: what a node says."""

    verdict: str


class Bye(Asking, tag="bye"):
    """The last message. The engine ends; no answer is awaited."""


ASKED: Final[tuple[type[Asking], ...]] = (
    HelloAsked, Start, DoAsked, TrailAsked, BarrierStart, BarrierAsked, RunsStart, OperationAsked, RunAsked, VerdictSaid, Bye,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- what is answered


class ErrorSaid(Struct, forbid_unknown_fields=True):
    """The engine could not do it. `definite`: it is sure that nothing was done. Either way the case is an error, and it is
    begun anew."""

    message: Text
    definite: bool = False


class Answer(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What an engine answers: the `id` of the question, and an error or what was asked for."""

    id: int
    error: ErrorSaid | None = None


class HelloSaid(Answer):
    """What the engine says of itself; the words are those of specs/ports.md. What it does not declare is not judged."""

    name: Text = ""
    version: Text = ""
    law_version: str = ""
    ports: list[str] = []
    does: list[str] = []
    shows: list[str] = []
    drive: str = "lockstep"
    clock: str = "none"
    operations: list[str] = []
    """Port `lifecycle`: the operations that it has a way to say."""


class ReplySaid(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What came of one stimulus: records, or the word of a refusal, or that there is no way to say it, and why."""

    records: Records = []
    refused: str | None = None
    message: Text = ""
    unsaid: str | None = None


class Done(Answer):
    """To `do`, one reply for each stimulus; to `barrier` and `operation`, one."""

    replies: list[ReplySaid] = []


class Told(Answer):
    """To `trail` and `run`: records."""

    records: Records = []


class Begun(Answer):
    """To `start`; to `start_barrier` with the ids of its tokens by branch (under the empty name the forked token's); to
    `start_runs` with the ids of the runs."""

    tokens: dict[str, str] = {}
    runs: list[str] = []


class VerdictWanted(Struct, forbid_unknown_fields=True):
    """While `run` is under way: what does this node say of this token, by its name, on this attempt?"""

    id: int
    node: str
    token: str
    attempt: int


ANSWER_TO: Final[dict[type[Asking], type[Answer] | None]] = {
    HelloAsked: HelloSaid, Start: Begun, DoAsked: Done, TrailAsked: Told, BarrierStart: Begun, BarrierAsked: Done,
    RunsStart: Begun, OperationAsked: Done, RunAsked: Told, VerdictSaid: None, Bye: None,
}  # fmt: skip
ANSWERED: Final[tuple[type[Struct], ...]] = (HelloSaid, Begun, Done, Told, VerdictWanted)


def encode(message: Struct) -> bytes:
    """One line."""
    return msgspec.json.encode(message) + b"\n"


_ASKING: Final = msgspec.json.Decoder(
    HelloAsked
    | Start
    | DoAsked
    | TrailAsked
    | BarrierStart
    | BarrierAsked
    | RunsStart
    | OperationAsked
    | RunAsked
    | VerdictSaid
    | Bye
)
_ANSWERS: Final[dict[type[Answer], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind) for kind in (HelloSaid, Begun, Done, Told)
}
_WHILE_RUNNING: Final = msgspec.json.Decoder(dict[str, Any])


def decode_asking(line: bytes) -> Asking:
    """What is asked; raises msgspec.MsgspecError where it is none."""
    asked: Asking = _ASKING.decode(line)
    return asked


def decode_answer(asked: Asking, line: bytes) -> Answer | VerdictWanted:
    """The answer to a message; raises msgspec.MsgspecError where it is none."""
    kind = ANSWER_TO[type(asked)]
    assert kind is not None
    if isinstance(asked, RunAsked) and "node" in _WHILE_RUNNING.decode(line):
        return msgspec.json.decode(line, type=VerdictWanted)
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
