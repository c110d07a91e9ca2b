"""What a trail leaves out is inferred from its other records; what is inferred proves nothing, and hides nothing either."""

import json
import random
from collections.abc import Callable

import pytest

from fateline_oracle.trails.check import TrailResult, check_runs, report_of
from fateline_oracle.trails.complete import Completion
from fateline_oracle.trails.reader import runs_of

from ..audit import weakened
from ..audit.corpus import Record
from .damages import changed, twice, without

EXAMPLES = ("claims", "enrichment", "invoices", "quorum", "returns", "sensors")
LEFT_OUT = {
    "ids of rows in the source": ("rows.idx", weakened.hide_column("rows", "idx")),
    "rows": ("rows", weakened.hide_relation("rows")),
    "groups": ("tokens.group", weakened.hide_column("tokens", "group")),
    "kinds of groups": ("tokens.group_kind", weakened.hide_column("tokens", "group_kind")),
    "ordinals": ("parents.ordinal", weakened.hide_column("parents", "ordinal")),
    "attempts": ("visits.attempt", weakened.hide_column("visits", "attempt")),
    "verdicts": ("visits.verdict", weakened.hide_column("visits", "verdict")),
    "labels of hops": ("hops.label", weakened.hide_column("hops", "label")),
    "forks of barriers": ("barriers.fork_group", weakened.hide_column("barriers", "fork_group")),
    "triggers of barriers": ("barriers.trigger", weakened.hide_column("barriers", "trigger")),
    "outputs of batches": ("batches.outputs", weakened.hide_column("batches", "outputs")),
}


def stepped(records: list[Record]) -> TrailResult:
    return check_runs(runs_of(records, whole=False))


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_is_left_out_is_inferred_and_named(example_trails: dict[str, list[Record]], what: str) -> None:
    name, hide = LEFT_OUT[what]
    inferred = 0
    for example in EXAMPLES:
        found = stepped(hide(example_trails[example]))
        assert found.breached == {}, found.findings[:2]
        assert found.accepted >= 0.9 * found.rows, (example, found.undetermined)
        inferred += found.inferred[name]
        assert found.inferred[name] == 0 or name in {
            one.what.removeprefix("rows, ") for one in report_of(found, "").skipped
        }
    assert inferred > 0


NAMES = {
    "nodes": ("node",), "edges": ("src", "dst", "label"), "rows": ("source",), "tokens": ("branch",),
    "visits": ("node",), "hops": ("src", "dst", "label"), "outcomes": ("sink", "promised"), "losses": ("branch",),
    "barriers": ("node", "arrived", "lost"), "merges": ("branch",), "batches": ("node",),
}  # fmt: skip
LABELS_OF_THE_LAW = ("continue", "on_error")


def renamed(trail: list[Record], name_of: Callable[[str], str]) -> list[Record]:
    """The same trail with other names of nodes, branches and labels."""

    def other(value: str) -> str:
        return ",".join(part if part in LABELS_OF_THE_LAW or not part else name_of(part) for part in value.split(","))

    changed_trail = []
    for record in trail:
        new = dict(record)
        for column in NAMES.get(str(record["rec"]), ()):
            count = column == "promised" and str(record.get(column)).isdecimal()
            if record.get(column) is not None and not count:
                new[column] = other(str(record[column]))
        if str(record.get("verdict")).startswith("route "):
            new["verdict"] = f"route {other(str(record['verdict']).removeprefix('route '))}"
        if record["rec"] == "nodes":
            config = json.loads(str(record["config"]))
            for key in ("branches", "select_branch"):
                if isinstance(config.get(key), list):
                    config[key] = [other(name) for name in config[key]]
                elif config.get(key):
                    config[key] = other(config[key])
            new["config"] = json.dumps(config)
        changed_trail.append(new)
    return changed_trail


@pytest.mark.parametrize("kind", ["odd", "numbers"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_names_that_no_pipeline_of_the_law_can_have_hide_nothing(
    example_trails: dict[str, list[Record]], example: str, kind: str
) -> None:
    numbers: dict[str, str] = {}
    name_of = (
        (lambda name: f"Ä {name}!") if kind == "odd" else (lambda name: numbers.setdefault(name, str(len(numbers) + 1)))
    )
    trail = example_trails[example]
    before, after = stepped(trail), stepped(renamed(trail, name_of))
    assert (after.accepted, after.breached) == (before.accepted, before.breached), after.findings[:2]


STEPPED = [
    ("barriers", "reason", "verdict", ["failed"], ["merged"]),
    ("batches", "trigger", "status", ["closed", "failed"], ["open"]),
    ("tokens", "branch", "group_kind", ["fork"], ["join", "expand", "batch"]),
    ("visits", "closed", "status", ["completed", "failed", "interrupted"], ["open", "held"]),
]


@pytest.mark.parametrize("relation, column, word, with_it, without_it", STEPPED)
def test_only_what_a_record_should_have_is_missed(
    relation: str, column: str, word: str, with_it: list[str], without_it: list[str]
) -> None:
    """A merge has no reason and an open visit no end; that these are absent hides nothing."""
    ids: Record = {"token": "0", "row": "r", "result": "0", "visit": "v", "batch": "b", "barrier": "x", "node": "n"}
    for value in (*with_it, *without_it):
        records: list[Record] = [
            {"rec": "members", "batch": "b", "token": "0", "ordinal": 0},
            *([] if relation == "tokens" else [{"rec": "tokens", "token": "0", "row": "r"}]),
            {"rec": relation, **ids, word: value},
        ]
        noted: set[str] = set().union(*Completion(records).inferred.values())
        assert (f"{relation}.{column}" in noted) == (value in with_it), value


@pytest.mark.parametrize("example", EXAMPLES)
def test_groups_need_not_be_ids_of_tokens(example_trails: dict[str, list[Record]], example: str) -> None:
    renamed = weakened.rename(example_trails[example], random.Random(1))
    found = stepped(renamed)
    assert (found.accepted, found.breached, found.undetermined) == (found.rows, {}, {})


DAMAGE: dict[str, Callable[[list[Record]], list[Record]]] = {
    "a fork child is deleted": without(rec="tokens", group_kind="fork"),
    "a token has two fates": twice({"outcome": "failed", "error": "x"}, rec="outcomes", outcome="routed"),
    "a hop along another edge": changed({"dst": "nowhere"}, rec="hops", src="ask"),
    "a barrier merges what did not arrive": changed({"arrived": "a"}, rec="barriers", verdict="merged"),
}


@pytest.mark.parametrize("what", [name for name in LEFT_OUT if name not in ("rows", "ids of rows in the source")])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_inferred_hides_no_damage(example_trails: dict[str, list[Record]], what: str, damage: str) -> None:
    """A damaged row is not accepted, whatever else is left out."""
    lawful = stepped(LEFT_OUT[what][1](example_trails["quorum"]))
    found = stepped(LEFT_OUT[what][1](DAMAGE[damage](example_trails["quorum"])))
    assert found.accepted < lawful.accepted
    assert found.breached or found.undetermined


def test_two_fates_are_certain_whatever_is_inferred(example_trails: dict[str, list[Record]]) -> None:
    damaged = DAMAGE["a token has two fates"](example_trails["quorum"])
    assert stepped(LEFT_OUT["verdicts"][1](damaged)).breached["F1"] == 1
