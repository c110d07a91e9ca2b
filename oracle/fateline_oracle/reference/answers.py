"""Translates the stimuli of the law into answers of the engine's source and plugins.

The data are real: every node that passes a row on adds a field with its name, overwrites the field `last`, and appends to the
list in the field `box`, in place. So the branches of a fork collide where they are merged, a merge that keeps the wrong value
shows in the digests of the trail, and so does a nested value that two tokens share. Where a collision would fail the merge
(`Data.APART`), no two nodes write the same field, because whether a merge fails is for the stimulus to say.

Not here: when a node is asked (`pipeline.py`).
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from fateline_engine.plugins import BatchOutputs, Drop, Expand, Failure, Pass, SourceRecord
from fateline_engine.script import BatchInfo, Route, Verdict, Written
from fateline_engine.scripted import Answer, ScriptedRun
from fateline_engine.settings import BatchMode, Node
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Reason
from fateline_model.stimuli import Do, Stimulus, Validity
from fateline_model.words import VERDICTS_OF, Collisions, MergeData, NodeKind
from fateline_oracle.ports.port import EngineFault, Hold, Request

_FAILURES: Final = ("error", "error_retryable", "refused", "refused_retryable")
_VALIDITIES: Final = frozenset(Validity)


class Data(Enum):
    """Whether the branches of a fork write the same fields."""

    COLLIDING = "colliding"
    APART = "apart"


def data_for(pipeline: Mapping[str, Any]) -> Data:
    """What kind of data a pipeline is given."""
    fails = any(node.get("collisions") == Collisions.FAIL for node in pipeline["nodes"])
    return Data.APART if fails else Data.COLLIDING


def record_of(index: int, validity: str | None, data: Data) -> SourceRecord:
    """The row that the source gives next."""
    row: dict[str, object] = {"n": index} if data is Data.APART else {"n": index, "last": "source", "box": ["source"]}
    if validity == Validity.INVALID:
        return SourceRecord(index, row, error="invalid")
    return SourceRecord(index, row, {"n": "int"} if validity == Validity.VALID else None)


def merge_failures(data: Sequence[MergeData]) -> list[Reason | None]:
    """For each merge of the step, why it fails, or None where its data decide."""
    return [None if word is MergeData.OK else Reason(word) for word in data]


def _changed_in_place(node: Node, token: TokenInfo) -> object:
    """The list in the field `box`, to which the node appends whatever it answers. It must be as the last node left it."""
    box, last = token.data.get("box", []), token.data.get("last")
    if not isinstance(box, list):
        return box
    if last is not None and box[-1:] != [last]:
        raise EngineFault(
            f"{node.name} is given a row that something else has changed: its list ends with {box[-1:]}, and {last} wrote last"
        )
    box.append(node.name)
    return box


def passed_apart(node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
    """The row of the token with a field for the node."""
    return Pass({**token.data, node.name: attempt}) if isinstance(token, TokenInfo) else Pass({})


def passed_on(node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
    """The same with a field that every node overwrites, and a list that every node appends to in place."""
    if not isinstance(token, TokenInfo):
        return Pass({})
    return Pass({**token.data, node.name: attempt, "last": node.name, "box": _changed_in_place(node, token)})


def members_passed(node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
    """The rows of the members of the batch."""
    return BatchOutputs(token.rows if isinstance(token, BatchInfo) else ())


def _always(verdict: Verdict) -> Answer:
    def answer(node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        if isinstance(token, TokenInfo):
            _changed_in_place(node, token)
        return verdict

    return answer


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
def answer_of(do: str, verdict: str | None, data: Data = Data.COLLIDING) -> Answer | None:
    """The answer of a plugin for a stimulus with this verdict; None if no plugin can give it."""
    if verdict == "pass" and data is Data.APART and do == Do.FINISH:
        return passed_apart
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
