"""What an engine does not record is taken from the law: a step whose other records are right describes the law's state."""

import pytest

from fateline_model.checker.scopes import instances
from fateline_model.checker.systems import PipelineSystem
from fateline_model.records import as_json
from fateline_oracle.compare.broken_laws import same_state
from fateline_oracle.compare.names import Names
from fateline_oracle.conform.explore import by_distance, local_graph

DIAMOND = next(one for one in instances("small") if one.name == "diamond branches=2 policy=require_all merge=union")
assert isinstance(DIAMOND.system, PipelineSystem)
GRAPH = local_graph(DIAMOND.system, lambda stimulus, state: True)
PIPELINE = DIAMOND.system.pipeline
HIDDEN = ("parents", "visits", "hops", "outcomes", "barriers", "losses")
"""The relations of a diamond that an engine may leave out. Without tokens nothing can be compared."""


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_hidden_relation_hides_only_itself(hidden: str) -> None:
    left_out = 0
    for state, edges in zip(GRAPH.states, GRAPH.edges, strict=True):
        for edge in edges:
            if not edge.records:  # a crash leaves no record
                continue
            written = [as_json(record) for record in edge.records]
            shown = [record for record in written if record["rec"] != hidden]
            left_out += len(written) - len(shown)
            nothing_shown = frozenset({(hidden, "")})
            assert same_state(
                PIPELINE, state.world, edge.stimulus, edge.records, edge.after.world, shown, nothing_shown
            ), edge
    assert left_out > 0


def test_a_path_has_the_length_of_its_distance() -> None:
    found = list(by_distance(GRAPH))
    assert len(found) > 100
    assert all(distance == len(path()) for distance, path, _ in found)
    assert [distance for distance, _, __ in found] == sorted(distance for distance, _, __ in found)


@pytest.mark.parametrize("outcome", ["buffered", "consumed_in_batch"])
def test_the_name_of_a_batch_is_learned_from_an_outcome_in_it(outcome: str) -> None:
    """An engine may have no records of batches, and call them as it likes."""
    names = Names("0")
    names.learn([{"rec": "rows", "row": "r", "idx": 0}, {"rec": "tokens", "token": "T", "row": "r"}])
    ended = {"rec": "outcomes", "token": "T", "outcome": outcome, "batch": "B-17"}
    names.learn([ended], [{"rec": "outcomes", "token": "0", "outcome": outcome, "batch": "agg#0"}])
    assert names.translate(ended)["batch"] == "agg#0"
