"""A mutant's counterexample as data, by the same form as any other.

Not here: how it is found (`kill.py`), and how it looks (`render/conform_text.py`).
"""

from fateline_model import Refusal

from ..conform.verdict import legal, steps_of
from ..report.case import case_document
from .kill import MutantResult, place_called


def case_of(hunted: MutantResult) -> dict[str, object]:
    """The case, complete enough to be replayed on the mutant."""
    found, instance = hunted.found, place_called(hunted.instance)
    assert found is not None
    name = hunted.bug.name
    document = case_document(
        title=hunted.bug.says,
        machine=instance.machine,
        instance=instance.name,
        pipeline=instance.document,
        laws=found.laws,
        steps=steps_of(instance, found),
        expected=Refusal(found.expected) if isinstance(found.expected, str) else found.expected,
        reproduce=f"fateline zoo {name} --show",
    )
    more: dict[str, object] = {
        "engine": {"name": f"zoo:{name}", "version": "0"},
        "seed": 0,
        "differences": list(found.differences),
        "legal": legal(instance, found),
    }
    if isinstance(found.observed, str):
        more["observed"] = found.observed
    return {**document, **more}
