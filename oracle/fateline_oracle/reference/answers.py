"""Translates the stimuli of the law into answers of the engine's source and plugins.

Every node that passes a row on adds a field with its name, so that the data of siblings differ and the digests in the
trail differ too. Not here: when a node is asked (`pipeline.py`).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from fateline_engine.plugins import BatchOutputs, Drop, Expand, Failure, Pass, SourceRecord
from fateline_engine.script import BatchInfo, Route, Verdict, Written
from fateline_engine.scripted import Answer, ScriptedRun
from fateline_engine.settings import BatchMode, Node
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Reason
from fateline_model.stimuli import Do, Stimulus, Validity
from fateline_model.words import VERDICTS_OF, MergeData, NodeKind
from fateline_oracle.ports.port import Hold, Request

_FAILURES: Final = ("error", "error_retryable", "refused", "refused_retryable")
_VALIDITIES: Final = frozenset(Validity)


def record_of(index: int, validity: str | None) -> SourceRecord:
    """The row that the source gives next."""
    if validity == Validity.INVALID:
        return SourceRecord(index, {"n": index}, error="invalid")
    return SourceRecord(index, {"n": index}, {"n": "int"} if validity == Validity.VALID else None)


def merge_failures(data: Sequence[MergeData]) -> list[Reason | None]:
    """For each merge of the step, why it fails, or None where its data decide."""
    return [None if word is MergeData.OK else Reason(word) for word in data]


def passed_on(node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
    """The row of the token with a field for the node. No two nodes write the same field, so data never conflict."""
    return Pass({**token.data, node.name: attempt}) if isinstance(token, TokenInfo) else Pass({})


def members_passed(node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
    """The rows of the members of the batch."""
    return BatchOutputs(token.rows if isinstance(token, BatchInfo) else ())


def _always(verdict: Verdict) -> Answer:
    return lambda node, token, attempt: verdict


_SIMPLE: Final[dict[str, Answer]] = {
    "pass": passed_on,
    "passed": members_passed,
    "drop": _always(Drop()),
    "empty": _always(Drop()),
    "error": _always(Failure("as requested by the stimulus")),
    "error_retryable": _always(Failure("as requested by the stimulus", True)),
    "written": _always(Written()),
    "refused": _always(Failure("as requested by the stimulus")),
    "refused_retryable": _always(Failure("as requested by the stimulus", True)),
}


@lru_cache(maxsize=4096)
def answer_of(do: str, verdict: str | None) -> Answer | None:
    """The answer of a plugin for a stimulus with this verdict; None if no plugin can give it."""
    if do not in (Do.FINISH, Do.FLUSHED):
        return None
    word, argument, number = _parsed(verdict)
    if word == "route" and argument:
        return _always(Route(argument))
    if word == "expand" and number:
        return _always(Expand(tuple({"n": each} for each in range(number))))
    if word == "outputs" and number:
        return _always(BatchOutputs(tuple({"n": each} for each in range(number))))
    return _SIMPLE.get(word) if not argument else None


def _parsed(verdict: str | None) -> tuple[str, str, int]:
    """The word, its argument, and the argument as a number of rows."""
    word, _, argument = (verdict or "").partition(" ")
    return word, argument, int(argument) if argument.isdecimal() and len(argument) < 5 else 0


def unsupported(run: ScriptedRun, asked: Request, rows_given: int, live: tuple[int, int]) -> str | None:
    """The reason why source and plugins cannot do what this stimulus asks; None if they can. `live` is the token concerned."""
    stimulus, hold = asked
    if stimulus.do is Do.READ:
        if stimulus.verdict not in _VALIDITIES:
            return "a source gives rows that are valid, invalid, or without a contract"
        return "a source gives its rows in order" if stimulus.row != rows_given else None
    if stimulus.do not in (Do.FINISH, Do.FLUSHED):
        return None
    if answer_of(stimulus.do, stimulus.verdict) is None:
        return "no plugin can give a verdict that is not one of its words"
    if stimulus.do is Do.FINISH and _failure_of_another_kind(run, stimulus, live):
        return "these plugins cannot give the failure of another kind of node"
    if hold is not None and _rows_mean_something_else(run, hold, stimulus.verdict):
        return "these plugins answer with rows; the mode of the aggregation decides what they mean"
    return None


def _rows_mean_something_else(run: ScriptedRun, hold: Hold, verdict: str | None) -> bool:
    """Rows in passthrough mode are the members, if there are as many; in transform mode they never are."""
    batch = run.triggered(hold.node)
    if batch is None:
        return False
    word, _, number = _parsed(verdict)
    if batch.mode is not BatchMode.PASSTHROUGH:
        return word == "passed"
    return word == "outputs" and number == batch.members


def _failure_of_another_kind(run: ScriptedRun, stimulus: Stimulus, key: tuple[int, int]) -> bool:
    live = run.token(*key)
    return (
        live is not None
        and stimulus.verdict in _FAILURES
        and stimulus.verdict not in VERDICTS_OF.get(NodeKind(live.kind), ())
    )
