"""Guided walks: stimuli chosen by the law's own graph, the untried first.

A walk begins at nothing and goes on until the run is over. In each state it prefers a step that no walk has taken from
there; what the law refuses there is tried too, once a state. It is seeded, so a walk can be taken again. Not here: the
comparison (`lockstep.py`), and shrinking.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fateline_model.checker.systems import Offer, PipelineSystem, State
from fateline_model.stimuli import Do, Stimulus

from .lockstep import Divergence, Lockstep


@dataclass
class Walked:
    """What the walks covered: states and steps of the law, and refusals that were tried."""

    walks: int = 0
    steps: int = 0
    refusals: int = 0
    states: set[State] = field(default_factory=set)
    transitions: set[tuple[State, Stimulus]] = field(default_factory=set)
    divergence: Divergence | None = None


def walk(
    lockstep: Lockstep,
    system: PipelineSystem,
    *,
    steps: int,
    seed: int = 0,
    progress: Callable[[Walked], None] | None = None,
) -> Walked:
    """Walk until so many steps were taken in both, or the engine leaves the law."""
    done = Walked()
    chance = random.Random(seed)
    while done.steps < steps:
        done.walks += 1
        lockstep.start()
        done.divergence = _one(lockstep, system, done, chance)
        if progress is not None:
            progress(done)
        if done.divergence is not None:
            break
    return done


def _one(lockstep: Lockstep, system: PipelineSystem, done: Walked, chance: random.Random) -> Divergence | None:
    state = system.first()
    while True:
        offers = [offer for offer in system.offers(state) if _in_order(offer, state)]
        if state not in done.states:
            done.states.add(state)
            for refused in _stimuli(offers, lawful=False):
                done.refusals += 1
                if (wrong := lockstep.do(refused)) is not None:
                    return wrong
        lawful = [(offer.stimulus, offer.after) for offer in offers if offer.after is not None]
        new = [pair for pair in lawful if (state, pair[0]) not in done.transitions]
        if not lawful:
            return None
        stimulus, after = chance.choice(new or lawful)
        if not isinstance(stimulus, Stimulus) or after is None:
            return None
        done.transitions.add((state, stimulus))
        done.steps += 1
        skipped = lockstep.tally.skipped.total()
        if (wrong := lockstep.do(stimulus)) is not None:
            return wrong
        if lockstep.tally.skipped.total() == skipped:
            state = after


def _in_order(offer: Offer, state: State) -> bool:
    """An engine reads its source in order; which row is read first makes no difference to the law."""
    stimulus = offer.stimulus
    if not isinstance(stimulus, Stimulus) or stimulus.do is not Do.READ:
        return True
    return stimulus.row == len(state.world[0].rows)


def _stimuli(offers: list[Offer], *, lawful: bool) -> Iterator[Stimulus]:
    for offer in offers:
        if isinstance(offer.stimulus, Stimulus) and (offer.refusal is None) == lawful:
            yield offer.stimulus
