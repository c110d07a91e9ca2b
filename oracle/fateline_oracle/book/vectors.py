"""The page about the published vectors: what they are, what is in a file, and how to run them without this package.

The example is a step of a published vector, and the numbers are those of the index. Not here: making vectors
(`vectors/make.py`).
"""

import json
from typing import Any, Final

from ..vectors.store import INDEX, Vector, folder_of, read
from .markdown import page, table

HEAD_KEYS: Final = {
    "instance": "The name of the instance, as `fateline conform --list` prints it.",
    "machine": "`pipeline` or `batch`: the pipeline is run. `barrier`: one barrier. `lifecycle`: the operations of a token manager.",
    "pipeline": "What the engine is given: a pipeline, for a single barrier its coalesce, for a token manager nothing.",
}
VECTOR_KEYS: Final = {
    "id": "Names the vector. It depends on what is asked and on the version of the law, on nothing else.",
    "slug": "The same, easier to read.",
    "instance": "The instance.",
    "laws": "The laws that are about a kind of record in it.",
    "steps": "The steps, in order. The engine is started afresh for each vector.",
}
STEP_KEYS: Final = {
    "says": "The stimulus as text.",
    "stimulus": "The stimulus as data: [stimuli.md](stimuli.md), `schemas/stimulus.schema.json`.",
    "records": "A lawful step: the records that the law writes in it ([trail.md](trail.md)).",
    "refused": "A step that the law refuses: the name of the rule. The engine must write nothing, and the next step follows as if "
    "nothing had been asked.",
}
EXAMPLE: Final = "line"


def vectors_page() -> str:
    """`vectors.md`."""
    index: dict[str, Any] = json.loads((folder_of() / INDEX).read_text(encoding="utf-8"))
    vector = next(vector for vector in read(folder_of()) if vector.document["instance"] == EXAMPLE)
    return page(
        "Vectors",
        f"A [vector](glossary.md#vector) is a list of steps with what the law says to each. {index['vectors']:,} of them are published in "
        f"`vectors/`: together they take each of the {index['transitions']:,} transitions in the {index['states']:,} states of the "
        f"{len(index['instances'])} instances of scope `{index['scope']}`, and try {index['refusals']:,} stimuli that the law refuses. "
        f"`vectors/{INDEX}` has the numbers of each instance.",
        "They are for an engine that cannot be driven through a port, and for a test in another language that should not need Python. They are not "
        "as strong as `fateline conform`: a vector ends at its first difference, prescribes no data of merges, and has one row in most "
        "pipelines. [evidence.md](evidence.md#what-vectors-alone-do-not-find) lists the seeded bugs that they do not find.",
        "## With this package",
        "```\nfateline vectors ENGINE              # run all; findings by kind, and the shortest vector of each\n"
        "fateline vectors ENGINE --run ID     # run one, and show the step that differs\n"
        "fateline vectors ENGINE --seed 7     # also a hidden set, drawn with this number\n"
        "fateline vectors --check             # are the published files those of this law?\n```",
        "The hidden set has random walks through the same graphs. An engine that was made to pass the published vectors passes fewer of "
        "the hidden ones, and the report says so.",
        "## The files",
        "Each file `*.jsonl.gz` has one JSON object on each line. A line with the key `pipeline` begins an instance:",
        _keys(HEAD_KEYS),
        "Each line after it is a vector of that instance:",
        _keys(VECTOR_KEYS),
        "A step has these keys; it has either `records` or `refused`:",
        _keys(STEP_KEYS),
        f"For example a lawful step and a refused one of vector `{vector.id}`:",
        "```json\n" + "\n".join(json.dumps(step, ensure_ascii=False) for step in _two_steps(vector)) + "\n```",
        "## Without this package",
        "`examples/engines/perl/vectors.pl` does this in Perl for single barriers.",
        "1. Start the engine with the pipeline of the instance.\n"
        "2. Give it the stimulus of each step in order. Names of tokens, batches and visits are the law's: `0/a` is branch `a` of row 0. Keep a "
        "table from these names to those of the engine, and fill it from the records of each step: a new token is told by its parent "
        "and its branch or ordinal ([implementers.md](implementers.md)).\n"
        "3. Compare what the engine recorded with `records` as sets, after translating the names. A value `*` is any value that is "
        "there. Leave out relations and columns that the engine does not record.\n"
        "4. A step with `refused` must leave no record. Whether the engine refuses with the same word is a choice (Z2).\n"
        "5. If the engine has no way to be given a stimulus, the vector ends there and counts neither for nor against it.",
    )


def _two_steps(vector: Vector) -> list[dict[str, Any]]:
    """The first lawful step, and the first refused one."""
    steps = vector.document["steps"]
    return [next(step for step in steps if "records" in step), next(step for step in steps if "refused" in step)]


def _keys(keys: dict[str, str]) -> str:
    return table(["Key", "Meaning"], [(f"`{key}`", meaning) for key, meaning in keys.items()])
