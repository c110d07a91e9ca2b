"""The operations of a token's life: what they write, and what they refuse without a trace."""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from fateline_engine.contracts import SchemaContract
from fateline_engine.errors import LimitExceeded, Refused
from fateline_engine.rows import PipelineRow
from fateline_engine.state import Live
from fateline_engine.token_manager import BranchEdge, Limits, TokenManager
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Outcome, Refusal, RunStatus
from tests.impl.harness import Trial, diamond, pipeline, sink, source, transform

LOCKED = SchemaContract.declared({"v": "any"})


def row(value: object) -> PipelineRow:
    return PipelineRow.of({"v": value}, LOCKED)


@dataclass
class Scene:
    """Two runs of two rows each in one landscape; of run one, row 0 is forked."""

    one: Trial
    two: Trial

    @property
    def tokens(self) -> TokenManager:
        return self.one.engine.tokens

    def live(self, row: int, token: int = 0) -> TokenInfo:
        return self.one.engine.state.live[row, token].info

    @property
    def way(self) -> Any:
        return self.one.engine.compiled["join"].edges["continue"]

    @property
    def gate(self) -> Any:
        return self.one.engine.compiled["split"]

    def branches(self) -> tuple[BranchEdge, ...]:
        return self.tokens.branches_of(self.gate)


@pytest.fixture
def scene() -> Scene:
    one = Trial(diamond(), [{"v": 0}, {"v": 1}]).started().read().read()
    two = Trial(diamond(), [{"v": 0}, {"v": 1}], landscape=one.landscape, run_id="two").started().read().read()
    made = Scene(one, two)
    made.tokens.fork(made.live(0), made.gate, made.branches())
    one.engine.recorder.commit()
    two.engine.recorder.commit()
    return made


def other_run(scene: Scene) -> TokenInfo:
    return scene.two.engine.state.live[1, 0].info


REFUSED: dict[str, tuple[Refusal, Callable[[Scene], object]]] = {
    "row read twice": (Refusal.ROW_ALREADY_READ, lambda s: s.tokens.initial(1, row(1))),
    "row without a contract": (Refusal.NO_CONTRACT, lambda s: s.tokens.initial(9, PipelineRow.of({"v": 1}))),
    "no row at all": (Refusal.NO_CONTRACT, lambda s: s.tokens.initial(9, None)),
    "a second root": (Refusal.HAS_ROOT_TOKEN, lambda s: s.tokens.existing(0)),
    "root of a row that is not": (Refusal.UNKNOWN_ROW, lambda s: s.tokens.existing(7)),
    "fork without branches": (Refusal.NO_BRANCHES, lambda s: s.tokens.fork(s.live(1), s.gate, ())),
    "fork with a branch twice": (
        Refusal.REPEATED_BRANCH, lambda s: s.tokens.fork(s.live(1), s.gate, s.branches()[:1] * 2),
    ),
    "fork of a stranger": (
        Refusal.UNKNOWN_TOKEN, lambda s: s.tokens.fork(s.live(1)._replace(token=8), s.gate, s.branches()),
    ),
    "fork of another run's token": (Refusal.OTHER_RUN, lambda s: s.tokens.fork(other_run(s), s.gate, s.branches())),
    "fork of a token of no run": (
        Refusal.UNKNOWN_RUN, lambda s: s.tokens.fork(s.live(1)._replace(run=99), s.gate, s.branches()),
    ),
    "a second fork": (
        Refusal.HAS_FATE, lambda s: s.tokens.fork(s.live(1)._replace(row=0), s.gate, s.branches()),
    ),
    "expansion into nothing": (Refusal.NO_CHILDREN, lambda s: s.tokens.expand(s.live(1), [], LOCKED, s.way)),
    "expansion before the lock": (
        Refusal.CONTRACT_NOT_LOCKED, lambda s: s.tokens.expand(s.live(1), [row(1)], SchemaContract.observing(), s.way),
    ),
    "merge of nothing": (Refusal.NO_PARENTS, lambda s: s.tokens.coalesce([], row(1), s.way)),
    "merge of a stranger": (
        Refusal.UNKNOWN_TOKEN, lambda s: s.tokens.coalesce([s.live(0, 1)._replace(token=9)], row(1), s.way),
    ),
    "merge of a token of no run": (
        Refusal.UNKNOWN_RUN, lambda s: s.tokens.coalesce([s.live(0, 1)._replace(run=99)], row(1), s.way),
    ),
    "merge over runs": (
        Refusal.OTHER_RUN, lambda s: s.tokens.coalesce([s.live(0, 1), other_run(s)], row(1), s.way),
    ),
    "merge over rows": (Refusal.OTHER_ROW, lambda s: s.tokens.coalesce([s.live(0, 1), s.live(1)], row(1), s.way)),
    "merge of what was never forked": (Refusal.NOT_ONE_FORK, lambda s: s.tokens.coalesce([s.live(1)], row(1), s.way)),
    "merge of a branch twice": (
        Refusal.REPEATED_BRANCH, lambda s: s.tokens.coalesce([s.live(0, 1), s.live(0, 1)], row(1), s.way),
    ),
    "merge of the forked token": (
        Refusal.HAS_FATE, lambda s: s.tokens.coalesce([s.live(1)._replace(row=0)], row(1), s.way),
    ),
    "a fate that only its operation gives": (
        Refusal.NOT_A_FATE, lambda s: s.tokens.record(s.live(1), Outcome.COALESCED, {"group": "x"}),
    ),
    "buffered as a fate": (Refusal.NOT_A_FATE, lambda s: s.tokens.record(s.live(1), Outcome.BUFFERED, {"batch": "b"})),
    "a fate without its sink": (Refusal.FIELDS_MISSING, lambda s: s.tokens.record(s.live(1), Outcome.COMPLETED, {})),
    "a fate with too much": (
        Refusal.FIELDS_FORBIDDEN,
        lambda s: s.tokens.record(s.live(1), Outcome.COMPLETED, {"sink": "out", "error": "x"}),
    ),
    "a fate for the dead": (
        Refusal.HAS_FATE,
        lambda s: s.tokens.record(s.live(1)._replace(row=0), Outcome.FAILED, {"error": "x"}),
    ),
    "an update of the dead": (Refusal.HAS_FATE, lambda s: s.tokens.update(s.live(1)._replace(row=0), row(2))),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_law_refuses_is_refused_with_its_reason_and_no_record(scene: Scene, name: str) -> None:
    refusal, call = REFUSED[name]
    before = scene.one.landscape.snapshot()
    with pytest.raises(Refused) as caught:
        call(scene)
    assert caught.value.refusal is refusal
    scene.one.engine.recorder.commit()
    assert scene.one.landscape.snapshot() == before


def test_no_operation_works_on_a_token_that_is_visiting(scene: Scene) -> None:
    live: Live = scene.one.engine.state.live[1, 0]
    scene.one.engine.state.begin(live)
    with pytest.raises(Refused) as caught:
        scene.tokens.fork(live.info, scene.gate, scene.branches())
    assert caught.value.refusal is Refusal.ALREADY_VISITING


def test_nothing_happens_in_a_run_that_is_over_or_down(scene: Scene) -> None:
    for status, refusal in ((RunStatus.COMPLETED, Refusal.RUN_OVER), (RunStatus.INTERRUPTED, Refusal.RUN_DOWN)):
        scene.one.engine.recorder.status = status
        with pytest.raises(Refused) as caught:
            scene.tokens.initial(9, row(9))
        assert caught.value.refusal is refusal


def test_a_fork_writes_parent_and_children_in_one_step(scene: Scene) -> None:
    (fate,) = [o for o in scene.one.trail("outcomes") if o["outcome"] == "forked"]
    children = [token for token in scene.one.trail("tokens") if token.get("group_kind") == "fork"]
    assert fate["promised"] == "a,b"
    assert [child["branch"] for child in children] == ["a", "b"]
    assert {child["tx"] for child in children} == {fate["tx"]}
    assert [parent["ordinal"] for parent in scene.one.trail("parents")] == [0, 1]


def test_a_merge_has_its_parents_in_declared_order_and_pops_the_stack(scene: Scene) -> None:
    scene.one.engine.recorder.step(0)
    merged = scene.tokens.coalesce([scene.live(0, 1), scene.live(0, 2)], row(5), scene.way)
    assert merged.stack is None
    assert merged.branch is None
    told = {o["token"]: o.get("group") for o in scene.one.trail("outcomes") if o["outcome"] == "coalesced"}
    assert told == {"0:1": "0:3", "0:2": "0:3"}
    links = [p for p in scene.one.trail("parents") if p["child"] == "0:3"]
    assert [(link["parent"], link["ordinal"]) for link in links] == [("0:1", 0), ("0:2", 1)]


@pytest.mark.parametrize("committed", [False, True])
def test_what_a_merge_left_over_is_not_merged_again_at_the_same_coalesce(scene: Scene, committed: bool) -> None:
    scene.one.engine.recorder.step(0)
    scene.tokens.coalesce([scene.live(0, 1)], row(5), scene.way)
    if committed:
        scene.one.engine.recorder.commit()
    with pytest.raises(Refused) as caught:
        scene.tokens.coalesce([scene.live(0, 2)], row(5), scene.way)
    assert caught.value.refusal is Refusal.ALREADY_RESOLVED


def test_an_update_keeps_every_field_of_the_lineage(scene: Scene) -> None:
    before = scene.live(0, 1)
    after = scene.tokens.update(before, row(7))
    assert after._replace(data=before.data) == before
    assert after.data["v"] == 7


def test_a_fork_of_a_megabyte_into_ten_branches_keeps_one_megabyte() -> None:
    names = [f"b{index}" for index in range(10)]
    what = pipeline(
        source("g"),
        {"name": "g", "kind": "gate", "routes": {"all": "fork"}, "fork": dict.fromkeys(names, "t")},
        transform("t", "out"),
        sink(),
    )
    trial = Trial(what, [{"v": "x" * 1_000_000}]).started().read()
    tracemalloc.start()
    trial.move("0")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(trial.engine.state.live) == 10
    assert peak < 200_000
    assert trial.landscape.conn.execute("SELECT count(*) FROM tokens WHERE data IS NOT NULL").fetchone() == (0,)


def test_limits_refuse_before_anything_is_written(scene: Scene) -> None:
    tokens = TokenManager(scene.one.engine.state, Limits(row_bytes=20, fan_out=2))
    tokens.next_row, tokens.last_idx = 2, 1
    before = scene.one.engine.recorder.seq
    with pytest.raises(LimitExceeded, match=r"row 9 in bytes: 108 is more than the limit of 20; raise run\.row_bytes"):
        tokens.initial(9, row("x" * 100))
    with pytest.raises(LimitExceeded, match=r"3 is more than the limit of 2; raise run\.fan_out"):
        tokens.expand(scene.live(1), [row(1)] * 3, LOCKED, scene.way)
    assert scene.one.engine.recorder.seq == before


def test_an_operation_is_a_step_and_a_refused_one_is_none(scene: Scene) -> None:
    engine = scene.one.engine
    engine.each_step = True
    before = scene.one.snapshot()
    with pytest.raises(Refused):
        engine.operate(lambda tokens: tokens.existing(0))
    assert scene.one.snapshot() == before
    first = engine.operate(lambda tokens: tokens.fork(scene.live(1), scene.gate, scene.branches()))[0]
    engine.operate(lambda tokens: tokens.record(first, Outcome.FAILED, {"error": "x"}))
    told = {o["token"]: o["tx"] for o in scene.one.trail("outcomes")}
    assert told["1:1"] == told["1:0"] + 1
    assert scene.one.losses() == {"join a": "failed"}
