"""Replays a saved counterexample of a crash test: the same scenario, crashed at the same boundaries.

The case comes from a file and is not trusted. Not here: other cases (`conform/replay.py`).
"""

from collections.abc import Mapping
from typing import Any

from fateline_model import IllFormed, Stimulus, load
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.laws import ALL
from fateline_model.stimuli import Do
from fateline_model.stimuli_json import from_json

from ..conform.replay import BadCase, Replayed
from ..ports.port import CommitPolicy, Engine, EngineFault, Hello
from .instance import CrashDriver, CrashResult, crash_port, declines

MOST_CUTS = 8


def replay_crash(document: Mapping[str, Any], engine: Engine, hello: Hello) -> tuple[Replayed, CrashResult]:
    """Crash the scenario again."""
    pipeline, stimuli, policy, cuts = _read(document)
    system = PipelineSystem(pipeline, 1, 0, InstanceOptions())
    name = str(document.get("instance"))
    instance = Instance(name, name, "pipeline", system, (), 0, ALL, document["pipeline"])
    done = CrashResult(name, name)
    why = declines(engine, hello, instance)
    if why is not None:
        raise BadCase(why)
    port = crash_port(engine)
    try:
        CrashDriver(port, hello, instance, done).replay(stimuli, policy, cuts)
    except EngineFault as fault:
        return Replayed(None, str(fault), len(stimuli)), done
    except ValueError as error:
        raise BadCase(f"its steps do not make a scenario: {error}") from error
    finally:
        port.close()
    return Replayed(None, None, len(stimuli)), done


def _read(document: Mapping[str, Any]) -> tuple[Any, list[Stimulus], CommitPolicy, list[int]]:
    cuts, policy = document.get("cuts"), document.get("policy")
    if not isinstance(cuts, list) or len(cuts) > MOST_CUTS or policy not in set(CommitPolicy):
        raise BadCase(f"give cuts, a list of at most {MOST_CUTS}, and a policy: {' or '.join(CommitPolicy)}")
    places = [cut.get("boundary") if isinstance(cut, dict) else None for cut in cuts]
    numbers = [place for place in places if isinstance(place, int) and place >= 0]
    if len(numbers) < len(places):
        raise BadCase('give each cut the number of its boundary, as in {"boundary": 7}')
    try:
        pipeline = load(document.get("pipeline") or {})
        stimuli = [from_json(step["stimulus"]) for step in document["steps"]]
    except (IllFormed, ValueError) as error:
        raise BadCase(str(error)) from error
    return pipeline, [one for one in stimuli if one.do not in (Do.CRASH, Do.RESUME)], CommitPolicy(policy), numbers
