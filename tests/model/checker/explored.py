"""Instances of the small scope, explored once for all the tests of a process. Not a test."""

from functools import cache

from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.search import Explored, explore
from fateline_model.checker.symmetry import Symmetry
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle.law.verification import ScopeReport, verify_scope

SMALL = {instance.name: instance for instance in instances("small")}
PIPELINES = [name for name, instance in SMALL.items() if instance.machine == "pipeline"]


def system_of(name: str) -> PipelineSystem:
    system = SMALL[name].system
    assert isinstance(system, PipelineSystem)
    return system


def symmetry_of(name: str) -> Symmetry:
    system = system_of(name)
    return Symmetry(system.pipeline, system.verdicts)


@cache
def naive(name: str) -> Explored:
    """One row, every state by itself."""
    return explore(SMALL[name].system, SMALL[name].laws)


@cache
def reduced(name: str) -> Explored:
    """One row, branches that look alike made one."""
    return explore(SMALL[name].system, SMALL[name].laws, fold=symmetry_of(name).fold)


def rows(instance: Instance, number: int) -> Explored:
    """So many rows side by side, every state by itself, no law asked: only to count."""
    return explore(instance.with_rows(number), ())


@cache
def small_report() -> ScopeReport:
    """The whole small scope as `fateline verify` runs it, the lock included."""
    return verify_scope("small")
