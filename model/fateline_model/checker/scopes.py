"""The named scopes: reads `scopes.toml` and makes each instance a system that can be explored.

A scope is every irreducible pipeline up to a size, and beyond that size pipelines that were chosen. Not here: the pipelines
(`small_pipelines.py`, `shapes.py`), and what is done with an instance (`verify.py`).
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import chain, product
from typing import Any, Final, NamedTuple

from ..barrier_machine import diamond as barrier_diamond
from ..laws import ALL, NOT_IN_LIFECYCLE, Law
from ..lifecycle import Op
from ..pipeline import Node, parse
from ..wellformed import Pipeline, load
from ..words import CONTINUE, FORK, RESERVED, NodeKind, Verdict
from .shapes import NAMES, SHAPES, Document, coalesce, pipeline, sink, source
from .small_pipelines import document, irreducible
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
    line: str = ""
    """The line of `counts.json` that its counts are added to: its name, or for every pipeline of a size one name for all."""

    @property
    def is_one_of_all(self) -> bool:
        """True if it stands for one of every pipeline of a size."""
        return self.line != self.name

    def with_rows(self, rows: int) -> PipelineSystem:
        """The same instance with this number of rows, for the naive search."""
        system = self.system
        if not isinstance(system, PipelineSystem):
            raise TypeError(f"{self.name}: the {self.machine} machine has no rows to multiply")
        return PipelineSystem(system.pipeline, rows, system.crashes, system.options)


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(files(__package__).joinpath("scopes.toml").read_text(encoding="utf-8"))


class Sizes(NamedTuple):
    """Every irreducible pipeline up to a size, with a number of crashes."""

    largest: int
    crashes: int


def instances(scope: str | Sizes) -> tuple[Instance, ...]:
    """Every instance of a scope, in the order of the file. A scope contains the scopes before it."""
    return tuple(one for table, in_full in _families(scope) for one in _family(table, in_full))


def families(scope: str) -> dict[str, str]:
    """The families of a scope, each with the name of its machine. No instance is made."""
    return {table["family"]: table["machine"] for table, _ in _families(scope)}


def instances_called(scope: str | Sizes, beginning: str) -> Iterator[Instance]:
    """The instances of a scope whose names begin like this. No other family is made."""
    for table, in_full in _families(scope):
        if table["family"].startswith(beginning) or beginning.startswith(table["family"]):
            yield from (one for one in _family(table, in_full) if one.name.startswith(beginning))


def instance_called(name: str, scope: str | Sizes = NAMED[-1]) -> Instance | None:
    """The instance with this name, of a scope or beside the scopes; None if there is none. No other family is made."""
    known = chain(instances_called(scope, name), beside_the_scopes())
    return next((one for one in known if one.name == name), None)


def _families(scope: str | Sizes) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """The tables of a scope, and whether their digests are in full."""
    if isinstance(scope, Sizes):
        crashes = {"crashes": scope.crashes}
        every = next(table for table in _table()[NAMED[0]] if "size" in table)
        yield from (({**_of_size(every, size), **crashes}, False) for size in range(2, scope.largest + 1))
        return
    if scope not in NAMED:
        raise UnknownScope(f"unknown scope {scope!r}; there are: {', '.join(NAMED)}")
    for name in NAMED[: NAMED.index(scope) + 1]:
        yield from ((table, name == NAMED[0]) for table in _table()[name])


def _of_size(table: Mapping[str, Any], size: int) -> Mapping[str, Any]:
    return {**table, "family": f"every pipeline of size {size}", "size": size}


def beside_the_scopes() -> tuple[Instance, ...]:
    """Mistakes of an engine that scopes of one row cannot show: reading on after a crash, merging across rows."""
    line = SHAPES["line"]()
    shape = load(line)
    reading = PipelineSystem(shape, 2, 1, _options(shape, {"sinks": "written", "works": "pass or error"}))
    merging = LifecycleSystem(((3, 3),), (Op.INITIAL, Op.FORK, Op.MERGE))
    lifecycle = tuple(law for law in ALL if law.id not in NOT_IN_LIFECYCLE)
    crash, merge = "two rows and a crash", "two rows to merge"
    return (
        Instance(crash, crash, "batch", reading, (), 1, ALL, line, line=crash),
        Instance(merge, merge, "lifecycle", merging, (), 0, lifecycle, line=merge),
    )


def _family(table: Mapping[str, Any], in_full: bool) -> Iterator[Instance]:
    over: dict[str, list[Any]] = table.get("over", {})
    laws = tuple(law for law in ALL if table["machine"] != "lifecycle" or law.id not in NOT_IN_LIFECYCLE)
    for values in product(*over.values()):
        chosen = dict(zip(over, values, strict=True))
        line = f"{table['family']} {' '.join(f'{key}={value}' for key, value in chosen.items())}".strip()
        for number, made in _documents(table, chosen):
            yield Instance(
                table["family"],
                f"{line}{number}",
                table["machine"],
                _MACHINES[table["machine"]](table, chosen, made),
                tuple(table.get("rows", ())),
                table.get("crashes", 0),
                laws,
                made or None,
                in_full,
                line,
            )


def _documents(table: Mapping[str, Any], chosen: Mapping[str, Any]) -> Iterator[tuple[str, Document]]:
    """The pipelines of a family with these settings: every one of a size with its number, or the one that was chosen."""
    if "size" in table:
        for number, graph in enumerate(irreducible(table["size"])):
            yield f" number={number}", document(graph, **chosen)
    else:
        yield "", SHAPES[table["shape"]](**chosen) if "shape" in table else {}


def _pipeline_system(table: Mapping[str, Any], chosen: Mapping[str, Any], made: Document) -> PipelineSystem:
    shape = load(made)
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
        if table.get("losses") == "one way" and node.kind in (NodeKind.TRANSFORM, NodeKind.GATE):
            verdicts[node.name] = _pass_or_lose(node, owes=bool(shape.stacks[node.name]))
    return InstanceOptions(verdicts, table.get("invalid_rows", False), table.get("hostile", False))


def _pass_or_lose(node: Node, *, owes: bool) -> tuple[str, ...]:
    """The verdicts that let a token go on, and where it owes something one verdict that loses it."""
    if node.kind is NodeKind.TRANSFORM:
        return (Verdict.PASS, Verdict.ERROR) if owes else (Verdict.PASS,)
    onward = [label for label, target in node.routes if target in (CONTINUE, FORK)]
    exits = [label for label, target in node.routes if target not in RESERVED] if owes else []
    return tuple(f"{Verdict.ROUTE} {label}" for label in (*onward, *exits[:1]))


def _barrier_system(table: Mapping[str, Any], chosen: Mapping[str, Any], made: Document) -> BarrierSystem:
    names = list(NAMES[: chosen["branches"]])
    node = coalesce("j", names, "out", chosen["policy"], chosen["merge"])
    _, nodes = parse(pipeline("barrier", source("g"), node, sink()))
    return BarrierSystem(barrier_diamond(nodes[1]))


def _lifecycle_system(table: Mapping[str, Any], chosen: Mapping[str, Any], made: Document) -> LifecycleSystem:
    operations = [Op(word) for word in table["operations"]]
    return LifecycleSystem(table["limits"], operations, fates=table.get("fates", "few"))


_MACHINES: Final[dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], Document], System]]] = {
    "pipeline": _pipeline_system,
    "batch": _pipeline_system,
    "barrier": _barrier_system,
    "lifecycle": _lifecycle_system,
}
