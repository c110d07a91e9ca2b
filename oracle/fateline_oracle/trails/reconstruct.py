"""Proposes the stimuli that the records of a partition imply, in the order in which they happened.

The problem
-----------
A trail records results: rows, visits, barriers, batches. The law steps stimuli: read, begin, finish, deadline. This
module goes from one to the other. It only proposes; `accept.py` steps the proposal and finds out whether it is right.
So it can be simple: where records are contradictory, it proposes something, and the law refuses it.

What implies what
-----------------
    record                                          stimulus
    a row                                           read(row, valid or invalid: whether its first hop is on_error)
    a visit, at `opened`                            begin; arrive at a coalesce; accept at an aggregation
    a visit that closed at a transform, gate, sink  finish(verdict), at `closed`
    a visit with status interrupted                 crash, resume, just before `closed`
    a barrier resolved by deadline or flush         deadline or flush of that barrier
    a batch with a trigger other than count         deadline, condition or flush of that batch
    a batch that ended                              flushed(answer)
    a run whose source has ended                    end_of_source, before the first flush, or last

Everything else (hops, outcomes, parents, merges, members, losses) is a consequence, and is compared, not used.

Order
-----
The order is that of `seq`, the number of the record. A stimulus that has no record is put just before what it caused: a
crash 0.5 and a resume 0.4 before the closing of the visit that was interrupted, a trigger 0.3 and an end of a batch 0.2
before the first record of that step. A trigger came after the last member, and not later than the first member of the
next batch of the node.

One crash interrupts several visits. Interrupted visits belong to one crash if nothing else happened between their
closings and no token occurs twice.

An example
----------
    visits  0 at x, attempt 0, opened 3, closed 6, interrupted
    visits  0 at x, attempt 1, opened 7, closed 9, completed, verdict pass

    read(0)  begin(0) at 3  crash at 5.5  resume at 5.6  finish(0, pass) at 9

Attempt 1 has no `begin`: the law opens it in the step that closes attempt 0.

Names
-----
`named` gives the records the names of the law first. A token is named by its lineage, so parents are named before their
children; lineage with a cycle is named in the order of the records and will not be lawful. A row
that is checked alone gets the name 0, so that rows which took the same way have the same stimuli.

Not here: the stepping (`accept.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from fateline_model import Pipeline, Stimulus
from fateline_model.stimuli import Do, Validity
from fateline_model.words import BatchMode, BatchStatus, NodeKind, Trigger, VisitStatus

from ..compare.names import Names
from ..ports.port import RecordJson


class Proposed(NamedTuple):
    """A stimulus, and its place in the order of the records."""

    at: float
    stimulus: Stimulus


_OPENS: Final = {NodeKind.COALESCE: Do.ARRIVE, NodeKind.AGGREGATION: Do.ACCEPT}
_WORKS: Final = (NodeKind.TRANSFORM, NodeKind.GATE, NodeKind.SINK)
_BY_TRIGGER: Final = {Trigger.TIMEOUT: Do.DEADLINE, Trigger.CONDITION: Do.CONDITION, Trigger.END_OF_SOURCE: Do.FLUSH}


def named(
    records: Iterable[RecordJson], row: str | None = None, starts: Mapping[str, str] | None = None
) -> list[dict[str, object]]:
    """The records with the names of the law.

    With `row`, the only row in the records gets this name, so that rows which took the same way have the same names.
    `starts` are the coalesces that created merged tokens whose first hop is not recorded.
    """
    found = list(records)
    names = Names(row)
    names.learn([record for record in found if record["rec"] == "rows"])
    names.learn(_by_opening(found))
    parents: dict[str, list[RecordJson]] = {}
    hops: dict[str, RecordJson] = {
        token: {"rec": "hops", "token": token, "src": node} for token, node in (starts or {}).items()
    }
    for record in found:
        if record["rec"] == "parents":
            parents.setdefault(str(record.get("child")), []).append(record)
        elif record["rec"] == "hops" and record.get("from_visit") is None:
            hops.setdefault(str(record.get("token")), record)
    tokens = {str(record.get("token")): record for record in found if record["rec"] == "tokens"}
    known: set[str] = set()
    waiting = list(tokens)
    while waiting:
        ready = [
            t
            for t in waiting
            if all(str(p.get("parent")) in known or str(p.get("parent")) not in tokens for p in parents.get(t, ()))
        ]
        if not ready:
            ready = waiting  # lineage with a cycle: named in the order of the records; the result is not lawful
        for token in ready:
            names.learn([tokens[token], *parents.get(token, ()), *([hops[token]] if token in hops else [])])
            known.add(token)
        waiting = [token for token in waiting if token not in known]
    names.learn([record for record in found if record["rec"] == "visits"])
    names.learn_barriers((), [record for record in found if record["rec"] == "barriers"])
    translated = [names.translate(record) for record in found]
    if row is not None:
        for record in translated:
            if record["rec"] == "rows":
                record["idx"] = int(row)
    return translated


def _by_opening(records: Sequence[RecordJson]) -> list[RecordJson]:
    """The batches in the order of their first members. This order gives the batches their numbers."""
    opened: dict[str, int] = {}
    for record in records:
        if record["rec"] == "members":
            batch, at = str(record.get("batch")), int(str(record.get("seq") or 0))
            opened[batch] = min(at, opened.get(batch, at))
    batches = [record for record in records if record["rec"] == "batches"]
    return sorted(batches, key=lambda record: opened.get(str(record.get("batch")), 0))


def stimuli_of(pipeline: Pipeline, records: Sequence[Mapping[str, object]], rows_read: bool) -> list[Proposed]:
    """The stimuli of a partition, in their order. `rows_read`: the source has ended by the end of the trail."""
    by_relation: dict[str, list[Mapping[str, object]]] = {}
    for record in records:
        by_relation.setdefault(str(record["rec"]), []).append(record)
    proposed = [_read(row, by_relation) for row in by_relation.get("rows", ())]
    proposed += _visits(pipeline, by_relation.get("visits", ()))
    for barrier in by_relation.get("barriers", ()):
        if barrier.get("trigger") in (Trigger.DEADLINE, Trigger.FLUSH):
            do = Do.DEADLINE if barrier["trigger"] == Trigger.DEADLINE else Do.FLUSH
            proposed.append(Proposed(_at(barrier), Stimulus(do, hold=str(barrier.get("barrier")))))
    proposed += _batches(pipeline, by_relation)
    proposed.sort(key=lambda one: one.at)
    first = next((place for place, one in enumerate(proposed) if one.stimulus.do is Do.FLUSH), len(proposed))
    if rows_read or first < len(proposed):
        at = proposed[first].at if first < len(proposed) else float("inf")
        proposed.insert(first, Proposed(at, Stimulus(Do.END_OF_SOURCE)))
    return proposed


def _at(record: Mapping[str, object], column: str = "seq") -> float:
    value = record.get(column)
    return float(value) if isinstance(value, int) else 0.0


def _read(row: Mapping[str, object], by_relation: Mapping[str, Sequence[Mapping[str, object]]]) -> Proposed:
    name = str(row["row"])
    first = next(
        (h for h in by_relation.get("hops", ()) if h.get("token") == name and h.get("from_visit") is None), None
    )
    if first is None:
        valid = any(visit.get("token") == name for visit in by_relation.get("visits", ()))
    else:
        valid = first.get("label") != "on_error"
    number = int(name) if name.isdecimal() else -1
    return Proposed(_at(row), Stimulus(Do.READ, row=number, verdict=Validity.VALID if valid else Validity.INVALID))


def _visits(pipeline: Pipeline, visits: Sequence[Mapping[str, object]]) -> list[Proposed]:
    proposed: list[Proposed] = []
    before: dict[tuple[str, str, int], Mapping[str, object]] = {
        (str(v["token"]), str(v.get("node")), int(str(v.get("attempt") or 0))): v for v in visits
    }
    cut: list[tuple[float, str]] = []
    for visit in visits:
        token, node = str(visit["token"]), pipeline.nodes.get(str(visit.get("node")))
        if node is None:
            continue
        attempt = int(str(visit.get("attempt") or 0))
        previous = before.get((token, node.name, attempt - 1))
        if previous is None:  # a later attempt opens in the step that closes the one before
            proposed.append(Proposed(_at(visit, "opened"), Stimulus(_OPENS.get(node.kind, Do.BEGIN), token=token)))
        status = visit.get("status")
        if status == VisitStatus.INTERRUPTED:
            cut.append((_at(visit, "closed"), token))
        elif node.kind in _WORKS and status in (VisitStatus.COMPLETED, VisitStatus.FAILED):
            finish = Stimulus(Do.FINISH, token=token, verdict=str(visit.get("verdict")))
            proposed.append(Proposed(_at(visit, "closed"), finish))
    return proposed + _crashes(cut, [one.at for one in proposed])


def _crashes(cut: list[tuple[float, str]], others: Sequence[float]) -> list[Proposed]:
    """The crashes that interrupted these visits. One crash covers visits between whose closings nothing else happened."""
    proposed: list[Proposed] = []
    last, tokens = float("-inf"), set[str]()
    for at, token in sorted(cut):
        if token in tokens or not tokens or any(last < other < at for other in others):
            proposed += [Proposed(at - 0.5, Stimulus(Do.CRASH)), Proposed(at - 0.4, Stimulus(Do.RESUME))]
            tokens = set()
        tokens.add(token)
        last = at
    return proposed


def _batches(pipeline: Pipeline, by_relation: Mapping[str, Sequence[Mapping[str, object]]]) -> list[Proposed]:
    """The triggers and ends of batches. A trigger has no record; it came after the last member and before the next batch."""
    opened = {(str(v["token"]), str(v.get("node"))): _at(v, "opened") for v in by_relation.get("visits", ())}
    accepted: dict[str, list[float]] = {}
    for member in by_relation.get("members", ()):
        batch = str(member.get("batch"))
        accepted.setdefault(batch, []).append(opened.get((str(member["token"]), batch.partition("#")[0]), _at(member)))
    proposed: list[Proposed] = []
    for record in by_relation.get("batches", ()):
        name, node = str(record["batch"]), pipeline.nodes.get(str(record.get("node")))
        trigger, ended = record.get("trigger"), record.get("status") in (BatchStatus.COMPLETED, BatchStatus.FAILED)
        if node is None or trigger is None:
            continue
        end = _ended(record, by_relation) if ended else float("inf")
        later = [
            min(at)
            for other, at in accepted.items()
            if other.partition("#")[0] == node.name and min(at) > max(accepted.get(name, [0.0]))
        ]
        do = _BY_TRIGGER.get(Trigger(str(trigger))) if str(trigger) in set(Trigger) else None
        if do is not None:
            proposed.append(Proposed(min([end, *later]) - 0.3, Stimulus(do, hold=name)))
        if ended:
            proposed.append(Proposed(end - 0.2, Stimulus(Do.FLUSHED, hold=name, verdict=_answer(record, node.mode))))
    return proposed


def _ended(record: Mapping[str, object], by_relation: Mapping[str, Sequence[Mapping[str, object]]]) -> float:
    """The place of the first record of the step that ended a batch. The visits of its members close before the batch."""
    members = {str(m["token"]) for m in by_relation.get("members", ()) if m.get("batch") == record["batch"]}
    node = record.get("node")
    closed = [
        _at(v, "closed") for v in by_relation.get("visits", ()) if v.get("token") in members and v.get("node") == node
    ]
    return min([at for at in closed if at] or [_at(record)])


def _answer(record: Mapping[str, object], mode: BatchMode) -> str:
    if record.get("status") == BatchStatus.FAILED:
        return "error"
    if mode is BatchMode.PASSTHROUGH:
        return "passed"
    outputs = record.get("outputs")
    return f"outputs {outputs}" if outputs else "empty"
