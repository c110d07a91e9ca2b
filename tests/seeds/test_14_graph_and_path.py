"""Finding 14: the graph drawn was not the path executed; nodes ran twice; the merged token never continued.

Here a token moves along a declared edge or not at all, and the trail's hops are those edges.
"""

from itertools import pairwise

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
