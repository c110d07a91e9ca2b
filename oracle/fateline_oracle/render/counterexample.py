"""Renders counterexamples as text: numbered steps, the records of each, what the law expected, the lineage, the law.

It works on plain data (`fateline_model.checker.verify.Step`), so it can show what any process found. Not here: how a
counterexample is found, shortened or saved.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fateline_model.checker.scopes import Sizes, instance_called
from fateline_model.checker.verify import Step
from fateline_model.laws import LAWS
from fateline_model.records import as_json
from fateline_model.words import Refusal

RecordJson = Mapping[str, object]


def expected_last(
    instance_name: str, steps: Sequence[Step], scope: str | Sizes = "standard"
) -> list[RecordJson] | Refusal | None:
    """What the unchanged law writes or refuses in the last step; None if it does not get so far."""
    instance = instance_called(instance_name, scope)
    if instance is None or not steps:
        return None
    state = instance.system.first()
    for number, wanted in enumerate(steps, 1):
        offer = next((o for o in instance.system.attempts(state) if str(o.stimulus) == wanted.says), None)
        if offer is None or (offer.after is None and number < len(steps)):
            return None
        if number == len(steps):
            return offer.refusal or [as_json(record) for record in offer.records]
        state = offer.after or state
    return None


def show(
    laws: Sequence[tuple[str, str]], steps: Sequence[Step], expected: list[RecordJson] | Refusal | None = None
) -> str:
    """The whole counterexample as text."""
    lines: list[str] = []
    for number, step in enumerate(steps, 1):
        last = number == len(steps)
        broken = f"   <- breaks {', '.join(dict.fromkeys(law for law, _ in laws))}" if last and laws else ""
        lines.append(f"{number:>3}. {step.says}{broken}")
        if last and expected is not None:
            lines += ["       wrote:", *_records(step.records, "         ")]
            lines += ["       the law:", *_expected(expected)]
        else:
            lines += _records(step.records, "       ")
    if steps:
        lines += ["", "     lineage:", *(f"       {line}" for line in lineage([r for s in steps for r in s.records]))]
    for law in dict.fromkeys(law for law, _ in laws):
        lines += ["", f"     {law}  {LAWS[law].title}", f"         {LAWS[law].sentence}"]
        lines += [f"         Here: {message}." for broken, message in laws if broken == law][:3]
    return "\n".join(lines)


def _records(records: Iterable[RecordJson], indent: str) -> list[str]:
    lines = [f"{indent}{record['rec']!s:<9} {say(record)}" for record in records]
    return lines or [f"{indent}nothing"]


def _expected(expected: list[RecordJson] | Refusal) -> list[str]:
    if isinstance(expected, Refusal):
        return [f"         refuses it: {expected} ({expected.sentence}), and writes nothing"]
    return _records(expected, "         ")


def say(record: RecordJson) -> str:
    """One record on one line. A trail of another engine may lack any column."""
    kind = record["rec"]
    record = defaultdict(lambda: "?", record) if kind in ("hops", "parents", "visits") else record
    if kind == "hops":
        return f"{record['token']}: {record['src']} -{record['label']}-> {record['dst']}"
    if kind == "parents":
        return f"{record['child']} has parent {record['parent']}"
    if kind == "visits":
        verdict = f", {record['verdict']}" if "verdict" in record else ""
        return f"{record['token']} at {record['node']}, attempt {record['attempt']}: {record['status']}{verdict}"
    skip = ("rec", "run", "visit", "idx", "source", "digest", "pipeline", "group_kind")
    subject = next((str(record[key]) for key in _SUBJECTS if key in record), "")
    values = {key: str(value) for key, value in record.items() if key not in skip and value != ""}
    rest = [f"{key} {text}" for key, text in values.items() if text != subject or key not in (*_SUBJECTS, "group")]
    return f"{subject}: {', '.join(rest)}" if rest else subject


def record_text(record: RecordJson) -> str:
    """One record on one line without its place in time, whatever it contains."""
    plain = {key: value for key, value in record.items() if key not in ("seq", "tx", "at", "opened", "closed")}
    try:
        return say({key: value for key, value in plain.items() if not key.startswith("digest")})
    except KeyError:
        return ", ".join(f"{key} {value}" for key, value in plain.items())


DEEPEST: Final = 120
"""The largest width of the lines before the name of a token."""

_SUBJECTS = ("token", "barrier", "batch", "row", "run")


def lineage(records: Iterable[RecordJson]) -> list[str]:
    """The tokens as a tree, each with its fate. A token with several parents is under the first."""
    children: dict[str, list[str]] = {}
    fates: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    for record in records:
        name = str(record.get("token") or "?")
        if record["rec"] == "tokens" and "group" not in record:
            children.setdefault("", []).append(name)
        elif record["rec"] == "parents":
            child, parent = str(record.get("child", "?")), str(record.get("parent", "?"))
            if any(child in below for below in children.values()):
                others.setdefault(child, []).append(parent)
            elif child != parent:
                children.setdefault(parent, []).append(child)
        elif record["rec"] == "outcomes":
            where = (
                f" at {record['sink']}" if "sink" in record else f" ({record['reason']})" if "reason" in record else ""
            )
            fates[name] = f"{record.get('outcome', '?')}{where}"
    return _drawn(children, fates, others)


def _drawn(children: Mapping[str, list[str]], fates: Mapping[str, str], others: Mapping[str, list[str]]) -> list[str]:
    """A line for each token beneath a token without parents. Records of an engine may form a circle, and grow deep: each
    token is drawn once, and what is very deep is left out."""
    lines: list[str] = []
    drawn: set[str] = set()
    waiting = [(child, "", "", "") for child in reversed(children.get("", []))]
    while waiting:
        name, indent, branch, below = waiting.pop()
        if name in drawn:
            continue
        drawn.add(name)
        if len(below) > DEEPEST:
            lines.append(f"{indent}...")
            continue
        also = f" and {', '.join(others[name])}" if name in others else ""
        lines.append(f"{indent}{branch}{name}{also}  {fates.get(name, 'no fate')}")
        grown = children.get(name, [])
        last = [(grown[-1], below, "└─ ", f"{below}   ")] if grown else []
        waiting += [*last, *((child, below, "├─ ", f"{below}│  ") for child in reversed(grown[:-1]))]
    return lines
