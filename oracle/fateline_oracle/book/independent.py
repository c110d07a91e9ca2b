"""The page of checks that nobody chose for the law, and that another checker made: random mutants, and counts of SPIN.

The figures are `random_mutants.json`, which `python -m tests.law_mutants --lock` writes, and `spin.json`, which
`python -m tests.spin.counted` writes. The tests check both. Not here: drawing mutants, and counting.
"""

import json
from pathlib import Path
from typing import Final

from . import random_mutants
from .markdown import page, table

SPIN: Final = Path(__file__).with_name("spin.json")
FROM: Final = "The figures were written by the commands named in each part, and the tests compare them."


def spin_counts() -> dict[str, list[int]]:
    """States and steps of each pipeline, by its name and policies."""
    found: dict[str, list[int]] = json.loads(SPIN.read_text(encoding="utf-8"))
    return found


def independent_page() -> str:
    """`independent.md`."""
    mutants, counts = random_mutants.read(), spin_counts()
    noticed, unnoticed = mutants["noticed"], mutants["unnoticed"]
    rows = [(f"`{one['file']}`", f"`{one['old']}`", f"`{one['new']}`", one["by"], one["why"]) for one in unnoticed]
    return page(
        "Checks that nobody chose, and that others made",
        "The law's [own mutants](mutants.md) were chosen by those who wrote the laws, and so were its scopes. These checks were not.",
        FROM,
        "## Random mutants of the machines",
        f"`python -m tests.law_mutants` draws {mutants['count']} of {mutants['sites']:,} changes of the text of the machines with seed "
        f"{mutants['seed']}: a comparison, a constant, a condition, a statement left out, arguments swapped. Each is explored at "
        f"scope small until something notices it. {noticed.get('law', 0)} are noticed by a law, after {mutants['states']['median']:,} states "
        f"(median; the most is {mutants['states']['most']:,}). {noticed.get('failure', 0)} fail at once: the machine raises an exception, "
        f"does not come to an end, or refuses a pipeline of the scope. {noticed.get('lock', 0)} change only the locked counts, and "
        f"{noticed.get('neither', 0)} change nothing that is seen.",
        table(["First law", "Mutants"], list(mutants["laws"].items())),
        "No law notices these; each has its reason.",
        table(["File", "Text", "Mutant", "Noticed by", "Why no law notices it"], rows),
        "## The same machine in Promela",
        "`tests/spin` has the pipeline machine in Promela, the language of the model checker SPIN. It was written by hand from these "
        "pages, and not made from the code of the law. For each pipeline below, one row and no crash, SPIN finds exactly the states "
        "and steps that the law has, and no run that stops before it is over.",
        table(
            ["Pipeline and policies", "States", "Steps"],
            [(name, f"{s:,}", f"{t:,}") for name, (s, t) in counts.items()],
        ),
    )
