"""The reference engine's barrier at the barrier port: one coalesce, events in any order.

A caller of this port names branches, and the engine has tokens. So a refusal about a token that has met its fate or is held
is reported as a refusal about the branch. Not here: anything about the law.
"""

from collections.abc import Callable, Mapping
from typing import Final

from fateline_engine.errors import EngineBug, Refused
from fateline_engine.landscape import Landscape
from fateline_engine.scripted_barrier import ScriptedBarrier
from fateline_engine.words import Refusal
from fateline_model.barrier_machine import BarrierEvent, BarrierStimulus
from fateline_oracle.ports.port import EngineFault, Reply
from fateline_oracle.reference.answers import merge_failures

_RUNS_IN_ONE: Final = 200
_OF_A_TOKEN: Final = (Refusal.HAS_FATE, Refusal.ALREADY_VISITING)
_EVENTS: Final[dict[BarrierEvent, Callable[[ScriptedBarrier, str], None]]] = {
    BarrierEvent.ARRIVE: ScriptedBarrier.arrive,
    BarrierEvent.LOSE: ScriptedBarrier.lose,
    BarrierEvent.DEADLINE: lambda barrier, _: barrier.deadline(),
    BarrierEvent.FLUSH: lambda barrier, _: barrier.flush(),
}


class BarrierPort:
    """One barrier at a time; a number of them share a landscape one after the other."""

    def __init__(self) -> None:
        self._landscape: Landscape | None = None
        self._runs = 0

    def start(self, coalesce: Mapping[str, object]) -> Mapping[str, str]:
        if self._landscape is None or self._runs >= _RUNS_IN_ONE:
            self.close()
            self._landscape, self._runs = Landscape.open(":memory:"), 0
        self._runs += 1
        self._barrier = ScriptedBarrier(coalesce, self._landscape, f"judged-{self._runs}")
        return self._barrier.tokens

    def close(self) -> None:
        if self._landscape is not None:
            self._landscape.close()
            self._landscape = None

    def do(self, stimulus: BarrierStimulus) -> Reply:
        self._barrier.fail_merges(merge_failures(stimulus.data))
        refused: tuple[str | None, str] = (None, "")
        try:
            _EVENTS[stimulus.do](self._barrier, stimulus.branch or "")
        except Refused as word:
            refused = (self._of_the_branch(word.refusal, stimulus.branch or ""), word.message)
        except EngineBug as bug:
            raise EngineFault(str(bug)) from bug
        return Reply(self._barrier.run.written(), *refused)

    def _of_the_branch(self, refusal: Refusal, branch: str) -> str:
        if refusal not in _OF_A_TOKEN:
            return str(refusal)
        return str(Refusal.BRANCH_LOST if self._barrier.lost(branch) else Refusal.BRANCH_HELD)
