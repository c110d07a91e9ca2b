"""A Hypothesis state machine that drives an engine and the law side by side.

    import fateline

    class MyEngine(fateline.EngineMachine):
        engine = "my_package.adapter:engine"

    TestMyEngine = MyEngine.TestCase

Hypothesis chooses a pipeline and then each step, from what the law allows or refuses. After each step the engine must
have recorded what the law records, and must have refused what the law refuses. A difference is shortened by Fateline's
shrinker, which knows the law, so Hypothesis need not shrink it. You can add rules and invariants; add the phase
`shrink` to `TestCase.settings` if those are to be shrunk. `self.port` is the port of the engine, `self.state` the state
of the law, `self.trail()` what is recorded. `fateline.Conformance` drives the same engine through every state; this
machine takes longer walks. Not here: the law, and the comparing (`fateline_oracle.conform.lockstep`).
"""

import atexit
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any, ClassVar, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import Attempt, InstanceOptions, PipelineSystem, State
from fateline_model.stimuli import Stimulus
from fateline_model.wellformed import load
from fateline_oracle.compare.capabilities import is_supported, requirements
from fateline_oracle.conform.lockstep import Lockstep
from fateline_oracle.conform.shrink import Shrinker
from fateline_oracle.engines import engine_of
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.ports.port import Engine, Hello, PipelinePort, Port, RecordJson
from fateline_oracle.ports.validate import GuardedPipeline

CHOICES: Final = 63
"""The largest number that Hypothesis draws for a choice. It is taken modulo the number of options."""


SETTINGS: Final = settings(
    deadline=None,
    stateful_step_count=40,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
"""The default of `TestCase.settings` for every subclass."""


class EngineMachine(RuleBasedStateMachine):
    """Subclass it, set `engine`, and export its `TestCase`."""

    engine: ClassVar[str] = ""
    """As for `fateline conform`: `module:factory`, `process:COMMAND`, `zoo:NAME`, or "" for the reference engine."""
    pipelines: ClassVar[Sequence[Mapping[str, object]]] = ()
    """Pipelines in the form of `specs/pipeline.md`; by default those of scope small that the engine can run."""
    rows: ClassVar[int] = 2
    crashes: ClassVar[int] = 1
    """The number of crashes in one run, if the engine declares `crash`."""

    port: PipelinePort
    state: State

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.TestCase.settings = SETTINGS

    @initialize(data=st.data())
    def a_run_begins(self, data: st.DataObject) -> None:
        """Start a run of one of the pipelines."""
        engine, self._hello = _opened(type(self).engine)
        document = data.draw(st.sampled_from(self._suitable()), label="pipeline")
        pipeline = load(document)
        port = engine.pipeline()
        assert port is not None
        self.port = port
        self._system = PipelineSystem(pipeline, type(self).rows, type(self).crashes, InstanceOptions(invalid_rows=True))
        self._lockstep = Lockstep(
            pipeline,
            document,
            GuardedPipeline(port, self._hello),
            self._hello,
        )
        self._begin()

    def _suitable(self) -> list[Mapping[str, object]]:
        assert Port.PIPELINE in self._hello.ports, f"{self._hello.name} offers no pipeline port; this machine needs one"
        found = [one for one in type(self).pipelines or _small() if requirements(load(one)) <= self._hello.does]
        assert found, f"{self._hello.name} cannot run any of these pipelines, by what it declares in `does`"
        return found

    def _begin(self) -> None:
        self.state = self._system.first()
        self._lockstep.start()

    @rule(choice=st.integers(0, CHOICES))
    def something_lawful_happens(self, choice: int) -> None:
        """Take a lawful step; at the end of a run, start another run."""
        lawful = [attempt for attempt in self._attempts() if attempt.after is not None and not attempt.out_of_bounds]
        if not lawful:
            self._begin()
            return
        attempt = lawful[choice % len(lawful)]
        if self._agrees(attempt):
            assert attempt.after is not None
            self.state = attempt.after

    @rule(choice=st.integers(0, CHOICES))
    def something_unlawful_is_refused(self, choice: int) -> None:
        """Try a stimulus that the law refuses; the engine must refuse it too, and record nothing."""
        refused = [attempt for attempt in self._attempts() if attempt.refusal is not None]
        if refused:
            self._agrees(refused[choice % len(refused)])

    def trail(self) -> list[RecordJson]:
        """Everything that the engine has recorded of this run."""
        return list(self.port.trail())

    def teardown(self) -> None:
        if hasattr(self, "port"):
            self.port.close()

    def _attempts(self) -> list[Attempt]:
        """The stimuli that the law allows or refuses here, and that the engine supports."""
        return [
            attempt
            for attempt in self._system.attempts(self.state)
            if isinstance(attempt.stimulus, Stimulus) and is_supported(self._hello, attempt.stimulus, self.state)
        ]

    def _agrees(self, attempt: Attempt) -> bool:
        """Ask the engine. Returns False if the stimulus was skipped. A difference fails the test."""
        assert isinstance(attempt.stimulus, Stimulus)
        skipped = self._lockstep.tally.skipped.total()
        difference = self._lockstep.do(attempt.stimulus)
        if difference is not None:
            smallest = Shrinker(self._system.pipeline, self._lockstep).smallest(difference, None)
            raise AssertionError(f"\n{smallest}")
        return self._lockstep.tally.skipped.total() == skipped


@cache
def _opened(name: str) -> tuple[Engine, Hello]:
    """The engine, opened once for all examples and closed at the end of the process."""
    engine = _open.enter_context(engine_of(name))
    return engine, hello_of(engine)


_open: Final = ExitStack()
atexit.register(_open.close)


def _is_chosen(one: Instance) -> bool:
    """True for the pipelines that were chosen. With every pipeline of a size there would be few examples for each."""
    return one.machine == "pipeline" and not one.is_one_of_all


@cache
def _small() -> tuple[Mapping[str, object], ...]:
    documents = {one.name: one.document for one in instances("small") if _is_chosen(one)}
    return tuple(dict(document) for document in documents.values() if document is not None)
