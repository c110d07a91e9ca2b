"""Whole exchanges of the protocol, with a note on each line, for `protocol.md`.

What the judge sends is data (`exchanges.toml`). What the engine answers is what the reference engine really answered: each
exchange is sent to `python -m fateline_oracle.serve` when the page is made. Not here: the declarations of the messages
(`protocol.py`).
"""

import json
import subprocess
import sys
from functools import cache
from string import Template
from typing import Any, Final

from fateline_model import LAW_VERSION

from ..ports.messages import VERSION
from ..toml_tables import Entry, read_table
from .prose import Prose

COMMAND: Final = ".venv/bin/python -m fateline_oracle.serve"
"""What a reader types in the checkout after `make demo`."""
WIDTH: Final = 110


class Line(Prose, frozen=True):
    """One message of the judge as JSON with parts in it, what it means, and what the answer means."""

    sends: str
    asks: str
    answers: str = ""

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(Template(self.sends).substitute(_PARTS))
        return found

    @property
    def text(self) -> str:
        return json.dumps(self.message, ensure_ascii=False)


class Exchange(Prose, frozen=True, rename={"lines": "line"}):
    """Messages that are sent to one process, one after another."""

    title: str
    says: str
    lines: tuple[Line, ...]


class _File(Entry, frozen=True):
    parts: dict[str, str]
    exchange: tuple[Exchange, ...]


_READ: Final = read_table(__package__, "exchanges.toml", _File)
_PARTS: Final[dict[str, object]] = {"protocol": VERSION, "law_version": LAW_VERSION}
for _name, _part in _READ.parts.items():  # a part may use those before it
    _PARTS[_name] = Template(_part).substitute(_PARTS)
FIRST: Final = _READ.exchange[0]
OTHERS: Final = _READ.exchange[1:]


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
