"""The reference engine at the crash port: killed at any of its write boundaries, and started again on what is left.

Its landscape and its sinks (`sinks.py`) are files in a folder in memory, where there is one. What is asked of it is what the
pipeline port is asked. Not here: how boundaries are recorded (`write_recorder.py`), and any judgement.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from fateline_engine.landscape import Landscape
from fateline_engine.plugins import Sink
from fateline_engine.script import BatchInfo, Verdict, Written
from fateline_engine.scripted import Commits, GivenAnswers, GivenRows, ScriptedRun
from fateline_engine.settings import Node, NodeKind
from fateline_engine.tokens import TokenInfo
from fateline_model.stimuli import Do
from fateline_oracle.ports.port import Boundary, CommitPolicy, EngineFault, Reply, Request
from fateline_oracle.reference.pipeline import ReferencePort
from fateline_oracle.reference.sinks import TOKEN, effects, paths_of, sink_at
from fateline_oracle.reference.write_recorder import JOURNAL, Leftover, RecordedConnection, RecordedSink, WriteRecorder

IN_MEMORY: Final = Path("/dev/shm")
RUN: Final = "tortured"
_COMMITS: Final = {CommitPolicy.STEP: Commits.EACH_STEP, CommitPolicy.DEFAULT: Commits.AS_CONFIGURED}


class _WritingAnswers(GivenAnswers):
    """The given answers; a row that a sink takes is written there, as the id of its token."""

    def __init__(self, sinks: Mapping[str, Sink], now: int) -> None:
        super().__init__(now)
        self._sinks = sinks

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        verdict = super().verdict(node, token, attempt)
        if isinstance(verdict, Written) and isinstance(token, TokenInfo):
            self._sinks[node.name].write({TOKEN: token.name})
        return verdict


class ReferenceCrashPort(ReferencePort):
    """One run at a time, in a folder that is removed with the port."""

    def __init__(self) -> None:
        super().__init__()
        home = IN_MEMORY if IN_MEMORY.is_dir() else None  # files are written there by the hundred thousand
        self._folder = Path(tempfile.mkdtemp(prefix="fateline-torture-", dir=home))
        self._file = self._folder / "landscape.db"
        self._opened = Landscape.open(self._file)
        self._opened.conn.execute("PRAGMA journal_mode = MEMORY")
        self._opened.conn.execute("PRAGMA synchronous = OFF")
        self._empty: Leftover | None = None
        self._recorder = WriteRecorder(self._file, (), lambda: 0)
        self._pipeline: Mapping[str, object] = {}
        self._paths: dict[str, Path] = {}
        self._rows = GivenRows()
        self._policy: CommitPolicy | None = None

    def begin(self, pipeline: Mapping[str, object], policy: CommitPolicy) -> None:
        self._end_process()
        if pipeline is not self._pipeline:
            self._prepare(pipeline)
        if self._empty is None:
            self._empty = self._recorder.leftover(0)
        self._recorder.forget()
        self._recorder.go_back(self._empty)
        self._rows, self._given = GivenRows(), 0
        self._new_process(policy, 0)
        self._started.start()

    def _prepare(self, pipeline: Mapping[str, object]) -> None:
        """A recorder for the sinks of this pipeline, and no file of any other."""
        self._pipeline = pipeline
        names = [node.name for node in self._graph(pipeline).pipeline.nodes if node.kind is NodeKind.SINK]
        self._paths = paths_of(names, self._folder, pipeline)
        files = [*self._paths.values(), *(Path(f"{path}{JOURNAL}") for path in self._paths.values())]
        for file in self._folder.glob("*"):
            if file in files or file.name.removesuffix(JOURNAL) != self._file.name:
                file.unlink()
        self._recorder.close()
        self._recorder = WriteRecorder(self._file, files, lambda: self._started.script.clock.now())

    def _end_process(self) -> None:
        """Nothing of the process is left in memory. What it writes while it is closed is undone by `go_back`."""
        if self._run is not None:
            self._run.close()
            self._run = None
        if self._opened.bare.in_transaction:
            self._opened.bare.execute("ROLLBACK")

    def _new_process(self, policy: CommitPolicy | None, now: int) -> None:
        """A process that knows nothing yet. Without a policy its writes are not recorded."""
        recorder = self._recorder
        sinks = {name: sink_at(path) for name, path in self._paths.items()}
        if policy is not None:
            sinks = {name: RecordedSink(sink, recorder, self._paths[name]) for name, sink in sinks.items()}
        self._opened.watch(None if policy is None else lambda conn: RecordedConnection(conn, recorder))
        self._policy = policy
        self._run = ScriptedRun(
            self._graph(self._pipeline),
            self._opened,
            _WritingAnswers(sinks, now),
            run_id=RUN,
            rows=self._rows,
            sinks=sinks,
            commits=Commits.AS_CONFIGURED if policy is None else _COMMITS[policy],
        )

    def close(self) -> None:
        self._end_process()
        self._opened.close()
        self._recorder.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def do(self, asked: Request) -> Reply:
        if asked.stimulus.do is Do.RESUME:
            return self._resume(asked)
        if self._policy is CommitPolicy.STEP:
            return self.together([asked])[0]
        reply = self._one(asked)
        return reply if isinstance(reply, Reply) else Reply()

    def _resume(self, asked: Request) -> Reply:
        """Resume the run; a run that was never begun is begun."""
        if not self._opened.bare.execute("SELECT 1 FROM runs").fetchall():
            self._started.start()
            return Reply()
        reply = self._one(asked)
        if isinstance(reply, Reply):
            return reply
        self._started.skip_written()
        return Reply()

    def boundaries(self) -> Sequence[Boundary]:
        return self._recorder.boundaries()

    def crash_to(self, digest: str, policy: CommitPolicy | None) -> None:
        left = self._recorder.left.get(digest)
        if left is None:
            raise EngineFault(f"no boundary of this run left {digest}")
        self._end_process()
        self._recorder.go_back(left)
        self._new_process(policy, left.at)
        ((self._given,),) = self._opened.bare.execute("SELECT count(*) FROM rows").fetchall()

    def sinks(self) -> dict[str, list[str]]:
        return {name: effects(path) for name, path in self._paths.items()}
