"""The named scopes: reads `scopes.toml` and makes each instance a system that can be explored.

Not here: the pipelines (`shapes.py`), and what is done with an instance (`verify.py`).
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any, Final, NamedTuple

from ..barrier_machine import diamond as barrier_diamond
from ..laws import ALL, NOT_IN_LIFECYCLE, Law
from ..lifecycle import Op
from ..pipeline import parse
from ..wellformed import Pipeline, load
from ..words import NodeKind, Verdict
from .shapes import NAMES, SHAPES, coalesce, pipeline, sink, source
from .systems import BarrierSystem, InstanceOptions, LifecycleSystem, PipelineSystem, System

NAMED: Final = ("small", "standard", "deep")


class UnknownScope(ValueError):
    """A scope that `scopes.toml` does not name."""


class Instance(NamedTuple):
    """One system of one scope. `rows` lists the numbers of rows for which counts are wanted; it is empty without rows."""

    family: str
    name: str
    machine: str
    system: System
    rows: tuple[int, ...]
    crashes: int
    laws: tuple[Law, ...]
    document: Mapping[str, Any] | None = None
    """The pipeline in its JSON form, for a caller that gives it to an engine."""
    in_full: bool = False
    """Whether its digest covers every state and record, and not only which step leads where. True in scope small."""

    def with_rows(self, rows: int) -> PipelineSystem:
        """The same instance with this number of rows, for the naive search."""
        system = self.system
        if not isinstance(system, PipelineSystem):
            raise TypeError(f"{self.name}: the {self.machine} machine has no rows to multiply")
        return PipelineSystem(system.pipeline, rows, system.crashes, system.options)


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(files(__package__).joinpath("scopes.toml").read_text(encoding="utf-8"))


def instances(scope: str) -> tuple[Instance, ...]:
    """Every instance of a scope, in the order of the file. A scope contains the scopes before it."""
    if scope not in NAMED:
        raise UnknownScope(f"unknown scope {scope!r}; there are: {', '.join(NAMED)}")
    chosen = NAMED[: NAMED.index(scope) + 1]
    return tuple(found for name in chosen for family in _table()[name] for found in _family(family, name == NAMED[0]))


def beside_the_scopes() -> tuple[Instance, ...]:
    """Mistakes of an engine that scopes of one row cannot show: reading on after a crash, merging across rows."""
    document = SHAPES["line"]()
    shape = load(document)
    reading = PipelineSystem(shape, 2, 1, _options(shape, {"sinks": "written", "works": "pass or error"}))
    merging = LifecycleSystem(((3, 3),), (Op.INITIAL, Op.FORK, Op.MERGE))
    lifecycle = tuple(law for law in ALL if law.id not in NOT_IN_LIFECYCLE)
    return (
        Instance("two rows and a crash", "two rows and a crash", "batch", reading, (), 1, ALL, document),
        Instance("two rows to merge", "two rows to merge", "lifecycle", merging, (), 0, lifecycle),
    )


def _family(table: Mapping[str, Any], in_full: bool) -> Iterator[Instance]:
    over: dict[str, list[Any]] = table.get("over", {})
    for values in product(*over.values()):
        chosen = dict(zip(over, values, strict=True))
        settings = " ".join(f"{key}={value}" for key, value in chosen.items())
        system = _MACHINES[table["machine"]](table, chosen)
        laws = tuple(law for law in ALL if table["machine"] != "lifecycle" or law.id not in NOT_IN_LIFECYCLE)
        yield Instance(
            table["family"],
            f"{table['family']} {settings}".strip(),
            table["machine"],
            system,
            tuple(table.get("rows", ())),
            table.get("crashes", 0),
            laws,
            SHAPES[table["shape"]](**chosen) if "shape" in table else None,
            in_full,
        )


def _pipeline_system(table: Mapping[str, Any], chosen: Mapping[str, Any]) -> PipelineSystem:
    shape = load(SHAPES[table["shape"]](**chosen))
    rows = max(table["rows"]) if table["machine"] == "batch" else 1
    return PipelineSystem(shape, rows, table.get("crashes", 0), _options(shape, table.get("options", {})))


def _options(shape: Pipeline, table: Mapping[str, Any]) -> InstanceOptions:
    verdicts: dict[str, tuple[str, ...]] = {}
    for node in shape.nodes.values():
        if node.kind is NodeKind.SINK and table.get("sinks") == "written":
            verdicts[node.name] = (Verdict.WRITTEN,)
        if node.kind is NodeKind.GATE and table.get("forks") == "all":
            verdicts[node.name] = (f"{Verdict.ROUTE} all",)
        if node.kind is NodeKind.TRANSFORM and not node.expands and table.get("works") == "pass or error":
            verdicts[node.name] = (Verdict.PASS, Verdict.ERROR)
    return InstanceOptions(verdicts, table.get("invalid_rows", False), table.get("hostile", False))


def _barrier_system(table: Mapping[str, Any], chosen: Mapping[str, Any]) -> BarrierSystem:
    names = list(NAMES[: chosen["branches"]])
    node = coalesce("j", names, "out", chosen["policy"], chosen["merge"])
    _, nodes = parse(pipeline("barrier", source("g"), node, sink()))
    return BarrierSystem(barrier_diamond(nodes[1]))


def _lifecycle_system(table: Mapping[str, Any], chosen: Mapping[str, Any]) -> LifecycleSystem:
    operations = [Op(word) for word in table["operations"]]
    return LifecycleSystem(table["limits"], operations, fates=table.get("fates", "few"))


_MACHINES: Final[dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], System]]] = {
    "pipeline": _pipeline_system,
    "batch": _pipeline_system,
    "barrier": _barrier_system,
    "lifecycle": _lifecycle_system,
}
