"""The engine under its own limits: what is too large fails at its node, lawfully, and the run goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fateline_engine.contracts import EMPTY
from fateline_engine.plugins import BatchOutputs, Expand, Pass
from fateline_engine.rows import MAX_DEPTH, NotJson, PipelineRow
from fateline_engine.token_manager import Limits
from fateline_oracle.audit.adapters import find_adapter
from fateline_oracle.audit.whole import Wanted, audit

from .harness import Answer, Crash, Trial, coalesce, diamond, fork, pipeline, sink, source, transform

LIMITS = Limits(row_bytes=100, fan_out=3)
LARGE = {"v": "x" * 101}
HALF = "x" * 60


def run(what: Any, answers: Mapping[str, Answer], folder: Path, rows: int = 2) -> Trial:
    """A run under the limits, which finishes and is lawful."""
    trial = Trial(what, [{"v": n} for n in range(rows)], answers)
    trial.engine.limits = LIMITS
    assert trial.run().finished
    (folder / "trail.db").write_bytes(trial.landscape.snapshot())
    found = audit(Wanted(folder / "trail.db", find_adapter(folder / "trail.db", None)))
    assert not found.judged.breaches
    assert found.breached.total() == 0
    return trial


def errors(trial: Trial) -> list[str]:
    return [body for (body,) in trial.landscape.conn.execute("SELECT body FROM errors")]


def of_row_0(then: Any, otherwise: Any = None) -> Answer:
    """The answer for row 0; other rows pass."""
    return lambda token, attempt: then if token.row == 0 else otherwise or Pass(token.data)


LINE = pipeline(source("t"), transform("t", "out"), sink())
EXPANDS = pipeline(source("t"), transform("t", "out", expands=True), sink())


def test_a_row_of_a_transform_that_is_too_large_fails_its_token(tmp_path: Path) -> None:
    trial = run(LINE, {"t": of_row_0(Pass(LARGE))}, tmp_path)
    assert trial.fates() == {"0": "failed:node_failed", "1": "completed"}
    assert errors(trial) == [
        "t: a row of t in bytes: 109 is more than the limit of 100; raise run.row_bytes if this is intended"
    ]


def test_a_row_of_an_expansion_that_is_too_large_fails_the_expanded_token(tmp_path: Path) -> None:
    one = Expand(({"v": 1},))
    trial = run(EXPANDS, {"t": of_row_0(Expand(({"v": 1}, LARGE)), one)}, tmp_path)
    assert trial.fates() == {"0": "failed:node_failed", "1": "expanded", "1.0": "completed"}


def test_an_expansion_into_too_many_rows_fails_the_token(tmp_path: Path) -> None:
    trial = run(EXPANDS, {"t": of_row_0(Expand(({"v": 1},) * 4), Expand(({"v": 1},) * 3))}, tmp_path)
    assert trial.fates()["0"] == "failed:node_failed"
    assert trial.fates()["1"] == "expanded"


def test_a_merge_that_is_too_large_fails_its_barrier_and_the_run_goes_on(tmp_path: Path) -> None:
    """Each branch fits, and both together do not."""
    answers = {"ta": of_row_0(Pass({"a": HALF})), "tb": of_row_0(Pass({"b": HALF}))}
    trial = run(diamond(), answers, tmp_path)
    assert trial.fates() == {
        "0": "forked", "0/a": "failed:merged_row_too_large", "0/b": "failed:merged_row_too_large",
        "1": "forked", "1/a": "coalesced", "1/b": "coalesced", "1/join": "completed",
    }  # fmt: skip
    (error,) = errors(trial)
    assert "the merge at join in bytes: 135 is more than the limit of 100; raise run.row_bytes" in error


AGGREGATION = {"name": "agg", "kind": "aggregation", "to": "out", "count": 2}
PASSTHROUGH = {**AGGREGATION, "mode": "passthrough"}


@pytest.mark.parametrize("rows", [({"v": 1}, LARGE), ({"v": 1},) * 4], ids=["too large", "too many"])
def test_outputs_of_a_batch_beyond_a_limit_fail_the_batch(tmp_path: Path, rows: tuple[Any, ...]) -> None:
    what = pipeline(source("agg"), AGGREGATION, sink())
    trial = run(what, {"agg": lambda batch, attempt: BatchOutputs(rows)}, tmp_path)
    assert trial.fates() == {"0": "failed:batch_failed", "1": "failed:batch_failed"}
    assert [batch["status"] for batch in trial.trail("batches")] == ["failed"]


NOT_JSON: dict[str, Any] = {
    "a set": {"v": {1}},
    "not a number": {"v": float("nan")},
    "a name that is no text": {1: 2},
    "no row": 7,
}


@pytest.mark.parametrize("node", [AGGREGATION, PASSTHROUGH], ids=["transform", "passthrough"])
@pytest.mark.parametrize("name", list(NOT_JSON))
def test_an_output_of_a_batch_that_is_not_json_fails_the_batch(tmp_path: Path, node: Any, name: str) -> None:
    what = pipeline(source("agg"), node, sink())
    outputs = BatchOutputs(({"v": 1}, NOT_JSON[name]))
    trial = run(what, {"agg": lambda batch, attempt: outputs}, tmp_path)
    assert trial.fates() == {"0": "failed:batch_failed", "1": "failed:batch_failed"}
    (error,) = errors(trial)
    assert error.startswith("agg: ")


def test_the_values_of_a_row_are_not_shared_after_a_resume() -> None:
    row = PipelineRow.from_json(b'{"v":{"deep":[1]},"w":[1]}', EMPTY)
    for taken in (row["v"], row.to_dict()["v"]):
        assert isinstance(taken, dict)
        taken["deep"].append(2)
    again = row["w"]
    assert isinstance(again, list)
    again.append(2)
    assert row.to_dict() == {"v": {"deep": [1]}, "w": [1]}
    assert row.encoded == b'{"v":{"deep":[1]},"w":[1]}'


def test_how_deep_a_row_is_nested_is_limited_by_the_engine() -> None:
    def nested(depth: int) -> object:
        value: object = 1
        for _ in range(depth):
            value = [value]
        return value

    assert PipelineRow.of({"v": nested(MAX_DEPTH - 1)}).size > MAX_DEPTH
    with pytest.raises(NotJson, match="'v' is nested more than 500 deep"):
        PipelineRow.of({"v": nested(MAX_DEPTH)})


NESTED = pipeline(
    source("first"), fork("first", p="outer", q="out"), fork("outer", a="inner", b="tb"),
    fork("inner", c="tc", d="td"), transform("tb", "join"), transform("tc", "near"), transform("td", "near"),
    coalesce("near", "join", "c", "d"), coalesce("join", "out", "a", "b"), sink(),
)  # fmt: skip
"""The outer fork is made by a branch, so a debt beneath another is that of a token other than the root."""


def test_a_debt_beneath_a_debt_survives_a_crash_at_every_boundary() -> None:
    undisturbed = Trial(NESTED, each_step=True)
    undisturbed.run()
    expected = undisturbed.fates()
    assert expected["0/p/a/near"] == "coalesced"
    for boundary in range(undisturbed.script.boundaries):
        trial = Trial(NESTED, each_step=True)
        trial.script.crash_at = boundary
        with pytest.raises(Crash):
            trial.run()
        if trial.landscape.conn.execute("SELECT 1 FROM runs").fetchone() is None:
            continue
        trial.after_crash()
        if trial.landscape.conn.execute("SELECT status FROM runs").fetchone() != ("completed",):
            assert trial.engine.resume().finished
            assert trial.fates() == expected, boundary
