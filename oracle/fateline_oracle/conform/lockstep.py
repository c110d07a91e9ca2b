"""Takes one stimulus at a time in the law and in an engine, and compares the two after each.

The law decides what should happen; the engine is asked to do the same. What the law refuses, the engine must refuse
too, and record nothing. A difference ends the case, unless both are in the same state all the same
(`Difference.goes_on`). Not here: which stimuli to try (`batch_driver.py`, `instance.py`), and which laws a difference
breaks (`compare/broken_laws.py`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fateline_model import Accepted, Pipeline, Refusal, Run, Stimulus, step
from fateline_model.records import as_json
from fateline_model.stimuli import Do

from ..compare.broken_laws import laws_broken_by, same_state
from ..compare.capabilities import lacking, unrecorded
from ..compare.data_laws import Broken, DataTrail
from ..compare.difference import Difference, wrong_refusal
from ..compare.marks import marks_met
from ..compare.names import Names
from ..compare.questions import Step, step_of
from ..compare.records import differences, keyed
from ..ports.port import EngineFault, Hello, PipelinePort, RecordJson, Reply, Shows

DATA_NOT_INJECTABLE: Final = "whether a merge conflicts is decided by the data and cannot be injected"
CRASH_CHANGED: Final = "a crash changed what was committed"


@dataclass
class Tally:
    """Counts of what was checked: steps by what they are about, refusals, and stimuli that the port does not support."""

    steps: int = 0
    refusals: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    steps_about: Counter[Step] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)


class Lockstep:
    """One run of one pipeline, in the law and in an engine."""

    def __init__(
        self,
        pipeline: Pipeline,
        document: Mapping[str, object],
        port: PipelinePort,
        hello: Hello,
    ) -> None:
        self.pipeline = pipeline
        self.document = document
        self.port = port
        self.tally = Tally()
        self.silent = lacking(hello)
        self.unrecorded = unrecorded(hello)
        self.refusals_have_reasons = Shows.REFUSALS in hello.shows
        self._begin()

    def _begin(self) -> None:
        self.run, self.names, self.stimuli = Run(), Names(), list[Stimulus]()
        self.data = DataTrail(self.pipeline, self.unrecorded)
        self.unsupported: str | None = None
        """Why the port did not support a lawful stimulus of this run."""

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
            return self._diverge(law, str(fault), [str(fault)], failed=True)
        if reply.unsupported is not None:
            self.tally.skipped[reply.unsupported] += 1
            self.stimuli.pop()
            if isinstance(law, Accepted):
                self.unsupported = reply.unsupported
            return None
        if isinstance(law, Refusal):
            self.tally.refusals += 1
            return self._refused(law, reply)
        self.tally.steps += 1
        if reply.refused is not None:
            answer = f"{reply.refused}: {reply.message}"
            return self._diverge(law, answer, [f"the engine refuses a lawful stimulus ({answer})"])
        return self._compare(stimulus, law, reply, before)

    def _compare(self, stimulus: Stimulus, law: Accepted, reply: Reply, before: list[RecordJson]) -> Difference | None:
        expected = [as_json(record) for record in law.records]
        self.tally.steps_about[step_of(stimulus, law.records)] += 1
        observed = self._translated(expected, reply)
        wrong = differences(keyed(expected), keyed(observed), self.unrecorded)
        broken = self.data.see(observed)
        if stimulus.do is Do.CRASH and list(self.port.trail()) != before:
            broken.append(("R1", CRASH_CHANGED))
        if not wrong and not broken:
            self.run = law.run
            return None
        after = (law.run,)
        goes_on = same_state(self.pipeline, (self.run,), stimulus, law.records, after, observed, self.unrecorded)
        found = self._diverge(law, observed, wrong, broken, goes_on=goes_on)
        if goes_on:
            self.run = law.run
        return found

    def _translated(self, expected: list[dict[str, object]], reply: Reply) -> tuple[dict[str, object], ...]:
        self.names.learn(reply.records, expected)
        self.names.learn_barriers([record for record in expected if record["rec"] == "losses"], reply.records)
        return tuple(self.names.translate(record) for record in reply.records)

    def _refused(self, rule: Refusal, reply: Reply) -> Difference | None:
        wrong = wrong_refusal(rule, reply, rules_are_named=self.refusals_have_reasons)
        if wrong is None:
            self.stimuli.pop()
            return None
        self.names.learn(reply.records)
        recorded = tuple(self.names.translate(record) for record in reply.records)
        observed = recorded or f"{reply.refused or 'accepted'}: {reply.message}"
        found = self._diverge(rule, observed, [wrong.message], goes_on=not reply.records)
        self.stimuli.pop()
        return replace(found, weak=wrong.weak)

    def _diverge(
        self,
        law: Accepted | Refusal,
        observed: tuple[RecordJson, ...] | str,
        wrong: list[str],
        broken: Sequence[Broken] = (),
        *,
        goes_on: bool = False,
        failed: bool = False,
    ) -> Difference:
        """The difference in the last stimulus, with the laws that it breaks; none if the engine failed."""
        stimulus, laws = self.stimuli[-1], tuple(broken)
        if wrong and not failed:
            world = (law.run,) if isinstance(law, Accepted) else None
            laws += laws_broken_by(
                self.pipeline, (self.run,), stimulus, law, world, observed, wrong, silent=self.silent,
                unrecorded=self.unrecorded,
            )  # fmt: skip
        says = (*wrong, *(message for _, message in broken))
        met = marks_met(self.pipeline, (self.run,), stimulus)
        return Difference(tuple(self.stimuli), _expected(law), observed, says, laws, met, goes_on)


def _expected(law: Accepted | Refusal) -> tuple[RecordJson, ...] | Refusal:
    return law if isinstance(law, Refusal) else tuple(as_json(record) for record in law.records)
