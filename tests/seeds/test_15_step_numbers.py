"""Finding 15: step numbers collided.

Here there are none: a visit is named by token, node and attempt, and a hop by the edge that it took.
"""

from fateline_engine.plugins import Failure, Pass
from tests.impl.harness import Trial, coalesce, fork, pipeline, sink, source, transform


def test_two_joins_in_a_row_name_every_visit_by_token_node_and_attempt() -> None:
    """A token is forked and joined twice, and one node needs a second attempt: each visit has the name that is due."""
    what = pipeline(
        source("f"), fork("f", a="j", b="j"), coalesce("j", "t", "a", "b"), transform("t", "g", attempts=2),
        fork("g", c="k", d="k"), coalesce("k", "out", "c", "d"), sink(),
    )  # fmt: skip
    trial = Trial(what, answers={"t": lambda token, attempt: Pass(token.data) if attempt else Failure("once", True)})
    trial.run()
    names = trial.names()
    visits = {
        visit["visit"]: (names[visit["token"]], visit["node"], visit["attempt"]) for visit in trial.trail("visits")
    }
    assert sorted(visits.values()) == [
        ("0", "f", 0), ("0/a", "j", 0), ("0/b", "j", 0), ("0/j", "g", 0), ("0/j", "t", 0), ("0/j", "t", 1),
        ("0/j/c", "k", 0), ("0/j/d", "k", 0), ("0/j/k", "out", 0),
    ]  # fmt: skip
    ids = {name: token for token, name in names.items()}
    assert all(visit == f"{ids[name]}@{node}#{attempt}" for visit, (name, node, attempt) in visits.items())
    assert trial.fates()["0/j/k"] == "completed"


def test_every_hop_names_the_visit_before_it_and_its_edge() -> None:
    """No two hops leave one visit, and each starts where the hop before it ended."""
    what = pipeline(
        source("f"), fork("f", a="t", b="j"), transform("t", "j"), coalesce("j", "u", "a", "b"),
        transform("u", "out"), sink(),
    )  # fmt: skip
    trial = Trial(what)
    trial.run()
    hops = trial.trail("hops")
    leaving = [hop["from_visit"] for hop in hops if "from_visit" in hop]
    assert len(leaving) == len(set(leaving)) == 2
    at: dict[str, str] = {}
    for hop in hops:
        if hop["token"] in at:
            assert hop["src"] == at[hop["token"]]
            assert hop["from_visit"].startswith(f"{hop['token']}@{hop['src']}#")
        at[hop["token"]] = hop["dst"]
