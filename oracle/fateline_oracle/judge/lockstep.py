"""The step interpreter: the law and an engine side by side, compared after every stimulus.

The law decides what should happen; the engine is asked to do the same. What the law refuses, the engine must refuse too,
and write nothing. The first difference ends the case: from there on the two are in different states. Not here: which
stimuli to try (`walk.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fateline_model import Accepted, Pipeline, Refusal, Run, Stimulus, step
from fateline_model.records import as_json
from fateline_model.stimuli import Do

from .compare import differences
from .names import Names
from .port import EngineFault, NotOffered, PipelinePort, Reply, Written

UNRECORDED: Final = (Do.CRASH,)
"""Stimuli of which no record tells."""


@dataclass(frozen=True)
class Divergence:
    """Where an engine leaves the law: the stimuli so far, what the law writes in the last, what the engine wrote."""

    stimuli: tuple[Stimulus, ...]
    expected: tuple[Written, ...] | Refusal
    observed: tuple[Written, ...] | str
    differences: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{number:>3}. {stimulus}" for number, stimulus in enumerate(self.stimuli, 1)]
        return "\n".join([*lines, *(f"     {line}" for line in self.differences)])


@dataclass
class Lockstep:
    """One run of one pipeline, in the law and in an engine."""

    pipeline: Pipeline
    document: Mapping[str, object]
    port: PipelinePort
    run: Run = field(default_factory=Run)
    names: Names = field(default_factory=Names)
    stimuli: list[Stimulus] = field(default_factory=list)
    steps: int = 0
    refusals: int = 0
    skipped: int = 0

    def start(self) -> None:
        """Begin again from nothing."""
        self.run, self.names, self.stimuli = Run(), Names(), []
        self.port.start(self.document)

    def do(self, stimulus: Stimulus) -> Divergence | None:
        """One stimulus in both; None while they agree."""
        law = step(self.pipeline, self.run, stimulus)
        if law is Refusal.NO_SUCH_DATA:
            self.skipped += 1  # an engine's data speak for themselves; nobody can tell it what they say
            return None
        self.stimuli.append(stimulus)
        try:
            reply = self._ask(stimulus)
        except NotOffered:
            self.skipped += 1
            self.stimuli.pop()
            return None
        except EngineFault as fault:
            return self._diverge(law, str(fault), [f"the engine broke down: {fault}"])
        if isinstance(law, Refusal):
            self.refusals += 1
            return self._refused(law, reply)
        self.steps += 1
        if reply.refused is not None:
            said = f"{reply.refused}: {reply.message}"
            return self._diverge(law, said, [f"the engine refuses what is lawful ({said})"])
        self.names.learn(reply.records)
        observed = tuple(self._translate(record) for record in reply.records)
        expected = tuple(as_json(record) for record in law.records)
        wrong = differences(expected, observed)
        if wrong:
            return self._diverge(law, observed, wrong)
        self.run = law.run
        return None

    def _ask(self, stimulus: Stimulus) -> Reply:
        hold = self.names.engine_hold(stimulus.hold) if stimulus.hold is not None else None
        token = self.names.engine_token(stimulus.token) if stimulus.token is not None else None
        return self.port.do(stimulus._replace(token=token), hold)

    def _translate(self, record: Written) -> dict[str, object]:
        said = self.names.translate(record)
        if said["rec"] == "losses":
            said["barrier"] = self._barrier_of(said)
        return said

    def _barrier_of(self, loss: Written) -> str:
        """A loss names its barrier by the engine's id; what it means is the branch's frame in the law's own state."""
        node, _, fork = str(loss["barrier"]).partition("/")
        return f"{node}@{self.names.translate({'rec': 'losses', 'token': fork})['token']}"

    def _refused(self, rule: Refusal, reply: Reply) -> Divergence | None:
        if reply.refused is None:
            told = f"the law refuses this ({rule}), and the engine wrote {len(reply.records)} records"
            return self._diverge(rule, tuple(reply.records), [told])
        if reply.records:
            return self._diverge(rule, tuple(reply.records), ["refused, but not without a trace"])
        if reply.refused != rule:
            return self._diverge(rule, reply.refused, [f"refused as {reply.refused}, and the law says {rule}"])
        self.stimuli.pop()
        return None

    def _diverge(self, law: Accepted | Refusal, observed: tuple[Written, ...] | str, wrong: list[str]) -> Divergence:
        expected = law if isinstance(law, Refusal) else tuple(as_json(record) for record in law.records)
        return Divergence(tuple(self.stimuli), expected, observed, tuple(wrong))
