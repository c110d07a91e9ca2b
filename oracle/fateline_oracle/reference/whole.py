"""The reference engine at the trail port: whole runs in its own order, and what they recorded.

The engine schedules as production does, first in first out; the judge says only what the rows are and what each node says.
A node is asked about a token by the name that the judge derives from the engine's own records. Not here: anything about
the law.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.script import BatchInfo, Verdict, Work
from fateline_engine.settings import BatchMode, Node, read_pipeline
from fateline_engine.tokens import TokenInfo
from fateline_oracle.compare.names import Names
from fateline_oracle.ports.port import EngineFault, Verdicts
from fateline_oracle.reference.pipeline import PASSED, SAME, Rows, Scripted, passed_on, verdict_of
from fateline_oracle.reference.views import Views

RUN = "whole"


class _Whole(Scripted):
    """Says what the judge says of a token by its name."""

    def __init__(self, says: Verdicts) -> None:
        super().__init__()
        self._says = says
        self.names = Names()
        self.views: Views | None = None
        self.seen = 0

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        if isinstance(token, BatchInfo):
            said = verdict_of("flushed", self._says(node.name, f"{token.node}#{token.number}", attempt))
            mode = getattr(node, "mode", None)
            return said if said is not None and said is not PASSED else self._rows(token, mode)
        said = verdict_of("finish", self._says(node.name, self._name(token), attempt))
        if said is None:
            raise EngineFault(f"{node.name} has no such verdict")
        return passed_on(token, node, attempt) if said is SAME else said

    def _rows(self, batch: BatchInfo, mode: object) -> Verdict:
        from fateline_engine.plugins import BatchOutputs, Drop

        return BatchOutputs(batch.rows) if mode is BatchMode.PASSTHROUGH else Drop()

    def _name(self, token: TokenInfo) -> str:
        """Read what was written since, if the token is new."""
        name = self.names.name_of(token.name)
        if name is None and self.views is not None:
            records = self.views.after(RUN, self.seen)
            self.seen = max([self.seen, *(record["seq"] for record in records)])
            self.names.learn(records)
            name = self.names.name_of(token.name)
        if name is None:
            raise EngineFault(f"token {token.name} is asked about before it is recorded")
        return name

    def choose(self, runnable: Sequence[Work]) -> Work:
        """As production does."""
        return runnable[0]


class TrailPort:
    """Whole runs."""

    def run(self, pipeline: Mapping[str, object], rows: Sequence[str], verdicts: Verdicts) -> list[dict[str, Any]]:
        source, script = Rows(), _Whole(verdicts)
        source.given = list(rows)
        with Landscape.open(":memory:") as landscape:
            script.views = Views(landscape.conn)
            engine = Orchestrator(
                read_pipeline(pipeline), landscape, script=script, source=source, run_id=RUN, each_step=True
            )
            engine.run()
            return script.views.after(RUN, 0)

    def close(self) -> None:
        """Nothing is kept from run to run."""
