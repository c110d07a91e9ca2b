"""The page that says what a verdict means, and the JSON Schema of what every command prints for `--json`.

The keys are those of `report/verdict.py`; a test validates what the commands print. Not here: what a verdict depends on.
"""

from typing import Any, Final

import msgspec

from fateline_model import LAW_VERSION

from ..compare.difference import SEVERITIES
from ..report.ledger import KEYS as LEDGER_KEYS
from ..report.parts import PART_KEYS, Part
from ..report.verdict import FILES, NOT_JUDGED, SCHEMA, ExitCode, Finding, Known, LawResult, Skipped, Verdict
from .markdown import page, table

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

VERDICTS: Final = {
    Verdict.HOLDS: "Every law that could be judged was asked something that a wrong engine could have failed, and nothing was wrong.",
    Verdict.BREACHED: "At least one law is broken. Each kind of breach is a finding.",
    Verdict.UNDETERMINED: "No law is seen broken, and something prevented a decision: a bound was reached, the engine broke down, a "
    "run is not over, or nothing could be judged. `prevented` and the reasons of the laws say what.",
}
LAW_KEYS: Final = {
    "verdict": f"`{Verdict.HOLDS}`, `{Verdict.BREACHED}`, `{Verdict.UNDETERMINED}`, or `{NOT_JUDGED}`",
    "checked": "How often the law was asked something that it could have failed. A law that holds has at least one such question.",
    "breached": "In `conform` the number of instances, elsewhere the number of breaches.",
    "why": "Why the law is not judged or undetermined.",
}
FINDING_KEYS: Final = {
    "law": "The law that is named first.",
    "message": "What was wrong, in its shortest case.",
    "tokens": "The tokens concerned.",
    "rows": "The rows concerned.",
    "nodes": "The nodes concerned.",
    "case": "The file of the shortest case, or the id of the shortest vector.",
    "kind": "What all breaches of this finding have in common: the stimulus without names, what it met, and how the records differ.",
    "severity": "How bad it is.",
    "count": "How often it was met.",
    "steps": "The number of steps of the shortest case.",
    "closed": "The number of steps that were not taken again because of it.",
    "instances": "Where it was met.",
    "also": "The other laws that the shortest case breaks.",
}
SKIPPED_KEYS: Final = {
    "what": "What was not done.",
    "why": "Why.",
    "laws": "The laws concerned.",
    "cases": "How often.",
}
KNOWN_KEYS: Final = {
    "law": "The law that the finding names first.",
    "kind": "The kind of the finding.",
    "count": "How often it was met.",
    "reason": "Why the ledger accepts it.",
    "link": "Where it is discussed.",
}
REPORT_KEYS: Final = {
    "schema": "The name of this schema.",
    "verdict": "The verdict over all laws.",
    "law_version": "The version of the law.",
    "engine": "The name and the version of the engine that was driven; null if records at rest or the law were checked.",
    "scope": "What was checked: a scope, a database, an instance, or the name of the command.",
    "seed": "The number that repeats random choices; null if there are none.",
    "laws": "The result of each law, by its id.",
    "counts": "Numbers of the command, by name.",
    "skipped": "What was not done, so that the report is never silently partial.",
    "findings": "The breaches, a finding for each kind, the worst first. An audit lists each breach, with the kind that it has.",
    "known": "The findings that the ledger lists. They do not change the verdict.",
    "prevented": "Each reason for which the verdict cannot be `holds`, whatever the laws say.",
    "seconds": "How long it took.",
    "reproduce": "The command line that gives this report again.",
    "details": "What only this command has.",
    "shard": "What `fateline merge` needs of one shard ([many-machines.md](many-machines.md)); null if there is no `--shard`.",
}
DATA: Final = {
    "run": "fateline.run/1",
    "resume": "fateline.run/1",
    "explain": "fateline.lineage/1",
    "graph": "fateline.graph/1",
    "diff": "fateline.diff/1",
    "board": "fateline.board/1",
    "sweep": "fateline.sweep/1",
    "mended": "fateline.mended/1",
}
"""The value of `schema` in what a command prints that judges nothing."""

FILES_KEYS: Final = {
    "schema": "The name of this schema.",
    "fresh": "True if all files are what they should be.",
    "folder": "The folder of the files.",
    "files": "The number of generated files.",
    "changed": "The files that were written.",
    "problems": "A line for each file that is not fresh.",
}
EXITS: Final = {
    ExitCode.HOLDS: "The verdict is `holds`.",
    ExitCode.BREACHED: "The verdict is `breached`; for `audit` also if the trail was altered, for `spec` and `vectors` without an engine "
    "if a file is not fresh, for `diff` if two trails differ.",
    ExitCode.UNDETERMINED: "The verdict is `undetermined`.",
    ExitCode.USAGE: "The command line or an input was wrong; nothing was judged.",
}


def report_schema() -> dict[str, Any]:
    """What a command prints for `--json`."""
    _, parts = msgspec.json.schema_components([Finding, Known, Skipped, LawResult, Part], ref_template="#/$defs/{name}")
    for name, keys in (
        ("Finding", FINDING_KEYS),
        ("Known", KNOWN_KEYS),
        ("Skipped", SKIPPED_KEYS),
        ("LawResult", LAW_KEYS),
        ("Part", PART_KEYS),
    ):
        parts[name] = _closed(parts[name], keys)
    parts["LawResult"]["properties"]["verdict"] = {"enum": [*Verdict, NOT_JUDGED], "description": LAW_KEYS["verdict"]}
    parts.pop("Verdict", None)
    text, number = {"type": "string"}, {"type": "number"}
    version = {"type": "object", "properties": {"name": text, "version": text}, "required": ["name", "version"]}
    kinds: dict[str, Any] = {
        "schema": {"const": SCHEMA},
        "verdict": {"enum": [*Verdict]},
        "law_version": {"const": LAW_VERSION},
        "engine": {"anyOf": [{"type": "null"}, version]},
        "scope": {"type": ["string", "null"]},
        "seed": {"type": ["integer", "null"]},
        "laws": {"type": "object", "additionalProperties": {"$ref": "#/$defs/LawResult"}},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "skipped": {"type": "array", "items": {"$ref": "#/$defs/Skipped"}},
        "findings": {"type": "array", "items": {"$ref": "#/$defs/Finding"}},
        "known": {"type": "array", "items": {"$ref": "#/$defs/Known"}},
        "prevented": {"type": "array", "items": text},
        "seconds": number,
        "reproduce": text,
        "details": {"type": "object"},
        "shard": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Part"}]},
    }
    title = f"A Fateline report, version {LAW_VERSION} of the law"
    return {"$schema": DIALECT, "title": title, **_object(kinds, REPORT_KEYS), "$defs": parts}


def files_schema() -> dict[str, Any]:
    """What `spec`, and `vectors` without an engine, print for `--json`: they write and check files, and judge no law."""
    texts = {"type": "array", "items": {"type": "string"}}
    kinds: dict[str, Any] = {
        "schema": {"const": FILES},
        "fresh": {"type": "boolean"},
        "folder": {"type": "string"},
        "files": {"type": "integer"},
        "changed": texts,
        "problems": texts,
    }
    return {"$schema": DIALECT, "title": "Generated files, and whether they are fresh", **_object(kinds, FILES_KEYS)}


def _object(kinds: dict[str, Any], meanings: dict[str, str]) -> dict[str, Any]:
    """An object that has all of these keys and no others."""
    properties = {key: {**kinds[key], "description": meaning} for key, meaning in meanings.items()}
    return {"type": "object", "properties": properties, "required": list(kinds), "additionalProperties": False}


def _closed(part: dict[str, Any], meanings: dict[str, str]) -> dict[str, Any]:
    """The schema of a dataclass, with a meaning for each key. Every key is always printed."""
    properties = {key: {**kind, "description": meanings[key]} for key, kind in part["properties"].items()}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def verdicts_page() -> str:
    """`verdicts.md`: what a verdict means, and what a report says."""
    return page(
        "What a verdict means",
        "Every command that judges ends in one of three verdicts, and its exit status says which.",
        table(["Verdict", "Meaning"], [(f"**{verdict}**", meaning) for verdict, meaning in VERDICTS.items()]),
        table(["Exit status", "Meaning"], [(int(code), meaning) for code, meaning in EXITS.items()]),
        "## What *holds* does not mean",
        "*Holds* is about what was asked. It says nothing about what the engine does not declare, what its records do not show, and what the scope "
        "does not contain: the report lists each of these. A scope is a finite set of small pipelines with few rows "
        "([scopes.md](scopes.md)); within it everything is tried, beyond it nothing is known. [judge.md](judge.md) has the laws "
        "about verdicts: what may never turn a verdict, and how that is tested.",
        "A law that is *not judged* is not a law that holds. The reason stands beside it, and the verdict does not change: an engine that "
        "offers only a barrier can reach *holds* for what a barrier shows.",
        "## Findings",
        "A finding is a *kind* of breach, not a single one. A wrong line in an engine may show ten thousand times; it is one finding "
        "with a count, and its shortest case. The worst findings come first:",
        table(["", "Severity"], list(enumerate(SEVERITIES, 1))),
        "After a difference the check goes on. Either the records lead to the state of the law all the same, or that step is *closed*: it is "
        "not taken again, and what can be reached without it is still checked. The report says what share of the states was "
        "reached, and how many steps each finding closed. So one pervasive difference does not hide another one.",
        "What to do about a finding: replay its case (`fateline replay CASE ENGINE`), read the law that it names in "
        "[laws.md](laws.md), and decide. It is a fault: mend it. It is a choice that your engine makes otherwise: declare the profile law "
        "([ports.md](ports.md#profiles)). It is a fault that you will mend later: list it in a ledger "
        "([ports.md](ports.md#known-findings)). You think that the law is wrong: its decision page says why it is so.",
        "## A report as a page",
        "`--html FILE` of `conform`, `merge`, `audit`, `torture`, `zoo` and `board` writes one file without a script, which needs no "
        "network. All have one form: the verdict with its reasons, each finding with its shortest case and its pictures, the laws, "
        "what was not judged, and the command that repeats it. What is said at the top leads to its evidence below, and a "
        "law to its sentence. A long id is shown by its first and last characters; the whole of it is its title. On paper "
        "everything is printed, also what is folded on the screen.",
        "## A report as JSON",
        f"With `--json` every command that judges prints one object, `{SCHEMA}`; its schema is in "
        f"`schemas/report.schema.json`. `fateline spec`, and `fateline vectors` without an engine, judge no law: they print `{FILES}`, "
        "whose schema is in `schemas/files.schema.json`. New keys may be added; a change that breaks a reader gets another number.",
        "Commands that show something and judge nothing print data, and `schema` in it says which:",
        table(["Command", "`schema`"], [(f"`fateline {command}`", f"`{schema}`") for command, schema in DATA.items()]),
        _keys("The report", REPORT_KEYS),
        _keys("The result of a law", LAW_KEYS),
        _keys("A finding", FINDING_KEYS),
        _keys("What was skipped", SKIPPED_KEYS),
        _keys("A known finding", KNOWN_KEYS),
        _keys("The shard of a report", PART_KEYS),
        _keys("An entry of a ledger", LEDGER_KEYS),
    )


def _keys(title: str, keys: dict[str, str]) -> str:
    rows = [(f"`{key}`", meaning) for key, meaning in keys.items()]
    return f"### {title}\n\n{table(['Key', 'Meaning'], rows)}"
