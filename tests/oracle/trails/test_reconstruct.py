"""What is rebuilt from the records of a trail, whatever the order in which they come."""

from fateline_oracle.trails.reconstruct import named


def test_batches_are_numbered_by_their_opening_and_not_by_their_last_change() -> None:
    records = [
        {"rec": "rows", "row": "0", "idx": 0, "seq": 1},
        {"rec": "rows", "row": "1", "idx": 1, "seq": 2},
        {"rec": "tokens", "row": "0", "token": "x", "seq": 3},
        {"rec": "tokens", "row": "1", "token": "y", "seq": 4},
        {"rec": "members", "batch": "first", "token": "x", "ordinal": 0, "seq": 5},
        {"rec": "members", "batch": "second", "token": "y", "ordinal": 0, "seq": 6},
        {"rec": "batches", "batch": "second", "node": "agg", "status": "completed", "seq": 7},
        {"rec": "batches", "batch": "first", "node": "agg", "status": "completed", "seq": 8},
    ]
    said = [(record["batch"], record["token"]) for record in named(records) if record["rec"] == "members"]
    assert said == [("agg#0", "0"), ("agg#1", "1")]
