"""From a line of an output file back to the row of a sink: which sink wrote it, and its number among that sink's rows.

For users who look at a file and ask where a line of it comes from. The files are those that the run's own pipeline names, so
only the landscape and the file are needed. Not here: certainty after the file was edited. Lines are counted, not searched.
"""

import csv
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fateline_engine.explain import NothingThere


def locate(conn: sqlite3.Connection, run: int, file: Path, line: int, base: Path) -> str:
    """The written row, as `sink:number`, for `explain.find`. The paths of the pipeline start at `base`."""
    sinks = _sinks(conn, run)
    here = file.resolve()
    meant = [name for name, options in sinks.items() if (base / str(options["path"])).resolve() == here]
    meant = meant or [name for name, options in sinks.items() if Path(str(options["path"])).name == file.name]
    if len(meant) != 1:
        known = ", ".join(str(options["path"]) for options in sinks.values()) or "none"
        raise NothingThere(f"{file} is not the file of exactly one sink of this run; the files are {known}")
    sink = meant[0]
    plugin, options = sinks[sink]["_plugin"], sinks[sink]
    try:
        number, total = _COUNT[plugin](file, line, options)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise NothingThere(f"{file} cannot be read: {error}") from error
    if options.get("if_exists") == "append":
        query = "SELECT count(*) FROM fates JOIN nodes ON nodes.run = fates.run AND nodes.node = fates.sink"
        (written,) = conn.execute(f"{query} WHERE fates.run = ? AND nodes.name = ?", (run, sink)).fetchone()
        number -= total - written
        if number < 1:
            raise NothingThere(f"line {line} of {file} was there before this run")
    return f"{sink}:{number}"


def _sinks(conn: sqlite3.Connection, run: int) -> dict[str, Mapping[str, Any]]:
    """The sinks whose files have a format that can be counted, with their options."""
    (config,) = conn.execute("SELECT config FROM runs WHERE run = ?", (run,)).fetchone()
    return {
        node["name"]: {**node["options"], "_plugin": node["plugin"]}
        for node in json.loads(config)["nodes"]
        if node["kind"] == "sink" and node["plugin"] in _COUNT and "path" in node["options"]
    }


def _in_jsonl(file: Path, line: int, options: Mapping[str, Any]) -> tuple[int, int]:
    with file.open("rb") as stream:
        total = sum(1 for _ in stream)
    if not 1 <= line <= total:
        raise NothingThere(f"{file} has {total} lines, counted from 1")
    return line, total


def _in_csv(file: Path, line: int, options: Mapping[str, Any]) -> tuple[int, int]:
    """A record may have several lines; each of them finds it."""
    found, records, before = None, 0, 0
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, delimiter=str(options.get("delimiter", ",")))
        for records, _ in enumerate(reader):
            if before < line <= reader.line_num:
                found = records
            before = reader.line_num
    if found == 0:
        raise NothingThere(f"line {line} of {file} is the header")
    if found is None:
        raise NothingThere(f"{file} has {before} lines, counted from 1")
    return found, records


_COUNT = {"csv": _in_csv, "jsonl": _in_jsonl}
