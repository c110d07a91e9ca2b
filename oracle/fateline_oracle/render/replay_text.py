"""Renders the result of stepping one case again for a terminal.

Not here: the stepping (`conform/replay.py`), and any decision.
"""

from collections.abc import Sequence

from fateline_console.terminal import paint
from fateline_model import LAWS
from fateline_model.checker.scopes import instance_called

from ..conform.replay import Replayed
from ..conform.verdict import steps_of
from .conform_text import case_text


def replayed_text(instance_name: str, done: Replayed, laws_then: Sequence[str] = ()) -> str:
    """The counterexample, if there is one, and the verdict last. `laws_then` are the laws that were broken before."""
    if done.fault is not None:
        return f"{paint('undetermined', 'yellow', bold=True)}  the engine broke down at step {done.steps}: {done.fault}"
    if done.unsupported is not None:
        undetermined = paint("undetermined", "yellow", bold=True)
        return f"{undetermined}  the port does not support step {done.steps + 1}: {done.unsupported}"
    if done.found is None:
        return f"{paint('holds', 'green', bold=True)}  law and engine agree in all {done.steps} steps"
    lines = []
    instance = instance_called(instance_name)
    if instance is not None:
        case: dict[str, object] = {
            "steps": [step.__dict__ for step in steps_of(instance, done.found)],
            "laws": done.found.laws,
            "expected": done.found.expected,
            "observed": done.found.observed if isinstance(done.found.observed, str) else None,
            "differences": done.found.differences,
        }
        lines.append(case_text(case))
    first = done.laws[0]
    then = f" (then {laws_then[0]})" if laws_then and laws_then[0] not in done.laws[:1] else ""
    breached = paint("breached", "red", bold=True)
    lines.append(f"\n{breached}  {first} {LAWS[first].title}{then}, at step {done.steps}")
    return "\n".join(lines)
