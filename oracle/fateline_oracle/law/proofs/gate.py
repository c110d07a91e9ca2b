"""Turns what CrossHair reports about one function into verdicts that can be relied on.

The exit status of CrossHair is not a verdict: it accepts a function without a contract, and a check that it could not
finish exits like a success. So it is called in process, one postcondition at a time, and only its answer *confirmed*
counts as confirmed. Everything else that is not a counterexample is undecided: no contract, a precondition that no call
meets, a time limit reached, a contract that cannot be read, a missing CrossHair. A counterexample counts only if
running it shows it.

CrossHair leaves out every path on which a *called* function breaks its own postcondition, because it blames the called
function. That would make proofs empty. So contracts of called functions are ignored here (`_bodies_only`).

A proof can also be empty because no interesting call meets the preconditions; `check_call` runs a witness that shows
one. Not here: which functions are proved (`obligations.py`). CrossHair is imported on first use, because nothing else
needs it.
"""

import inspect
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import partial
from typing import Any, Final, NamedTuple
from unittest.mock import patch

GET_CROSSHAIR: Final = "CrossHair is not installed. It comes with: pip install 'fateline[prove]'"
SECONDS: Final = 30.0
"""CPU seconds that one postcondition may take. CPU time does not depend on how busy the machine is."""

_CONDITION: Final = re.compile(r"^\s*(pre|post):\s*(.+?)\s*$", re.MULTILINE)
_CALLED: Final = re.compile(r"\bwhen calling (.+?)(?: \(which returns .*\))?$", re.DOTALL)


class Proof(StrEnum):
    """The verdict on one condition, or on all conditions together."""

    CONFIRMED = "confirmed"
    UNDECIDED = "undecided"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One postcondition: its verdict, and the counterexample or the reason why there is no verdict."""

    condition: str
    proof: Proof
    why: str = ""
    seconds: float = 0.0


class Contract(NamedTuple):
    """The conditions in a function's docstring, each one line that begins with `pre:` or `post:`."""

    pre: tuple[str, ...]
    post: tuple[str, ...]


class BadCall(ValueError):
    """A call that does not keep its contract. It is a breach only if the call meets the preconditions."""

    def __init__(self, message: str, *, breach: bool) -> None:
        super().__init__(message)
        self.breach = breach


def contract(function: Callable[..., Any]) -> Contract:
    """Read the contract, to run witnesses and to check that CrossHair reads the same number of conditions."""
    found = _CONDITION.findall(function.__doc__ or "")
    return Contract(
        tuple(text for kind, text in found if kind == "pre"),
        tuple(text for kind, text in found if kind == "post"),
    )


def check_call(function: Callable[..., Any], *arguments: object) -> Any:
    """Run one call and every condition of its contract. Returns the result, or raises `BadCall` with the reason."""
    pre, post = contract(function)
    names = dict(inspect.signature(function).bind(*arguments).arguments)
    call = call_text(function, arguments)
    for condition in pre:
        if not _true(condition, function, names):
            raise BadCall(f"{call} does not meet: {condition}", breach=False)
    try:
        result = function(*arguments)
    except Exception as error:
        raise BadCall(f"{call} raises {type(error).__name__}: {error}", breach=True) from error
    for condition in post:
        if not _true(condition, function, names | {"__return__": result}):
            raise BadCall(f"{call} gives {value_text(result)}", breach=True)
    return result


def _true(condition: str, function: Callable[..., Any], names: dict[str, Any]) -> bool:
    try:
        return bool(eval(condition, function.__globals__, names))
    except Exception as error:
        raise BadCall(f"{condition} raises {type(error).__name__}: {error}", breach=False) from error


def prove(function: Callable[..., Any], *, seconds: float = SECONDS) -> Iterator[ConditionResult]:
    """Ask CrossHair about each postcondition of a function. Without a contract there is one undecided entry."""
    try:
        from crosshair.core_and_libs import analyze_function, run_checkables
        from crosshair.options import AnalysisKind, AnalysisOptionSet
        from crosshair.util import ControlFlowException
    except ImportError:
        yield ConditionResult("", Proof.UNDECIDED, GET_CROSSHAIR)
        return
    options = AnalysisOptionSet(
        analysis_kind=(AnalysisKind.PEP316,),
        per_condition_timeout=seconds,
        per_path_timeout=seconds,
        report_all=True,
    )
    expected = contract(function).post
    if not expected:
        yield ConditionResult("", Proof.UNDECIDED, "there is no contract, so nothing is proved")
        return
    checkables = analyze_function(function, options)
    for checkable, condition in zip(checkables, expected, strict=False):
        begun = time.process_time()
        with _bodies_only(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CrossHair looks at every class of every loaded module
            try:
                messages = [(said.state.name, said.message) for said in run_checkables([checkable])]
            except (Exception, ControlFlowException) as error:
                messages = [("crosshair fails", f"{type(error).__name__}: {error}")]
        proof, why = _understand(function, messages)
        yield ConditionResult(condition, proof, why, time.process_time() - begun)
    if len(checkables) != len(expected):
        why = f"CrossHair reads {len(checkables)} postconditions; {len(expected)} are written"
        yield ConditionResult("", Proof.UNDECIDED, why)


def _bodies_only() -> AbstractContextManager[object]:
    """Within this context, CrossHair uses only the contract that it proves.

    This patches CrossHair. If it loses its effect, the mutants of `restated.py` are not refuted, and nothing is confirmed.
    """
    from crosshair.condition_parser import CompositeConditionParser
    from crosshair.enforce import EnforcedConditions

    return patch("crosshair.core.EnforcedConditions", partial(EnforcedConditions, CompositeConditionParser()))


def conclusion(judged: Iterable[ConditionResult]) -> Proof:
    """The verdict on all postconditions: refuted if one is, confirmed if there are some and all are."""
    proofs = {one.proof for one in judged}
    if Proof.REFUTED in proofs:
        return Proof.REFUTED
    return Proof.CONFIRMED if proofs == {Proof.CONFIRMED} else Proof.UNDECIDED


def _understand(function: Callable[..., Any], messages: list[tuple[str, str]]) -> tuple[Proof, str]:
    match messages:
        case [("CONFIRMED", _)]:
            return Proof.CONFIRMED, ""
        case [("POST_FAIL" | "EXEC_ERR", text)]:
            return _replay(function, text)
        case [("PRE_UNSAT", _)]:
            return Proof.UNDECIDED, "no call meets the preconditions, so nothing is claimed"
        case [("CANNOT_CONFIRM", _)]:
            return Proof.UNDECIDED, "neither confirmed nor refuted within the time"
        case []:
            return Proof.UNDECIDED, "CrossHair gives no answer"
    return Proof.UNDECIDED, "; ".join(f"{state.lower()}: {text}" for state, text in messages)


def _replay(function: Callable[..., Any], text: str) -> tuple[Proof, str]:
    """Run the counterexample in a message of CrossHair. If it does not fail, it refutes nothing."""
    found = _CALLED.search(text)
    seen: list[tuple[object, ...]] = []
    if found:
        record: Mapping[str, object] = {function.__name__: lambda *arguments: seen.append(arguments)}
        try:
            eval(found[1], function.__globals__, record)
        except Exception as error:
            text = f"{text} [cannot be run: {type(error).__name__}: {error}]"
    if len(seen) != 1:
        return Proof.UNDECIDED, f"a counterexample that cannot be replayed: {text}"
    try:
        check_call(function, *seen[0])
    except BadCall as shown:
        if shown.breach:
            return Proof.REFUTED, str(shown)
    return Proof.UNDECIDED, f"a counterexample that does not fail when it is run: {text}"


def call_text(function: Callable[..., Any], arguments: tuple[object, ...]) -> str:
    """A call as source text."""
    return f"{function.__name__}({', '.join(map(value_text, arguments))})"


def value_text(value: object) -> str:
    """A value as source text: enums by name, named tuples with the names of their fields."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    fields = getattr(value, "_fields", None)
    if isinstance(value, tuple) and fields:
        pairs = zip(fields, value, strict=True)
        return f"{type(value).__name__}({', '.join(f'{name}={value_text(part)}' for name, part in pairs)})"
    return repr(value)
