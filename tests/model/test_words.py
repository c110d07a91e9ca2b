"""Every reason, loss and refusal has its sentence, and is still a word: it compares, travels and is found as text."""

import copy
import pickle

import pytest

from fateline_model.words import LossReason, Reason, Refusal, Word

EVERY: list[Word] = [*Reason, *LossReason, *Refusal]


@pytest.mark.parametrize("word", EVERY)
def test_a_word_is_its_text_and_carries_a_sentence(word: Word) -> None:
    kind = type(word)
    assert word == word.value == str(word) == word.name.lower()
    assert kind(word.value) is word is copy.deepcopy(word) is pickle.loads(pickle.dumps(word))
    assert len(word.sentence) > 10


@pytest.mark.parametrize("kind", [Reason, LossReason, Refusal])
def test_no_two_words_share_a_sentence(kind: type[Word]) -> None:
    assert len({word.sentence for word in kind}) == len(kind)
