"""Measures the judge: what a step costs when the engine is driven and checked, and the part of the engine in it.

Three ways over the same pipelines, each against the time of the engine in the same run: the guided walk, with many rows
in a run; the same walk one step at a time, in lockstep; and Hypothesis, with its shrinking. Also acceptance: checking a
trail of many tokens, against parsing its lines. It prints ratios; no test depends on them.
"""

import json
import random
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import PipelineSystem
from fateline_model.stimuli import Do, Stimulus
from fateline_model.wellformed import Pipeline
from fateline_oracle.compare.names import Names
from fateline_oracle.conform.batch_driver import BatchDriver, tour
from fateline_oracle.conform.edge_cover import plan
from fateline_oracle.conform.explore import ConcreteGraph
from fateline_oracle.conform.lockstep import Lockstep
from fateline_oracle.ports.port import Reply, Request
from fateline_oracle.reference.engine import ReferenceEngine
from fateline_oracle.reference.pipeline import ReferencePort
from fateline_oracle.trails.accept import Acceptor
from fateline_oracle.trails.check import TrailResult, check_run
from fateline_oracle.trails.reader import runs_of

PLACES = ("nested outer=best_effort inner=first", "partial policy=require_all", "expand then fork policy=require_all")
ROWS = 200
HELLO = ReferenceEngine().hello()
TOKENS = 1_000_000


class Timed:
    """A port whose own time is measured: the engine, its commits, and the reading of its views."""

    def __init__(self) -> None:
        self.port = ReferencePort()
        self.seconds = 0.0

    def _timed(self, call: Any, *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*arguments)
        finally:
            self.seconds += time.perf_counter() - started

    def start(self, pipeline: Mapping[str, object]) -> None:
        self._timed(self.port.start, pipeline)

    def do(self, asked: Request) -> Reply:
        reply: Reply = self._timed(self.port.do, asked)
        return reply

    def together(self, asked: Sequence[Request]) -> list[Reply]:
        replies: list[Reply] = self._timed(self.port.together, asked)
        return replies

    def trail(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = self._timed(self.port.trail)
        return records

    def close(self) -> None:
        self.port.close()


def chosen() -> list[Instance]:
    return [one for one in instances("small") if one.name in PLACES]


def _agrees(driver: BatchDriver) -> bool:
    return not driver.troubles


def guided(port: Timed) -> int:
    """Every edge of the graphs, many rows a run, refusals in every state."""
    steps = 0
    for instance in chosen():
        assert isinstance(instance.system, PipelineSystem)
        ways = ConcreteGraph(instance.system, lambda stimulus, state: True)
        packed = BatchDriver(ways, instance.document or {}, port, HELLO)
        tour(
            packed,
            [ways.graph.stimuli(walk) for walk in plan(ways.graph.targets)],
            rows=ROWS,
            after=partial(_agrees, packed),
        )
        assert not packed.troubles
        steps += packed.tally.steps
    return steps


def lockstep(port: Timed) -> int:
    """The same stimuli, one commit and one comparison a step; some thousands of them."""
    steps = 0
    for instance in chosen():
        assert isinstance(instance.system, PipelineSystem)
        ways = ConcreteGraph(instance.system, lambda stimulus, state: True)
        beside = Lockstep(instance.system.pipeline, instance.document or {}, port, HELLO)
        for walk in list(plan(ways.graph.targets))[:150]:
            beside.start()
            here = ways.first()
            for stimulus in ways.graph.stimuli(walk):
                taken = ways.take(here, stimulus)
                assert beside.do(taken.stimulus) is None
                here = taken.to
        steps += beside.tally.steps
    return steps


def by_hypothesis(port: Timed) -> int:
    """Scenarios that Hypothesis chooses, as the tests have them."""
    instance = chosen()[0]
    system = instance.with_rows(2)
    beside = Lockstep(system.pipeline, instance.document or {}, port, HELLO)

    @settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(0, 40), min_size=20, max_size=40))
    def scenario(choices: list[int]) -> None:
        beside.start()
        state = system.first()
        for number in choices:
            read = len(state.world[0].rows)
            lawful = [
                (attempt.stimulus, attempt.after)
                for attempt in system.attempts(state)
                if isinstance(attempt.stimulus, Stimulus)
                and attempt.after is not None
                and (attempt.stimulus.do is not Do.READ or attempt.stimulus.row == read)
            ]
            if not lawful:
                break
            stimulus, state = lawful[number % len(lawful)]
            assert beside.do(stimulus) is None

    scenario()
    return beside.tally.steps


# ------------------------------------------------------------------------------------------------- acceptance


def some_rows(rows: int) -> Iterator[tuple[Pipeline, list[dict[str, object]]]]:
    """Trails of single rows as an engine writes them, from a few hundred walks of its own, given row numbers."""
    chance = random.Random(1)
    shapes: list[tuple[Pipeline, list[dict[str, Any]]]] = []
    port = ReferencePort()
    for instance in chosen():
        assert isinstance(instance.system, PipelineSystem)
        ways = ConcreteGraph(instance.system, lambda stimulus, state: stimulus.do not in (Do.CRASH, Do.RESUME))
        walks = [ways.graph.stimuli(walk) for walk in plan(ways.graph.targets)]
        for walk in sorted(walks, key=len, reverse=True)[:120]:
            port.start(instance.document or {})
            names, here = Names(), ways.first()
            for stimulus in walk:
                taken = ways.take(here, stimulus)
                names.learn(port.do(names.asked(taken.stimulus)).records)
                here = taken.to
            shapes.append((instance.system.pipeline, [{**record, "run": "r"} for record in port.trail()]))
    port.close()
    for _ in range(rows):
        yield chance.choice(shapes)


def acceptance(tokens: int) -> None:
    """Tokens a second, against writing and parsing the same records as JSON lines."""
    judged = parsed = 0.0
    found, acceptors = TrailResult(), dict[int, Acceptor]()
    marks: list[str] = []
    for pipeline, records in some_rows(10**9):
        lines = [json.dumps(record) for record in records]
        started = time.perf_counter()
        read = [json.loads(line) for line in lines]
        parsed += time.perf_counter() - started
        started = time.perf_counter()
        for run in runs_of(read):
            check_run(run, pipeline, found, acceptor=acceptors.setdefault(id(pipeline), Acceptor(pipeline)))
        judged += time.perf_counter() - started
        if len(marks) == 0 and found.tokens >= tokens // 10:
            marks.append(f"{1e6 * judged / found.rows:.0f} us a row after {found.tokens:,} tokens")
        if found.tokens >= tokens:
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert not found.breached
    marks.append(f"{1e6 * judged / found.rows:.0f} us a row after {found.tokens:,} tokens")
    print(
        f"  acceptance  {found.tokens / judged:>10,.0f} tokens a second, {judged / parsed:.1f} times parsing the lines"
    )
    print(f"              {'; '.join(marks)}; {peak:.0f} MiB at the peak")


def main() -> None:
    """Print the ratios."""
    print("judge: a step judged, against the engine's own part of it (its step, its commit, the reading of its views)")
    for name, drive in (("guided", guided), ("lockstep", lockstep), ("hypothesis", by_hypothesis)):
        port = Timed()
        started = time.perf_counter()
        steps = drive(port)
        seconds = time.perf_counter() - started
        port.close()
        rest = (seconds - port.seconds) / port.seconds
        print(
            f"  {name:<11} {steps / seconds:>10,.0f} steps a second; the judge costs {rest:.2f} of the engine "
            f"({1e6 * port.seconds / steps:.0f} us a step)"
        )
    acceptance(TOKENS)


if __name__ == "__main__":
    main()
