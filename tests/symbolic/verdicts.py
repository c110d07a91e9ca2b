"""The engine's verdict kernel beside the law's, as contracts for CrossHair: the same answer for every integer.

Each function is a theorem about one event; `mutant` differs from the engine in one place and must be refuted. Not here:
the tests that settle them (`test_engine_verdict.py`), and the kernels, which were written apart.
"""

from fateline_engine.settings.nodes import Policy as EnginePolicy
from fateline_engine.verdict import Counts as EngineCounts
from fateline_engine.verdict import Event as EngineEvent
from fateline_engine.verdict import Ruling
from fateline_engine.verdict import decide as engine_decide
from fateline_model.coalesce import Counts, Decision, Event, decide, possible, well_formed  # noqa: F401  # in contracts
from fateline_model.words import Policy

POLICIES = {policy: EnginePolicy(policy) for policy in Policy}
EVENTS = {event: EngineEvent(event) for event in Event}
SAYS = {
    Decision.HOLD: Ruling.WAIT,
    Decision.WAIT: Ruling.WAIT,
    Decision.MERGE: Ruling.MERGE,
    Decision.BRANCH_LOST: Ruling.BRANCH_LOST,
    Decision.QUORUM_IMPOSSIBLE: Ruling.QUORUM_IMPOSSIBLE,
    Decision.ALL_BRANCHES_LOST: Ruling.ALL_BRANCHES_LOST,
    Decision.INCOMPLETE_BRANCHES: Ruling.INCOMPLETE_BRANCHES,
    Decision.QUORUM_NOT_MET: Ruling.QUORUM_NOT_MET,
    Decision.NO_ARRIVALS: Ruling.NO_ARRIVALS,
    Decision.IMPOSSIBLE: Ruling.FIRST_HAS_ARRIVED,
}
"""What the engine calls each decision of the law; it holds and waits in one word."""


def _asked(policy: Policy, counts: Counts) -> EngineCounts:
    quorum = counts.quorum if policy is Policy.QUORUM else 0
    return EngineCounts(counts.n, counts.arrived, counts.lost, quorum)


def engine(policy: Policy, event: Event, counts: Counts) -> Ruling:
    """The engine decides as the law does, on every barrier that can be.

    pre: well_formed(counts)
    pre: possible(policy, event, counts)
    post: __return__ is SAYS[decide(policy, event, counts)]
    """
    return engine_decide(POLICIES[policy], _asked(policy, counts), EVENTS[event])


def mutant(policy: Policy, event: Event, counts: Counts) -> Ruling:
    """An engine whose `best_effort` does not wait for the last branch.

    pre: well_formed(counts)
    pre: possible(policy, event, counts)
    post: __return__ is SAYS[decide(policy, event, counts)]
    """
    if policy is Policy.BEST_EFFORT and event is Event.ARRIVAL and counts.arrived + counts.lost == counts.n - 1:
        return Ruling.MERGE
    return engine_decide(POLICIES[policy], _asked(policy, counts), EVENTS[event])
