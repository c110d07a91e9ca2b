"""J10: a database that is being written to is audited as it is at one moment."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from fateline_oracle.audit.adapters import find_adapter
from fateline_oracle.audit.connect import BadSource
from fateline_oracle.audit.summary import tell
from fateline_oracle.audit.whole import Wanted, audit
from fateline_oracle.report.verdict import Verdict

SENSORS = Path(__file__).parents[3] / "examples" / "sensors"
ROWS = 6_000


def test_while_the_engine_writes_nothing_is_broken(tmp_path: Path) -> None:
    """Batches cross ranges of rows; between two ranges the engine commits. Without one moment, members would be missing."""
    folder = tmp_path / "sensors"
    shutil.copytree(SENSORS, folder)
    (source,) = folder.glob("*.csv")
    head, *lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join([head, *(lines[n % len(lines)] for n in range(ROWS))]) + "\n", encoding="utf-8")
    engine = subprocess.Popen(
        [sys.executable, "-m", "fateline_engine", "run", str(folder / "pipeline.yaml")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    path = folder / "pipeline.db"
    seen: list[int] = []
    with engine:
        look(engine, path, seen)
        assert engine.wait() == 0
    assert len(set(seen)) > 2, "the engine was not at work while it was audited"
    assert tell(audit(Wanted(path, find_adapter(path))), None, "over", "", 3).report.verdict is Verdict.HOLDS


def look(engine: "subprocess.Popen[bytes]", path: Path, seen: list[int]) -> None:
    """Audit as long as the engine runs, and keep how many tokens there were."""
    while engine.poll() is None:
        try:
            wanted = Wanted(path, find_adapter(path), jobs=2, rows=500)
            summary = tell(audit(wanted), None, "live", "", 3)
        except BadSource:
            continue  # the engine has not made its database yet
        assert [group.breaches[0] for group in summary.groups] == []
        seen.append(summary.report.counts["tokens"])


def test_a_log_that_is_missing_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "sensors"
    shutil.copytree(SENSORS, folder)
    command = [sys.executable, "-m", "fateline_engine", "run", str(folder / "pipeline.yaml")]
    subprocess.run(command, check=True, capture_output=True)
    path = folder / "pipeline.db"
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.close()
    assert "write-ahead log, and there is none beside it" in audit(Wanted(path, find_adapter(path))).notes[0]
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode = DELETE")
    conn.close()
    assert audit(Wanted(path, find_adapter(path))).notes == ()
