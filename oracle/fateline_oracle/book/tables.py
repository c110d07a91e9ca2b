"""The tables as JSON, for readers and tests in other languages. The same objects that the pages are made from.

Not here: JSON Schemas (`schemas.py`).
"""

from typing import Any, Final

from fateline_model import LAW_VERSION
from fateline_model.checker.mutants import MUTANTS
from fateline_model.coalesce import POLICY_TABLE
from fateline_model.kernels import PHASES
from fateline_model.laws import ALL
from fateline_model.lifecycle import SHAPES as OPERATIONS
from fateline_model.stimuli import SHAPES
from fateline_model.words import OUTCOMES, VERDICTS_OF, LossReason, Reason, Refusal


def laws_table() -> list[dict[str, Any]]:
    return [
        {
            "id": law.id,
            "title": law.title,
            "sentence": law.sentence,
            "family": law.family,
            "level": law.level,
            "where": law.where,
            "needs": law.needs,
            "elsewhere": law.elsewhere or None,
            "mutants": [mutant.name for mutant in MUTANTS if mutant.law == law.id],
        }
        for law in ALL
    ]


def policy_table() -> list[dict[str, Any]]:
    return [
        {"policy": policy, "event": event, "cell": [{"when": when, "decision": decision} for when, decision in cell]}
        for (policy, event), cell in POLICY_TABLE.items()
    ]


def outcomes_table() -> dict[str, Any]:
    return {outcome: rule._asdict() for outcome, rule in OUTCOMES.items()}


def words_table() -> dict[str, Any]:
    return {
        "reasons": {word: word.sentence for word in Reason},
        "loss_reasons": {word: word.sentence for word in LossReason},
        "refusals": {word: word.sentence for word in Refusal},
        "verdicts": dict(VERDICTS_OF),
    }


def phases_table() -> list[dict[str, Any]]:
    return [{"phase": phase, "move": move, "next": target} for (phase, move), target in PHASES.items()]


def stimuli_table() -> dict[str, Any]:
    return {
        "pipeline": {
            do: {"must": shape.must, "data": shape.merges, "says": shape.meaning} for do, shape in SHAPES.items()
        },
        "lifecycle": {op: {"takes": takes, "says": says} for op, (takes, says) in OPERATIONS.items()},
    }


TABLES: Final = {
    "laws": laws_table,
    "policy": policy_table,
    "outcomes": outcomes_table,
    "words": words_table,
    "phases": phases_table,
    "stimuli": stimuli_table,
}


def with_version(content: object) -> dict[str, object]:
    """Every table says which law it is of."""
    return {"law_version": LAW_VERSION, "table": content}
