"""A script is four questions; whoever answers them drives the engine, with no plugin at all."""

from collections.abc import Sequence

from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import Failure, Pass
from fateline_engine.script import BatchInfo, Boundary, Kind, Production, Route, Script, Verdict, Work, Written
from fateline_engine.settings import Node, NodeKind
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Outcome, RunStatus
from tests.impl.harness import ListSource, Scripted, Trial, diamond


class Backwards:
    """Always takes the last work that it is offered; the second branch fails at first."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.heard: list[Boundary] = []

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        assert isinstance(token, TokenInfo)
        self.asked.append((node.name, token.name, attempt))
        if node.kind is NodeKind.GATE:
            return Route("all")
        if node.kind is NodeKind.SINK:
            return Written()
        return Failure("no") if node.name == "tb" else Pass(token.data)

    def now(self) -> int:
        return 5

    def choose(self, runnable: Sequence[Work]) -> Work:
        return runnable[-1]

    def boundary(self, kind: Boundary) -> None:
        self.heard.append(kind)


def test_any_object_that_answers_the_four_questions_drives_a_run() -> None:
    script = Backwards()
    rows: list[dict[str, object]] = [{"v": 0}, {"v": 1}]
    engine: Orchestrator = Orchestrator(
        diamond(), Landscape.open(":memory:"), script=script, source=ListSource(rows), run_id="R", each_step=True
    )
    assert engine.run().status is RunStatus.COMPLETED
    assert set(script.heard) == set(Boundary)
    assert [asked[:2] for asked in script.asked if asked[0] == "split"] == [("split", "1:0"), ("split", "0:0")]
    assert engine.summary().outcomes[Outcome.DIVERTED] == 2


def test_production_takes_the_first_work_and_keeps_silent() -> None:
    production: Script = Production()
    first, second = Work(Kind.READ), Work(Kind.RUN_OVER)
    assert production.choose([first, second]) is first
    production.boundary(Boundary.STEP)
    assert production.now() <= production.now()


def test_a_production_script_may_choose_otherwise() -> None:
    class Last(Scripted):
        def choose(self, runnable: Sequence[Work]) -> Work:
            return runnable[-1]

    trial = Trial(diamond(), [{"v": 0}, {"v": 1}])
    trial.script = Last(trial.plugins, trial.clock, {})
    trial.engine = trial.fresh()
    trial.run()
    split = [visit["token"] for visit in trial.trail("visits") if visit["node"] == "split"]
    assert list(dict.fromkeys(split)) == ["1:0", "0:0"]


def test_a_script_may_end_the_source_before_its_last_row() -> None:
    trial = Trial(diamond(), [{"v": 0}, {"v": 1}]).started().read()
    trial.engine.do(Work(Kind.END_OF_SOURCE))
    trial.finish()
    assert trial.engine.recorder.status is RunStatus.COMPLETED
    assert [row["idx"] for row in trial.trail("rows")] == [0]
