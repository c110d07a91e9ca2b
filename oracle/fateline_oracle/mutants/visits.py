"""Animals whose visits or ways are not those of the graph: open for ever, counted wrongly, or along another way."""

from typing import Final

from .mutant import Mutant, Patch, unguarded

_TWO_OPEN = Mutant(
    "two-open-visits",
    "V3",
    "the next attempt is opened before the failed one is closed",
    (
        Patch(
            "processor.py",
            "            state.close(live, VisitStatus.FAILED, verdict, error=error)\n            self._begin(live)\n            return\n",
            "            self._begin(live)\n            return\n",
        ),
    ),
    ("retries",),
    guard="visits_one_open",
)
_FROM_ONE = Mutant(
    "attempts-from-one",
    "V2",
    "attempts at a node are counted from one after a hop",
    (
        Patch(
            "state.py",
            "        live.phase = _NEXT\n        live.attempt = -1\n",
            "        live.phase = _NEXT\n        live.attempt = 0\n",
        ),
    ),
    ("line",),
    guard="visits_attempts",
)

MUTANTS: Final = (
    Mutant(
        "written-and-left-open",
        "V1",
        "the visit of a sink stays open when the row is written",
        (Patch("processor.py", '        self.state.close(live, _COMPLETED, "written")\n', ""),),
        ("line",),
        guard="fates_after_the_visit",
    ),
    _FROM_ONE,
    unguarded(_FROM_ONE),
    _TWO_OPEN,
    unguarded(_TWO_OPEN),
    Mutant(
        "one-attempt-too-many",
        "V4",
        "a node is tried once more than its settings allow",
        (
            Patch(
                "processor.py",
                "failure.retryable and live.tries < attempts",
                "failure.retryable and live.tries <= attempts",
            ),
        ),
        ("retries",),
    ),
    Mutant(
        "an-error-goes-on",
        "T2",
        "after an error at a node the token takes the way of success",
        (
            Patch(
                "processor.py",
                "        edge: EdgeRef | None = node.on_error\n",
                "        edge: EdgeRef | None = node.on_error and node.edges.get(CONTINUE, node.on_error)\n",
            ),
        ),
        ("retries", "line"),
    ),
    Mutant(
        "a-route-goes-on",
        "T2",
        "a gate that routes to a sink lets the token go on instead",
        (
            Patch(
                "processor.py",
                "edge = node.edges[CONTINUE if target == CONTINUE else verdict.label]",
                "edge = node.edges.get(CONTINUE) or node.edges[verdict.label]",
            ),
        ),
        ("line",),
        finding=14,
    ),
    Mutant(
        "the-path-is-not-the-graph",
        "T1",
        "the hop of a gate is recorded on the first edge of the pipeline, whichever was taken",
        (
            Patch(
                "processor.py",
                "            self.state.close(live, _COMPLETED, word, edge)\n",
                "            self.state.close(live, _COMPLETED, word, self.state.compiled.edges[0])\n",
            ),
        ),
        ("line",),
        finding=14,
    ),
    Mutant(
        "step-numbers-collide",
        "T1",
        "visits are recorded under the rank of a node, which two nodes can share",
        (
            Patch(
                "state.py",
                "self.recorder.open_visit(info.row, info.token, live.node.number, live.attempt, status, info.data.digest)",
                "self.recorder.open_visit(\n            info.row, info.token, min(live.node.rank, 2), live.attempt, status, info.data.digest\n        )",
            ),
        ),
        ("diamond",),
        finding=15,
    ),
    Mutant(
        "begins-where-it-should-arrive",
        "Z1",
        "a visit is begun whatever kind of node the token is on its way to",
        (
            Patch(
                "processor.py",
                "        elif _FIRST_WORK[node.kind] is not work.kind:\n",
                "        elif _FIRST_WORK[node.kind] is not work.kind and work.kind is not Kind.BEGIN:\n",
            ),
        ),
        ("hostile diamond",),
    ),
)
