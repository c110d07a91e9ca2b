"""`protocol.md`: every message of the protocol, from its declaration.

Not here: the declarations (`ports/messages.py`), and the JSON Schemas (`schemas.py`).
"""

import inspect

from msgspec import NODEFAULT, Struct, structs

from ..limits import SILENCE
from ..ports.messages import (
    ANSWER_TO,
    ASKED,
    VERSION,
    ErrorSaid,
    HoldSaid,
    ReplySaid,
    StimulusSaid,
    TokenSaid,
    VerdictWanted,
)
from ..ports.process import LINE, LOG
from .markdown import page, table


def protocol_page() -> str:
    """`protocol.md`."""
    return page(
        "The protocol",
        f"Version {VERSION}. An engine in any language is judged as a process: the judge writes one JSON object a line to its "
        "standard input, the engine answers each with one line on its standard output, in UTF-8. From "
        "`fateline_oracle/ports/messages.py`; as JSON Schemas: `schemas/protocol-judge.schema.json` for what is asked, "
        "`schemas/protocol-engine.schema.json` for what may be answered.",
        "    fateline conform -- node engine.js\n    fateline replay case.json -- node engine.js",
        "- `hello` comes first. The engine says what it is, which ports it offers, what it does, what it shows and how it is driven, "
        "in the words of [ports.md](ports.md). What it does not declare is not asked of it, and counted.\n"
        "- The answer to a message carries its `id`. There is one answer to each message, and nothing else is ever said on the "
        "standard output: flush after every line, and log to the standard error.\n"
        "- The standard error is the engine's log. Its end "
        f"({LOG:,} bytes) is kept, and its last line is told with a fault.\n"
        f"- An answer may take {SILENCE:g} seconds and have {LINE // 2**20} MiB.\n"
        "- Ids of runs, rows, tokens, visits, barriers and batches are the engine's own: the judge learns them from the records, "
        "and speaks of tokens by them.\n"
        '- A refusal is an answer: `{"refused": "<rule>"}`, without records. `{"unsaid": "<why>"}` says that there is no way to '
        "ask the engine this; it is skipped and counted, never passed.\n"
        "- `error` says that the engine broke down. `definite` when it is sure that nothing was done. Either way the case is an "
        "error, the verdict is undetermined at best, and the process is started anew for the next case, as it is "
        "after it has ended, hung, babbled, flooded or answered something else. Then its whole process group is killed.\n"
        "- After `bye` it ends by itself, or is ended.",
        "## What is asked, and what is answered",
        *(_asked(kind) for kind in ASKED),
        "## Within them",
        *(_part(kind, name) for kind, name in _PARTS),
        "## To begin with",
        "`examples/engines/node/` is an engine in JavaScript with an adapter of less than a hundred lines; "
        "`examples/engines/README.md` goes from nothing to a judged engine. An engine in Python needs no process: "
        "see [ports.md](ports.md). `python -m fateline_oracle.serve module:factory` puts one behind the protocol.",
    )


_PARTS = (
    (StimulusSaid, "stimulus"), (HoldSaid, "hold"), (TokenSaid, "token"), (ReplySaid, "reply"), (ErrorSaid, "error"),
    (VerdictWanted, "what an engine may ask back while `run` is under way"),
)  # fmt: skip


def _asked(kind: type[Struct]) -> str:
    answer = ANSWER_TO[kind]  # type: ignore[index]
    tag = kind.__struct_config__.tag
    parts = [f"### {tag}", _doc(kind), _fields(kind, f'`{{"ask": "{tag}", …}}`')]
    if answer is None:
        parts.append("No answer.")
    else:
        parts.append(_fields(answer, "Answered by", but=("error",)))
    return "\n\n".join(part for part in parts if part)


def _part(kind: type[Struct], name: str) -> str:
    return f"### {name}\n\n{_doc(kind)}\n\n{_fields(kind, '')}"


def _doc(kind: type[Struct]) -> str:
    return inspect.cleandoc(kind.__doc__ or "")


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
    "dict[str, str]": "object of texts", "list[str]": "list of texts", "list[StimulusSaid]": "list of stimuli",
    "list[ReplySaid]": "list of replies", "list[TokenSaid]": "list of tokens", "HoldSaid": "hold", "ErrorSaid": "error",
    "Annotated[str, msgspec.Meta(max_length=65536)]": "text",
    "Literal['arrive', 'lose', 'deadline', 'flush']": "`arrive` `lose` `deadline` `flush`",
}  # fmt: skip
