"""Whole runs: routes and errors, retries, invalid rows, the clock, commits, determinism, limits."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fateline_engine.errors import LimitExceeded, Refused
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.export import RELATIONS, lines
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import Drop, Expand, Failure, Pass, PluginUnavailable
from fateline_engine.script import Boundary, Kind, Route, Verdict, Work, Written
from fateline_engine.settings import load_pipeline
from fateline_engine.token_manager import Limits
from fateline_engine.words import Refusal, RunStatus
from tests.impl.harness import Answer, Trial, diamond, fails_for, fork, pipeline, pruned, sink, source, transform


def one(
    node: dict[str, object], *extra: dict[str, object], answers: Mapping[str, Answer], each_step: bool = False
) -> Trial:
    """source → this node → sinks."""
    return Trial(pruned(source("n"), node, *extra, sink("out"), sink("bad")), answers=answers, each_step=each_step)


ROUTES = {"on": "continue", "away": "bad", "none": "discard", "split": "fork"}
GATE: dict[str, object] = {"name": "n", "kind": "gate", "to": "out", "routes": ROUTES, "fork": {"x": "out", "y": "bad"}}


@pytest.mark.parametrize(
    "label, fates",
    [
        ("on", {"0": "completed"}),
        ("away", {"0": "routed"}),
        ("none", {"0": "discarded:gate_discard"}),
        ("split", {"0": "forked", "0/x": "completed", "0/y": "completed"}),
        ("nowhere", {"0": "failed:node_failed"}),
    ],
)
def test_a_gate_routes(label: str, fates: dict[str, str]) -> None:
    trial = one(GATE, answers={"n": lambda token, attempt: Route(label)})
    assert trial.run().finished
    assert trial.fates() == fates


@pytest.mark.parametrize(
    "on_error, fate",
    [("bad", "diverted:node_failed"), ("discard", "quarantined:node_failed"), (None, "failed:node_failed")],
)
@pytest.mark.parametrize("kind", ["transform", "gate", "sink"])
def test_an_error_goes_where_on_error_says(kind: str, on_error: str | None, fate: str) -> None:
    more: dict[str, object] = {} if on_error is None else {"on_error": on_error}
    nodes: dict[str, list[dict[str, object]]] = {
        "transform": [transform("n", "out", **more)],
        "gate": [{**GATE, **more}],
        "sink": [transform("n", "last"), sink("last", **more)],
    }
    guilty = "last" if kind == "sink" else "n"
    trial = one(*nodes[kind], answers={guilty: lambda token, attempt: Failure("broken")})
    assert trial.run().finished
    assert trial.fates() == {"0": fate}
    (outcome,) = trial.trail("outcomes")
    kept = trial.landscape.conn.execute("SELECT lower(hex(digest)), body FROM errors").fetchall()
    assert (outcome["error"], f"{guilty}: broken") in kept


@pytest.mark.parametrize("attempts, fails, statuses", [(3, 2, "ffc"), (3, 9, "fff"), (1, 9, "f"), (2, 1, "fc")])
def test_a_retryable_error_is_tried_again_while_attempts_are_left(attempts: int, fails: int, statuses: str) -> None:
    def flaky(token: Any, attempt: int) -> Verdict:
        return Failure("not yet", retryable=True) if attempt < fails else Pass(token.data)

    trial = one(transform("n", "out", attempts=attempts), answers={"n": flaky})
    trial.run()
    visits = [visit for visit in trial.trail("visits") if visit["node"] == "n"]
    assert [visit["attempt"] for visit in visits] == list(range(len(statuses)))
    assert "".join(visit["status"][0] for visit in visits) == statuses


def test_the_next_attempt_is_opened_in_the_step_that_closes_the_last() -> None:
    trial = one(transform("n", "out", attempts=2), answers={"n": lambda token, attempt: Failure("no", True)})
    trial.started().read().move("0")
    told = [(visit["status"], visit["opened"]) for visit in trial.trail("visits")]
    assert [status for status, _ in told] == ["failed", "open"]


def test_a_sink_is_tried_again_and_then_hands_over() -> None:
    busy = {"out": lambda token, attempt: Failure("busy", retryable=True)}
    what = pipeline(source("out"), sink("out", attempts=2, on_error="bad"), sink("bad"))
    trial = Trial(what, answers=busy)
    trial.run()
    assert [(v["node"], v["verdict"]) for v in trial.trail("visits")] == [
        ("out", "refused_retryable"), ("out", "refused_retryable"), ("bad", "written"),
    ]  # fmt: skip
    assert trial.fates() == {"0": "diverted:node_failed"}
    assert trial.sinks["bad"].rows == [{"v": 0}]


@pytest.mark.parametrize(
    "verdict, expands, fates",
    [
        (Drop(), False, {"0": "discarded:filtered"}),
        (Expand(({"v": 1}, {"v": 2})), True, {"0": "expanded", "0.0": "completed", "0.1": "completed"}),
        (Expand(({"v": 1},)), True, {"0": "expanded", "0.0": "completed"}),
        (Pass({"v": 1}), True, {"0": "expanded", "0.0": "completed"}),
        (Expand(({"v": 1}, {"v": 2})), False, {"0": "failed:node_failed"}),
        (Pass({"v": object()}), False, {"0": "failed:node_failed"}),
    ],
)
def test_a_transform_says_what_becomes_of_its_row(verdict: Verdict, expands: bool, fates: dict[str, str]) -> None:
    trial = one(transform("n", "out", expands=expands), answers={"n": lambda token, attempt: verdict})
    trial.run()
    assert trial.fates() == fates


@pytest.mark.parametrize("where, sinks", [("bad", 1), ("discard", 0), (None, 0)])
def test_an_invalid_row_becomes_row_and_token_and_enters_no_other_node(where: str | None, sinks: int) -> None:
    begin = source("n", on_error=where) if where else source("n")
    what = pruned(begin, transform("n", "out"), sink("out"), sink("bad"))
    trial = Trial(what, [None, {"v": 1}])
    trial.run()
    assert trial.fates() == {"0": "quarantined:invalid_row", "1": "completed"}
    assert sum(len(trial.sinks[name].rows) for name in trial.sinks if name == "bad") == sinks
    row, token = trial.trail("rows")[0], trial.trail("tokens")[0]
    assert row["tx"] == token["tx"]
    assert [visit["node"] for visit in trial.trail("visits") if visit["token"] == "0:0"] == ["bad"] * sinks


def test_rows_that_no_trail_could_keep_or_that_are_too_large_are_quarantined() -> None:
    rows: list[dict[str, object] | None] = [{"v": float("nan")}, {"v": "x" * 2000}, {"v": 1}]
    trial = Trial(pipeline(source("out"), sink()), rows)
    trial.engine.limits = Limits(row_bytes=1000)
    trial.run()
    assert trial.fates() == {"0": "quarantined:invalid_row", "1": "quarantined:invalid_row", "2": "completed"}
    told = [body for (body,) in trial.landscape.conn.execute("SELECT body FROM errors")]
    assert any("more than the limit of 1,000; raise run.row_bytes" in body for body in told)


def test_a_fork_wider_than_the_limit_is_refused_before_the_run() -> None:
    what = pipeline(source("split"), fork(a="out", b="out", c="out"), sink())
    with pytest.raises(LimitExceeded, match="branches of split: 3 is more than the limit of 2"):
        Orchestrator(what, Landscape.open(":memory:"), script=Trial(what).script, limits=Limits(fan_out=2))


def test_the_clock_is_looked_at_before_each_row_and_an_earlier_arrival_is_in_time() -> None:
    def slow(token: Any, attempt: int) -> Verdict:
        trial.clock.advance(20_000)
        return Pass(token.data)

    trial = Trial(diamond(policy="best_effort", timeout_seconds=10), [{"v": 0}, {"v": 1}], {"tb": slow})
    trial.run()
    assert trial.barriers()["join of 0"] == "merged by arrival: a,b; "


def test_one_look_resolves_all_that_expired_the_earliest_first_before_any_token_moves() -> None:
    rows = [{"v": value} for value in range(3)]
    trial = Trial(diamond(policy="best_effort", timeout_seconds=10), rows, each_step=True).started()
    for row in range(2):
        trial.read()
        for token in (0, 0, 1, 1, 1):
            trial.engine.do(next(work for work in trial.runnable() if work.token == (row, token)))
        held = trial.engine.state.live.pop((row, 2))  # branch b is nowhere to be seen
        trial.engine.state.queue.remove(held)
        trial.clock.advance(1)
    trial.clock.advance(60_000)
    done = []
    for _ in range(3):
        work = trial.engine.schedule.first()
        done.append(work)
        trial.engine.do(work)
    assert done[:2] == [Work(Kind.DEADLINE, "join", key=(0, 0)), Work(Kind.DEADLINE, "join", key=(1, 0))]
    assert done[2].kind is Kind.BEGIN


def test_tokens_move_first_in_first_out_and_branches_in_declared_order() -> None:
    what = pipeline(
        source("split"), fork(b="b1", a="a1"), transform("a1", "a2"), transform("b1", "b2"), transform("a2", "out"),
        transform("b2", "out"), sink(),
    )  # fmt: skip
    trial = Trial(what)
    trial.run()
    visits = sorted(trial.trail("visits"), key=lambda visit: visit["opened"])
    assert [visit["node"] for visit in visits] == ["split", "b1", "a1", "b2", "a2", "out", "out"]


def test_rows_are_committed_by_the_hundred_in_whole_steps() -> None:
    seen: list[int] = []

    def boundary(kind: Boundary) -> None:
        if kind is Boundary.COMMITTED:
            seen.append(trial.landscape.conn.execute("SELECT count(*) FROM rows").fetchone()[0])

    trial = Trial(pipeline(source("out"), sink()), [{"v": value} for value in range(250)])
    trial.script.boundary = boundary  # type: ignore[method-assign]
    trial.run()
    assert seen == [100, 200, 250]


def test_one_row_that_becomes_thousands_does_not_wait_for_the_hundredth_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fateline_engine.orchestrator._HEAVY", 1000)
    waiting: list[int] = []

    def boundary(kind: Boundary) -> None:
        if kind is Boundary.STEP:
            waiting.append(trial.engine.recorder.seq - trial.engine.recorder.committed_seq)

    many = Expand(tuple({"v": number} for number in range(2000)))
    trial = one(transform("n", "out", expands=True), answers={"n": lambda token, attempt: many})
    trial.script.boundary = boundary  # type: ignore[method-assign]
    trial.run()
    assert len([size for size in waiting if size > 1000]) < len(waiting) / 100
    assert len(trial.sinks["out"].rows) == 2000


def test_the_same_inputs_give_the_same_trail_whatever_is_committed_when() -> None:
    def trail(each_step: bool) -> list[str]:
        trial = Trial(diamond(), [{"v": 0}, None, {"v": 1}], {"ta": fails_for(1)}, each_step=each_step)
        trial.run()
        return list(lines(trial.landscape, "R"))

    assert trail(False) == trail(False) == trail(True)


def test_a_refusal_does_not_show_in_any_later_record() -> None:
    def trail(hostile: bool) -> list[str]:
        trial = Trial(diamond(), [{"v": 0}, {"v": 1}]).started()
        while works := trial.runnable():
            if hostile:
                with pytest.raises(Refused):
                    trial.engine.do(Work(Kind.FLUSH, "join", key=(9, 9)))
            trial.engine.do(works[0])
        return list(lines(trial.landscape, "R"))

    assert trail(True) == trail(False)


def test_every_record_of_the_export_has_a_seq_of_its_own() -> None:
    trial = Trial(diamond(), [{"v": 0}, {"v": 1}], {"ta": fails_for(1)})
    trial.run()
    told = [json.loads(line) for line in lines(trial.landscape, "R")]
    seqs = [record["seq"] for record in told if "seq" in record]
    assert seqs == sorted(set(seqs))
    assert {record["rec"] for record in told} <= set(RELATIONS)
    assert (told[0]["rec"], told[0]["status"]) == ("runs", "running")


def test_a_plugin_that_the_world_stops_stops_the_run_which_can_be_resumed() -> None:
    broken = [True]

    def down(token: Any, attempt: int) -> Verdict:
        if broken and token.data["v"] == 1:
            broken.clear()
            raise PluginUnavailable("disk full")
        return Written()

    trial = Trial(pipeline(source("out"), sink()), [{"v": 0}, {"v": 1}], {"out": down})
    summary = trial.run()
    assert (summary.status, summary.stopped_by) == (RunStatus.INTERRUPTED, "disk full")
    assert trial.after_crash().engine.resume().finished
    assert trial.sinks["out"].rows == [{"v": 0}, {"v": 1}]


def test_a_verdict_that_the_node_cannot_give_is_refused() -> None:
    trial = one(GATE, answers={"n": lambda token, attempt: Drop()}, each_step=True).started().read()
    trial.engine.do(trial.runnable()[0])
    with pytest.raises(Refused) as caught:
        trial.engine.do(trial.runnable()[0])
    assert caught.value.refusal is Refusal.NO_SUCH_VERDICT


def test_siblings_never_see_each_others_changes() -> None:
    def spoils(token: Any, attempt: int) -> Verdict:
        token.data["v"].append("spoilt")
        return Pass({**token.data.to_dict(), "w": 1})

    seen: list[object] = []

    def looks(token: Any, attempt: int) -> Verdict:
        seen.append(token.data["v"])
        return Pass(token.data)

    trial = Trial(diamond(), [{"v": [1]}], {"ta": spoils, "tb": looks})
    trial.run()
    assert seen == [[1]]
    assert trial.sinks["out"].rows == [{"v": [1], "w": 1}]


def test_nothing_is_over_before_everything_is_at_rest() -> None:
    trial = Trial(diamond()).started().read()
    for refusal in (Refusal.SOURCE_NOT_ENDED, Refusal.NOT_AT_REST):
        with pytest.raises(Refused) as caught:
            trial.engine.do(Work(Kind.RUN_OVER))
        assert caught.value.refusal is refusal
        if refusal is Refusal.SOURCE_NOT_ENDED:
            trial.engine.do(Work(Kind.END_OF_SOURCE))
    with pytest.raises(Refused, match="source_ended"):
        trial.engine.do(Work(Kind.READ))
    trial.finish()
    with pytest.raises(Refused, match="run_over"):
        trial.engine.do(Work(Kind.READ))


def test_a_pipeline_from_a_file_runs_through_real_plugins(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"id": n, "x": n * 2}) + "\n" for n in range(7)))
    (tmp_path / "p.yaml").write_text("""
name: files
nodes:
  - {name: src, kind: source, to: split, plugin: jsonl, options: {path: in.jsonl}}
  - {name: split, kind: gate, when: '"all"', routes: {all: fork}, fork: {a: join, b: join}}
  - {name: join, kind: coalesce, branches: [a, b], to: out}
  - {name: out, kind: sink, plugin: jsonl, options: {path: out.jsonl}}
""")
    with Landscape.open(tmp_path / "l.db") as landscape:
        summary = Orchestrator(load_pipeline(tmp_path / "p.yaml"), landscape).run()
    assert summary.finished
    assert [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()] == list(range(7))
    with Landscape.read(tmp_path / "l.db") as landscape:
        assert landscape.conn.execute("SELECT count(*) FROM trail_tokens").fetchone() == (28,)
