"""`ScriptedBarrier`: one coalesce of the engine, to which events come in any order.

The smallest pipeline around the coalesce is built: a source, a gate that forks every branch straight into it, and a
sink. One row is read and forked; from there on the caller sends the events, lawful ones and others.

Not here: any rule of a barrier. An event that is not allowed is refused by the engine with `Refused`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fateline_engine.coalesce import CoalesceExecutor
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.plugins import SourceRecord
from fateline_engine.script import Kind, Route, Work
from fateline_engine.scripted import Commits, ScriptedRun
from fateline_engine.settings import read_pipeline
from fateline_engine.state import Live, Loss
from fateline_engine.tokens import Frame, TokenInfo
from fateline_engine.words import LossReason, Reason

_LONGER_THAN_ANY_TIMEOUT: Final = 3_600_000  # milliseconds
_ROOT: Final = (0, 0)


class ScriptedBarrier:
    """The one barrier of a coalesce, before its first event."""

    def __init__(self, coalesce: Mapping[str, object], landscape: Landscape, run_id: str) -> None:
        self.name = str(coalesce["name"])
        graph = ExecutionGraph.build(read_pipeline(_diamond(coalesce)))
        self.run = ScriptedRun(graph, landscape, run_id=run_id, commits=Commits.EACH_STEP)
        self.run.start()
        self.run.give(SourceRecord(0, {"n": 0}, {"n": "int"}))
        self.run.script.answer = lambda node, token, attempt: Route("all")
        for work in (Work(Kind.READ), Work(Kind.BEGIN, token=_ROOT), Work(Kind.FINISH, token=_ROOT)):
            self.run.do(work)
        self.run.skip_written()
        self._lives = {str(live.info.branch): live for live in self.run.lives()}
        self._tokens = {branch: live.info for branch, live in self._lives.items()}

    @property
    def tokens(self) -> dict[str, str]:
        """The ids of the tokens by branch; under the empty name, that of the token that was forked."""
        return {"": "0:0", **{branch: info.name for branch, info in self._tokens.items()}}

    def lost(self, branch: str) -> bool:
        """Whether this branch is recorded as lost."""
        query = "SELECT count(*) FROM trail_losses WHERE run = ? AND branch = ?"
        ((count,),) = self.run.landscape.bare.execute(query, (self.run.run_id, branch))
        return bool(count)

    # Events

    def arrive(self, branch: str) -> None:
        """The token of this branch arrives; of a branch that there is not, a token that was never made."""
        if branch in self._tokens:
            self.run.do(Work(Kind.ARRIVE, token=self._tokens[branch].key))
            return
        other = next(iter(self._lives.values()))
        info = other.info._replace(branch=branch, stack=_frame(other.info)._replace(branch=branch))
        self._event(lambda: self._executor.arrive(Live(info, other.node, other.via)))

    def lose(self, branch: str) -> None:
        """The debt of this branch is lost; its token stays where it is."""
        if branch in self._tokens:
            info = self._tokens[branch]
            self.run.tokens.find(info)
            frame = _frame(info)
        else:
            info = next(iter(self._tokens.values()))
            frame = _frame(info)._replace(branch=branch)
        self._event(lambda: self._executor.lose(Loss(frame, *info.key, LossReason.DISCARDED)))

    def deadline(self) -> None:
        """The timeout of the barrier has passed."""
        self.run.script.clock.advance(_LONGER_THAN_ANY_TIMEOUT)
        self.run.do(Work(Kind.DEADLINE, self.name, key=_ROOT))

    def flush(self) -> None:
        """Nothing more can come."""
        self._event(lambda: self._executor.flush(*_ROOT))

    def fail_merges(self, reasons: Sequence[Reason | None]) -> None:
        """See `GivenAnswers.merge_failures`."""
        self.run.script.merge_failures.clear()
        self.run.script.merge_failures.extend(reasons)

    @property
    def _executor(self) -> CoalesceExecutor:
        return self.run.coalesce(self.name)

    def _event(self, event: Callable[[], object]) -> None:
        self.run.operate(lambda tokens: event())


def _frame(info: TokenInfo) -> Frame:
    assert info.stack is not None, "every branch leads into the coalesce"
    return info.stack


def _diamond(coalesce: Mapping[str, object]) -> dict[str, object]:
    """The smallest pipeline around a coalesce."""
    branches = coalesce["branches"]
    assert isinstance(branches, Sequence)
    nodes = [
        {"name": "src", "kind": "source", "to": "g"},
        {"name": "g", "kind": "gate", "routes": {"all": "fork"}, "fork": dict.fromkeys(branches, coalesce["name"])},
        dict(coalesce),
        {"name": coalesce["to"], "kind": "sink"},
    ]
    return {"name": f"barrier {coalesce['name']}", "nodes": nodes}
