"""Random pipelines, and lawful runs through them: trails of shapes that nobody chose.

A pipeline is drawn from its end to its source: nodes in a row, a fork whose branches are drawn the same way and joined again,
a gate that leaves a branch to a sink, to nowhere, or to a node behind its coalesce. A pipeline that is not well-formed is
drawn again. A run is a random walk of the law, taken by the reference engine. Not here: what is asked of the trails.
"""

import random
from typing import Any

from fateline_model import IllFormed, Pipeline, load
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.stimuli import Do
from fateline_oracle.audit.import_records import graph_records
from fateline_oracle.compare.names import Names
from fateline_oracle.reference.pipeline import ReferencePort

Record = dict[str, Any]
Node = dict[str, Any]
STEPS = 90
POLICIES = ("require_all", "quorum", "best_effort", "first")


class _Draft:
    """A pipeline that is being drawn."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.sinks = [f"out{number}" for number in range(draw.randint(1, 3))]
        self.nodes: list[Node] = []

    def sink(self) -> str:
        return self.draw.choice(self.sinks)

    def add(self, kind: str, **settings: object) -> str:
        name = f"{kind[0]}{len(self.nodes)}"
        self.nodes.append({"name": name, "kind": kind, **settings})
        return name

    def sequence(self, depth: int, to: str, behind: str | None) -> str:
        """Nodes in a row that lead to `to`. Returns the first. `behind` is a node after the coalesce of this branch."""
        for _ in range(self.draw.randint(0 if depth else 1, 2)):
            to = self.item(depth, to, behind)
        return to

    def item(self, depth: int, to: str, behind: str | None) -> str:
        draw = self.draw
        kind = draw.choice(
            ("transform", "gate", "fork", "fork", "expand", "batch") if depth < 2 else ("transform", "gate")
        )
        errors = {"on_error": draw.choice([self.sink(), "discard"])} if draw.random() < 0.4 else {}
        if kind == "transform":
            attempts = {"attempts": 2} if draw.random() < 0.3 else {}
            return self.add("transform", to=to, **errors, **attempts)
        if kind == "expand":
            return self.add("transform", to=to, expands=True, **errors)
        if kind == "batch":
            return self.add(
                "aggregation", to=to, mode=draw.choice(("passthrough", "transform")), count=draw.randint(1, 2)
            )
        if kind == "gate":
            routes = {"on": "continue", "off": draw.choice([self.sink(), "discard"])}
            return self.add("gate", to=to, routes=routes, **errors)
        return self.fork(depth, to, errors)

    def fork(self, depth: int, to: str, errors: dict[str, str]) -> str:
        draw = self.draw
        branches = list("abc"[: draw.randint(2, 3)])
        joined = branches if draw.random() < 0.8 else branches[:2]
        policy = draw.choice(POLICIES)
        settings: dict[str, object] = {"policy": policy, "branches": joined}
        if policy == "quorum":
            settings["quorum_count"] = draw.randint(1, len(joined))
        if policy == "best_effort" or draw.random() < 0.3:
            settings["timeout_seconds"] = 5
        merge = draw.choice(("union", "nested", "select"))
        settings["merge"] = merge
        if merge == "select":
            settings["select_branch"] = draw.choice(joined)
        elif merge == "union":
            settings["collisions"] = draw.choice(("last_wins", "first_wins", "fail"))
        join = self.add("coalesce", to=to, **settings)
        entries = {
            branch: self.sequence(depth + 1, join if branch in joined else self.sink(), to) for branch in branches
        }
        for branch in joined:
            if draw.random() < 0.15:  # a branch that a gate may leave, to a node behind the coalesce
                entries[branch] = self.add(
                    "gate",
                    to=to,
                    routes={"leave": "continue", "in": "fork"},
                    fork={"x": entries[branch], "y": self.sink()},
                )
        routes = {"all": "fork"}
        return self.add("gate", routes=routes, fork=entries, **errors)


def random_pipeline(draw: random.Random) -> tuple[Pipeline, dict[str, Any]]:
    """A well-formed pipeline, and its document."""
    while True:
        draft = _Draft(draw)
        first = draft.sequence(0, draft.sink(), None)
        nodes = [{"name": "src", "kind": "source", "to": first}, *reversed(draft.nodes)]
        nodes += [{"name": sink, "kind": "sink"} for sink in draft.sinks]
        document = {"name": "random", "nodes": nodes}
        try:
            return load(document), document
        except IllFormed:
            continue


def random_trail(draw: random.Random) -> tuple[Pipeline, list[Record]]:
    """A pipeline, and the trail of a lawful run through it, which may be over or not."""
    pipeline, document = random_pipeline(draw)
    system = PipelineSystem(pipeline, draw.randint(1, 3), draw.randint(0, 1), InstanceOptions())
    port, names, state = ReferencePort(), Names(), system.first()
    port.start(document)
    for _ in range(STEPS):
        lawful = [one for one in system.attempts(state) if one.after is not None]
        lawful = [one for one in lawful if not _too_early(one.stimulus, lawful, draw)]
        if not lawful:
            break
        taken = draw.choice(lawful)
        reply = port.do(names.asked(taken.stimulus))  # type: ignore[arg-type]
        if reply.unsupported is not None:
            continue
        assert reply.refused is None, (taken.stimulus, reply)
        names.learn(reply.records)
        assert taken.after is not None
        state = taken.after
    trail = [*graph_records(pipeline, "r"), *({**record, "run": "r"} for record in port.trail())]
    port.close()
    return pipeline, trail


def _too_early(stimulus: object, lawful: list[Any], draw: random.Random) -> bool:
    """The source ends, the run crashes, nodes fail and barriers are flushed seldom, so that most runs go far."""
    do, verdict = getattr(stimulus, "do", None), str(getattr(stimulus, "verdict", ""))
    rare = do in (Do.END_OF_SOURCE, Do.RUN_OVER, Do.CRASH, Do.FLUSH, Do.DEADLINE)
    rare = rare or verdict.startswith(("invalid", "error", "refused", "drop", "route off"))
    return rare and len(lawful) > 1 and draw.random() < 0.85
