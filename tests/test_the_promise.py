"""The promise, on one page: every token meets exactly one fate, and its line never crosses another row or another run.

The rules come from the law (what may happen next is what the pure machine accepts) and the subject is the real engine
over SQLite. Hypothesis chooses pipeline and stimuli, shrinks what fails, and after every step the engine must have
written what the law writes. The two invariants then ask the engine's own trail, in SQL, and not the law.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fateline_model.checker.shapes import diamond, expand_then_fork, inner_partial, leaving, nested, sequential
from fateline_model.checker.systems import InstanceOptions, PipelineSystem, State
from fateline_model.stimuli import Do, Stimulus
from fateline_model.wellformed import load
from fateline_oracle.conform.lockstep import Lockstep
from fateline_oracle.reference.pipeline import ReferencePort

PIPELINES = [
    *(diamond(3, policy, "union:fail") for policy in ("require_all", "quorum:2", "best_effort", "first")),
    nested("best_effort", "first"),
    sequential("first", "require_all"),
    inner_partial("quorum:1", "best_effort"),
    leaving("best_effort"),
    expand_then_fork("require_all"),
]


class ThePromise(RuleBasedStateMachine):
    """Two rows, a crash or two, any schedule."""

    @initialize(document=st.sampled_from(PIPELINES))
    def a_run_of_a_pipeline(self, document: dict[str, object]) -> None:
        pipeline = load(document)
        self.port = ReferencePort()
        self.system = PipelineSystem(pipeline, rows=2, crashes=2, options=InstanceOptions(invalid_rows=True))
        self.lockstep = Lockstep(pipeline, document, self.port)
        self.another_run()

    def another_run(self) -> None:
        self.state: State = self.system.first()
        self.lockstep.start()

    @rule(choice=st.integers(0, 63))
    def something_lawful_happens(self, choice: int) -> None:
        read = len(self.state.world[0].rows)
        lawful = [
            (attempt.stimulus, attempt.after)
            for attempt in self.system.attempts(self.state)
            if attempt.after is not None
            and isinstance(attempt.stimulus, Stimulus)
            and (attempt.stimulus.do is not Do.READ or attempt.stimulus.row == read)
        ]
        if not lawful:
            self.another_run()  # this one is over
            return
        stimulus, self.state = lawful[choice % len(lawful)]
        divergence = self.lockstep.do(stimulus)
        assert divergence is None, f"\n{divergence}"

    @invariant()
    def every_token_meets_at_most_one_fate_and_at_the_end_exactly_one(self) -> None:
        twice = "SELECT token FROM trail_outcomes WHERE outcome <> 'buffered' GROUP BY run, token HAVING count(*) > 1"
        without = """SELECT token FROM trail_tokens AS t JOIN trail_runs AS r USING (run) WHERE r.status = 'completed'
            AND NOT EXISTS (SELECT 1 FROM trail_outcomes AS o WHERE (o.run, o.token) = (t.run, t.token)
                            AND o.outcome <> 'buffered')"""
        assert self.port.ask(twice) == []
        assert self.port.ask(without) == []

    @invariant()
    def no_line_crosses_another_row_or_run(self) -> None:
        crossing = """SELECT p.child, p.parent FROM trail_parents AS p
            LEFT JOIN trail_tokens AS c ON (c.run, c.token) = (p.run, p.child)
            LEFT JOIN trail_tokens AS m ON (m.run, m.token) = (p.run, p.parent)
            WHERE c.row IS NULL OR m.row IS NULL OR c.row <> m.row"""
        assert self.port.ask(crossing) == []

    def teardown(self) -> None:
        self.port.close()


ThePromise.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestThePromise = ThePromise.TestCase
