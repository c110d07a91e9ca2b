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
        "Every word that a pipeline, a stimulus, a record or a refusal may use. From `fateline_model/words.py`.",
        f"Names of nodes, branches and labels match `{NAME_PATTERN}`; {code(RESERVED)} are reserved.",
        "## Outcomes",
        f"Of the fields {code(OUTCOME_FIELDS)}, those not listed for an outcome are forbidden on it.",
        outcomes,
        "## Reasons",
        "Why a token or a barrier ended as it did: the `reason` of an outcome or a barrier.",
        table(["Reason", "Meaning"], [(f"`{word}`", word.sentence) for word in Reason]),
        "## Reasons of a loss",
        table(["Reason", "Meaning"], [(f"`{word}`", word.sentence) for word in LossReason]),
        "## Verdicts of a visit",
        "What a node of each kind may say of a token. `route` is followed by a label, `expand` by a count.",
        table(["Node", "Verdicts"], [(kind, code(verdicts)) for kind, verdicts in VERDICTS_OF.items()]),
        "## Refusals",
        "Which rule forbids a stimulus, in the order in which the rules are asked: the first that applies is named. "
        "A refusal leaves no record and changes nothing.",
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
        "What an engine of this kind must write, as relations; and the same as one JSON object a line, "
        '`{"rec": "<relation>", …}`. From `fateline_model/records.py`.',
        "A run, a visit and a batch are written when they begin and again when they change: the later record of the "
        "same id replaces the earlier. Everything else is written once. Any column that is not marked *id* may be "
        "absent: it is then *not recorded*, and a law that needs it is *not judged*. Ids are the engine's own. "
        "Digests are opaque: equal exactly when the values are.",
        "Every record may also carry:",
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
        "node it leaves. From `fateline_model/pipeline.py`; what makes the graph well-formed is in "
        "[design.md](design.md#pipelines).",
        f"The keys {code(ENGINE_KEYS)} of a node, and `{ENGINE_SETTINGS}` of the pipeline, are an engine's own: the law "
        "looks past them.",
        *sections,
    )


def type_name(hint: object) -> str:
    """A column's type as a reader says it."""
    (member,) = [member for member in get_args(hint) or (hint,) if member is not type(None)]
    if isinstance(member, type) and issubclass(member, StrEnum):
        return code(member)
    return {str: "text", int: "integer", bool: "true or false"}[member]


def type_name_of_schema(schema: object) -> str:
    """A field's JSON Schema as a reader says it."""
    if not isinstance(schema, dict):
        return ""
    if "enum" in schema:
        return code(schema["enum"])
    return str(schema["type"])
