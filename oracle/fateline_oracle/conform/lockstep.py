"""The step interpreter: the law and an engine side by side, compared after every stimulus.

The law decides what should happen; the engine is asked to do the same. What the law refuses, the engine must refuse too,
and write nothing. The first difference ends the case: from there on the two are in different states. Not here: which
stimuli to try (`batch_driver.py`, `instance.py`), and which laws a difference breaks (`compare/broken_laws.py`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fateline_model import Accepted, Pipeline, Refusal, Run, Stimulus, step
from fateline_model.records import as_json
from fateline_model.stimuli import Do

from ..compare.broken_laws import blame
from ..compare.data_laws import Broken, DataTrail
from ..compare.names import Names
from ..compare.records import Unshown, differences, keyed
from ..ports.port import EngineFault, PipelinePort, Reply, Written

DATA_SPEAK: Final = "an engine's data speak for themselves; nobody can tell it what they say"


@dataclass(frozen=True)
class Divergence:
    """Where an engine leaves the law: the stimuli so far, what the law writes in the last, what the engine wrote.

    `laws` are those it breaks, each with the words; none, where the engine broke down and nothing can be said.
    """

    stimuli: tuple[Stimulus, ...]
    expected: tuple[Written, ...] | Refusal
    observed: tuple[Written, ...] | str
    differences: tuple[str, ...]
    laws: tuple[Broken, ...]

    @property
    def law(self) -> str | None:
        """The law that is named first."""
        return self.laws[0][0] if self.laws else None

    def __str__(self) -> str:
        lines = [f"{number:>3}. {stimulus}" for number, stimulus in enumerate(self.stimuli, 1)]
        lines += [f"     {law}: {message}" for law, message in self.laws]
        return "\n".join([*lines, *(f"     {line}" for line in self.differences)])


@dataclass
class Tally:
    """What was judged: steps by the kinds of their records, refusals, and what a port could not say."""

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
        unshown: Unshown = frozenset(),
        refusals_have_reasons: bool = True,
    ) -> None:
        self.pipeline = pipeline
        self.document = document
        self.port = port
        self.tally = tally or Tally()
        self.unshown = unshown
        self.refusals_have_reasons = refusals_have_reasons
        self._begin()

    def _begin(self) -> None:
        self.run, self.names, self.stimuli = Run(), Names(), list[Stimulus]()
        self.data = DataTrail(self.pipeline, self.unshown)

    def start(self) -> None:
        """Begin again from nothing."""
        self.note_data()
        self._begin()
        self.port.start(self.document)

    def note_data(self) -> None:
        """Add to the tally what the laws of data looked at in this run."""
        self.tally.checked.update(self.data.checked)
        self.data.checked = dict.fromkeys(self.data.checked, 0)

    def do(self, stimulus: Stimulus) -> Divergence | None:
        """One stimulus in both; None while they agree."""
        law = step(self.pipeline, self.run, stimulus)
        if law is Refusal.NO_SUCH_DATA:
            self.tally.skipped[DATA_SPEAK] += 1
            return None
        self.stimuli.append(stimulus)
        before = list(self.port.trail()) if stimulus.do is Do.CRASH and isinstance(law, Accepted) else []
        try:
            reply = self.port.do(self.names.asked(stimulus))
        except EngineFault as fault:
            told = (f"the engine broke down: {fault}",)
            return Divergence(tuple(self.stimuli), _law_says(law), str(fault), told, ())
        if reply.unsaid is not None:
            self.tally.skipped[reply.unsaid] += 1
            self.stimuli.pop()
            return None
        if isinstance(law, Refusal):
            self.tally.refusals += 1
            return self._refused(law, reply)
        self.tally.steps += 1
        if reply.refused is not None:
            said = f"{reply.refused}: {reply.message}"
            return self._diverge(stimulus, law, said, [f"the engine refuses what is lawful ({said})"])
        return self._compare(stimulus, law, reply, before)

    def _compare(self, stimulus: Stimulus, law: Accepted, reply: Reply, before: list[Written]) -> Divergence | None:
        expected = [as_json(record) for record in law.records]
        self.tally.kinds[frozenset(map(type, law.records))] += 1
        observed = self._translated(expected, reply)
        wrong = differences(keyed(expected), keyed(observed), self.unshown)
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

    def _refused(self, rule: Refusal, reply: Reply) -> Divergence | None:
        stimulus = self.stimuli[-1]
        if reply.refused is None or reply.records:
            said = "refused, but not without a trace" if reply.refused is not None else f"the law refuses this ({rule})"
            self.names.learn(reply.records)
            observed = tuple(self.names.translate(record) for record in reply.records)
            return self._diverge(stimulus, rule, observed, [f"{said}, and the engine wrote {len(observed)} records"])
        if self.refusals_have_reasons and reply.refused != rule:
            wrong = f"refused as {reply.refused}, and the law says {rule}"
            return self._diverge(stimulus, rule, f"{reply.refused}: {reply.message}", [wrong])
        self.stimuli.pop()
        return None

    def _diverge(
        self,
        stimulus: Stimulus,
        law: Accepted | Refusal,
        observed: tuple[Written, ...] | str,
        wrong: list[str],
        broken: list[Broken] | None = None,
    ) -> Divergence:
        laws = tuple(broken or ())
        if wrong:
            after = law.run if isinstance(law, Accepted) else None
            world = (after,) if after is not None else None
            laws += blame(self.pipeline, (self.run,), stimulus, law, world, observed, wrong)
        wrong = wrong or [message for _, message in laws]
        return Divergence(tuple(self.stimuli), _law_says(law), observed, tuple(wrong), laws)


def _law_says(law: Accepted | Refusal) -> tuple[Written, ...] | Refusal:
    return law if isinstance(law, Refusal) else tuple(as_json(record) for record in law.records)
