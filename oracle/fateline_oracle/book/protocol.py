"""`protocol.md`: every message of the protocol, from its declaration, and whole exchanges.

Not here: the declarations (`ports/messages.py`), the exchanges (`exchanges.py`), and the JSON Schemas (`schemas.py`).
"""

import inspect

from msgspec import NODEFAULT, Struct, structs

from ..limits import SILENCE
from ..ports.messages import (
    ANSWER_TO,
    ASKED,
    VERSION,
    ErrorAnswer,
    HoldSaid,
    ReplyJson,
    StimulusJson,
    TokenJson,
    VerdictAnswer,
    VerdictRequest,
)
from ..ports.process import LINE, LOG
from .exchanges import exchanges_section
from .markdown import page, table


def protocol_page() -> str:
    """`protocol.md`."""
    return page(
        "The protocol",
        f"Version {VERSION}. An engine in any language can be checked as a process. The judge writes one JSON object on each line "
        "to the standard input of the process; the engine answers each with one line on its standard output, in UTF-8. The "
        "declarations are in `fateline_oracle/ports/messages.py`; as JSON Schemas: `schemas/protocol-judge.schema.json` for "
        "what the judge asks, `schemas/protocol-engine.schema.json` for what an engine may answer.",
        "    fateline conform -- node engine.js\n    fateline replay case.json -- node engine.js",
        "## Rules",
        "- `hello` is the first message. The engine answers with its name, its ports, and the words of `does`, `shows`, `drive` "
        "and `clock`; [ports.md](ports.md#what-an-engine-declares) lists them and says what follows from each.\n"
        "- Each message has an `id`, and its answer has the same `id`. There is one answer to each message. Write nothing else to "
        "the standard output, and flush it after every line.\n"
        f"- The standard error is the log of the engine. The judge keeps its last {LOG:,} bytes, and shows its last line when the "
        "engine fails.\n"
        f"- An answer may take {SILENCE:g} seconds, longer on a busy machine (`--timeout`), and have {LINE // 2**20} MiB.\n"
        "- The engine chooses the ids of runs, rows, tokens, visits, barriers and batches. The judge learns them from the records "
        "and uses them in its messages.\n"
        '- A refusal is an answer: `{"refused": "<rule>"}`, without records. '
        '`{"unsupported": "<reason>"}` says that the engine does not support this stimulus; the judge skips it and counts it.\n'
        "- `error` says that the engine failed. `definite` means: it is certain that nothing was done. The judge counts an error, "
        "and the verdict is at best undetermined. Before the next case the judge starts the process again. It does the same "
        "when the process ends, does not answer in time, or answers something else; it then kills all that the process has started. On "
        "Linux this includes processes that left its session; elsewhere only its process group is killed.\n"
        "- After `bye` the process ends; otherwise the judge ends it.",
        exchanges_section(),
        "### Where more examples are",
        "`specs/vectors/` has thousands of lawful and refused stimuli with their records, in the names of the law: each file is "
        "compressed JSON lines, and `vectors/index.json` lists them. The first line of an instance gives its pipeline; each line "
        "after it is one vector, a list of steps. The port `lifecycle` (`start_runs`, `operation`) is not shown above, because "
        "`fateline_oracle.serve` does not offer it.",
        "## What the judge asks, and what the engine answers",
        *(_asked(kind) for kind in ASKED),
        "## Parts of messages",
        *(_part(kind, name) for kind, name in _PARTS),
        "## Where to begin",
        "`examples/engines/node/` has an engine in JavaScript with an adapter of less than a hundred lines. "
        "`examples/engines/README.md` leads from nothing to a checked engine, and [implementers.md](implementers.md) answers what "
        "arises on the way. An engine in Python needs no process: see [ports.md](ports.md). "
        "`python -m fateline_oracle.serve module:factory` puts a Python engine behind the protocol.",
    )


NO_ANSWER: dict[type[Struct], str] = {
    VerdictAnswer: "The next line of the engine is another question, or the answer to `run`."
}
_PARTS = (
    (StimulusJson, "stimulus"), (HoldSaid, "hold"), (TokenJson, "token"), (ReplyJson, "reply"), (ErrorAnswer, "error"),
    (VerdictRequest, "a question of the engine during `run`"),
)  # fmt: skip


def _asked(kind: type[Struct]) -> str:
    answer = ANSWER_TO[kind]  # type: ignore[index]
    tag = kind.__struct_config__.tag
    parts = [f"### {tag}", _doc(kind), _fields(kind, f'`{{"ask": "{tag}", …}}`')]
    if answer is None:
        parts.append(NO_ANSWER.get(kind, "No answer."))
    else:
        parts.append(_fields(answer, f"Answer. {_doc(answer)}", but=("error",)))
    return "\n\n".join(part for part in parts if part)


def _part(kind: type[Struct], name: str) -> str:
    return f"### {name}\n\n{_doc(kind)}\n\n{_fields(kind, '')}"


def _doc(kind: type[Struct]) -> str:
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split())


def _fields(kind: type[Struct], head: str, but: tuple[str, ...] = ()) -> str:
    rows = [
        (f"`{field.encode_name}`", _type(field.type), "" if _optional(field) else "yes")
        for field in structs.fields(kind)
        if field.name not in but
    ]
    return f"{head}\n\n{table(['Key', 'Value', 'Required'], rows)}".strip()


def _optional(field: structs.FieldInfo) -> bool:
    return field.default is not NODEFAULT or field.default_factory is not NODEFAULT


def _type(kind: object) -> str:
    said = str(kind)
    for old, new in _WORDS:
        said = said.replace(old, new)
    if "Record" in said or "a record of" in said:
        return "list of records of [trail.md](trail.md)"
    name = getattr(kind, "__name__", said)
    return _SIMPLE.get(said, _SIMPLE.get(str(name), said.replace("|", "or")))


_WORDS = (("fateline_oracle.ports.messages.", ""), ("typing.", ""), (" | None", ""), ("<class '", ""), ("'>", ""))
_SIMPLE = {
    "str": "text", "int": "whole number", "bool": "true or false", "dict[str, typing.Any]": "object", "dict[str, Any]": "object",
    "dict[str, str]": "object of texts", "list[str]": "list of texts", "list[StimulusJson]": "list of stimuli",
    "list[ReplyJson]": "list of replies", "list[TokenJson]": "list of tokens", "HoldSaid": "hold", "ErrorSaid": "error",
    "Annotated[str, msgspec.Meta(max_length=65536)]": "text",
    "Literal['arrive', 'lose', 'deadline', 'flush']": "`arrive` `lose` `deadline` `flush`",
}  # fmt: skip
