"""The pages on words and trail: outcomes, reasons, refusals, the relations, and the fields of a pipeline.

Made from `fateline_model.words`, `.records` and `.pipeline`. Not here: the JSON Schemas of the same things
(`schemas.py`).
"""

from enum import StrEnum
from typing import Annotated, get_args, get_origin, get_type_hints

from fateline_model.pipeline import ENGINE_KEYS, ENGINE_SETTINGS, FIELDS
from fateline_model.records import COMMON_COLUMNS, RELATIONS
from fateline_model.words import (
    NAME_PATTERN,
    OUTCOME_FIELDS,
    OUTCOMES,
    RESERVED,
    VERDICTS_OF,
    LossReason,
    NodeKind,
    Reason,
    Refusal,
)

from .markdown import code, page, table


def words_page() -> str:
    """`words.md`."""
    outcomes = table(
        ["Outcome", "Terminal", "Must carry", "May carry", "Meaning"],
        [
            (
                f"`{outcome}`",
                ("yes, delegates" if rule.delegates else "yes") if rule.terminal else "**no**",
                code(rule.must),
                code(rule.may),
                rule.meaning,
            )
            for outcome, rule in OUTCOMES.items()
        ],
    )
    return page(
        "Words",
        "Every word that a pipeline, a stimulus, a record or a refusal may use. From `fateline_model/words.py`. What the terms mean "
        "(fate, loss, barrier and so on) is in the [glossary](glossary.md).",
        f"Names of nodes, branches and labels match `{NAME_PATTERN}`; {code(RESERVED)} are reserved.",
        "## Outcomes",
        f"The fields are {code(OUTCOME_FIELDS)}. An outcome must not carry a field that is not listed for it.",
        outcomes,
        "## Reasons",
        "The `reason` of an outcome or of a barrier: why it ended as it did.",
        table(["Reason", "Meaning"], [(f"`{word}`", word.sentence) for word in Reason]),
        "## Reasons of a loss",
        "The `reason` of a [loss](glossary.md#loss): why a branch can no longer arrive.",
        table(["Reason", "Meaning"], [(f"`{word}`", word.sentence) for word in LossReason]),
        "## Verdicts of a visit",
        "What a node of each kind may answer for a token. `route` is followed by a label, `expand` by a count: `route high`, "
        "`expand 2`.",
        table(["Node", "Verdicts"], [(kind, code(verdicts)) for kind, verdicts in VERDICTS_OF.items()]),
        "## Refusals",
        "The rule that forbids a stimulus. The rules are checked in this order, and the first that applies is named. A [refusal](glossary.md#refusal) "
        "writes no record and changes nothing.",
        table(["Refusal", "Meaning"], [(f"`{word}`", word.sentence) for word in Refusal]),
    )


def trail_page() -> str:
    """`trail.md`."""
    sections = []
    for name, kind in RELATIONS.items():
        rows = []
        for column, hint in get_type_hints(kind, include_extras=True).items():
            base, says = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
            rows.append((f"`{column}`", type_name(base), "" if column in kind._field_defaults else "id", says))
        sections += [f"## {name}", (kind.__doc__ or "").strip(), table(["Column", "Type", "", "Meaning"], rows)]
    return page(
        "The trail",
        "What an engine of this kind must write, as [relations](glossary.md#relation). A [trail](glossary.md#trail) in JSON lines has one object on each line: "
        '`{"rec": "<relation>", …}`. From `fateline_model/records.py`.',
        "- A run, a visit and a batch are written when they begin and again when they change. The later record of the same id "
        "replaces the earlier one. Everything else is written once.\n"
        "- A column that is not marked *id* may be absent: it is then *not recorded*, and a law that needs it is *not judged*.\n"
        "- The engine chooses its ids. [implementers.md](implementers.md#ids) says what they must be.\n"
        "- Two digests are equal exactly when the values are equal. Nothing else follows from a [digest](glossary.md#digest).",
        "Every record may also carry these columns:",
        table(["Column", "Meaning"], [(f"`{column}`", says) for column, says in COMMON_COLUMNS.items()]),
        *sections,
    )


def pipeline_page() -> str:
    """`pipeline.md`."""
    sections = []
    for kind in NodeKind:
        rows = [
            (f"`{key}`", type_name_of_schema(field.schema), "yes" if field.required else "", field.meaning)
            for key, fields in FIELDS.items()
            for field in fields
            if kind in field.kinds
        ]
        body = table(["Key", "Value", "Required", "Meaning"], rows) if rows else "Nothing but its name and kind."
        sections += [f"## {kind}", body]
    return page(
        "Pipelines",
        'A pipeline as data: `{"name": …, "nodes": [{"name": …, "kind": …, …}, …]}`. Every edge is a key of the '
        "node that it leaves. From `fateline_model/pipeline.py`. [design.md](design.md#pipelines) says when a graph is "
        "well-formed.",
        "The order of the keys of `fork` is the order of the branches in `promised` and of the children "
        "([implementers.md](implementers.md#order-of-children)).",
        f"The keys {code(ENGINE_KEYS)} of a node, and `{ENGINE_SETTINGS}` of the pipeline, belong to the engine: the law "
        "ignores them.",
        *sections,
    )


def type_name(hint: object) -> str:
    """A column's type as text."""
    (member,) = [member for member in get_args(hint) or (hint,) if member is not type(None)]
    if isinstance(member, type) and issubclass(member, StrEnum):
        return code(member)
    return {str: "text", int: "integer", bool: "true or false"}[member]


def type_name_of_schema(schema: object) -> str:
    """A field's JSON Schema as text."""
    if not isinstance(schema, dict):
        return ""
    if "enum" in schema:
        return code(schema["enum"])
    return str(schema["type"])
