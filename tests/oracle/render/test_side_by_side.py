"""Two schedules side by side, and an engine beside the law: one control moves both, and what is marked is what differs."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fateline_oracle.cli import main
from fateline_oracle.conform.campaign import every_instance
from fateline_oracle.conform.order_cases import order_cases
from fateline_oracle.conform.orders import compare_orders
from fateline_oracle.conform.replay import Case, read_case
from fateline_oracle.engines import engine_of
from fateline_oracle.mutants.kept import read_cases
from fateline_oracle.ports.hello import hello_of
from fateline_oracle.render.explorer.lines import Play, line_of_case, play_of
from fateline_oracle.render.explorer.page import page
from fateline_oracle.render.explorer.pair import play_of_pair
from fateline_oracle.report.case import write_case
from tests.oracle.render.chromium import Texts, needs_browser, opened, with_script

QUORUM = "barrier branches=2 policy=quorum:2 merge=union:fail"
DECIDED = "barrier branches=3 policy=quorum:2 merge=union:fail"
LATE = "late-without-a-fate"


@cache
def cases_of(engine: str, instance: str) -> dict[str, dict[str, Any]]:
    """What `fateline orders --cases` writes about one instance, by name."""
    named = {one.name: one for one in every_instance("small") if one.name == instance}
    with engine_of(engine) as opened_engine:
        hello = hello_of(opened_engine)
        found = compare_orders(opened_engine, hello, list(named.values()))
        made = list(order_cases(opened_engine, hello, found, named, "fateline orders"))
    return {one.name: json.loads(json.dumps(one.document)) for one in made}


def pair_of(engine: str, instance: str, kind: str, folder: Path) -> list[Case]:
    """The first two orders of a kind, written and read as a person would."""
    chosen = [
        (name, document) for name, document in cases_of(engine, instance).items() if name.startswith(f"{kind}-000")
    ]
    return [read_case(write_case(folder, name, document)) for name, document in chosen]


def written(play: Play, folder: Path) -> Path:
    file = folder / "page.html"
    file.write_text(page(play), encoding="utf-8")
    return file


def kept_case(name: str) -> Case:
    document = read_cases()[name]
    return Case(document, str(document["machine"]), str(document["instance"]), "", ())


# ------------------------------------------------------------------------------------------------- without a browser


def test_two_orders_that_the_law_ends_differently_are_said_to_end_differently(tmp_path: Path) -> None:
    play = play_of_pair(pair_of("reference", DECIDED, "decides", tmp_path))
    assert [end.title for end in play.ends] == ["A: the law", "B: the law"], "the engine ends as the law"
    first, second = (end.fates for end in play.ends)
    differ = {token for token in first if first[token] != second.get(token)}
    assert differ == {"0/b", "0/c"}
    assert first["0/b"] == second["0/c"] == "coalesced"


def test_an_engine_that_lets_the_order_decide_has_an_end_beside_that_of_the_law(tmp_path: Path) -> None:
    play = play_of_pair(pair_of("zoo:quorum-off-by-one", QUORUM, "differ", tmp_path))
    law_a, engine_a, law_b, engine_b = (end.fates for end in play.ends)
    assert law_a == law_b, "the law has one end"
    assert engine_a["0/b"].startswith("failed")
    assert engine_b["0/a"].startswith("failed")
    marks = {mark for line in play.tables["lines"] for step in line["line"] for *_, mark in step["rows"]}
    assert marks == {"", "missing", "not in the law", "differs"}


def test_a_case_of_an_order_is_replayed_and_the_law_is_named(tmp_path: Path) -> None:
    chosen = cases_of("zoo:quorum-off-by-one", QUORUM)
    name, document = next((name, one) for name, one in chosen.items() if name.startswith("differ-000-a"))
    path = write_case(tmp_path, name, document)
    wrong = CliRunner().invoke(main, ["replay", str(path), "zoo:quorum-off-by-one"])
    assert (wrong.exit_code, "C3" in wrong.output) == (1, True), wrong.output
    assert CliRunner().invoke(main, ["replay", str(path), "reference"]).exit_code == 0


def test_two_cases_of_a_pipeline_are_played_whatever_rows_and_crashes_they_have(tmp_path: Path) -> None:
    names = [name for name, one in read_cases().items() if one["machine"] == "pipeline" and one["instance"] == "line"]
    first, second = kept_case(names[0]), kept_case(names[1])
    play = play_of_pair([first, second])
    assert [len(line["line"]) for line in play.tables["lines"]] == [
        len(one.document["steps"]) for one in (first, second)
    ]
    for line in play.tables["lines"]:
        at = 0
        for step in line["line"]:
            _, at = play.tables["states"][at][3][step["edge"]]


@pytest.mark.parametrize(
    "words, says",
    [
        (["a", "b", "c"], "a page has one, or two side by side"),
        (["a", "b", "--states", "9"], "leave --states out"),
        (["a", "other"], "not of the same pipeline"),
    ],
)
def test_what_cannot_stand_side_by_side_is_refused_with_the_reason(words: list[str], says: str, tmp_path: Path) -> None:
    documents = read_cases()
    other = next(one for one in documents.values() if one["instance"] == "quarantine")
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(json.dumps(documents[LATE]), encoding="utf-8")
    (tmp_path / "other").write_text(json.dumps(other), encoding="utf-8")
    given: list[str] = []
    for word in words:
        given += ["--case", str(tmp_path / word)] if (tmp_path / word).exists() else [word]
    done = CliRunner().invoke(main, ["explore", *given, "--output", str(tmp_path / "page.html")])
    assert done.exit_code == 3
    assert says in done.output
    assert not (tmp_path / "page.html").exists()


def test_the_records_of_the_law_and_of_the_engine_are_paired_and_marked() -> None:
    play = play_of(line_of_case(kept_case(LATE)), 40)
    records = play.tables["records"]
    rows = [
        (*(records[place][0] if place >= 0 else None for place in row[:2]), row[2])
        for row in play.tables["lines"][0]["line"][-1]["rows"]
    ]
    assert rows == [("visits", "visits", ""), ("outcomes", None, "missing")]


# ------------------------------------------------------------------------------------------------- in a browser

STEPS = """
const seen = [];
const note = () => seen.push([document.getElementById("where").textContent, location.hash,
  ...["", "-b"].map((end) => [...document.querySelectorAll(`#steps${end} li`)].map((one) => one.textContent)),
  document.getElementById("spoken").textContent]);
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
note();
document.getElementById("forward").click(); note();
press("ArrowRight"); note();
press("ArrowLeft"); note();
document.querySelector("#steps-b button").click(); note();
press("Home"); note();
const places = ["#pane", "#pane-b"].map((one) => document.querySelector(one).getBoundingClientRect());
const out = document.createElement("pre");
out.id = "walked";
out.textContent = JSON.stringify([seen, places.map((one) => [one.left, one.top]),
  document.documentElement.scrollWidth - document.documentElement.clientWidth]);
document.body.append(out);
"""


@needs_browser
@pytest.mark.parametrize("size", ["1400,900", "390,844"])
def test_one_control_moves_both_sides_which_stack_on_a_phone(size: str, tmp_path: Path) -> None:
    cases = pair_of("reference", DECIDED, "decides", tmp_path)
    said = [[step["says"] for step in case.document["steps"]] for case in cases]
    seen, ((left, top), (left_b, top_b)), too_wide = json.loads(
        with_script(written(play_of_pair(cases), tmp_path), STEPS, size=size)
    )
    for place, (own, taken) in enumerate(zip(seen, (0, 1, 2, 1, 1, 0), strict=True)):
        assert own[:4] == [f"step {taken} of 3", f"#{taken}" if place else "", said[0][:taken], said[1][:taken]]
    assert all(part in seen[2][4] for part in ("Step 2, ", said[0][1], said[1][1]))
    assert (top == top_b, left == left_b) == ((True, False) if size.startswith("1400") else (False, True))
    assert too_wide <= 0


@needs_browser
def test_what_differs_between_the_sides_is_marked_there_and_nowhere_else(tmp_path: Path) -> None:
    play = play_of_pair(pair_of("reference", DECIDED, "decides", tmp_path))
    script = """
    const marked = [...document.querySelectorAll("#lineage .beside > div:first-child li > span")]
      .filter((one) => one.querySelector(".unlike")).map((one) => one.querySelector("b").textContent);
    const out = document.createElement("pre");
    out.id = "walked";
    out.textContent = JSON.stringify(marked);
    document.body.append(out);
    """
    marked = json.loads(with_script(written(play, tmp_path), script, size="1400,900", fragment="#3"))
    first, second = (end.fates for end in play.ends)
    unlike = {token for token in first if first[token] != second.get(token)}
    assert set(marked) == unlike | {"0/j"}, "the merged token has other parents"


@needs_browser
def test_an_engine_stands_beside_the_law_with_the_difference_in_its_place(tmp_path: Path) -> None:
    play = play_of(line_of_case(kept_case(LATE)), 40)
    edges = [one["edge"] for one in play.tables["lines"][0]["line"]]
    script = """
    const lists = [...document.querySelectorAll("#step .beside > div")].map((one) =>
      [one.querySelector("h3").textContent, [...one.querySelectorAll("li")].map((li) => [li.className, li.textContent])]);
    const lineages = [...document.querySelectorAll("#lineage .beside > div")].map((one) =>
      [...one.querySelectorAll("li > span")].map((li) => li.textContent));
    const out = document.createElement("pre");
    out.id = "walked";
    out.textContent = JSON.stringify([lists, lineages]);
    document.body.append(out);
    """
    fragment = "#" + ".".join(map(str, edges))
    lists, (law, engine) = json.loads(with_script(written(play, tmp_path), script, size="1400,900", fragment=fragment))
    (law_title, (visit, fate)), (engine_title, (own_visit, own_fate)) = lists
    assert (law_title, engine_title) == ("The law", f"zoo:{LATE} 0")
    assert [visit[0], fate[0], own_visit[0], own_fate] == ["", "marked", "", ["marked", "outcomes missing"]]
    assert "late_arrival_after_failure" in fate[1]
    assert "0/a failed, late_arrival_after_failure differs" in law
    assert "0/a no fate yet differs" in engine
    seen = Texts(opened(written(play, tmp_path), "#" + ".".join(map(str, edges[:-1]))))
    assert "marked" not in seen.by_id["spoken"]


@needs_browser
def test_each_side_has_names_for_everything_that_can_be_used(tmp_path: Path) -> None:
    seen = Texts(opened(written(play_of_pair(pair_of("reference", DECIDED, "decides", tmp_path)), tmp_path), "#2"))
    ids = [own["id"] for _, own in seen.tags if own.get("id")]
    assert len(ids) == len(set(ids)), "no id twice"
    for tag, own in seen.tags:
        if tag in ("section", "article") and own.get("id") != "ends":
            assert own.get("aria-label") or own.get("aria-labelledby") in ids
