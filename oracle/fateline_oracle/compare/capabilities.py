"""Derives from an engine's declaration what it is asked, and which laws can be checked on its records.

Three tables: which stimuli a port can carry, which capabilities a pipeline needs, and which parts of the trail a law
needs. What is left out is counted and reported; it never counts as passed. Not here: the declaration itself
(`ports/port.py`).
"""

from collections.abc import Iterator
from typing import Final

from fateline_model import Pipeline, Stimulus
from fateline_model.barrier_machine import BarrierEvent
from fateline_model.checker.systems import State
from fateline_model.laws import ALL, Law
from fateline_model.lifecycle import Op
from fateline_model.stimuli import Do, Validity
from fateline_model.words import Collisions, NodeKind, Policy, Strategy

from ..ports.port import Clock, Does, Hello, Port, Shows
from .records import RELATIONS, Unrecorded

# ------------------------------------------------------------------------------------------------- stimulus by port

SAYS: Final[dict[Port, tuple[str, ...]]] = {
    Port.LIFECYCLE: tuple(f"operation {op}" for op in Op),
    Port.BARRIER: tuple(f"barrier {event}" for event in BarrierEvent),
    Port.PIPELINE: tuple(Do),
    Port.TRAIL: (),
}
"""The stimuli that a port can carry. The trail port carries none: the engine runs, and its records are checked."""

CANNOT: Final[dict[Do, str]] = {
    Do.READ: "a source gives its rows in order, so the engine decides which row is next",
}
"""Stimuli that a pipeline port carries in one form only, each with the reason."""


def is_supported(hello: Hello, stimulus: Stimulus, state: State) -> bool:
    """True if the engine supports this stimulus in this state, by what it declares."""
    if stimulus.do is Do.READ:
        known = len(state.world[0].rows)
        in_order = stimulus.row == known or state.world[0].source_ended
        return in_order and (stimulus.verdict != Validity.INVALID or Does.INVALID_ROWS in hello.does)
    if stimulus.do in (Do.CRASH, Do.RESUME):
        return Does.CRASH in hello.does
    if stimulus.do is Do.DEADLINE:
        return Does.DEADLINES in hello.does and hello.clock is Clock.INJECTED
    word = (stimulus.verdict or "").partition(" ")[0]
    if stimulus.do is Do.FINISH and word.endswith("_retryable"):
        return Does.RETRIES in hello.does
    return True


# ------------------------------------------------------------------------------------------------- pipelines

POLICY: Final = {policy: Does(policy) for policy in Policy}
STRATEGY: Final = {strategy: Does(strategy) for strategy in Strategy}


def requirements(pipeline: Pipeline) -> frozenset[Does]:
    """The capabilities that an engine needs to run this pipeline."""
    return frozenset(_asks(pipeline))


def _asks(pipeline: Pipeline) -> Iterator[Does]:
    for node in pipeline.nodes.values():
        if node.kind is NodeKind.COALESCE:
            yield POLICY[node.policy]
            yield STRATEGY[node.merge]
            if node.merge is Strategy.UNION and node.collisions is not Collisions.LAST_WINS:
                yield Does.COLLISIONS
        if node.kind is NodeKind.AGGREGATION:
            yield Does.BATCHES
        if node.kind is NodeKind.GATE and node.fork:
            joined = [(node.name, branch) in pipeline.joined for branch, _ in node.fork]
            if any(joined) and not all(joined):
                yield Does.PARTIAL_JOINS
            if pipeline.beneath[node.name]:
                yield Does.NESTING
        if node.expands:
            yield Does.EXPANSION


# ------------------------------------------------------------------------------------------------- what is shown

RELATION_SHOWN: Final = {
    "visits": Shows.VISITS,
    "hops": Shows.HOPS,
    "barriers": Shows.BARRIERS,
    "losses": Shows.LOSSES,
    "merges": Shows.MERGES,
    "batches": Shows.BATCHES,
    "members": Shows.BATCHES,
}


def unrecorded(hello: Hello) -> Unrecorded:
    """The relations and columns that are not compared, because the engine declares that it does not record them."""
    missing = [(relation, "") for relation, shown in RELATION_SHOWN.items() if shown not in hello.shows]
    if Shows.VISITS not in hello.shows:
        missing.append(("hops", "from_visit"))
    if Shows.REASONS not in hello.shows:
        missing += [(name, "reason") for name, compared in RELATIONS.items() if "reason" in compared.columns]
    return frozenset(missing)


NEEDS: Final[dict[str, Shows]] = {
    **RELATION_SHOWN,
    "digests": Shows.DIGESTS,
    "reasons": Shows.REASONS,
    "times": Shows.TIMES,
    "refusals": Shows.REFUSALS,
}
"""What a law needs, by the words of the catalogue. Other needs are always met in lockstep: every engine shows tokens, parents,
rows, outcomes and runs, the judge gives the pipeline, and each reply is one transaction in order."""


AT_REST: Final[dict[str, Shows]] = {"seq": Shows.SEQ, "tx": Shows.TX}
"""What a law needs in addition when a whole run is checked: its steps were not observed, so the records must carry their order
and transactions."""


def not_shown_at_rest(hello: Hello) -> frozenset[str]:
    """The laws that cannot be judged on a whole run of this engine, because its records lack order or transactions."""
    return frozenset(law.id for law in ALL if any(AT_REST[n] not in hello.shows for n in law.needs if n in AT_REST))


def lacks(law: Law, hello: Hello) -> list[str]:
    """The needs of the law that the engine does not show. If there are none, the law can be checked."""
    return [need for need in law.needs if need in NEEDS and NEEDS[need] not in hello.shows]
