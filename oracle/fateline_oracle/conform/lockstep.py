"""Takes one stimulus at a time in the law and in an engine, and compares the two after each.

The law decides what should happen; the engine is asked to do the same. What the law refuses, the engine must refuse
too, and record nothing. The first difference ends the case, because the two are in different states from then on. Not
here: which stimuli to try (`batch_driver.py`, `instance.py`), and which laws a difference breaks
(`compare/broken_laws.py`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fateline_model import Accepted, Pipeline, Refusal, Run, Stimulus, step
from fateline_model.records import as_json
from fateline_model.stimuli import Do

from ..compare.broken_laws import laws_broken_by
from ..compare.data_laws import Broken, DataTrail
from ..compare.difference import Difference, wrong_refusal
from ..compare.names import Names
from ..compare.records import Unrecorded, differences, keyed
from ..ports.port import EngineFault, PipelinePort, RecordJson, Reply

DATA_NOT_INJECTABLE: Final = "whether a merge conflicts is decided by the data and cannot be injected"


@dataclass
class Tally:
    """Counts of what was checked: steps by the kinds of their records, refusals, and stimuli that the port does not support."""

    steps: int = 0
    refusals: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    kinds: Counter[frozenset[type]] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)


class Lockstep:
    """One run of one pipeline, in the law and in an engine."""

    def __init__(
        self,
        pipeline: Pipeline,
        document: Mapping[str, object],
        port: PipelinePort,
        *,
        tally: Tally | None = None,
        unrecorded: Unrecorded = frozenset(),
        refusals_have_reasons: bool = True,
    ) -> None:
        self.pipeline = pipeline
        self.document = document
        self.port = port
        self.tally = tally or Tally()
        self.unrecorded = unrecorded
        self.refusals_have_reasons = refusals_have_reasons
        self._begin()

    def _begin(self) -> None:
        self.run, self.names, self.stimuli = Run(), Names(), list[Stimulus]()
        self.data = DataTrail(self.pipeline, self.unrecorded)

    def start(self) -> None:
        """Begin again from nothing."""
        self.note_data()
        self._begin()
        self.port.start(self.document)

    def note_data(self) -> None:
        """Add the checks of the data laws in this run to the tally."""
        self.tally.checked.update(self.data.checked)
        self.data.checked = dict.fromkeys(self.data.checked, 0)

    def do(self, stimulus: Stimulus) -> Difference | None:
        """Take one stimulus in both. None means that they agree."""
        law = step(self.pipeline, self.run, stimulus)
        if law is Refusal.NO_SUCH_DATA:
            self.tally.skipped[DATA_NOT_INJECTABLE] += 1
            return None
        self.stimuli.append(stimulus)
        before = list(self.port.trail()) if stimulus.do is Do.CRASH and isinstance(law, Accepted) else []
        try:
            reply = self.port.do(self.names.asked(stimulus))
        except EngineFault as fault:
            messages = (f"the engine broke down: {fault}",)
            return Difference(tuple(self.stimuli), _expected(law), str(fault), messages, ())
        if reply.unsupported is not None:
            self.tally.skipped[reply.unsupported] += 1
            self.stimuli.pop()
            return None
        if isinstance(law, Refusal):
            self.tally.refusals += 1
            return self._refused(law, reply)
        self.tally.steps += 1
        if reply.refused is not None:
            answer = f"{reply.refused}: {reply.message}"
            return self._diverge(stimulus, law, answer, [f"the engine refuses a lawful stimulus ({answer})"])
        return self._compare(stimulus, law, reply, before)

    def _compare(self, stimulus: Stimulus, law: Accepted, reply: Reply, before: list[RecordJson]) -> Difference | None:
        expected = [as_json(record) for record in law.records]
        self.tally.kinds[frozenset(map(type, law.records))] += 1
        observed = self._translated(expected, reply)
        wrong = differences(keyed(expected), keyed(observed), self.unrecorded)
        broken = self.data.see(observed)
        if stimulus.do is Do.CRASH and list(self.port.trail()) != before:
            broken.append(("R1", "a crash changed what was committed"))
        if wrong or broken:
            return self._diverge(stimulus, law, observed, wrong, broken)
        self.run = law.run
        return None

    def _translated(self, expected: list[dict[str, object]], reply: Reply) -> tuple[dict[str, object], ...]:
        self.names.learn(reply.records)
        self.names.learn_barriers([record for record in expected if record["rec"] == "losses"], reply.records)
        return tuple(self.names.translate(record) for record in reply.records)

    def _refused(self, rule: Refusal, reply: Reply) -> Difference | None:
        stimulus = self.stimuli[-1]
        wrong = wrong_refusal(rule, reply, rules_are_named=self.refusals_have_reasons)
        if wrong is None:
            self.stimuli.pop()
            return None
        self.names.learn(reply.records)
        recorded = tuple(self.names.translate(record) for record in reply.records)
        observed = f"{reply.refused}: {reply.message}" if wrong.weak else recorded
        return self._diverge(stimulus, rule, observed, [wrong.message])

    def _diverge(
        self,
        stimulus: Stimulus,
        law: Accepted | Refusal,
        observed: tuple[RecordJson, ...] | str,
        wrong: list[str],
        broken: list[Broken] | None = None,
    ) -> Difference:
        laws = tuple(broken or ())
        if wrong:
            after = law.run if isinstance(law, Accepted) else None
            world = (after,) if after is not None else None
            laws += laws_broken_by(self.pipeline, (self.run,), stimulus, law, world, observed, wrong)
        wrong = wrong or [message for _, message in laws]
        return Difference(tuple(self.stimuli), _expected(law), observed, tuple(wrong), laws)


def _expected(law: Accepted | Refusal) -> tuple[RecordJson, ...] | Refusal:
    return law if isinstance(law, Refusal) else tuple(as_json(record) for record in law.records)
