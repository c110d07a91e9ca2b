"""An engine that has only a command line: `python joblog.py PIPELINE ROWS TRAIL [--bug NAME]`.

It reads a pipeline and rows, runs them first in, first out, and logs what happened in a SQLite database with tables that it
chose itself. It knows sources, transforms, gates, sinks, and one join that waits for all branches; it ends with status 77 if a
pipeline needs more. It was written without looking at how it would be checked: `views.sql` reads its tables for Fateline.

`Scripted` is the plugin that an engine needs for planned runs. The rest is an engine.
"""

import json
import sqlite3
import sys
from collections import deque

TABLES = """
CREATE TABLE job(id TEXT, state TEXT, records INT);
CREATE TABLE record(n INT, nr INT, ok INT, source TEXT);
CREATE TABLE piece(n INT, id INTEGER PRIMARY KEY, record INT, parent INT, branch TEXT, made TEXT);
CREATE TABLE part(n INT, joined INT, piece INT, place INT);
CREATE TABLE end(n INT, piece INT, how TEXT, at TEXT, why TEXT, into_ TEXT);
CREATE TABLE stay(n INT, piece INT, step TEXT, try INT, state TEXT, answer TEXT, since INT);
CREATE TABLE move(n INT, piece INT, step TEXT, label TEXT, next TEXT);
CREATE TABLE meeting(n INT, split INT, step TEXT, state TEXT, why TEXT, cause TEXT, came TEXT, missing TEXT, result INT);
CREATE TABLE gap(n INT, split INT, step TEXT, branch TEXT, piece INT, why TEXT);
"""
GAPS = {"dropped": "discarded", "refused": "quarantined", "failed": "failed"}


class Scripted:
    """The plugin: each node answers what the row says, attempt by attempt."""

    def answer(self, node, row, attempt):
        told = row[f"verdict_{node}"].split("; ")
        return told[min(attempt, len(told) - 1)]


class Piece:
    def __init__(self, number, record, row, owes=None, via=None):
        self.number, self.record, self.row, self.owes, self.via, self.next = number, record, row, owes, via, None


class Engine:
    def __init__(self, pipeline, database, plugin, bug=None):
        self.nodes = {node["name"]: node for node in pipeline["nodes"]}
        self.db, self.plugin, self.bug = database, plugin, bug
        self.join = next((node for node in self.nodes.values() if node["kind"] == "coalesce"), None)
        self.count = self.pieces = 0
        self.queue, self.meetings = deque(), {}
        database.executescript(TABLES)

    def cannot(self):
        """Why it cannot run this pipeline."""
        kinds = [node["kind"] for node in self.nodes.values()]
        forks = [node for node in self.nodes.values() if node.get("fork")]
        if set(kinds) - {"source", "transform", "gate", "coalesce", "sink"}:
            return "there are no aggregations here"
        if kinds.count("coalesce") > 1 or len(forks) > 1:
            return "there is one fork and one join at most"
        if any(node.get("expands") for node in self.nodes.values()):
            return "a transform makes one row of one row"
        if self.join and (self.join["policy"] != "require_all" or self.join["merge"] != "union"):
            return "a join waits for all branches, and takes the data of all"
        return None

    def log(self, table, *values):
        self.count += 1
        self.db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * (len(values) + 1))})", (self.count, *values))

    def run(self, rows):
        source = next(node for node in self.nodes.values() if node["kind"] == "source")
        self.db.execute("INSERT INTO job VALUES ('job', 'running', NULL)")
        for row in rows:
            self.log("record", row["row"], row["valid"], source["name"])
            piece = self.make(row["row"], row, None, None, "read")
            if row["valid"]:
                self.move(piece, source["name"], "continue", source["to"])
            elif source.get("on_error", "discard") != "discard":
                self.move(piece, source["name"], "on_error", source["on_error"], "unfit")
            else:
                self.end(piece, "refused", why="unfit")
            while self.queue:
                self.visit(self.queue.popleft())
        self.db.execute("UPDATE job SET state = 'done', records = ?", (len(rows),))
        self.db.commit()

    def make(self, record, row, parent, branch, made, owes=None):
        self.pieces += 1
        self.log("piece", self.pieces, record, parent, branch, made)
        return Piece(self.pieces, record, row, owes)

    def move(self, piece, step, label, to, via=None):
        self.log("move", piece.number, step, label, to)
        piece.next, piece.via = to, via
        self.queue.append(piece)
        if piece.owes and not self.leads(to):
            owed, piece.owes = piece.owes, None
            self.miss(owed, piece, "diverted" if label == "on_error" else "routed")

    def leads(self, name):
        """Whether the join can be reached from here."""
        node = self.nodes[name]
        nexts = [node.get("to"), node.get("on_error"), *node.get("routes", {}).values()]
        return node is self.join or any(self.leads(one) for one in nexts if one in self.nodes)

    def end(self, piece, how, at=None, why=None, into=None):
        self.log("end", piece.number, how, at, why, into)
        if piece.owes and how in GAPS:
            owed, piece.owes = piece.owes, None
            self.miss(owed, piece, GAPS[how])

    def visit(self, piece):
        node = self.nodes[piece.next]
        if node is self.join:
            return self.arrive(piece)
        for attempt in range(node.get("attempts", 1)):
            since = self.count + 1
            self.count += 1
            answer = self.plugin.answer(node["name"], piece.row, attempt)
            bad = answer.startswith(("error", "refused"))
            self.log("stay", piece.number, node["name"], attempt, "broken" if bad else "fine", answer, since)
            if not answer.endswith("_retryable"):
                break
        if bad:
            to = node.get("on_error")
            if to is None:
                return self.end(piece, "failed", why="broken")
            if to == "discard":
                return self.end(piece, "refused", why="broken")
            return self.move(piece, node["name"], "on_error", to, "broken")
        if node["kind"] == "sink":
            how = {"broken": "parked", "unfit": "refused", "sent": "sent"}.get(piece.via, "done")
            return self.end(piece, how, node["name"], piece.via if how in ("parked", "refused") else None)
        if answer == "drop":
            return self.end(piece, "dropped", why="filtered")
        if answer == "pass":
            return self.move(piece, node["name"], "continue", node["to"])
        label = answer.partition(" ")[2]
        target = node["routes"][label]
        if target == "fork":
            return self.fork(piece, node)
        if target == "discard":
            return self.end(piece, "dropped", why="sent nowhere")
        if target == "continue":
            return self.move(piece, node["name"], "continue", node["to"])
        return self.move(piece, node["name"], label, target, "sent")

    def fork(self, piece, node):
        self.end(piece, "split", into=",".join(node["fork"]))
        for branch, to in node["fork"].items():
            owes = (piece.number, branch) if self.join and branch in self.join["branches"] else None
            self.move(self.make(piece.record, piece.row, piece.number, branch, "split", owes), node["name"], branch, to)

    def meeting(self, split):
        return self.meetings.setdefault(split, {"came": {}, "missing": [], "state": None})

    def arrive(self, piece):
        split, branch = piece.owes
        meeting = self.meeting(split)
        if meeting["state"]:
            self.log("stay", piece.number, self.join["name"], 0, "broken", "late", self.count + 1)
            if self.bug != "late":
                piece.owes = None
                self.end(piece, "failed", why="late")
            return
        self.count += 1
        meeting["came"][branch] = (piece, self.count)
        if len(meeting["came"]) == len(self.join["branches"]):
            self.joined(split, meeting)

    def joined(self, split, meeting):
        meeting["state"] = "joined"
        held = [meeting["came"][branch] for branch in self.join["branches"]]
        result = self.make(held[0][0].record, held[0][0].row, None, None, "joined")
        for place, (piece, since) in enumerate(held):
            self.log("stay", piece.number, self.join["name"], 0, "fine", "merged", since)
            self.end(piece, "joined", into=str(result.number))
            self.log("part", result.number, piece.number, place)
        came = ",".join(self.join["branches"])
        self.log("meeting", split, self.join["name"], "joined", None, "arrival", came, "", result.number)
        self.move(result, self.join["name"], "continue", self.join["to"])

    def miss(self, owed, piece, why):
        split, branch = owed
        meeting = self.meeting(split)
        if meeting["state"]:
            return
        meeting["state"] = "broken"
        self.log("gap", split, self.join["name"], branch, piece.number, why)
        held = [one for one in self.join["branches"] if one in meeting["came"]]
        for one in held:
            other, since = meeting["came"][one]
            other.owes = None
            self.log("stay", other.number, self.join["name"], 0, "broken", "alone", since)
            self.end(other, "failed", why="alone")
        self.log("meeting", split, self.join["name"], "broken", "branch_lost", "loss", ",".join(held), branch, None)


def main(pipeline, rows, trail, *options):
    with open(pipeline) as file:
        document = json.load(file)
    with open(rows) as file:
        given = [json.loads(line) for line in file]
    engine = Engine(document, sqlite3.connect(trail), Scripted(), options[1] if options else None)
    if why := engine.cannot():
        print(why)
        return 77
    engine.run(given)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
