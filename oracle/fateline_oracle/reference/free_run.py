"""The reference engine at the trail port: whole runs in the engine's own order, and what they recorded.

The engine schedules as production does, first in first out; the judge decides only what the rows are and what each node
answers. A node is asked about a token by the name that the judge derives from the engine's own records. Not here: anything
about the law.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.plugins import BatchOutputs, Drop
from fateline_engine.script import BatchInfo, Verdict, Work
from fateline_engine.scripted import Commits, GivenAnswers, ScriptedRun
from fateline_engine.settings import BatchMode, Node, read_pipeline
from fateline_engine.tokens import TokenInfo
from fateline_oracle.compare.names import Names
from fateline_oracle.ports.port import EngineFault, Verdicts
from fateline_oracle.reference.answers import Data, answer_of, data_for, members_passed, record_of

RUN = "whole"


class _NamedAnswers(GivenAnswers):
    """The judge's verdicts, asked for by the names of the tokens."""

    def __init__(self, verdicts: Verdicts, landscape: Landscape, data: Data) -> None:
        super().__init__()
        self._data = data
        self._verdicts = verdicts
        self._landscape = landscape
        self._names = Names()
        self._read_to = 0

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        if isinstance(token, BatchInfo):
            answer = answer_of("flushed", self._verdicts(node.name, f"{token.node}#{token.number}", attempt))
            if answer is None or answer is members_passed:
                passthrough = getattr(node, "mode", None) is BatchMode.PASSTHROUGH
                return BatchOutputs(token.rows) if passthrough else Drop()
        else:
            answer = answer_of("finish", self._verdicts(node.name, self._name(token), attempt), self._data)
            if answer is None:
                raise EngineFault(f"{node.name} has no such verdict")
        return answer(node, token, attempt)

    def _name(self, token: TokenInfo) -> str:
        """The token's name. If the token is new, the records written since are read first."""
        name = self._names.name_of(token.name)
        if name is None:
            records = self._landscape.trail.after(RUN, self._read_to)
            self._read_to = max([self._read_to, *(record["seq"] for record in records)])
            self._names.learn(records)
            name = self._names.name_of(token.name)
        if name is None:
            raise EngineFault(f"token {token.name} is asked about before it is recorded")
        return name

    def choose(self, runnable: Sequence[Work]) -> Work:
        """As production does."""
        return runnable[0]


class TrailPort:
    """Whole runs."""

    def run(self, pipeline: Mapping[str, object], rows: Sequence[str], verdicts: Verdicts) -> list[dict[str, Any]]:
        data = data_for(pipeline)
        with Landscape.open(":memory:") as landscape:
            run = ScriptedRun(
                ExecutionGraph.build(read_pipeline(pipeline)),
                landscape,
                _NamedAnswers(verdicts, landscape, data),
                run_id=RUN,
                commits=Commits.EACH_STEP,
            )
            run.run_to_end([record_of(index, validity, data) for index, validity in enumerate(rows)])
            return run.trail()

    def close(self) -> None:
        """Nothing is kept from run to run."""
