"""The promise, on one page: every token meets exactly one fate, and its line never crosses another row or another run.

The rules come from the law (what may happen next is what the pure machine accepts) and the subject is the real engine
over SQLite: `fateline.EngineMachine`, which anybody can inherit from. Hypothesis chooses pipeline and stimuli, shrinks what
fails, and after every step the engine must have recorded what the law records. The two invariants then ask the engine's own
trail, in SQL, and not the law.
"""

from hypothesis import settings
from hypothesis.stateful import invariant

import fateline
from fateline.machine import SETTINGS
from fateline_model.checker.shapes import diamond, expand_then_fork, inner_partial, leaving, nested, sequential
from fateline_oracle.reference.pipeline import ReferencePort


class ThePromise(fateline.EngineMachine):
    """Two rows, a crash or two, any schedule."""

    crashes = 2
    pipelines = (
        *(diamond(3, policy, "union:fail") for policy in ("require_all", "quorum:2", "best_effort", "first")),
        nested("best_effort", "first"),
        sequential("first", "require_all"),
        inner_partial("quorum:1", "best_effort"),
        leaving("best_effort"),
        expand_then_fork("require_all"),
    )

    @invariant()
    def every_token_meets_at_most_one_fate_and_at_the_end_exactly_one(self) -> None:
        twice = "SELECT token FROM trail_outcomes WHERE outcome <> 'buffered' GROUP BY run, token HAVING count(*) > 1"
        without = """SELECT token FROM trail_tokens AS t JOIN trail_runs AS r USING (run) WHERE r.status = 'completed'
            AND NOT EXISTS (SELECT 1 FROM trail_outcomes AS o WHERE (o.run, o.token) = (t.run, t.token)
                            AND o.outcome <> 'buffered')"""
        assert self.asked(twice) == []
        assert self.asked(without) == []

    @invariant()
    def no_line_crosses_another_row_or_run(self) -> None:
        crossing = """SELECT p.child, p.parent FROM trail_parents AS p
            LEFT JOIN trail_tokens AS c ON (c.run, c.token) = (p.run, p.child)
            LEFT JOIN trail_tokens AS m ON (m.run, m.token) = (p.run, p.parent)
            WHERE c.row IS NULL OR m.row IS NULL OR c.row <> m.row"""
        assert self.asked(crossing) == []

    def asked(self, query: str) -> list[tuple[object, ...]]:
        assert isinstance(self.port, ReferencePort)
        return self.port.ask(query)


ThePromise.TestCase.settings = settings(SETTINGS, max_examples=60, derandomize=True)
TestThePromise = ThePromise.TestCase
