"""The reference engine at the crash port: killed at any of its write boundaries, and started again on what is left.

Its landscape and its sinks (csv, jsonl and sqlite, by turns) are files in a folder in memory, where there is one. What
is asked of it is what the pipeline port is asked. Not here: how boundaries are heard (`watched.py`), and any judgement.
"""

import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import Sink
from fateline_engine.plugins.builtin.csv_files import CsvSink
from fateline_engine.plugins.builtin.jsonl_files import JsonlSink
from fateline_engine.plugins.builtin.sqlite_tables import SqliteSink
from fateline_engine.plugins.registry import Plugins
from fateline_engine.script import BatchInfo, Verdict, Written
from fateline_engine.settings import Node, NodeKind
from fateline_engine.tokens import TokenInfo
from fateline_model.stimuli import Do
from fateline_oracle.ports.port import Asked, Boundary, EngineFault, Policy, Reply
from fateline_oracle.reference.pipeline import ReferencePort, Rows, Scripted
from fateline_oracle.reference.views import Views
from fateline_oracle.reference.watched import JOURNAL, Left, WatchedConnection, WatchedSink, Witness

IN_MEMORY: Final = Path("/dev/shm")
RUN: Final = "tortured"
TABLE: Final = "effects"
FIELDS: Final = ("token",)
SINKS: Final[tuple[tuple[str, Callable[[Path], Sink]], ...]] = (
    (".csv", lambda path: CsvSink(path, fields=FIELDS)),
    (".jsonl", JsonlSink),
    (".db", lambda path: SqliteSink(path, TABLE, fields=FIELDS)),
)


class Writing(Scripted):
    """Says what the stimulus says; a row that a sink takes is written there, as the id of its token."""

    def __init__(self, sinks: Mapping[str, Sink], at: int) -> None:
        super().__init__()
        self._sinks = sinks
        self.clock.advance(at)

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        said = super().verdict(node, token, attempt)
        if isinstance(said, Written) and isinstance(token, TokenInfo):
            self._sinks[node.name].write({FIELDS[0]: token.name})
        return said


class ReferenceCrashPort(ReferencePort):
    """One run at a time, in a folder that is gone with the port."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="fateline-torture-", dir=_memory()))
        self._file = self._folder / "landscape.db"
        self._opened: Landscape | None = None
        self._witness: Witness | None = None
        self._fresh: Left | None = None
        self._pipeline: Mapping[str, object] = {}
        self._paths: dict[str, Path] = {}
        self._rows = Rows()

    # A place of its own

    def begin(self, pipeline: Mapping[str, object], policy: Policy) -> None:
        if pipeline is not self._pipeline or self._witness is None or self._fresh is None:
            self._settle_in(pipeline)
        assert self._witness is not None
        assert self._fresh is not None
        self._gone()
        self._witness.forget()
        self._witness.go_back(self._fresh)
        self._rows = Rows()
        self._come_back(policy, 0)
        self._begun()

    def _settle_in(self, pipeline: Mapping[str, object]) -> None:
        """A landscape without a run, and paths for the sinks of this pipeline."""
        self._gone()
        if self._opened is None:
            self._opened = Landscape.open(self._file)
            self._opened.conn.execute("PRAGMA journal_mode = MEMORY")
            self._opened.conn.execute("PRAGMA synchronous = OFF")
            self._views = Views(self._opened.conn)
            self._bare = self._opened.conn
        if self._witness is not None:
            self._witness.close()
        self._pipeline = pipeline
        self._graph_of = self._graph(pipeline)
        names = [node.name for node in self._graph_of.pipeline.nodes if node.kind is NodeKind.SINK]
        turn = zlib.crc32(json.dumps(pipeline, sort_keys=True).encode())
        self._paths = {
            name: self._folder / f"{name}{SINKS[(turn + number) % len(SINKS)][0]}" for number, name in enumerate(names)
        }
        files = [*self._paths.values(), *(Path(f"{path}{JOURNAL}") for path in self._paths.values())]
        for file in self._folder.glob("*"):
            if file in files or file.name.removesuffix(JOURNAL) != self._file.name:
                file.unlink()
        self._witness = Witness(self._file, files, lambda: self._script.clock.now())
        if self._fresh is None:
            self._fresh = Left(self._file.read_bytes(), {}, self._witness._committed.copy(), 0)

    def _gone(self) -> None:
        """The process is: nothing of it is left in memory. What it still writes while it is closed is undone by `go_back`."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        if self._opened is not None and self._bare.in_transaction:
            self._bare.execute("ROLLBACK")

    def _come_back(self, policy: Policy | None, at: int) -> None:
        """A process that knows nothing yet. Without a policy nobody watches it."""
        assert self._witness is not None
        assert self._opened is not None
        kinds, witness = dict(SINKS), self._witness
        sinks = {name: kinds[path.suffix](path) for name, path in self._paths.items()}
        if policy is not None:
            sinks = {name: WatchedSink(sink, witness, self._paths[name]) for name, sink in sinks.items()}
        self._opened.watch(None if policy is None else lambda conn: WatchedConnection(conn, witness))
        self._policy = policy
        self._script = Writing(sinks, at)
        self._engine = Orchestrator(
            self._graph_of,
            self._opened,
            plugins=Plugins(self._rows, sinks=sinks),
            script=self._script,
            run_id=RUN,
            each_step=policy is Policy.STEP,
        )

    def _begun(self) -> None:
        assert self._engine is not None
        self._engine.start()
        self._seen, self._given = self._engine.recorder.seq, 0

    @property
    def _landscape_now(self) -> Landscape:
        if self._opened is None:
            raise EngineFault("no run was started")
        return self._opened

    def close(self) -> None:
        self._gone()
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        if self._witness is not None:
            self._witness.close()
            self._witness = None
        shutil.rmtree(self._folder, ignore_errors=True)

    # What is asked

    def do(self, asked: Asked) -> Reply:
        if asked.stimulus.do is Do.RESUME:
            return self._resume(asked)
        if self._policy is Policy.STEP:
            return self.together([asked])[0]
        unsaid = self._unsaid(self._started, asked)
        if unsaid is not None:
            return Reply(unsaid=unsaid)
        reply = self._one(self._started, asked)
        return reply if isinstance(reply, Reply) else Reply()

    def _resume(self, asked: Asked) -> Reply:
        """Take the run up again; what was never begun is begun."""
        if not self._bare.execute("SELECT 1 FROM runs").fetchall():
            self._begun()
            return Reply()
        reply = self._one(self._started, asked)
        if isinstance(reply, Reply):
            return reply
        self._seen = self._started.recorder.seq
        return Reply()

    # What is left

    def boundaries(self) -> Sequence[Boundary]:
        assert self._witness is not None
        met, self._witness.met = self._witness.met, []
        return met

    def crash_to(self, digest: str, policy: Policy | None) -> None:
        assert self._witness is not None
        left = self._witness.left.get(digest)
        if left is None:
            raise EngineFault(f"no boundary of this run left {digest}")
        self._gone()
        self._witness.go_back(left)
        self._come_back(policy, left.at)
        ((self._seen,),) = self._bare.execute("SELECT coalesce(max(last_seq), 0) FROM runs").fetchall()
        ((self._given,),) = self._bare.execute("SELECT count(*) FROM rows").fetchall()

    def trail(self) -> list[dict[str, object]]:
        return self._views.after(RUN, 0)

    def sinks(self) -> dict[str, list[str]]:
        return {name: _effects(path) for name, path in self._paths.items()}


def _memory() -> Path | None:
    """A folder in memory: files are written there by the hundred thousand, and nobody pulls a plug."""
    return IN_MEMORY if IN_MEMORY.is_dir() else None


def _effects(path: Path) -> list[str]:
    """The tokens in a file, as a reader finds them; a line that is not whole is no effect."""
    if not path.exists():
        return []
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as conn, suppress(sqlite3.OperationalError):
            return [str(token) for (token,) in conn.execute(f"SELECT token FROM {TABLE} ORDER BY rowid")]
        return []
    lines = [line.decode().rstrip("\n") for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return lines[1:] if path.suffix == ".csv" else [_token_in(line) for line in lines]


def _token_in(line: str) -> str:
    """The token of one effect; what is no JSON object of ours is a strange one, and named as it stands there."""
    try:
        return str(json.loads(line)[FIELDS[0]])
    except (ValueError, TypeError, KeyError):
        return line
