"""The tables of the book: sentences flow, placeholders become words of the model, and what is unknown is an error."""

import pytest

from fateline_model.words import Policy, Refusal
from fateline_oracle.book.prose import FORMS, WORDS, Prose
from fateline_oracle.report.verdict import NOT_JUDGED
from fateline_oracle.toml_tables import BadTable, decoded


class Entry(Prose, frozen=True):
    says: str
    more: dict[str, str]


def read(says: str) -> Entry:
    return decoded(f"says = '''\n{says}'''\nmore = {{F1 = 'a  b'}}\n", "entry.toml", Entry)


def test_lines_may_be_broken_anywhere() -> None:
    assert read("One sentence,\n  and\n\nanother.") == Entry("One sentence, and another.", {"F1": "a b"})


@pytest.mark.parametrize(
    "placeholder, text",
    [
        ("{words:Policy}", ", ".join(f"`{policy}`" for policy in Policy)),
        ("{code:Policy}", " ".join(f"`{policy}`" for policy in Policy)),
        ("{count:Refusal}", str(len(Refusal))),
        ("{names:NotJudged}", NOT_JUDGED),
        ("{name: out, kind: sink}", "{name: out, kind: sink}"),
    ],
)
def test_a_placeholder_becomes_words_of_the_model(placeholder: str, text: str) -> None:
    assert read(f"<{placeholder}>").says == f"<{text}>"


@pytest.mark.parametrize("placeholder", ["{words:Polices}", "{word:Policy}"])
def test_a_placeholder_that_stands_for_nothing_is_an_error(placeholder: str) -> None:
    with pytest.raises(BadTable, match=rf"entry\.toml: {placeholder}: give one of {', '.join(FORMS)}, and one of"):
        read(placeholder)


def test_every_list_of_words_has_words() -> None:
    assert all(list(words) for words in WORDS.values())
