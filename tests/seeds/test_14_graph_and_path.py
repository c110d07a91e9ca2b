"""Finding 14: the graph drawn was not the path executed; nodes ran twice; the merged token never continued.

Here a token moves along a declared edge or not at all, and the trail's hops are those edges.
"""

from itertools import pairwise

from fateline_engine.script import Route
from tests.impl.harness import Trial, coalesce, fork, pipeline, sink, source, transform


def test_every_hop_is_a_declared_edge_and_each_path_is_connected() -> None:
    what = pipeline(
        source("split"), fork(a="ta", b="join"), transform("ta", "join"), coalesce("join", "after", "a", "b"),
        transform("after", "out"), sink(),
    )  # fmt: skip
    trial = Trial(what)
    trial.run()
    edges = {(edge["src"], edge["label"], edge["dst"]) for edge in trial.trail("edges")}
    hops = trial.trail("hops")
    assert {(hop["src"], hop["label"], hop["dst"]) for hop in hops} == edges, "all of the graph, and nothing else"
    for token in trial.trail("tokens"):
        path = [hop for hop in hops if hop["token"] == token["token"]]
        assert all(before["dst"] == after["src"] for before, after in pairwise(path))
        visited = [visit["node"] for visit in trial.trail("visits") if visit["token"] == token["token"]]
        assert visited == [hop["dst"] for hop in path]
        assert len(visited) == len(set(visited)), "no node ran twice"
    merged = next(token["token"] for token in trial.trail("tokens") if token.get("group_kind") == "join")
    assert [hop["dst"] for hop in hops if hop["token"] == merged] == ["after", "out"]


def test_a_gate_that_routes_sends_the_token_along_that_edge() -> None:
    gate = {"name": "g", "kind": "gate", "to": "out", "routes": {"high": "alarm", "low": "continue"}}
    trial = Trial(pipeline(source("g"), gate, sink(), sink("alarm")), [{"v": 0}, {"v": 1}])
    trial.script.answers = {"g": lambda token, _: Route("high" if token.row == 0 else "low")}
    trial.run()
    taken = [(hop["token"], hop["label"], hop["dst"]) for hop in trial.trail("hops") if hop["src"] == "g"]
    assert [edge[1:] for edge in sorted(taken)] == [("high", "alarm"), ("continue", "out")]
    assert trial.fates() == {"0": "routed", "1": "completed"}
