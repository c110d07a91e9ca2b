"""Mutants of the law that nobody chose: what noticed them, and the reason why no law notices the rest.

`python -m tests.law_mutants` draws and explores them; the result is `random_mutants.json`, from which the book prints. Not
here: drawing and exploring.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

LOCK: Final = Path(__file__).with_name("random_mutants.json")


class RandomMutant(NamedTuple):
    """One change of the text of the machines: what is there, and what the mutant has instead."""

    file: str
    old: str
    new: str


class Noticed(NamedTuple):
    """What noticed a mutant: which law or which failure, after how many states, in which instance."""

    by: str
    what: str
    states: int | None
    where: str


Found = Sequence[tuple[RandomMutant, Noticed]]


def read() -> dict[str, Any]:
    """The locked result, or an empty one."""
    empty = {"seed": 0, "count": 0, "sites": 0, "noticed": {}, "laws": {}, "unnoticed": []}
    locked: dict[str, Any] = json.loads(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else empty
    return locked


def written(seed: int, sites: int, found: Found, before: Mapping[str, Any]) -> dict[str, Any]:
    """The result as it is locked. A reason that was given before stays with its mutant."""
    reasons = {RandomMutant(one["file"], one["old"], one["new"]): one["why"] for one in before["unnoticed"]}
    laws = Counter(one.what for _, one in found if one.by == "law")
    states = sorted(one.states for _, one in found if one.by == "law" and one.states is not None)
    return {
        "seed": seed,
        "count": len(found),
        "sites": sites,
        "noticed": dict(sorted(Counter(one.by for _, one in found).items())),
        "laws": dict(sorted(laws.items(), key=lambda item: (-item[1], item[0]))),
        "states": {"median": states[len(states) // 2] if states else 0, "most": states[-1] if states else 0},
        "unnoticed": [
            {**mutant._asdict(), "by": one.by, "why": reasons.get(mutant, "")}
            for mutant, one in sorted(found)
            if one.by in ("lock", "neither")
        ],
    }
