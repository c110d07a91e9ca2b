"""Plugins that call `sys.exit`: they end their own work, and never the run without a word."""

from pathlib import Path

import pytest
import yaml

from fateline_oracle.report.verdict import ExitCode

from .test_run import call, pipeline

EXITING = """\
from fateline_engine.plugins import transform

@transform
def exit_at(row, *, n):
    if row["n"] == n:
        raise SystemExit(5)
    return row
"""


def test_a_plugin_that_exits_fails_its_row_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "exiting_plugins.py").write_text(EXITING)
    file = pipeline(tmp_path, plugin="exiting_plugins:exit_at", options={"n": 3})
    result = call("run", file)
    assert result.exit_code == ExitCode.HOLDS, result.stderr
    assert "failed          1" in result.stdout


def test_a_module_that_exits_is_bad_input(tmp_path: Path) -> None:
    file = pipeline(tmp_path, plugin="leaving_plugins:leave")
    (tmp_path / "leaving_plugins.py").write_text(
        "import sys\nfrom fateline_engine.plugins import transform\n"
        "@transform\ndef leave(row):\n    return row\nsys.exit(5)\n"
    )
    result = call("run", file)
    assert result.exit_code == ExitCode.USAGE
    assert "leaving_plugins cannot be imported: SystemExit: 5" in result.stderr


LEAVING = """\
import sys
from fateline_engine.plugins import SourceRecord, sink, source

@source
class Leaves:
    def open(self): pass
    def close(self): pass
    def records(self, start=0):
        yield from (SourceRecord(n, {"n": n}, {"n": "int"}) for n in range(start, 2))
        sys.exit(5)

@sink
class LeavesToo:
    path = None
    def open(self, *, resume): pass
    def close(self): pass
    def write(self, row): pass
    def flush(self): sys.exit(5)
    def position(self): return 0
    def truncate(self, position): pass
"""


@pytest.mark.parametrize("which", ["Leaves", "LeavesToo"])
def test_a_source_or_sink_that_exits_stops_the_run_and_nothing_is_lost(tmp_path: Path, which: str) -> None:
    file = pipeline(tmp_path)
    module = f"plugins_{which.lower()}"
    (tmp_path / f"{module}.py").write_text(LEAVING)
    told = yaml.safe_load(file.read_text())
    place = 0 if which == "Leaves" else 5
    told["nodes"][place].update(plugin=f"{module}:{which}", options={})
    file.write_text(yaml.safe_dump(told, sort_keys=False))
    result = call("run", file)
    assert result.exit_code == ExitCode.BREACHED, result.output
    assert "Stopped: a plugin called sys.exit(5)." in result.stderr
    assert "fateline resume" in result.stderr
