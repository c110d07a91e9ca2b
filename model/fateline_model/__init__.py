"""The law: a pure, deterministic model of token lifecycles and coalesce policies.

This file is the whole public interface. A pipeline is data; `load` checks it. `step` is the pipeline machine: it takes one
stimulus and returns the next state and the records, or the rule that refuses the stimulus. `operate` is the lifecycle
machine, for callers that no graph restrains, and `barrier_step` is one barrier alone. `LAWS` lists what must be true of
every step, as sentences and as predicates.

Not here: an engine. The law reads no clock, no file and no random number. It imports only the standard library, nothing
of the engine and nothing of the judge. Start with `coalesce.py`, then `machine.py`.
"""

from typing import Final

from .barrier_machine import BarrierEvent, BarrierStimulus, barrier_step
from .laws import LAWS, Family, Law, Level, StepView, Where, checks
from .lifecycle import Done, Op, Operation, TokenRef, World, operate
from .machine import Accepted, step
from .pipeline import IllFormed, Node, Problem
from .records import RELATIONS, SOME, Record
from .state import Run
from .stimuli import Do, Stimulus
from .wellformed import Pipeline, build, load
from .words import Outcome, Refusal

LAW_VERSION: Final = "2"
"""One version for law, trail, protocol and vectors. It changes when what is lawful changes."""

__all__ = [
    "LAWS",
    "LAW_VERSION",
    "RELATIONS",
    "SOME",
    "Accepted",
    "BarrierEvent",
    "BarrierStimulus",
    "Do",
    "Done",
    "Family",
    "IllFormed",
    "Law",
    "Level",
    "Node",
    "Op",
    "Operation",
    "Outcome",
    "Pipeline",
    "Problem",
    "Record",
    "Refusal",
    "Run",
    "StepView",
    "Stimulus",
    "TokenRef",
    "Where",
    "World",
    "barrier_step",
    "build",
    "checks",
    "load",
    "operate",
    "step",
]
