"""The reference engine's barrier at the barrier port: `CoalesceExecutor`, events in any order.

One row is read and forked, every branch straight into the coalesce; from there on events come as they are asked. A caller
of this port names branches where the engine has tokens, so what it refuses of a token that has met its fate, or is held,
is said of the branch. Not here: anything about the law.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from fateline_engine.coalesce import CoalesceExecutor
from fateline_engine.errors import EngineBug, Refused
from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.script import Kind, Work
from fateline_engine.settings import read_pipeline
from fateline_engine.state import Live, Loss
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import LossReason, Refusal
from fateline_model.barrier_machine import BarrierEvent, BarrierStimulus
from fateline_oracle.ports.port import EngineFault, Reply
from fateline_oracle.reference.pipeline import A_TIMEOUT, Rows, Scripted, verdict_of
from fateline_oracle.reference.views import Views

_RUNS_IN_ONE: Final = 200
_SAID_OF_A_TOKEN: Final = (Refusal.HAS_FATE, Refusal.ALREADY_VISITING)
_LOST: Final = "SELECT count(*) FROM trail_losses WHERE run = ? AND branch = ?"


class BarrierPort:
    """One barrier."""

    def __init__(self) -> None:
        self._landscape: Landscape | None = None
        self._runs = 0

    def start(self, coalesce: Mapping[str, object]) -> Mapping[str, str]:
        if self._landscape is None or self._runs >= _RUNS_IN_ONE:
            self.close()
            self._landscape = Landscape.open(":memory:")
            self._views = Views(self._landscape.conn)
            self._runs = 0
        self._runs += 1
        self._node = str(coalesce["name"])
        branches = [str(branch) for branch in coalesce["branches"]]  # type: ignore[attr-defined]
        rows, self._script = Rows(), Scripted()
        self._engine = Orchestrator(
            read_pipeline(_diamond(coalesce, branches)),
            self._landscape,
            script=self._script,
            source=rows,
            run_id=f"judged-{self._runs}",
            each_step=True,
        )
        self._engine.start()
        rows.given = ["valid"]
        self._engine.intake.begin(False)
        self._engine.do(Work(Kind.READ))
        self._engine.do(Work(Kind.BEGIN, token=(0, 0)))
        self._script.says = verdict_of("finish", "route all")
        self._engine.do(Work(Kind.FINISH, token=(0, 0)))
        self._lives = {str(live.info.branch): live for live in self._engine.state.live.values()}
        self._infos: dict[str, TokenInfo] = {branch: live.info for branch, live in self._lives.items()}
        self._seen = self._engine.recorder.seq
        return {"": "0:0", **{branch: info.name for branch, info in self._infos.items()}}

    def close(self) -> None:
        if self._landscape is not None:
            self._landscape.close()
            self._landscape = None

    def do(self, stimulus: BarrierStimulus) -> Reply:
        assert self._landscape is not None
        self._script.merges = deque(stimulus.data)
        before = self._landscape.conn.total_changes
        refused: tuple[str, str] | None = None
        try:
            _DOES[stimulus.do](self, stimulus.branch or "")
        except Refused as word:
            refused = (self._of_the_branch(word.refusal, stimulus.branch), word.message)
        except EngineBug as bug:
            raise EngineFault(str(bug)) from bug
        found: list[dict[str, Any]] = []
        if self._landscape.conn.total_changes != before:
            found = self._views.after(str(self._engine.run_id), self._seen)
            self._seen = self._engine.recorder.seq
        return Reply(found, *(refused or (None, "")))

    def _of_the_branch(self, refusal: Refusal, branch: str | None) -> str:
        if refusal not in _SAID_OF_A_TOKEN or self._landscape is None:
            return str(refusal)
        ((lost,),) = self._landscape.conn.execute(_LOST, (self._engine.run_id, branch))
        return str(Refusal.BRANCH_LOST if lost else Refusal.BRANCH_HELD)

    # ------------------------------------------------------------------------------------------------ events

    @property
    def _executor(self) -> CoalesceExecutor:
        return self._engine.processor.coalesces[self._node]

    def _step(self, event: Callable[[], object]) -> None:
        self._engine.operate(lambda _: event())

    def _arrive(self, branch: str) -> None:
        info = self._infos.get(branch)
        if info is not None:
            self._engine.do(Work(Kind.ARRIVE, token=info.key))
            return
        other = next(iter(self._lives.values()))
        assert other.info.stack is not None
        frame = other.info.stack._replace(branch=branch)
        stranger = Live(other.info._replace(branch=branch, stack=frame), other.place, other.via)
        self._step(lambda: self._executor.arrive(stranger))

    def _lose(self, branch: str) -> None:
        """By a bare word: the token stays where it is, and only its debt is lost."""
        info = self._infos.get(branch)
        other = next(iter(self._infos.values()))
        assert other.stack is not None
        if info is None:
            loss = Loss(other.stack._replace(branch=branch), *other.key, LossReason.DISCARDED)
        else:
            self._engine.tokens.find(info)
            assert info.stack is not None
            loss = Loss(info.stack, *info.key, LossReason.DISCARDED)
        self._step(lambda: self._executor.lose(loss))

    def _deadline(self, _: str) -> None:
        self._script.clock.advance(A_TIMEOUT)
        self._engine.do(Work(Kind.DEADLINE, self._node, key=(0, 0)))

    def _flush(self, _: str) -> None:
        self._step(lambda: self._executor.flush(0, 0))


_DOES: Final[dict[BarrierEvent, Callable[[BarrierPort, str], None]]] = {
    BarrierEvent.ARRIVE: BarrierPort._arrive,
    BarrierEvent.LOSE: BarrierPort._lose,
    BarrierEvent.DEADLINE: BarrierPort._deadline,
    BarrierEvent.FLUSH: BarrierPort._flush,
}


def _diamond(coalesce: Mapping[str, object], branches: list[str]) -> dict[str, object]:
    """The smallest pipeline around a coalesce."""
    fork = dict.fromkeys(branches, coalesce["name"])
    nodes = [
        {"name": "src", "kind": "source", "to": "g"},
        {"name": "g", "kind": "gate", "routes": {"all": "fork"}, "fork": fork},
        dict(coalesce),
        {"name": coalesce["to"], "kind": "sink"},
    ]
    return {"name": f"barrier {coalesce['name']}", "nodes": nodes}
