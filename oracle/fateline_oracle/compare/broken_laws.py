"""Which laws an engine's step breaks: the catalogue is asked about the records that the engine wrote.

The judge has found that a step is not the law's; here it is said which law that is. The observed records, in the names of
the law, are made into a `StepView`: before it stands the law's own state, after it what the observed records tell. Every
predicate is asked; those that fire are named, the most particular first. Not here: finding that something differs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from fateline_model import Accepted, Pipeline, Refusal, Stimulus
from fateline_model.barrier_machine import BarrierStimulus
from fateline_model.laws import ALL, Family, Law, StepView, checks
from fateline_model.laws.record_fold import recorded_run
from fateline_model.lifecycle import Operation, World
from fateline_model.records import RELATIONS, Record

from ..ports.port import RecordJson
from .data_laws import Broken
from .records import OPTIONAL, REWRITTEN, keyed

LAST: Final = ("Z1", "D2", "D1")
"""Laws that nearly every difference breaks as well: named after those that say more."""

TOLD: Final = frozenset(RELATIONS) - {"merges", "nodes", "edges"}
"""What the laws of a step read; origins are judged by themselves, and the judge gave the graph."""

GIVEN_WITHOUT: Final = frozenset({"R1"})
"""Not asked here: what a crash leaves is looked at in the trail as a whole."""


def laws_broken_by(
    pipeline: Pipeline,
    before: World,
    stimulus: Stimulus | Operation | BarrierStimulus,
    law: Accepted | Sequence[Record] | Refusal,
    after: World | None,
    observed: Sequence[RecordJson] | str,
    wrong: Sequence[str],
    *,
    runs: Mapping[str, str] | None = None,
    silent: Collection[str] = (),
) -> tuple[Broken, ...]:
    """The laws that the step breaks, with what is wrong in words; at least one.

    `law` is what the law writes or the rule by which it refuses, `after` the law's world after it, `observed` what the
    engine wrote or how it refused, `wrong` the differences that were found, `runs` the law's names of the engine's runs,
    `silent` the laws that are not asked.
    """
    if isinstance(observed, str):
        records: tuple[Record, ...] = ()
        strange: list[str] = []
    else:
        named = [
            {**written, "run": (runs or {}).get(str(written.get("run")), before[0].name)}
            for written in observed
            if written["rec"] in TOLD
        ]
        records, strange = _as_records(named, _expected(law))
    found: list[Broken] = []
    moment = StepView(pipeline, before, stimulus, records, _told(pipeline, before, stimulus, records))
    for one in [law for law in ALL if law.id not in silent]:
        found += [(one.id, message) for message in _asked(one, moment)]
    if isinstance(law, Refusal):
        found.append(("Z1", wrong[0] if wrong else f"the law refuses this ({law})"))
    elif after is not None and "D2" not in silent:
        against = StepView(pipeline, before, stimulus, records, after)
        found += [("D2", message) for message in _asked(_D2, against)]
    found += [("D2", message) for message in strange]
    if not found:
        found = [("D1", wrong[0] if wrong else "the step is another one than the law's")]
    return tuple(sorted(dict.fromkeys(found), key=_place))


_D2: Final = next(law for law in ALL if law.id == "D2")


def _place(broken: Broken) -> tuple[int, int]:
    """Core laws of fate and lineage first, what every difference breaks last."""
    law = broken[0]
    if law in LAST:
        return 1, LAST.index(law)
    return 0, next(place for place, one in enumerate(ALL) if one.id == law)


def _asked(law: Law, moment: StepView) -> list[str]:
    """What a law says of a step. Records that make no sense at all are the business of D2, not of each law."""
    if law.id in GIVEN_WITHOUT:
        return []
    try:
        return [check for check in checks(law, moment) if check is not None]
    except (KeyError, StopIteration, ValueError, IndexError, AttributeError, TypeError):
        return []


def _told(
    pipeline: Pipeline,
    before: World,
    stimulus: Stimulus | Operation | BarrierStimulus,
    records: tuple[Record, ...],
) -> World:
    """The world as the observed records tell it; as it was, where they tell of nothing that can be."""
    try:
        run, _ = recorded_run(StepView(pipeline, before, stimulus, records, before))
    except (KeyError, StopIteration, ValueError, AttributeError):
        return before
    return (run, *before[1:])


def _expected(law: Accepted | Sequence[Record] | Refusal) -> Sequence[Record]:
    if isinstance(law, Refusal):
        return ()
    return law.records if isinstance(law, Accepted) else law


def _as_records(observed: Iterable[RecordJson], expected: Sequence[Record]) -> tuple[tuple[Record, ...], list[str]]:
    """The observed records as the laws read them, and what no relation has a word for.

    Inside a step the order is the engine's own, so those that the law writes too come in the law's order; and of a visit
    that opened and closed in the step a trail shows the end, so that the law's opening of it is taken for granted.
    """
    strange: list[str] = []
    own: dict[tuple[str, ...], Record] = {}
    for written in observed:
        made = _record(written, strange)
        key = _key(written)
        if key in own and written["rec"] not in REWRITTEN:
            key = (*key, "again")
        if made is not None:
            own[key] = made
    ordered: list[Record] = []
    last = {_key(_json(record)): place for place, record in enumerate(expected)}
    for place, record in enumerate(expected):
        key = _key(_json(record))
        if key in own:
            ordered.append(_with_optional(own.pop(key), record) if last[key] == place else record)
    return (*ordered, *own.values()), strange


def _with_optional(own: Record, law: Record) -> Record:
    """What an engine may leave unrecorded, and does, is as the law says."""
    absent = [
        column for relation, column in OPTIONAL if relation == _RELATION[type(own)] and getattr(own, column) is None
    ]
    return own._replace(**{column: getattr(law, column) for column in absent})


def _json(record: Record) -> dict[str, object]:
    return {"rec": _RELATION[type(record)], **record._asdict()}


_RELATION: Final = {kind: name for name, kind in RELATIONS.items()}


def _key(written: RecordJson) -> tuple[str, ...]:
    return next(iter(keyed([written])), (str(written["rec"]), repr(sorted(map(str, written.items())))))


def _words() -> dict[str, dict[str, Any]]:
    """For each relation, the columns whose values are words of a closed list."""
    found: dict[str, dict[str, Any]] = {}
    for name, kind in RELATIONS.items():
        hints = get_type_hints(kind)
        found[name] = {}
        for column, hint in hints.items():
            inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
            options = [o for o in (get_args(inner) if isinstance(inner, UnionType) else (inner,)) if o is not NoneType]
            found[name][column] = options[0]
    return found


_TYPES: Final = _words()


def _record(written: RecordJson, strange: list[str]) -> Record | None:
    """One observed record as the law's own type. A word that is in no list is a finding, never a new category."""
    relation = str(written["rec"])
    values: dict[str, Any] = {}
    for column, kind in _TYPES[relation].items():
        value = written.get(column)
        if value is None:
            continue
        try:
            values[column] = kind(value)
        except ValueError:
            strange.append(f"{relation}: {column} is {value!r}, which is no word for it")
            return None
    try:
        return RELATIONS[relation](**values)
    except TypeError as error:
        strange.append(f"{relation}: {error}")
        return None


def concerned(kinds: Mapping[frozenset[type], int]) -> dict[str, int]:
    """How many steps put each law in danger, by the kinds of records that the steps wrote."""
    counts: dict[str, int] = {}
    for law in ALL:
        if law.predicate is not None and law.family is not Family.REFUSAL:
            counts[law.id] = sum(n for found, n in kinds.items() if not law.on or not found.isdisjoint(law.on))
    return counts
