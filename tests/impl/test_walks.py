"""Random walks through everything the engine offers, judged by what must be so in every state.

At each step any runnable work may be chosen, with any verdict, also deadlines and crashes. In every state: a snapshot
restored gives the same choices, so nothing that matters lives in memory alone; what is not offered is refused and
leaves the landscape byte for byte as it was. At the end everything has its fate, and every branch is accounted for.
"""

import random
from collections import Counter
from typing import Any

import pytest

from fateline_engine.errors import Refused
from fateline_engine.plugins import BatchOutputs, Drop, Expand, Failure, Pass
from fateline_engine.script import BatchInfo, Kind, Route, Verdict, Work, Written
from fateline_engine.settings import Pipeline, Policy
from fateline_engine.verdict import Event
from fateline_engine.words import Reason, RunStatus
from tests.impl.harness import Trial, coalesce, pipeline, sink, source, transform
from tests.impl.test_verdict import by_the_table

BARRIER_REASONS = set(list(Reason)[: list(Reason).index(Reason.LATE_ARRIVAL_AFTER_MERGE)])

POLICIES: dict[str, dict[str, object]] = {
    "require_all": {},
    "quorum": {"policy": "quorum", "quorum_count": 2},
    "best_effort": {"policy": "best_effort"},
    "first": {"policy": "first"},
    "select": {"merge": "select", "select_branch": "b", "policy": "quorum", "quorum_count": 1},
    "fail": {"policy": "quorum", "quorum_count": 2, "collisions": "fail"},
}


def gate(name: str, fork: dict[str, str]) -> dict[str, object]:
    routes = {"all": "fork", "none": "discard", "away": "side"}
    return {"name": name, "kind": "gate", "routes": routes, "fork": fork}


def _inner(policy: str) -> dict[str, object]:
    return POLICIES[policy] | ({"select_branch": "y"} if policy == "select" else {})


def walkable(policy: str, inner: str) -> Pipeline:
    return pipeline(
        source("g", on_error="side"),
        gate("g", {"a": "g2", "b": "tb", "c": "tc"}),
        gate("g2", {"x": "jin", "y": "ty", "z": "side"}),
        transform("ty", "jin", on_error="side", attempts=2),
        coalesce("jin", "keep", "x", "y", timeout_seconds=3, **_inner(inner)),
        {"name": "keep", "kind": "aggregation", "to": "join", "mode": "passthrough", "count": 2, "timeout_seconds": 1},
        transform("tb", "join", on_error="discard"),
        transform("tc", "join"),
        coalesce("join", "exp", "a", "b", "c", timeout_seconds=5, **POLICIES[policy]),
        transform("exp", "agg", expands=True),
        {"name": "agg", "kind": "aggregation", "to": "out", "condition": "batch_count > 1"},
        sink("out", on_error="side", attempts=2),
        sink("side"),
    )  # fmt: skip


def verdicts(rng: random.Random) -> dict[str, Any]:
    """Each walk has its mood: mostly good or mostly bad, of one mind about the data or not."""
    good = rng.choice([1, 3, 9])
    minds: list[list[object]] = [[1], [1, 2], [1, "text"], [1, "text"]]
    values = rng.choice(minds)

    def one_of(*verdicts: Verdict) -> Verdict:
        return rng.choice(verdicts)

    def changed(token: Any) -> Pass:
        return Pass({**token.data, "w": rng.choice(values)})

    def transformed(token: Any, attempt: int) -> Verdict:
        bad = (Drop(), Failure("no"), Failure("no", True))
        return one_of(*(changed(token) for _ in range(good)), Pass(token.data), *bad)

    def routed(token: Any, attempt: int) -> Verdict:
        return Route(rng.choice(["all", "all", "all", "none", "away", "nowhere"]))

    def expanded(token: Any, attempt: int) -> Verdict:
        return one_of(Expand((token.data,) * rng.randint(1, 3)), Expand((token.data,)), Drop(), Failure("no"))

    def batched(batch: BatchInfo, attempt: int) -> Verdict:
        return one_of(BatchOutputs(batch.rows), BatchOutputs(batch.rows[:1]), Drop(), Failure("no"))

    def written(token: Any, attempt: int) -> Verdict:
        return one_of(Written(), Written(), Failure("full"), Failure("busy", True))

    return {
        "g": routed, "g2": routed, "ty": transformed, "tb": transformed, "tc": transformed, "exp": expanded,
        "keep": batched, "agg": batched, "out": written,
    }  # fmt: skip


def hostile(rng: random.Random, trial: Trial, offered: list[Work]) -> Work:
    """Any work at all, mostly one that nobody offered."""
    nodes = list(trial.graph.declared)
    kind = rng.choice(list(Kind))
    if kind in (Kind.BEGIN, Kind.FINISH, Kind.ARRIVE, Kind.ACCEPT):
        return Work(kind, rng.choice([*nodes, ""]), (rng.randint(0, 3), rng.randint(0, 6)))
    if kind is Kind.END_OF_SOURCE and Work(Kind.READ) in offered:
        kind = Kind.RUN_OVER  # a script may end the source early: where it ends is for the source to say
    if kind in (Kind.READ, Kind.END_OF_SOURCE, Kind.RUN_OVER):
        return Work(kind)
    node = rng.choice(["jin", "join", "keep", "agg"])
    key = (rng.randint(0, 3), rng.randint(0, 4)) if node in ("jin", "join") else (rng.randint(0, 2),)
    return Work(kind, node, key=key)


def offers(trial: Trial) -> list[Work]:
    return sorted(trial.runnable(), key=str)


def walk(seed: int, *, check: bool) -> Trial:
    rng = random.Random(seed)
    policies = list(POLICIES)
    what = walkable(policies[seed % len(policies)], policies[seed // len(policies) % len(policies)])
    rows = [{"v": 0}, None, {"v": 1}, {"v": 2}]
    trial = Trial(what, rows, verdicts(rng), each_step=True).started()
    patience = rng.choice([0.0, 0.9])
    while works := offers(trial):
        if rng.random() < patience:
            works = [work for work in works if work.kind is not Kind.DEADLINE] or works
        trial.clock.advance(rng.choice([0, 0, 1, 700]))
        if check and rng.random() < 0.3:
            _check(rng, trial, offers(trial))
        elif rng.random() < 0.03:
            trial.engine.crash()
            trial.after_crash().engine.take_up()
        else:
            trial.engine.do(rng.choice(works))
    return trial


def _check(rng: random.Random, trial: Trial, works: list[Work]) -> None:
    snapshot = trial.snapshot()
    trial.restore(snapshot)
    assert offers(trial) == works, "something lived in memory alone"
    work = hostile(rng, trial, works)
    if work not in works and Work(work.kind, "", work.token) not in [Work(w.kind, "", w.token) for w in works]:
        try:
            trial.engine.do(work)
        except Refused:
            pass
        else:
            pytest.fail(f"{work} was neither offered nor refused")
        assert trial.snapshot() == snapshot, "a refusal left something behind"
        assert offers(trial) == works


@pytest.mark.parametrize("seed", range(36))
def test_any_walk_ends_with_everything_accounted_for(seed: int) -> None:
    trial = walk(seed, check=True)
    assert trial.engine.recorder.status is RunStatus.COMPLETED
    _every_branch_is_accounted_for(trial)
    _decided_at_the_first_event_that_decides(trial)


@pytest.mark.slow
def test_the_walks_resolve_barriers_in_every_way() -> None:
    """Or the checks above would say little."""
    seen: Counter[str] = Counter()
    for seed in range(144):
        for barrier in walk(seed, check=False).trail("barriers"):
            seen[barrier.get("reason", "merged")] += 1
    reasons = {Reason(reason) for reason in seen if reason != "merged"}
    assert seen["merged"] > 10
    assert reasons == BARRIER_REASONS - {Reason.MERGED_ROW_TOO_LARGE}, seen  # test_limits.py has that one


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_more_walks_do(block: int) -> None:
    for seed in range(100 + block * 100, 200 + block * 100):
        trial = walk(seed, check=seed % 4 == 0)
        assert trial.engine.recorder.status is RunStatus.COMPLETED
        _every_branch_is_accounted_for(trial)
        _decided_at_the_first_event_that_decides(trial)


def _every_branch_is_accounted_for(trial: Trial) -> None:
    """Law C8: a joined branch of a fork is held until the resolution, or late, or lost; exactly one of these."""
    visits, losses, tokens = trial.trail("visits"), trial.trail("losses"), trial.trail("tokens")
    barriers = {(b["node"], b["fork_group"]): b for b in trial.trail("barriers")}
    names = trial.names()
    ids = {name: token for token, name in names.items()}
    held: Counter[tuple[str, str, str]] = Counter()
    for (node, fork), barrier in barriers.items():
        for how in ("arrived", "lost"):
            held.update((node, fork, branch) for branch in barrier[how].split(",") if branch)
        assert set(barrier["lost"].split(",")) - {""} == {
            loss["branch"] for loss in losses if loss["barrier"] == f"{node}/{fork}"
        }
    assert set(held.values()) <= {1}
    late = [v for v in visits if v["node"] in ("join", "jin") and v["status"] == "failed"]
    assert all(_is_resolved(barriers, names, ids, visit) for visit in late)
    for token in tokens:
        if token.get("group_kind") == "join":
            assert any(barrier.get("result") == token["token"] for barrier in barriers.values())


def _is_resolved(barriers: dict[Any, Any], names: dict[str, str], ids: dict[str, str], visit: dict[str, Any]) -> bool:
    depth = 1 if visit["node"] == "join" else 2
    fork = "/".join(names[visit["token"]].split("/")[:depth])
    return (visit["node"], ids[fork]) in barriers


def _decided_at_the_first_event_that_decides(trial: Trial) -> int:
    """Laws C3 and C4: up to its resolution the table says wait, and then it says what was done."""
    names = trial.names()
    visits, losses = trial.trail("visits"), trial.trail("losses")
    checked = 0
    for barrier in trial.trail("barriers"):
        node = trial.graph.coalesce(barrier["node"])
        fork, n, q = names[barrier["fork_group"]], len(node.branches), node.quorum_count or 0
        seen = [
            (visit["opened"], Event.ARRIVAL)
            for visit in visits
            if visit["node"] == node.name and names[visit["token"]].startswith(f"{fork}/")
        ]
        seen += [(loss["seq"], Event.LOSS) for loss in losses if loss["barrier"] == barrier["barrier"]]
        before = sorted(event for event in seen if event[0] < barrier["seq"])
        counts = {Event.ARRIVAL: 0, Event.LOSS: 0}
        said = "wait"
        for _, event in before:
            assert said == "wait", "it was decided already"
            counts[event] += 1
            said = by_the_table(node.policy, n, counts[Event.ARRIVAL], counts[Event.LOSS], q, event)
        if said == "wait":
            assert barrier["trigger"] == "deadline"
            said = by_the_table(node.policy, n, counts[Event.ARRIVAL], counts[Event.LOSS], q, Event.DEADLINE)
        else:
            assert barrier["trigger"] == before[-1][1]
        data = ("select_branch_not_arrived", "contract_conflict", "union_collision")
        told = barrier.get("reason", "merge")
        assert told == said or (said == "merge" and told in data)
        checked += 1
    return checked


def test_all_policies_are_walked() -> None:
    named = {str(settings.get("policy", "require_all")) for settings in POLICIES.values()}
    assert named == set(Policy)
