"""Steps the stimuli of a trail through the law, and consumes its records to the last one.

The problem
-----------
A trail has records and no stimuli. Was it written by a lawful run? `reconstruct.py` proposes the stimuli that the
records imply. This module takes the proposal as a claim and tests it: if the law accepts these stimuli and then writes
exactly these records, the trail is lawful. Nothing in the proposal has to be trusted. A wrong proposal leads to
different records.

The unit is a partition: the records of one row, or of all rows that meet in batches.

How it works
------------
1. `_walked` steps the proposed stimuli, to the end or to the first refusal. It notes for each record key what the law
   writes last (`written`) and in which step (`owner`).
2. `_differ` compares `written` with the records of the trail. They must be equal: no record missing, none left over.
   Consumed is total, or the partition is not accepted.
3. If something differs, the first step concerned is found: the earliest owner of a missing or different record, or
   the step during which an additional record was written, by its `seq`. The catalogue of laws is asked about that step
   (`compare/broken_laws.py`), with the records of the trail in place of those of the law.
4. If nothing differs, the laws of data are checked, and that each step is one transaction.

An example
----------
Records: row 0 read; visit of `x`, opened 3, closed 5, `pass`; visit of `out`, `written`; outcome `completed`, but hop
`x -> out` is missing. Proposal: `read(0)`, `begin(0)`, `finish(0, pass)`, `begin(0)`, `finish(0, written)`. The law
accepts all five. Its third step writes the hop, which the trail does not have. So step 3 is the first wrong one, and
the laws are asked about `finish(0, pass)` without a hop.

Details
-------
- Merge data. Whether the data of a merge conflict is not a stimulus that the trail shows; it is read from the reason of the
  failed barrier (`_reasons`) and given to the step as its data.
- Barriers without a record. A barrier that was never resolved has losses only; the law names it (`_barriers_named`).
- No order. If records have no `seq`, `_in_some_order` searches for an order that the law accepts, depth first, at most `NODES`
  steps. If none is found in these tries, the partition is undetermined, not breached.
- Cost. Rows that took the same way imply the same stimuli. The walk of a row that is `alone` is remembered by its stimuli, so a
  long trail steps only the distinct ways that its rows took.

What is given up: after the first wrong step nothing more is said of a partition, except counts of fates and open visits
that need no stepping (`shown_by_itself`).

Not here: proposing stimuli (`reconstruct.py`), and whole trails (`check.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, product
from typing import Final, NamedTuple

from fateline_model import Accepted, Pipeline, Refusal, Run, Stimulus, step
from fateline_model.records import BarrierRecord, as_json
from fateline_model.stimuli import Do
from fateline_model.words import (
    MERGE_FAILURES,
    OPEN_STATUSES,
    BarrierVerdict,
    MergeData,
    Outcome,
    Reason,
    Trigger,
    VisitStatus,
)

from ..compare.broken_laws import laws_broken_by
from ..compare.data_laws import Broken, DataTrail, torn
from ..compare.records import REWRITTEN, Key, Keyed, Unrecorded, by_key, differences, keyed
from ..ports.port import RecordJson
from .reconstruct import Proposed, stimuli_of

NODES: Final = 5_000
"""The number of steps that are tried for a trail without order. If they are not enough, it is undetermined."""
REMEMBERED: Final = 20_000
"""The number of walks that are remembered."""
SEARCHED: Final = 1_000_000
"""The number of steps that are tried for all partitions of a run without order."""
GUESSES: Final = 27
"""The number of combinations that are tried of values which records lack."""
_GUESSED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "barriers": {
        "trigger": (Trigger.FLUSH, Trigger.DEADLINE),
        "reason": (Reason.CONTRACT_CONFLICT, Reason.UNION_COLLISION, Reason.MERGED_ROW_TOO_LARGE),
    },
    "batches": {"trigger": (Trigger.COUNT, Trigger.END_OF_SOURCE, Trigger.TIMEOUT, Trigger.CONDITION)},
}
"""For values that a record may lack and that stepping needs, what is tried beside no value."""


NOT_AT_REST: Final = frozenset({("visits", "")})
"""A trail at rest has the time at which a visit ended, not the time at which it began, so it does not give the first event."""


class Stepped(NamedTuple):
    """One step: the run before it, the stimulus, the answer of the law, and its place in the order."""

    before: Run
    stimulus: Stimulus
    law: Accepted | Refusal
    at: float


@dataclass
class Walk:
    """The steps of the law, the records that remain, and the step that wrote each of them last."""

    steps: list[Stepped] = field(default_factory=list)
    written: Keyed = field(default_factory=dict)
    owner: dict[Key, int] = field(default_factory=dict)


@dataclass
class AcceptanceRun:
    """The result of checking one partition."""

    broken: tuple[Broken, ...] = ()
    differences: tuple[str, ...] = ()
    stimuli: tuple[Stimulus, ...] = ()
    steps: int = 0
    kinds: list[frozenset[type]] = field(default_factory=list)
    checked: Mapping[str, int] = field(default_factory=dict)
    undetermined: str | None = None
    observed: tuple[RecordJson, ...] = ()
    """What the trail records of the last of `stimuli`, if that differs from the law."""
    in_doubt: tuple[str, ...] = ()
    """What the stimuli rest on that is not recorded; what is broken may be the guess."""


class Acceptor:
    """Checks partitions of runs of one pipeline."""

    def __init__(self, pipeline: Pipeline, unrecorded: Unrecorded = frozenset()) -> None:
        self.pipeline = pipeline
        self.unrecorded = unrecorded
        self.tries = SEARCHED
        self._whole = True
        self._walks: dict[tuple[tuple[Stimulus, ...], frozenset[tuple[str, MergeData]]], Walk] = {}

    def judge(
        self,
        records: Sequence[dict[str, object]],
        *,
        ended: bool,
        over: bool,
        alone: bool,
        whole: bool = True,
        ordered: bool = True,
    ) -> AcceptanceRun:
        """Check one partition, whose records have the names of the law.

        `ended`: the source has ended. `over`: the run is completed. `alone`: the partition is one row, named 0; its walk
        is remembered for other rows with the same stimuli. `whole`: an absent value means that there is none. `ordered`:
        the order of the records is that of the events; if not, other orders are tried too.
        """
        self._whole = whole
        ordered = ordered and all(record.get("seq") is not None for record in records)
        first: AcceptanceRun | None = None
        for guess in [records] if whole else _guesses(records):
            done = self._judge_one(guess, ended, over, alone, ordered)
            if not done.broken:
                return done
            first = first or done
        assert first is not None
        return first

    def _judge_one(
        self, records: Sequence[dict[str, object]], ended: bool, over: bool, alone: bool, ordered: bool
    ) -> AcceptanceRun:
        proposed = stimuli_of(self.pipeline, records, ended)
        if over:
            proposed.append(Proposed(float("inf"), Stimulus(Do.RUN_OVER)))
        done = self._in_order(proposed, records, over, alone, ordered)
        if done.broken and not ordered:
            found = self._in_some_order(proposed, records)
            if found is not None:
                return self._in_order(found, records, over, alone, ordered)
            done.in_doubt = ("seq",)
        return done

    def _in_order(
        self,
        proposed: Sequence[Proposed],
        records: Sequence[dict[str, object]],
        over: bool,
        alone: bool,
        ordered: bool,
    ) -> AcceptanceRun:
        stimuli, reasons = tuple(one.stimulus for one in proposed), _reasons(records)
        key = (stimuli, frozenset(reasons.items()))  # the data of a merge decide too
        walk = self._walks.get(key) if alone else None
        if walk is None:
            walk = _walked(self.pipeline, proposed, reasons)
            if alone and len(self._walks) < REMEMBERED:
                self._walks[key] = walk
        records = _barriers_named(walk, records)
        data = DataTrail(self.pipeline, self.unrecorded | NOT_AT_REST, whole=self._whole)
        done = AcceptanceRun(steps=len(walk.steps), stimuli=stimuli)
        done.kinds = [frozenset(map(type, one.law.records)) for one in walk.steps if isinstance(one.law, Accepted)]
        self._differ(walk, proposed, records, done)
        if done.broken:
            done.broken = tuple(dict.fromkeys([*self._shown_by_itself(records, over=over), *done.broken]))
        if not done.broken:
            in_order = (*_out_of_place(walk, proposed, records), *_of_data(data, records)) if ordered else ()
            done.broken = (*self._torn(walk, records), *in_order)
        done.checked = data.checked
        return done

    def _shown_by_itself(self, records: Sequence[dict[str, object]], *, over: bool) -> list[Broken]:
        return shown_by_itself(records, over=over and ("outcomes", "") not in self.unrecorded)

    def _differences(self, wanted: Keyed, found: Keyed) -> list[str]:
        return differences(wanted, found, self.unrecorded, whole=self._whole)

    def _differ(
        self, walk: Walk, proposed: Sequence[Proposed], records: Sequence[dict[str, object]], done: AcceptanceRun
    ) -> None:
        """Note the differences, and the laws that the first step concerned breaks."""
        found = keyed(record for record in records if record["rec"] != "runs")
        wanted = {key: value for key, value in walk.written.items() if key[0] != "runs"}
        last = walk.steps[-1].law if walk.steps else None
        wrong = self._differences(wanted, found)
        if not wrong and not isinstance(last, Refusal):
            return
        ats = [one.at for one in proposed[: len(walk.steps)]]
        place, extra = self._first_wrong(walk, wanted, found, records, ats)
        if place is None:
            place = len(walk.steps) - 1
        if place < 0:
            done.broken, done.differences = (("L8", "the records belong to a row that was never read"),), tuple(wrong)
            return
        one = walk.steps[place]
        observed = _observed(walk, place, records, extra)
        if isinstance(one.law, Refusal):
            wrong = [f"the records imply {one.stimulus}, and the law refuses it ({one.law})", *wrong]
            after = None
            if one.stimulus.do is Do.RUN_OVER:
                observed = [{"rec": "runs", "run": "r", "status": "completed", "rows": len(one.before.rows)}]
        else:
            after = (one.law.run,)
        done.broken = laws_broken_by(
            self.pipeline, (one.before,), one.stimulus, one.law, after, observed, wrong, all_named=self._whole
        )
        done.broken = tuple(broken for broken in done.broken if broken[0] not in ("Z1", "Z2")) or done.broken
        done.differences, done.stimuli, done.observed = tuple(wrong), done.stimuli[: place + 1], tuple(observed)

    def _first_wrong(
        self,
        walk: Walk,
        wanted: Keyed,
        found: Keyed,
        records: Sequence[Mapping[str, object]],
        ats: Sequence[float],
    ) -> tuple[int | None, dict[int, list[Key]]]:
        """The first step whose records differ from the trail, and the additional records by the step during which they came."""
        places = [
            walk.owner[key]
            for key, value in wanted.items()
            if (key not in found and (key[0], "") not in self.unrecorded)
            or (key in found and self._differences({key: value}, {key: found[key]}))
        ]
        when = by_key(records)
        extra: dict[int, list[Key]] = {}
        for key in found:
            if key not in wanted:
                seq = when.get(key, {}).get("seq")
                at = float(seq) if isinstance(seq, int) else float("inf")
                place = max((number for number, begun in enumerate(ats) if begun <= at), default=0)
                extra.setdefault(place, []).append(key)
        return min([*places, *extra], default=None), extra

    def _in_some_order(
        self, proposed: Sequence[Proposed], records: Sequence[dict[str, object]]
    ) -> list[Proposed] | None:
        """An order in which the law accepts every stimulus and writes what the trail holds, found by search; None if not found.

        The search begins with the order that is given. A state that was left with the same stimuli to come is not tried again.
        """
        wanted = keyed(record for record in records if record["rec"] != "runs")
        reasons, tries, dead = _reasons(records), 0, set[tuple[Run, tuple[Proposed, ...]]]()

        def search(run: Run, written: Keyed, left: tuple[Proposed, ...]) -> list[Proposed] | None:
            nonlocal tries
            if not left:
                return [] if not self._differences(written, wanted) else None
            if (run, left) in dead:
                return None
            for place, one in enumerate(left):
                if tries >= NODES or self.tries <= 0:
                    return None
                tries += 1
                self.tries -= 1
                law, _ = _with_data(self.pipeline, run, one.stimulus, reasons)
                if isinstance(law, Refusal):
                    continue
                wrote = keyed(as_json(record) for record in law.records if type(record).__name__ != "RunRecord")
                final = {key: value for key, value in wrote.items() if key[0] not in REWRITTEN}
                if self._differences(final, {key: wanted[key] for key in final if key in wanted}):
                    continue
                rest = search(law.run, {**written, **wrote}, left[:place] + left[place + 1 :])
                if rest is not None:
                    return [one, *rest]
            dead.add((run, left))
            return None

        return search(Run(), {}, tuple(proposed))

    def _torn(self, walk: Walk, records: Sequence[dict[str, object]]) -> list[Broken]:
        """Check that every step of the law is one transaction of the engine."""
        steps: dict[int, dict[str, list[RecordJson]]] = {}
        for record in records:
            (key,) = keyed([record]) or (None,)
            owner = walk.owner.get(key) if key is not None else None
            if owner is not None and record["rec"] not in ("runs", "batches"):
                steps.setdefault(owner, {}).setdefault(str(record["rec"]), []).append(record)
        return [broken for step_ in steps.values() for broken in torn(step_)]


def shown_by_itself(records: Sequence[Mapping[str, object]], *, over: bool) -> list[Broken]:
    """The breaches that a trail shows without stepping: too many fates or, if the run is over, missing fates and open
    visits."""
    fates: dict[str, int] = {}
    for record in records:
        if record["rec"] == "outcomes" and record.get("outcome") != Outcome.BUFFERED:
            fates[str(record["token"])] = fates.get(str(record["token"]), 0) + 1
    broken = [("F1", f"token {token} meets {count} fates") for token, count in fates.items() if count > 1]
    if not over:
        return broken
    tokens = [str(record["token"]) for record in records if record["rec"] == "tokens"]
    broken += [("F2", f"the run is over, and token {token} has no fate") for token in tokens if token not in fates]
    standing = [record for record in records if record["rec"] == "visits" and record.get("status") in OPEN_STATUSES]
    broken += [("V1", f"the run is over, and token {one['token']} visits {one.get('node')}") for one in standing]
    held = [one for one in standing if one.get("status") == VisitStatus.HELD]
    return broken + [("C10", f"the run is over, and token {one['token']} is held") for one in held]


def _barriers_named(walk: Walk, records: Sequence[dict[str, object]]) -> Sequence[dict[str, object]]:
    """The records, with the names of barriers that have losses but were not resolved; the law gives these names."""
    known = {(key[2], str(value[0])): key[1] for key, value in walk.written.items() if key[0] == "losses"}
    return [
        {**record, "barrier": known.get((str(record.get("branch")), str(record.get("token"))), record["barrier"])}
        if record["rec"] == "losses" and str(record["barrier"]).startswith("[")
        else record
        for record in records
    ]


def _reasons(records: Sequence[Mapping[str, object]]) -> dict[str, MergeData]:
    """The result of the data of each merge that failed, from the reason of its barrier."""
    words = {str(word): word for word in MergeData if word is not MergeData.OK}
    return {
        str(record["barrier"]): words[str(record.get("reason"))]
        for record in records
        if record["rec"] == "barriers" and str(record.get("reason")) in words
    }


def _walked(pipeline: Pipeline, proposed: Sequence[Proposed], reasons: Mapping[str, MergeData]) -> Walk:
    """Step to the end, or to the first refusal."""
    walk, run = Walk(), Run()
    for place, (at, stimulus) in enumerate(proposed):
        law, _ = _with_data(pipeline, run, stimulus, reasons)
        walk.steps.append(Stepped(run, stimulus, law, at))
        if isinstance(law, Refusal):
            break
        for key, value in keyed(as_json(record) for record in law.records).items():
            walk.written[key], walk.owner[key] = value, place
        run = law.run
    return walk


def _with_data(
    pipeline: Pipeline, run: Run, stimulus: Stimulus, reasons: Mapping[str, MergeData]
) -> tuple[Accepted | Refusal, tuple[MergeData, ...]]:
    """Take the step with the data of its merges as the trail shows them, one merge after the other."""
    data: tuple[MergeData, ...] = ()
    while True:
        law = step(pipeline, run, stimulus._replace(data=data))
        if isinstance(law, Refusal) or len(law.merges) == len(data):
            return law, data
        tried = [record for record in law.records if isinstance(record, BarrierRecord) and _merges(record)]
        barrier = tried[len(data)].barrier if len(data) < len(tried) else ""
        data = (*data, reasons.get(barrier, MergeData.OK))


def prescribed(
    pipeline: Pipeline, stimuli: Sequence[Stimulus], records: Sequence[Mapping[str, object]]
) -> list[Stimulus]:
    """The stimuli of a partition, each with the outcomes of its merges that the records show."""
    run, reasons, found = Run(), _reasons(records), list[Stimulus]()
    for stimulus in stimuli:
        law, data = _with_data(pipeline, run, stimulus, reasons)
        found.append(stimulus._replace(data=data))
        run = law.run if isinstance(law, Accepted) else run
    return found


def _merges(record: BarrierRecord) -> bool:
    return record.result is not None or record.reason in MERGE_FAILURES


def _observed(
    walk: Walk, place: int, records: Sequence[dict[str, object]], extra: Mapping[int, list[Key]]
) -> list[RecordJson]:
    """The records of one step in the trail. A record that a later step rewrites is that of the law."""
    own = by_key(records)
    law = walk.steps[place].law
    observed: list[RecordJson] = []
    for record in law.records if isinstance(law, Accepted) else ():
        written = as_json(record)
        (key,) = keyed([written]) or (None,)
        if key is None or walk.owner.get(key) != place:
            observed.append(written)
        elif key in own:
            observed.append(own[key])
    return [*observed, *(own[key] for key in extra.get(place, ()) if key in own)]


def _guesses(records: Sequence[dict[str, object]]) -> Iterator[Sequence[dict[str, object]]]:
    """The records with each combination of values that stepping needs and that some record lacks; as they are first."""
    places: list[tuple[int, str, tuple[object, ...]]] = []
    for place, record in enumerate(records):
        for column, words in _GUESSED.get(str(record["rec"]), {}).items():
            if record.get(column) is None and not (
                column == "reason" and record.get("verdict") != BarrierVerdict.FAILED
            ):
                places.append((place, column, (None, *words)))
    for values in islice(product(*(words for _, _, words in places)), GUESSES):
        guess = list(records)
        for (place, column, _), value in zip(places, values, strict=True):
            if value is not None:
                guess[place] = {**guess[place], column: value}
        yield guess


def _out_of_place(
    walk: Walk, proposed: Sequence[Proposed], records: Sequence[Mapping[str, object]]
) -> Iterator[Broken]:
    """Records whose `seq` is not within the step that wrote them: before it, or after a later step has begun."""
    ats = [one.at for one in proposed]
    ends = [*[*accumulate(reversed(ats), min)][::-1][1:], float("inf")]
    for key, record in by_key(records).items():
        place, seq = walk.owner.get(key), record.get("seq")
        if place is None or not isinstance(seq, int) or record["rec"] in ("runs", "batches"):
            continue
        what, when = " ".join(key), walk.steps[place].stimulus
        # the record of a barrier is not the first of its step, and there is no earlier one of a deadline and a flush
        first = max(ats[:place], default=0.0) if when.do in (Do.DEADLINE, Do.FLUSH) else ats[place]
        if not first <= seq < ends[place]:
            law = "R5" if record["rec"] == "visits" and when.do is Do.RESUME else "D2"
            yield law, f"the record {what} is number {seq} in the order, and not in the step {when} that writes it"


def _of_data(data: DataTrail, records: Sequence[dict[str, object]]) -> list[Broken]:
    """Check digests, origins and times, in the order in which things happened."""
    parents: dict[str, list[RecordJson]] = {}
    merges: dict[str, list[RecordJson]] = {}
    for record in records:
        if record["rec"] == "parents":
            parents.setdefault(str(record["child"]), []).append(record)
        elif record["rec"] == "merges":
            merges.setdefault(str(record["token"]), []).append(record)
    rows = [record for record in records if record["rec"] == "rows"]
    broken: list[Broken] = []
    for record in sorted(records, key=lambda one: int(str(one.get("seq") or 0))):
        if record["rec"] == "tokens":
            broken += data.see_alone([*rows, record, *parents.get(str(record["token"]), ())])
        elif record["rec"] == "barriers":
            broken += data.see_alone([record, *merges.get(str(record.get("result")), ())])
        elif record["rec"] in ("visits", "losses"):
            broken += data.see_alone([record])
    return broken
