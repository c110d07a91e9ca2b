"""Finding 15: step numbers collided.

Here there are none: a visit is named by token, node and attempt, and a hop by the edge that it took.
"""

from fateline_engine.landscape import Landscape
from tests.impl.harness import Trial, coalesce, fork, pipeline, sink, source, transform


def test_there_is_no_step_number_to_collide() -> None:
    with Landscape.open(":memory:") as landscape:
        query = "SELECT c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
        names = {name for (name,) in landscape.conn.execute(query)}
    assert "seq" in names
    assert not {name for name in names if "step" in name}


def test_two_joins_in_a_row_name_every_visit_once() -> None:
    what = pipeline(
        source("f"), fork("f", a="j", b="j"), coalesce("j", "t", "a", "b"), transform("t", "g"),
        fork("g", c="k", d="k"), coalesce("k", "out", "c", "d"), sink(),
    )  # fmt: skip
    trial = Trial(what)
    trial.run()
    visits = [visit["visit"] for visit in trial.trail("visits")]
    assert len(visits) == len(set(visits))
    assert trial.fates()["0/j/k"] == "completed"
