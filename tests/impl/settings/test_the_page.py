"""The keys against the page: ``specs/pipeline.md`` is what law and engine share, so the engine is held to it."""

import re
from pathlib import Path

from fateline_engine.settings import BatchMode, Collisions, Merge, NodeKind, Policy
from fateline_engine.settings.keys import KEYS

PAGE = Path(__file__).parents[3] / "specs" / "pipeline.md"
OURS = {"plugin", "options", "when"}
"""What only an engine needs."""

WORDS = {"policy": Policy, "merge": Merge, "collisions": Collisions, "mode": BatchMode}


def page() -> dict[str, dict[str, tuple[str, bool]]]:
    """Kind of node to key to its value and whether it is required."""
    kinds: dict[str, dict[str, tuple[str, bool]]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## (\w+)", line):
            kinds[heading[1]] = {}
        elif row := re.fullmatch(r"\| `(\w+)` \| (.*?) \| (yes)? *\| .* \|", line):
            kinds[list(kinds)[-1]][row[1]] = row[2], row[3] == "yes"
    return kinds


def test_the_engine_knows_the_kinds_of_the_page_and_no_others() -> None:
    assert list(page()) == list(NodeKind)


def test_each_kind_has_the_keys_of_the_page_and_what_only_an_engine_needs() -> None:
    for kind, keys in page().items():
        assert keys, kind
        assert set(KEYS[NodeKind(kind)]) - OURS == set(keys), kind


def test_the_same_keys_are_required() -> None:
    for kind, keys in page().items():
        required = {name for name, (_, required) in keys.items() if required}
        assert {name for name, key in KEYS[NodeKind(kind)].items() if key.required} == required, kind


def test_closed_lists_have_the_words_of_the_page() -> None:
    found = {}
    for keys in page().values():
        for name, (value, _) in keys.items():
            if "`" in value:
                found[name] = re.findall(r"`(\w+)`", value)
    assert {name: set(words) for name, words in WORDS.items()} == {name: set(words) for name, words in found.items()}
