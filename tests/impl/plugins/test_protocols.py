"""Calling a plugin: whatever it does becomes a result, except that the world's errors go through."""

from collections.abc import Callable, Sequence

import pytest

from fateline_engine.plugins import (
    BatchOutputs,
    BatchResult,
    Drop,
    Failure,
    Pass,
    PluginUnavailable,
    Result,
    Row,
    RowRefused,
    describe,
    process,
    process_batch,
)
from fateline_engine.plugins.decorators import FunctionBatch, FunctionTransform


class Both:
    """A transform and a batch transform that do what they are told."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def process(self, row: Row) -> Result:
        return self._act()  # type: ignore[return-value] # a plugin may be wrong

    def process_batch(self, rows: Sequence[Row]) -> BatchResult:
        return self._act()  # type: ignore[return-value] # a plugin may be wrong


def failing(error: BaseException) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


@pytest.mark.parametrize(
    "act, result",
    [
        (failing(RowRefused("later", retryable=True)), Failure("later", retryable=True)),
        (failing(RowRefused("never")), Failure("never")),
        (failing(ZeroDivisionError("two\nlines")), Failure("ZeroDivisionError: two lines")),
        (failing(ZeroDivisionError()), Failure("ZeroDivisionError")),
        (lambda: Failure("said"), Failure("said")),
        (lambda: Drop(), Drop()),
    ],
)
def test_both_kinds_of_plugin_fail_alike(act: Callable[[], object], result: object) -> None:
    assert process(Both(act), {}) == result
    assert process_batch(Both(act), [{}]) == result


def test_what_is_no_answer_is_a_failure() -> None:
    assert process(Both(lambda: 3), {}) == Failure("the transform answered with a int: not a result")
    assert process_batch(Both(lambda: Pass({})), []) == Failure(
        "the batch transform answered with a Pass: not a result"
    )
    assert process_batch(Both(lambda: BatchOutputs(())), []) == Drop()


@pytest.mark.parametrize("error", [PluginUnavailable("the disk is full"), KeyboardInterrupt()])
def test_the_worlds_errors_go_through(error: BaseException) -> None:
    for call in (lambda: process(Both(failing(error)), {}), lambda: process_batch(Both(failing(error)), [{}])):
        with pytest.raises(type(error)):
            call()


@pytest.mark.parametrize("answer", [Pass({"a": 1}), Drop(), Failure("no")])
def test_a_function_may_answer_in_the_words_of_the_protocol(answer: Result) -> None:
    assert process(FunctionTransform(lambda row: answer, {}), {}) == answer


@pytest.mark.parametrize("answer", [BatchOutputs(({"a": 1},)), Drop(), Failure("no")])
def test_a_batch_function_may_answer_in_the_words_of_the_protocol(answer: BatchResult) -> None:
    assert process_batch(FunctionBatch(lambda rows: answer, {}), []) == answer


def test_an_error_is_told_on_one_line() -> None:
    assert describe(ValueError(" a\n\tb ")) == "ValueError: a b"
    assert describe(KeyError()) == "KeyError"
