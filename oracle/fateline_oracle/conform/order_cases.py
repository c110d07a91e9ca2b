"""Writes orders of the same outcomes as cases, so that two of them can be played side by side and each can be replayed.

A case goes to the end of its order: each step has what the engine recorded, and in what that differs from the law. Not here:
which orders are worth a case (`orders.py`).
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from fateline_model import BarrierStimulus
from fateline_model.checker.scopes import Instance
from fateline_model.checker.systems import Attempt, State
from fateline_model.checker.verify import Step, stimulus_as_json
from fateline_model.records import as_json

from ..compare.data_laws import Broken
from ..compare.difference import Difference
from ..ports.port import Engine, EngineFault, Hello, RecordJson
from ..report.case import case_document
from .barrier_driver import is_fate_of_lost
from .machine_driver import MachineDriver, Unsupported
from .machine_instance import side_by_side
from .orders import Order, Orders

KINDS: Final = ("not-allowed", "differ", "decides")
"""How the file of a case begins: an end that the law does not allow, two ends where it has one, and two ends of the law."""


class OrderCase(NamedTuple):
    """A case with the name of its file."""

    name: str
    document: dict[str, object]


def order_cases(
    engine: Engine, hello: Hello, found: Orders, instances: dict[str, Instance], reproduce: str
) -> Iterator[OrderCase]:
    """A case for each order of each finding, and for two orders between which the law lets the order decide."""
    for kind, findings in zip(KINDS, (found.not_allowed, found.differ, found.decides), strict=True):
        for number, one in enumerate(findings):
            for letter, (order, end) in zip("ab", one.ends, strict=False):
                document = _case(engine, hello, instances[one.instance], order, f"{one.outcomes}: {end}", reproduce)
                yield OrderCase(f"{kind}-{number:03d}-{letter}-{one.instance}", document)


def _case(
    engine: Engine, hello: Hello, instance: Instance, order: Order, title: str, reproduce: str
) -> dict[str, object]:
    side = side_by_side(engine, hello, instance)
    if side is None:
        raise EngineFault("the engine offers no barrier port")
    driver = MachineDriver(side)
    driver.start()
    state: State = instance.system.first()
    steps: list[dict[str, Any]] = []
    laws: dict[Broken, None] = {}
    expected: list[RecordJson] = []
    observed = ""
    for event in order:
        attempt = next(one for one in instance.system.attempts(state) if str(one.stimulus) == str(event))
        expected = [as_json(record) for record in attempt.records]
        difference = _asked(driver, attempt)
        steps.append(_step(attempt, expected, difference))
        observed = difference.observed if difference is not None and isinstance(difference.observed, str) else ""
        laws.update(dict.fromkeys(difference.laws if difference is not None else ()))
        state = attempt.after or state
        side.world = state.world  # whatever the engine did: the law goes on in its own state
    differences = steps[-1].pop("differences", [])
    document = case_document(title, instance.machine, instance.name, None, list(laws), [], expected, reproduce)
    return {
        **document,
        "steps": steps,
        "engine": {"name": hello.name, "version": hello.version},
        "differences": differences,
        "observed": observed,
    }


def _asked(driver: MachineDriver, attempt: Attempt) -> Difference | None:
    """What the engine did otherwise; a step that it does not support is one in which it records nothing."""
    try:
        return driver.attempted(attempt)
    except Unsupported as reason:
        return Difference(tuple(driver.path), (), str(reason), (str(reason),), (), ())


def _step(attempt: Attempt, expected: list[RecordJson], difference: Difference | None) -> dict[str, Any]:
    """A step with the records of the engine, as far as they are compared, and of the law where they are not."""
    records, differences = expected, tuple[str, ...]()
    if difference is not None:
        own = difference.observed if not isinstance(difference.observed, str) else ()
        assert isinstance(attempt.stimulus, BarrierStimulus)
        free = [one for one in expected if is_fate_of_lost(one, attempt.stimulus)]
        records, differences = [*own, *free], difference.differences
    step = Step(str(attempt.stimulus), stimulus_as_json(attempt.stimulus), [dict(one) for one in records])
    more = {"differences": list(differences)} if differences else {}
    return {"says": step.says, "stimulus": step.stimulus, "records": step.records, **more}
