"""Steps what a trail tells through the law, and consumes its records to the last.

A partition is accepted when the law takes every stimulus that was rebuilt, and what it then has written is what the
trail holds: no record missing, none left over. Where something is wrong the catalogue is asked about the first step
concerned. Rows that went the same way are stepped once. Not here: rebuilding (`reconstruct.py`), and whole files (`judge.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fateline_model import Accepted, Pipeline, Refusal, Run, Stimulus, step
from fateline_model.records import BarrierRecord, as_json
from fateline_model.stimuli import Do
from fateline_model.words import OPEN_STATUSES, MergeData, Outcome, Reason, VisitStatus

from ..compare.broken_laws import laws_broken_by
from ..compare.data_laws import Broken, DataTrail, torn
from ..compare.records import REWRITTEN, Key, Keyed, Unrecorded, by_key, differences, keyed
from ..ports.port import RecordJson
from .reconstruct import Proposed, stimuli_of

NODES: Final = 5_000
"""So many steps are tried where a trail records no order; more is undetermined."""
REMEMBERED: Final = 20_000
"""So many ways of a row are remembered."""


OF_A_MERGE: Final = (Reason.SELECT_BRANCH_NOT_ARRIVED, Reason.CONTRACT_CONFLICT, Reason.UNION_COLLISION)
"""Why a barrier that was to merge has failed."""


NOT_AT_REST: Final = frozenset({("visits", "")})
"""Of a visit a trail at rest shows when it ended and not when it began, so no first event is read off it."""


class Stepped(NamedTuple):
    """One step: the run before it, the stimulus, what the law says."""

    before: Run
    stimulus: Stimulus
    law: Accepted | Refusal
    at: float


@dataclass
class Walk:
    """What the law makes of the stimuli: its steps, what is left written, and which step wrote it last."""

    steps: list[Stepped] = field(default_factory=list)
    written: Keyed = field(default_factory=dict)
    owner: dict[Key, int] = field(default_factory=dict)


@dataclass
class AcceptanceRun:
    """What judging one partition found."""

    broken: tuple[Broken, ...] = ()
    differences: tuple[str, ...] = ()
    stimuli: tuple[Stimulus, ...] = ()
    steps: int = 0
    kinds: list[frozenset[type]] = field(default_factory=list)
    checked: Mapping[str, int] = field(default_factory=dict)
    undetermined: str | None = None


class Acceptor:
    """Judges partitions of runs of one pipeline."""

    def __init__(self, pipeline: Pipeline, unrecorded: Unrecorded = frozenset()) -> None:
        self.pipeline = pipeline
        self.unrecorded = unrecorded
        self._walks: dict[tuple[tuple[Stimulus, ...], frozenset[tuple[str, MergeData]]], Walk] = {}

    def judge(self, records: Sequence[dict[str, object]], *, ended: bool, over: bool, alone: bool) -> AcceptanceRun:
        """One partition, its records in the names of the law. `over`: the run says that it is completed.

        A row that is `alone` is called 0, and what the law makes of the same stimuli is remembered.
        """
        proposed = stimuli_of(self.pipeline, records, ended)
        if over:
            proposed.append(Proposed(float("inf"), Stimulus(Do.RUN_OVER)))
        in_order = all(record.get("seq") is not None for record in records)
        if not in_order:
            ordered = _in_some_order(self.pipeline, proposed, records)
            if ordered is None:
                return AcceptanceRun(undetermined=f"no order is recorded, and none was found in {NODES} tries")
            proposed = ordered
        stimuli, reasons = tuple(one.stimulus for one in proposed), _reasons(records)
        key = (stimuli, frozenset(reasons.items()))  # the same stimuli end otherwise where the data of a merge do
        walk = self._walks.get(key) if alone else None
        if walk is None:
            walk = _walked(self.pipeline, proposed, reasons)
            if alone and len(self._walks) < REMEMBERED:
                self._walks[key] = walk
        records = _barriers_named(walk, records)
        data = DataTrail(self.pipeline, self.unrecorded | NOT_AT_REST)
        done = AcceptanceRun(steps=len(walk.steps), stimuli=stimuli)
        done.kinds = [frozenset(map(type, one.law.records)) for one in walk.steps if isinstance(one.law, Accepted)]
        self._differ(walk, proposed, records, done)
        if done.broken:
            done.broken = tuple(dict.fromkeys([*shown_by_itself(records, over=over), *done.broken]))
        if not done.broken:
            done.broken = (*self._torn(walk, records), *_of_data(data, records))
        done.checked = data.checked
        return done

    def _differ(
        self, walk: Walk, proposed: Sequence[Proposed], records: Sequence[dict[str, object]], done: AcceptanceRun
    ) -> None:
        """What is wrong, and which laws the first step concerned breaks."""
        found = keyed(record for record in records if record["rec"] != "runs")
        wanted = {key: value for key, value in walk.written.items() if key[0] != "runs"}
        last = walk.steps[-1].law if walk.steps else None
        wrong = differences(wanted, found, self.unrecorded)
        if not wrong and not isinstance(last, Refusal):
            return
        ats = [one.at for one in proposed[: len(walk.steps)]]
        place, extra = _first_wrong(walk, wanted, found, records, ats, self.unrecorded)
        if place is None:
            place = len(walk.steps) - 1
        if place < 0:
            done.broken, done.differences = (("L8", "records of a row that was never read"),), tuple(wrong)
            return
        one = walk.steps[place]
        observed = _observed(walk, place, records, extra)
        if isinstance(one.law, Refusal):
            wrong = [f"{one.stimulus} is told, and the law refuses it ({one.law})", *wrong]
            after = None
            if one.stimulus.do is Do.RUN_OVER:
                observed = [{"rec": "runs", "run": "r", "status": "completed", "rows": len(one.before.rows)}]
        else:
            after = (one.law.run,)
        done.broken = laws_broken_by(self.pipeline, (one.before,), one.stimulus, one.law, after, observed, wrong)
        done.broken = tuple(broken for broken in done.broken if broken[0] != "Z1") or done.broken
        done.differences, done.stimuli = tuple(wrong), done.stimuli[: place + 1]

    def _torn(self, walk: Walk, records: Sequence[dict[str, object]]) -> list[Broken]:
        """Every step of the law is one transaction of the engine."""
        steps: dict[int, dict[str, list[RecordJson]]] = {}
        for record in records:
            (key,) = keyed([record]) or (None,)
            owner = walk.owner.get(key) if key is not None else None
            if owner is not None and record["rec"] not in ("runs", "batches"):
                steps.setdefault(owner, {}).setdefault(str(record["rec"]), []).append(record)
        return [broken for step_ in steps.values() for broken in torn(step_)]


def shown_by_itself(records: Sequence[Mapping[str, object]], *, over: bool) -> list[Broken]:
    """What a trail shows without any step: fates of which there are too many or, when the run is over, too few."""
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
    """A barrier that was not resolved by the end of a trail has losses and no record: the law says which it is."""
    known = {(key[2], str(value[0])): key[1] for key, value in walk.written.items() if key[0] == "losses"}
    return [
        {**record, "barrier": known.get((str(record.get("branch")), str(record.get("token"))), record["barrier"])}
        if record["rec"] == "losses" and str(record["barrier"]).startswith("[")
        else record
        for record in records
    ]


def _reasons(records: Sequence[Mapping[str, object]]) -> dict[str, MergeData]:
    """What the trail says of the data of each merge: a barrier that failed for it says so."""
    words = {str(word): word for word in MergeData if word is not MergeData.OK}
    return {
        str(record["barrier"]): words[str(record.get("reason"))]
        for record in records
        if record["rec"] == "barriers" and str(record.get("reason")) in words
    }


def _walked(pipeline: Pipeline, proposed: Sequence[Proposed], reasons: Mapping[str, MergeData]) -> Walk:
    """Step to the end, or to the first stimulus that the law refuses."""
    walk, run = Walk(), Run()
    for place, (at, stimulus) in enumerate(proposed):
        law = _with_data(pipeline, run, stimulus, reasons)
        walk.steps.append(Stepped(run, stimulus, law, at))
        if isinstance(law, Refusal):
            break
        for key, value in keyed(as_json(record) for record in law.records).items():
            walk.written[key], walk.owner[key] = value, place
        run = law.run
    return walk


def _with_data(
    pipeline: Pipeline, run: Run, stimulus: Stimulus, reasons: Mapping[str, MergeData]
) -> Accepted | Refusal:
    """The step, with what the trail says of the data of its merges, one after the other."""
    said: tuple[MergeData, ...] = ()
    while True:
        law = step(pipeline, run, stimulus._replace(data=said))
        if isinstance(law, Refusal) or len(law.merges) == len(said):
            return law
        tried = [record for record in law.records if isinstance(record, BarrierRecord) and _merges(record)]
        barrier = tried[len(said)].barrier if len(said) < len(tried) else ""
        said = (*said, reasons.get(barrier, MergeData.OK))


def _merges(record: BarrierRecord) -> bool:
    return record.result is not None or record.reason in OF_A_MERGE


def _first_wrong(
    walk: Walk,
    wanted: Keyed,
    found: Keyed,
    records: Sequence[Mapping[str, object]],
    ats: Sequence[float],
    unrecorded: Unrecorded,
) -> tuple[int | None, dict[int, list[Key]]]:
    """The first step whose records are not the trail's; and which records are left over, by the step they fall into."""
    places = [
        walk.owner[key]
        for key, value in wanted.items()
        if key not in found or differences({key: value}, {key: found[key]}, unrecorded)
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


def _observed(
    walk: Walk, place: int, records: Sequence[dict[str, object]], extra: Mapping[int, list[Key]]
) -> list[RecordJson]:
    """What the trail holds of one step: its own records where it has the last word, the law's where a later one had."""
    own = by_key(records)
    law = walk.steps[place].law
    observed: list[RecordJson] = []
    for record in law.records if isinstance(law, Accepted) else ():
        said = as_json(record)
        (key,) = keyed([said]) or (None,)
        if key is None or walk.owner.get(key) != place:
            observed.append(said)
        elif key in own:
            observed.append(own[key])
    return [*observed, *(own[key] for key in extra.get(place, ()) if key in own)]


def _in_some_order(
    pipeline: Pipeline, proposed: Sequence[Proposed], records: Sequence[dict[str, object]]
) -> list[Proposed] | None:
    """An order in which the law takes everything and writes what the trail holds, found by trying; None if not found."""
    wanted = keyed(record for record in records if record["rec"] != "runs")
    reasons, tries = _reasons(records), 0

    def search(run: Run, written: Keyed, left: tuple[Proposed, ...]) -> list[Proposed] | None:
        nonlocal tries
        if not left:
            return [] if not differences(written, wanted) else None
        for place, one in enumerate(left):
            tries += 1
            if tries > NODES:
                return None
            law = _with_data(pipeline, run, one.stimulus, reasons)
            if isinstance(law, Refusal):
                continue
            wrote = keyed(as_json(record) for record in law.records if type(record).__name__ != "RunRecord")
            final = {key: value for key, value in wrote.items() if key[0] not in REWRITTEN}
            if differences(final, {key: wanted[key] for key in final if key in wanted}):
                continue
            rest = search(law.run, {**written, **wrote}, left[:place] + left[place + 1 :])
            if rest is not None:
                return [one, *rest]
        return None

    return search(Run(), {}, tuple(proposed))


def _of_data(data: DataTrail, records: Sequence[dict[str, object]]) -> list[Broken]:
    """Digests, origins and times, in the order in which things happened."""
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
