"""Names the laws that a step of an engine breaks: every law of the catalogue is asked about the records of that step.

The problem
-----------
Comparing a step with the law (`records.py`) finds that records are missing, additional or different. That is not yet a law.
A user needs to know that F1 is broken, not that `outcomes 0/a failed` is "not in the law". The laws are predicates over a
`StepView`: the world before a step, the stimulus, the records, the world after it. In the model they judge the step of the
model. Here they judge the step of the engine.

How it works
------------
1. The observed records, already with the names of the law, become record objects of the model. A value that is no word of its
   closed list breaks D2 and is left out.
2. The records are sorted. The order of records within a step is not compared, so records that the law writes too come in
   the order of the law. A visit that opens and closes in one step appears in a trail only as closed; its opening is assumed.
   A column that an engine may leave out, and does, gets the value of the law.
3. A `StepView` is built. Before the step: the world of the law, which engine and law still agreed on. After the step: the world
   that the observed records describe (`recorded_run`), or the world before it if they describe nothing possible.
4. Every predicate is asked. D2 is asked a second time with the world of the law as the world after, because the records must
   describe that world.
5. The result is sorted in the order of the catalogue. Z1, Z2, D2 and D1 come last: nearly every difference breaks them, so
   they say least.

An example
----------
The engine gives a late arrival `0/b` no fate. The law writes its visit, `failed`, and its outcome, `failed` with reason
`late_arrival_after_merge`; the engine writes only the visit. `differences` says "missing: outcomes 0/b failed". The
step view has a late token without a fate, so C16 fires. D2 fires too, because that fate is in the world of the law. The
result: C16, then D2.

What it relies on
-----------------
- At least one law is always named: D1 if no predicate fires, Z1 or Z2 if the law refuses the stimulus.
- A predicate may fail on records that make no sense (a token without a row, say). Such an error counts as "not broken"; D2 has
  the case. So a bug in a predicate would go unnoticed here; the mutants of the law in `fateline_model.checker` guard it.
- R1 is not asked: what a crash leaves is checked in the whole trail.

Not here: finding that something differs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from fateline_model import Accepted, Pipeline, Refusal, Stimulus
from fateline_model.barrier_machine import BarrierStimulus
from fateline_model.laws import ALL, Family, Law, StepView, checks
from fateline_model.laws.record_fold import recorded_run
from fateline_model.lifecycle import Operation, World
from fateline_model.records import RELATIONS, OutcomeRecord, Record, TokenRecord
from fateline_model.words import OUTCOMES, Reason

from ..ports.port import RecordJson
from .data_laws import Broken
from .records import OPTIONAL, REWRITTEN, Unrecorded, keyed

GENERIC_LAWS: Final = ("Z1", "Z2", "D2", "D1")
"""Laws that nearly every difference breaks too. They are named last."""

READ_BY_LAWS: Final = frozenset(RELATIONS) - {"merges", "nodes", "edges"}
"""The relations that the laws of a step read. Merges are checked by `data_laws.py`; the judge gave nodes and edges."""

NAMED_BY_LINEAGE: Final = ("L1", "L2")
"""Laws that compare a token's name with its row. A token whose name could not be derived has its id in brackets and says
nothing about its row, so these laws are not asked about it."""

NOT_ASKED: Final = frozenset({"R1"})
"""Laws that are not asked here: what a crash leaves is checked in the whole trail."""


def same_state(
    pipeline: Pipeline,
    before: World,
    stimulus: Stimulus | Operation | BarrierStimulus,
    law: Sequence[Record],
    after: World,
    observed: Sequence[RecordJson],
    unrecorded: Unrecorded = frozenset(),
) -> bool:
    """True if what the engine wrote describes the state of the law after the step, although it differs in words.

    Only records of the law itself may differ, in columns that no state holds; then law and engine can go on together.
    """
    named = [{**written, "run": before[0].name} for written in observed if written["rec"] in READ_BY_LAWS]
    if {_key(record) for record in named} - {_key(_json(record)) for record in law}:
        return False
    records, strange = _as_records(named, law, unrecorded)
    return not strange and _recorded_world(pipeline, before, stimulus, records) == after


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
    unrecorded: Unrecorded = frozenset(),
    all_named: bool = False,
) -> tuple[Broken, ...]:
    """The laws that the step breaks, each with a message; at least one.

    `law` is what the law writes, or the rule by which it refuses. `after` is the world of the law after the step. `observed` is
    what the engine wrote, or the text of its refusal. `wrong` has the differences found. `runs` gives the names of the
    law for the runs of the engine. `silent` are laws that are not asked. What the engine does not record (`unrecorded`) is
    taken from the law. `all_named`: a token without a name is not of these rows, as in a trail that records every token.
    """
    if isinstance(observed, str):
        records: tuple[Record, ...] = ()
        strange: list[str] = []
    else:
        named = [
            {**written, "run": (runs or {}).get(str(written.get("run")), before[0].name)}
            for written in observed
            if written["rec"] in READ_BY_LAWS
        ]
        records, strange = _as_records(named, _expected(law), unrecorded)
    found: list[Broken] = []
    view = StepView(pipeline, before, stimulus, records, _recorded_world(pipeline, before, stimulus, records))
    for one in [law for law in ALL if law.id not in silent]:
        found += [(one.id, message) for message in _messages(one, view)]
    found = [
        (law_id, message)
        for law_id, message in found
        if all_named or not (law_id in NAMED_BY_LINEAGE and message.startswith("token ["))
    ]
    if isinstance(law, Refusal):
        wrote = bool(observed) and not isinstance(observed, str)
        found.append(("Z1" if wrote else "Z2", wrong[0] if wrong else f"the law refuses this stimulus ({law})"))
    elif after is not None and "D2" not in silent:
        against = StepView(pipeline, before, stimulus, records, after)
        found += [("D2", message) for message in _messages(_D2, against)]
    found += [("D2", message) for message in strange]
    if not found:
        found = [("D1", wrong[0] if wrong else "the step differs from the step of the law")]
    return tuple(sorted(dict.fromkeys(found), key=_place))


_D2: Final = next(law for law in ALL if law.id == "D2")


def _place(broken: Broken) -> tuple[int, int]:
    """The place of a law in the result: in the order of the catalogue, and last the laws that every difference breaks."""
    law = broken[0]
    if law in GENERIC_LAWS:
        return 1, GENERIC_LAWS.index(law)
    return 0, next(place for place, one in enumerate(ALL) if one.id == law)


def _messages(law: Law, view: StepView) -> list[str]:
    """The messages of a law about a step. An error on senseless records counts as no breach; D2 has that case."""
    if law.id in NOT_ASKED:
        return []
    try:
        return [check for check in checks(law, view) if check is not None]
    except (KeyError, StopIteration, ValueError, IndexError, AttributeError, TypeError):
        return []


def _recorded_world(
    pipeline: Pipeline,
    before: World,
    stimulus: Stimulus | Operation | BarrierStimulus,
    records: tuple[Record, ...],
) -> World:
    """The world that the observed records describe; the world before the step if they describe nothing possible."""
    try:
        run, _ = recorded_run(StepView(pipeline, before, stimulus, records, before))
    except (KeyError, StopIteration, ValueError, AttributeError):
        return before
    return (run, *before[1:])


def _expected(law: Accepted | Sequence[Record] | Refusal) -> Sequence[Record]:
    if isinstance(law, Refusal):
        return ()
    return law.records if isinstance(law, Accepted) else law


def _as_records(
    observed: Iterable[RecordJson], expected: Sequence[Record], unrecorded: Unrecorded
) -> tuple[tuple[Record, ...], list[str]]:
    """The observed records as record objects, and a message for each value that is no word of its relation.

    Record order within a step is not compared, so observed records are sorted into the order of the law. A visit opened
    and closed in one step appears only as closed; its opening is assumed.
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
    never_made = {one.token for one in expected if isinstance(one, TokenRecord)} - {
        one.token for one in own.values() if isinstance(one, TokenRecord)
    }
    last = {_key(_json(record)): place for place, record in enumerate(expected)}
    for place, record in enumerate(expected):
        key = _key(_json(record))
        if key in own:
            ordered.append(_with_optional(own.pop(key), record, unrecorded) if last[key] == place else record)
        elif (key[0], "") in unrecorded and getattr(record, "token", None) not in never_made:
            ordered.append(record)
    return (*ordered, *(_with_reason(record, unrecorded) for record in own.values())), strange


def _with_reason(own: Record, unrecorded: Unrecorded) -> Record:
    """A fate that the law does not have, with some reason if it must have one and the engine records no reasons."""
    if not isinstance(own, OutcomeRecord) or own.reason is not None or ("outcomes", "reason") not in unrecorded:
        return own
    return own._replace(reason=Reason.NODE_FAILED) if "reason" in OUTCOMES[own.outcome].must else own


def _with_optional(own: Record, law: Record, unrecorded: Unrecorded) -> Record:
    """The record, with the values of the law in the columns that an engine may leave out, or does not record."""
    absent = [
        column
        for relation, column in OPTIONAL | unrecorded
        if relation == _RELATION[type(own)] and column and getattr(own, column) is None
    ]
    return own._replace(**{column: getattr(law, column) for column in absent})


def _json(record: Record) -> dict[str, object]:
    return {"rec": _RELATION[type(record)], **record._asdict()}


_RELATION: Final = {kind: name for name, kind in RELATIONS.items()}


def _key(written: RecordJson) -> tuple[str, ...]:
    return next(iter(keyed([written])), (str(written["rec"]), repr(sorted(map(str, written.items())))))


def _words() -> dict[str, dict[str, Any]]:
    """For each relation, the type of each column."""
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
    """One observed record as a record object of the model. An unknown word is a finding, never a new category."""
    relation = str(written["rec"])
    values: dict[str, Any] = {}
    for column, kind in _TYPES[relation].items():
        value = written.get(column)
        if value is None:
            continue
        try:
            values[column] = kind(value)
        except ValueError:
            strange.append(f"{relation}: {column} is {value!r}, which is not one of its words")
            return None
    try:
        return RELATIONS[relation](**values)
    except TypeError as error:
        strange.append(f"{relation}: {error}")
        return None


def concerned(kinds: Mapping[frozenset[type], int]) -> dict[str, int]:
    """The number of steps to which each law applies, by the kinds of records that the steps wrote."""
    counts: dict[str, int] = {}
    for law in ALL:
        if law.predicate is not None and law.family is not Family.REFUSAL:
            counts[law.id] = sum(n for found, n in kinds.items() if not law.on or not found.isdisjoint(law.on))
    return counts
