"""Whole exchanges of the protocol, with a note on each line, for `protocol.md`.

What the engine answers here is what the reference engine really answered: each exchange is sent to
`python -m fateline_oracle.serve` when the page is made. Not here: the declarations of the messages (`protocol.py`).
"""

import json
import subprocess
import sys
from functools import cache
from typing import Any, Final, NamedTuple

from fateline_model import LAW_VERSION

from ..ports.messages import VERSION

COMMAND: Final = ".venv/bin/python -m fateline_oracle.serve"
"""What a reader types in the checkout after `make demo`."""
WIDTH: Final = 110


class Line(NamedTuple):
    """One message of the judge, what it means, and what the answer means."""

    message: dict[str, Any]
    asks: str
    answers: str = ""

    @property
    def text(self) -> str:
        return json.dumps(self.message, ensure_ascii=False)


class Exchange(NamedTuple):
    """Messages that are sent to one process, one after another."""

    title: str
    says: str
    lines: tuple[Line, ...]


HELLO: Final = {"ask": "hello", "id": 1, "protocol": VERSION, "law_version": LAW_VERSION}
COPY: Final = {
    "name": "copy",
    "nodes": [{"name": "rows", "kind": "source", "to": "out"}, {"name": "out", "kind": "sink"}],
}
TWO_BRANCHES: Final = {
    "name": "two branches",
    "nodes": [
        {"name": "rows", "kind": "source", "to": "split"},
        {"name": "split", "kind": "gate", "routes": {"both": "fork"}, "fork": {"a": "join", "b": "join"}},
        {"name": "join", "kind": "coalesce", "branches": ["a", "b"], "policy": "first", "to": "out"},
        {"name": "out", "kind": "sink"},
    ],
}
JOIN: Final = TWO_BRANCHES["nodes"][2]


def _do(number: int, *stimuli: dict[str, object]) -> dict[str, object]:
    return {"ask": "do", "id": number, "stimuli": list(stimuli)}


FIRST: Final = Exchange(
    "A first exchange",
    "One row, from a source to a sink. Type it into a shell in the checkout, after `make demo`: the reference engine answers "
    "exactly these lines.",
    (
        Line(
            HELLO,
            "Who are you? The judge says which protocol and which law it speaks.",
            "The engine says its name, its ports, what it can do (`does`), what its records show (`shows`), how it is driven and "
            "whose clock counts. The `id` is that of the question, as in every answer.",
        ),
        Line(
            {"ask": "start", "id": 2, "pipeline": COPY},
            "Begin a run of this pipeline: a source `rows` and a sink `out`.",
            "Done. The answer has nothing but the `id`.",
        ),
        Line(
            _do(3, {"do": "read", "row": 0, "verdict": "valid"}),
            "One stimulus: the source gives row 0, and it is valid.",
            "One reply, with three records: the row, its root token (the engine calls it `0:0`), and the first hop, to the sink. "
            "All have the same `tx`: one step is one transaction.",
        ),
        Line(
            _do(4, {"do": "begin", "token": "0:0"}, {"do": "finish", "token": "0:0", "verdict": "written"}),
            "Two stimuli: a visit at the sink begins, and the sink has written the row. The judge uses the engine's id.",
            "Two replies. The first is empty: the record of an open visit may be overtaken by that of its end. The second has the "
            "closed visit and the fate of the token.",
        ),
        Line(
            _do(5, {"do": "begin", "token": "0:0"}),
            "The same token again. The law refuses that, and the engine must refuse it too.",
            "A refusal: the word of the rule, a message for people, and no record.",
        ),
        Line(
            _do(6, {"do": "read", "row": 7, "verdict": "valid"}),
            "Row 7 before row 1. The law allows it; a source that reads a file cannot do it.",
            "Not supported: `unsupported` gives the reason. The judge counts it and goes on; it is neither right nor wrong.",
        ),
        Line(
            {"ask": "trail", "id": 7},
            "Give everything that is recorded of this run.",
            "All records, with the record of the start of the run, which no stimulus wrote.",
        ),
        Line({"ask": "bye", "id": 8}, "The end. The engine gives no answer and ends."),
    ),
)

OTHERS: Final = (
    Exchange(
        "A fork and a join",
        "The same port, with two branches and a coalesce that merges at the first arrival.",
        (
            Line(HELLO, "As above.", "As above."),
            Line({"ask": "start", "id": 2, "pipeline": TWO_BRANCHES}, "A gate that forks, and a coalesce.", "Done."),
            Line(
                _do(3, {"do": "read", "row": 0, "verdict": "valid"}),
                "Row 0.",
                "Its root token is ready at the gate `split`.",
            ),
            Line(
                _do(4, {"do": "begin", "token": "0:0"}, {"do": "finish", "token": "0:0", "verdict": "route both"}),
                "The gate answers with the route `both`, which is a fork.",
                "In one step: the closed visit, two children, each with its link to the parent and its first hop, and the fate "
                "of the parent. `group` is the id of the forked token, `promised` the branches in the order of `fork`.",
            ),
            Line(
                _do(5, {"do": "arrive", "token": "0:2"}),
                "The token of branch `b` reaches the coalesce.",
                "The policy is `first`, so the barrier merges: the visit at the coalesce is closed, the merged token `0:3` is made, "
                "and the barrier has its one record. `merges` says from which branch each field came.",
            ),
            Line(
                _do(6, {"do": "arrive", "token": "0:1"}),
                "The token of branch `a` comes late.",
                "A failed visit and a fate, in the step of the arrival.",
            ),
            Line(
                _do(7, {"do": "deadline", "hold": {"node": "join", "token": "0:0"}}),
                "The deadline of the barrier. A barrier is named by its coalesce and the forked token.",
                "Refused: the barrier is resolved.",
            ),
            Line({"ask": "bye", "id": 8}, "The end."),
        ),
    ),
    Exchange(
        "One barrier",
        "The port `barrier`. Events name a branch, not a token.",
        (
            Line(HELLO, "As above.", "As above."),
            Line(
                {"ask": "start_barrier", "id": 2, "coalesce": JOIN},
                "One barrier of this coalesce. Nothing has arrived.",
                "The ids of its tokens by branch; under the empty name the id of the forked token.",
            ),
            Line(
                {"ask": "barrier", "id": 3, "do": "lose", "branch": "a"},
                "Branch `a` is lost.",
                "One record. The policy `first` still waits for `b`.",
            ),
            Line(
                {"ask": "barrier", "id": 4, "do": "arrive", "branch": "a"},
                "The lost branch arrives all the same.",
                "Refused.",
            ),
            Line({"ask": "bye", "id": 5}, "The end."),
        ),
    ),
    Exchange(
        "A whole run",
        "The port `trail`. The engine chooses the order and asks back what each node answers; every question and the final "
        "answer carry the `id` of `run`.",
        (
            Line(HELLO, "As above.", "As above."),
            Line(
                {"ask": "run", "id": 2, "pipeline": COPY, "rows": ["valid"]},
                "Run this pipeline over one valid row, to its end.",
                "The engine asks: what does node `out` answer for token `0` on attempt 0? Tokens have the law's names here.",
            ),
            Line(
                {"ask": "verdict", "id": 2, "verdict": "written"},
                "It has written.",
                "Nothing more to ask: all records of the run.",
            ),
            Line({"ask": "bye", "id": 3}, "The end."),
        ),
    ),
)


def answers(exchange: Exchange) -> tuple[str, ...]:
    """The lines that the reference engine answers."""
    return _answered("".join(f"{line.text}\n" for line in exchange.lines))


@cache
def _answered(asked: str) -> tuple[str, ...]:
    command = [sys.executable, "-m", "fateline_oracle.serve"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, timeout=120)
    return tuple(done.stdout.splitlines())


def transcript() -> str:
    """The first exchange as it is typed, with what comes back."""
    typed = [f"$ {COMMAND} <<'END'", *(line.text for line in FIRST.lines), "END"]
    return "\n".join(["```text", *typed, *answers(FIRST), "```"])


def exchanges_section() -> str:
    """Every exchange, each line with its note."""
    parts = ["## Whole exchanges", f"### {FIRST.title}", FIRST.says, transcript(), "Line by line:", _notes(FIRST)]
    for exchange in OTHERS:
        parts += [
            f"### {exchange.title}",
            f"{exchange.says} It begins with the same `hello`. Long lines are broken here; on the wire each message is one line.",
        ]
        replies = (*answers(exchange), None)
        for line, answer in list(zip(exchange.lines, replies, strict=True))[1:]:
            parts += [f"**Judge.** {line.asks}", _block(line.text)]
            if answer is not None:
                parts += [f"**Engine.** {line.answers}", _block(answer)]
    return "\n\n".join(parts)


def _notes(exchange: Exchange) -> str:
    lines = []
    for number, line in enumerate(exchange.lines, 1):
        lines.append(f"{number}. `{line.message['ask']}`: {line.asks}")
        if line.answers:
            lines.append(f"   - *Answer {number}:* {line.answers}")
    return "\n".join(lines)


def _block(text: str) -> str:
    return f"```json\n{broken(json.loads(text))}\n```"


def broken(value: object, indent: int = 0) -> str:
    """JSON on as few lines as keep each short."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, dict | list) or _is_record(value):
        return flat
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {broken(item, indent + 1)}" for key, item in value.items()]
        return "{" + f",\n{inner}".join(items) + "}"
    return "[\n" + ",\n".join(f"{inner}{broken(item, indent + 1)}" for item in value) + "\n" + " " * indent + "]"


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and "rec" in value
