"""Checks whole runs of an engine that keeps its own schedule, by the trail that each leaves, and makes what is found short.

The judge gives the rows and what each node answers (`compare/whole_run.py`). Three things are asked of the trail: it has every
row that was given; each visit records the answer that its node gave; and its records break no law. Records are stepped through
the law (`trails/`). A run that ended too early is a finding, with the engine's last words. So is a run that does not end: the
engine gives no sign of life, twice.

A finding is made short in this order: a single row that shows it alone, else half of the rows, and again; then each unusual
answer of the row is replaced by the usual one where the finding stays. At most `TRIES` runs are spent on it. What is left is
one row in nearly every case, and can be run again. To make a run short that does not end, each try waits only as long as the
slowest run that ended makes likely; the result is run once more with the whole limit.

Not here: how an engine is made to run (`free_run.py`, `planned_command.py`), and lockstep.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fateline_model import Pipeline
from fateline_model.state import parse_token_name

from ..compare.data_laws import Broken
from ..compare.difference import Difference
from ..compare.whole_run import PlannedRow, WholeRun
from ..limits import shorter_silence
from ..ports.port import EngineFault, EngineSilent, RecordJson
from ..trails.check import TrailResult, check_run
from ..trails.reader import RunTrail, runs_of

TRIES: Final = 60
WITHOUT_END: Final = "the run does not end"
LONGER: Final = 20
"""A run that takes so many times as long as the slowest run that ended is taken for one that does not end."""
LEAST: Final = 2.0

NOTHING_CHECKED: Final = Counter[str]()


class Trail(NamedTuple):
    """What a run recorded; `whole` and `ordered` as in `trails/reader.py`.

    `broken` is what the audit found in it, and `checked` how often it asked each law: where stepping has to infer something,
    the audit may be certain.
    """

    records: Sequence[RecordJson]
    whole: bool = True
    ordered: bool = True
    broken: tuple[Broken, ...] = ()
    checked: Counter[str] = NOTHING_CHECKED


RunWhole = Callable[[WholeRun], Trail]
"""Runs it in the engine. Raises `EngineFault` if the engine fails."""


class EndedEarly(EngineFault):
    """The engine ended the run before its end. `trail` is what it left."""

    def __init__(self, said: str, trail: Trail) -> None:
        super().__init__(said)
        self.trail = trail


@dataclass
class WholeRuns:
    """An engine that runs one pipeline whole. `result` has what was checked in all its runs."""

    pipeline: Pipeline
    run: RunWhole
    silent: frozenset[str] = frozenset()
    """The laws that the records of this engine cannot show."""
    result: TrailResult = field(default_factory=TrailResult)
    _slowest: float = 0.0

    @property
    def asked(self) -> dict[str, int]:
        """How often each law was asked that the records of this engine can show."""
        return {law: count for law, count in self.result.checked.items() if law not in self.silent}

    def checked(self, whole: WholeRun) -> Difference | None:
        """Run, and check what was recorded. If the engine is silent, run once more."""
        try:
            return self._once(whole)
        except EngineSilent:
            pass
        try:
            return self._once(whole)
        except EngineSilent as silent:
            return Difference((whole,), (), WITHOUT_END, (f"{WITHOUT_END}: {silent}, twice",), ())

    def _once(self, whole: WholeRun) -> Difference | None:
        begun = time.monotonic()
        try:
            trail, last_words = self.run(whole), ""
        except EndedEarly as fault:
            trail, last_words = fault.trail, str(fault)
        except EngineFault as fault:
            return Difference((whole,), (), str(fault), (str(fault),), ())
        self._slowest = max(self._slowest, time.monotonic() - begun)
        return self.judged(whole, trail, last_words)

    def judged(self, whole: WholeRun, left: Trail, last_words: str = "") -> Difference | None:
        """Check what a run recorded. `last_words` are those of an engine that ended it early."""
        records = ({"run": "r", **record} for record in left.records)
        trails = runs_of(records, whole=left.whole, ordered=left.ordered)
        laws = [
            *_missing(trails, whole, last_words),
            *(broken for trail in trails for broken in self._answers(trail, whole)),
            *(broken for trail in trails for broken in self._stepped(trail)),
        ]
        named = {law for law, _ in laws}
        laws += [broken for broken in left.broken if broken[0] not in named]
        self.result.checked |= left.checked
        laws = [broken for broken in laws if broken[0] not in self.silent]
        if not laws:
            words = f"the run ended early: {last_words}"
            return Difference((whole,), (), last_words, (words,), ()) if last_words else None
        return Difference((whole,), (), tuple(left.records), tuple(message for _, message in laws), tuple(laws))

    def _stepped(self, trail: RunTrail) -> Iterator[Broken]:
        self.result.findings.clear()  # a result keeps a limited number, and is shared by all runs
        check_run(trail, self.pipeline, self.result)
        for finding in self.result.findings:
            yield finding.law, finding.message.removeprefix(f"run {trail.run}, ")

    def _answers(self, trail: RunTrail, whole: WholeRun) -> Iterator[Broken]:
        """The visits that record another answer than their node gave."""
        for records in trail.rows.values():
            place = next((record.get("idx") for record in records if record["rec"] == "rows"), None)
            if isinstance(place, int) and 0 <= place < len(whole.rows):
                yield from _other_answers(records, place, whole.rows[place])

    # ------------------------------------------------------------------------------------------------ short cases

    def shortest(self, found: Difference) -> Difference:
        """The shortest run found that breaks the same law first, or that does not end either."""
        self._tries = 0
        (whole,) = found.stimuli
        if found.observed == WITHOUT_END:
            with shorter_silence(max(LEAST, LONGER * self._slowest)):
                small = self._usual_answers(self._fewer_rows(found, whole))
            again = self._uncounted(small.stimuli[0]) if small.stimuli != found.stimuli else None
            return again if again is not None and again.observed == WITHOUT_END else found
        if not found.laws:
            return found
        return self._usual_answers(self._fewer_rows(found, whole))

    def _again(self, wanted: Difference, whole: WholeRun) -> Difference | None:
        if self._tries >= TRIES:
            return None
        self._tries += 1
        found = self._uncounted(whole)
        if found is None or found.law != wanted.law:
            return None
        return found if found.laws or found.observed == wanted.observed == WITHOUT_END else None

    def _uncounted(self, whole: WholeRun) -> Difference | None:
        """Check a run. What is asked to make a case short is not counted."""
        kept, self.result = self.result, TrailResult()
        try:
            return self.checked(whole)
        finally:
            self.result = kept

    def _fewer_rows(self, found: Difference, whole: WholeRun) -> Difference:
        if len(whole.rows) == 1:
            return found
        for place in _suspects(found, whole):
            alone = self._again(found, whole._replace(rows=(whole.rows[place],)))
            if alone is not None:
                return alone
        half = len(whole.rows) // 2
        for rows in (whole.rows[:half], whole.rows[half:]):
            fewer = self._again(found, whole._replace(rows=rows))
            if fewer is not None:
                return self._fewer_rows(fewer, whole._replace(rows=rows))
        return found

    def _usual_answers(self, found: Difference) -> Difference:
        (whole,) = found.stimuli
        for place, row in enumerate(whole.rows):
            for key in row.answers:
                answers = {other: own for other, own in found.stimuli[0].rows[place].answers.items() if other != key}
                rows = list(found.stimuli[0].rows)
                rows[place] = row._replace(answers=answers)
                found = self._again(found, found.stimuli[0]._replace(rows=tuple(rows))) or found
        return found


def _missing(trails: Sequence[RunTrail], whole: WholeRun, last_words: str) -> Iterator[Broken]:
    """That rows are missing, with the last words of the engine."""
    read = sum(any(record["rec"] == "rows" for record in own) for trail in trails for own in trail.rows.values())
    if read != len(whole.rows):
        words = f"; its last words: {last_words}" if last_words else ""
        yield "R3", f"{len(whole.rows)} rows were given, and the trail has {read}{words}"


def _other_answers(records: Sequence[RecordJson], place: int, row: PlannedRow) -> Iterator[Broken]:
    for record in records:
        if record["rec"] != "visits" or not record.get("verdict"):
            continue
        node, attempt = str(record.get("node")), record.get("attempt")
        told = row.answers.get(node)
        if told is None or not isinstance(attempt, int) or any(key.startswith(f"{node} ") for key in row.answers):
            continue  # answers for single tokens: which of them this visit is about is not known here
        answer = told[min(attempt, len(told) - 1)]
        if record["verdict"] != answer:
            yield (
                "D1",
                f"{node} answered {answer} to row {place}, attempt {attempt}, and {record['verdict']} is recorded",
            )


def _suspects(found: Difference, whole: WholeRun) -> list[int]:
    """The places of the rows, those first that the finding is about."""
    messages = " ".join(message for _, message in found.laws)
    named = [place for place in range(len(whole.rows)) if f"row {place}:" in messages or f"row {place}," in messages]
    return [*named, *(place for place in range(len(whole.rows)) if place not in named)]


def answers_of(
    asked: Mapping[tuple[str, str], Sequence[str]], valid: Sequence[bool], usual: Mapping[str, str]
) -> WholeRun:
    """The run in which nodes were asked about tokens and answered so. Names are those of the law: `12/a` is of row 12.

    Answers that are usual for their node are left out.
    """
    rows: list[dict[str, tuple[str, ...]]] = [{} for _ in valid]
    batches: dict[str, str] = {}
    for (node, name), answers in asked.items():
        place = parse_token_name(name)
        if place is not None and place[0] < len(rows):
            row, rest = place
            if any(answer != usual.get(node) for answer in answers):
                rows[row][f"{node} {rest}".strip()] = tuple(answers)
        elif answers:
            batches[name] = answers[0]
    return WholeRun(tuple(map(PlannedRow, valid, rows)), batches)
