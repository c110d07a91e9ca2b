"""Derives from an engine's declaration what it is asked, and which laws can be checked on its records.

The tables: which stimuli a port can carry, which words of `does` a stimulus or a pipeline needs, which parts of the trail
a law needs, and which words an engine must declare so that a law can be asked about. What is left out is counted and
reported; it never counts as passed. Not here: the declaration itself (`ports/port.py`).
"""

from collections.abc import Iterator
from typing import Final

from fateline_model import Pipeline, Stimulus
from fateline_model.barrier_machine import BarrierEvent, BarrierStimulus
from fateline_model.checker.systems import AnyStimulus, State
from fateline_model.laws import ALL, Law, Where
from fateline_model.lifecycle import Op, Operation
from fateline_model.stimuli import Do, Validity
from fateline_model.words import Collisions, MergeData, NodeKind, Policy, Strategy, Verdict

from ..ports.port import Clock, Does, Hello, Port, Shows
from ..ports.shown import SHOWN, hidden
from .data_laws import LAWS as OF_DATA
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


def is_supported(hello: Hello, stimulus: AnyStimulus, state: State) -> bool:
    """True if the engine supports this stimulus in this state, by what it declares. A stimulus that needs a word which the
    engine does not declare is not sent, even if the law refuses it in this state."""
    for word in _words_for(stimulus):
        if word not in hello.does or (word is Does.DEADLINES and hello.clock is not Clock.INJECTED):
            return False
    if isinstance(stimulus, Stimulus) and stimulus.do is Do.READ:
        return stimulus.row == len(state.world[0].rows) or state.world[0].source_ended
    return True


_OF_OPERATION: Final[dict[Op, Does]] = {
    Op.QUARANTINE: Does.INVALID_ROWS,
    Op.EXPAND: Does.EXPANSION,
    Op.BUFFER: Does.BATCHES,
    Op.CONSUME: Does.BATCHES,
}
_OF_DO: Final[dict[Do, Does]] = {
    Do.CRASH: Does.CRASH,
    Do.RESUME: Does.CRASH,
    Do.DEADLINE: Does.DEADLINES,
    Do.ACCEPT: Does.BATCHES,
    Do.CONDITION: Does.BATCHES,
    Do.FLUSHED: Does.BATCHES,
}


def _words_for(stimulus: AnyStimulus) -> Iterator[Does]:
    """The words of `does` that a stimulus needs."""
    if isinstance(stimulus, Operation):
        if stimulus.op in _OF_OPERATION:
            yield _OF_OPERATION[stimulus.op]
        return
    if MergeData.UNION_COLLISION in stimulus.data:
        yield Does.COLLISIONS
    if isinstance(stimulus, BarrierStimulus):
        if stimulus.do is BarrierEvent.DEADLINE:
            yield Does.DEADLINES
        return
    if stimulus.do in _OF_DO:
        yield _OF_DO[stimulus.do]
    if stimulus.hold is not None and "#" in stimulus.hold:
        yield Does.BATCHES
    if stimulus.do is Do.READ and stimulus.verdict == Validity.INVALID:
        yield Does.INVALID_ROWS
    word = (stimulus.verdict or "").partition(" ")[0]
    if stimulus.do is Do.FINISH and word.endswith("_retryable"):
        yield Does.RETRIES
    if stimulus.do is Do.FINISH and word == Verdict.EXPAND:
        yield Does.EXPANSION


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


def unrecorded(hello: Hello) -> Unrecorded:
    """The relations and columns that are not compared, because the engine declares that it does not record them."""
    relations, columns = hidden(hello)
    missing = [(relation, "") for relation in relations]
    missing += [
        (name, column) for name, compared in RELATIONS.items() for column in compared.columns if column in columns
    ]
    missing += [("merges", "digest")] if "digest" in columns else []  # not compared, and read by a law of data
    return frozenset(missing)


NEEDS: Final[dict[str, Shows]] = {
    **{relation: word for word, part in SHOWN.items() for relation in part.relations},
    "digests": Shows.DIGESTS,
    "reasons": Shows.REASONS,
    "times": Shows.TIMES,
    "refusals": Shows.REFUSALS,
}
"""What a law needs, by the words of the catalogue. Other needs are always met in lockstep: every engine shows tokens, parents,
rows, outcomes and runs, the judge gives the pipeline, and each reply is one step, in order."""


AT_REST: Final[dict[str, Shows]] = {"seq": Shows.SEQ, "tx": Shows.TX}
"""What a law needs in addition when a whole run is checked: its steps were not observed, so the records must carry their order
and transactions."""

ATOMIC: Final = ("K2", "X3")
"""The laws that say that a step is one transaction. They need `tx` in lockstep too."""


def needs_of(law: Law) -> dict[str, Shows]:
    """The needs of a law that an engine may lack when it is driven, each with the word for it."""
    needs = {need: NEEDS[need] for need in law.needs if need in NEEDS}
    return {**needs, "tx": Shows.TX} if law.id in ATOMIC else needs


def not_shown_at_rest(hello: Hello) -> frozenset[str]:
    """The laws that cannot be judged on a whole run of this engine: its records lack what they need, or their order, or their
    transactions."""
    return frozenset(
        law.id
        for law in ALL
        if lacks(law, hello) or any(AT_REST[n] not in hello.shows for n in law.needs if n in AT_REST)
    )


def lacks(law: Law, hello: Hello) -> list[str]:
    """The needs of the law that the engine does not show. If there are none, the law can be checked."""
    return [need for need, word in needs_of(law).items() if word not in hello.shows]


def lacking(hello: Hello) -> frozenset[str]:
    """The laws that cannot be checked, because the engine does not show what they need."""
    return frozenset(law.id for law in ALL if lacks(law, hello))


# ------------------------------------------------------------------------------------------------- what is never asked

_JOINS: Final = tuple(POLICY.values())
ASKED_BY: Final[dict[str, tuple[Does, ...]]] = {
    **{law.id: _JOINS for law in ALL if law.id[0] in "KC"},
    **{law.id: (Does.BATCHES,) for law in ALL if law.id[0] == "B"},
    "F5": (Does.BATCHES,),
    "X1": (Does.EXPANSION,),
    "X3": (Does.EXPANSION,),
    "C9": (Does.UNION,),
    "R1": (Does.CRASH,),
    "R2": (Does.CRASH,),
    "R5": (Does.CRASH,),
}
"""The words of `does` of which an engine must declare at least one so that a law can be asked about."""


def why_never_asked(law: Law, hello: Hello) -> str | None:
    """Why nothing that this engine can be asked is about the law; None if it declares everything."""
    if (words := ASKED_BY.get(law.id)) and hello.does.isdisjoint(words):
        return f"the engine does not declare {' or '.join(words)}"
    for port in (Port.PIPELINE, Port.LIFECYCLE, Port.BARRIER):
        if port not in hello.ports:
            return f"the engine offers no {port} port"
    missing = [word for word in Does if word not in hello.does and word is not Does.BOUNDARIES]
    if missing:
        return f"nothing that could be asked is about it; the engine does not declare {', '.join(missing)}"
    return None


def why_not_judged(law: Law, hello: Hello, checked: int, otherwise: str | None = None) -> str | None:
    """Why a law is not judged when an engine is driven step by step; None if it is. `otherwise` is the reason of the caller for
    a law that was never asked about although the engine allows it."""
    if missing := lacks(law, hello):
        return f"the engine does not show {', '.join(missing)}"
    if Where.STEP not in law.where and law.id not in OF_DATA:
        return "judged on trails, not step by step"
    return None if checked else why_never_asked(law, hello) or otherwise


def declared_and_not_asked(hello: Hello) -> list[str]:
    """A line for each declared word that is never asked about, with the reason."""
    if Does.DEADLINES in hello.does and hello.clock is not Clock.INJECTED:
        return [
            f"`{Does.DEADLINES}` is declared and no deadline was asked: the clock is {hello.clock}, not {Clock.INJECTED}"
        ]
    return []
