"""Compares what a crash left, and what a resumed run came to, with the law.

What a crash leaves must be a prefix of whole steps (R1), and everything that it records as written must be in the sinks
(R4). A finished run must have the records that the law writes for the same stimuli with the crash in it (R2). Its rows
are read once (R3). Each sink must hold one effect for each token that was written there, and nothing else (R4). Both
trails are also checked as trails at rest, against every law that a trail can show. Not here: how an engine got there
(`instance.py`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fateline_model import Run, Stimulus
from fateline_model.wellformed import Pipeline
from fateline_model.words import VisitStatus

from ..compare.data_laws import Broken
from ..compare.records import Key, Keyed, Unrecorded, differences, keyed
from ..ports.port import RecordJson
from ..trails.accept import Acceptor
from ..trails.check import TrailResult, check_run
from ..trails.reader import runs_of
from ..trails.reconstruct import named
from .scenarios import Scenario

SHOWN: Final = 3


class Judge:
    """Checks the trails and sinks of runs of one pipeline, and counts its checks."""

    def __init__(self, pipeline: Pipeline, unrecorded: Unrecorded, *, accept_leftovers: bool) -> None:
        self._pipeline = pipeline
        self._unshown = unrecorded
        self._acceptor = Acceptor(pipeline, unrecorded)
        self.accept_leftovers = accept_leftovers
        """True if each crash state is also checked as a trail at rest. One that equals the law's records cannot break a law."""
        self._broken_off: set[Run] = set()
        """The runs, as of their last crash, whose end was accepted as a trail at rest before."""
        self._accepted_last: Sequence[RecordJson] = ()
        self._left_last: tuple[Scenario, Sequence[RecordJson], int] | None = None
        self._ended_last: tuple[Sequence[Stimulus], Sequence[RecordJson]] | None = None
        self.checked: Counter[str] = Counter()
        self.effects = 0
        self.rows = 0
        self.tokens = 0

    def left(
        self, line: Scenario, steps: Sequence[int], trail: Sequence[RecordJson], sinks: Mapping[str, Sequence[str]]
    ) -> tuple[int, list[Broken]]:
        """Check a crash state. Returns the number of committed steps, out of the possible ones, and the breaches."""
        self.checked["R1"] += 1
        self.checked["R4"] += 1
        broken = self._lost(trail, sinks)
        last = self._left_last
        if last is not None and last[0] is line and last[1] == trail and last[2] in steps:
            return last[2], broken
        found = _named(line, trail)
        place = next((at for at in steps if self._same(line.wanted[at], found)), None)
        if place is not None:
            self._left_last = line, trail, place
            return place, self._accepted(trail, broken) if self.accept_leftovers or broken else []
        wrong = min((differences(line.wanted[at], found, self._unshown) for at in steps), key=len)
        message = f"what the crash left is not a prefix of whole steps: {'; '.join(wrong[:SHOWN])}"
        return steps[0], [*broken, *self._accepted(trail, [("R1", message)])]

    def end(
        self, line: Scenario, trail: Sequence[RecordJson], sinks: Mapping[str, Sequence[str]], broken_off: Run | None
    ) -> list[Broken]:
        """Check a run that has ended. `broken_off` is the run of the law at the last crash."""
        self.checked.update(("R2", "R3", "R4"))
        broken = self._rows(line, trail)
        if self._ended_last is None or self._ended_last != (line.stimuli, trail):
            found = _named(line, trail)
            wrong = differences(line.wanted[-1], found, self._unshown)
            if wrong:
                only_attempts = self._same(_without_attempts(line.wanted[-1]), _without_attempts(found))
                law = "R5" if only_attempts else "R2"
                broken.append((law, f"the finished run differs from the law: {'; '.join(wrong[:SHOWN])}"))
            else:
                self._ended_last = line.stimuli, trail
        broken += self._not_once(trail, sinks)
        if broken_off is not None and not broken:
            if broken_off in self._broken_off:
                return []
            self._broken_off.add(broken_off)
        return self._accepted(trail, broken)

    def _same(self, wanted: Keyed, found: Mapping[Key, tuple[object, ...]]) -> bool:
        return bool(self._unshown or len(wanted) == len(found)) and not differences(wanted, found, self._unshown)

    def _accepted(self, trail: Sequence[RecordJson], broken: list[Broken]) -> list[Broken]:
        """Check a trail at rest too; each law at most once. The trail that was accepted last is not checked again."""
        if trail == self._accepted_last and not broken:
            return []
        judged = TrailResult()
        for run in runs_of({"run": "r", **record} for record in trail):
            check_run(run, self._pipeline, judged, acceptor=self._acceptor)
        self.checked.update(judged.checked)
        breaches = [*broken, *((finding.law, finding.message) for finding in judged.findings)]
        if not breaches:
            self._accepted_last = trail
        return list({law: (law, message) for law, message in reversed(breaches)}.values())[::-1]

    # Rows and effects

    def _rows(self, line: Scenario, trail: Sequence[RecordJson]) -> list[Broken]:
        given = len(line.runs[-1].rows)
        read = sum(record["rec"] == "rows" for record in trail)
        self.rows += read
        self.tokens += sum(record["rec"] == "tokens" for record in trail)
        return [] if given == read else [("R3", f"the source gave {given} rows; the trail has {read}")]

    def _lost(self, trail: Iterable[RecordJson], sinks: Mapping[str, Sequence[str]]) -> list[Broken]:
        """Find committed effects that are missing in the sinks. Additional effects are removed by the resume."""
        lost = [
            f"{token} in {sink}"
            for (sink, token), count in _fates(trail).items()
            if sinks.get(sink, ()).count(token) != count
        ]
        return (
            [("R4", f"committed as written, but not exactly once in its sink: {', '.join(lost[:SHOWN])}")]
            if lost
            else []
        )

    def _not_once(self, trail: Iterable[RecordJson], sinks: Mapping[str, Sequence[str]]) -> list[Broken]:
        wanted, found = _fates(trail), Counter((sink, token) for sink, effects in sinks.items() for token in effects)
        self.effects += found.total()
        wrong = [f"{token} in {sink} {found[sink, token]} times" for sink, token in (found - wanted) + (wanted - found)]
        return (
            [("R4", f"the number of effects in the sink does not match the fates: {', '.join(wrong[:SHOWN])}")]
            if wrong
            else []
        )


def _fates(trail: Iterable[RecordJson]) -> Counter[tuple[str, str]]:
    """The effects that the trail records, as sink and token."""
    return Counter(
        (str(record["sink"]), str(record["token"]))
        for record in trail
        if record["rec"] == "outcomes" and record.get("sink") is not None
    )


def _without_attempts(records: Keyed) -> Keyed:
    """The records without the visits that a crash cut off. The other visits have no number (law R2)."""
    kept: Keyed = {}
    seen: Counter[Key] = Counter()
    for key, value in sorted(records.items()):
        if key[0] == "hops":
            value = tuple(str(visit).partition("#")[0] for visit in value)
        elif key[0] == "visits":
            if value[0] == VisitStatus.INTERRUPTED:
                continue
            key = (*key[:3], *map(str, value))
            seen[key] += 1
            key = (*key, str(seen[key]))
        kept[key] = value
    return kept


def _named(line: Scenario, trail: Sequence[RecordJson]) -> Keyed:
    """A trail with the names of the law, by relation and key.

    A barrier that is not resolved has losses only. Its name is the one that the law gives for the same branch and token.
    """
    known = {(key[2], value[0]): key[1] for key, value in line.wanted[-1].items() if key[0] == "losses"}
    records = named(trail)
    for record in records:
        if record["rec"] == "losses":
            record["barrier"] = known.get((str(record.get("branch")), record.get("token")), record["barrier"])
    return keyed(records)
