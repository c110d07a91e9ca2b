"""The explorer shows what the law says: in its tables, and in a browser, state by state. What comes from outside stays text."""

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from fateline_model import LAWS
from fateline_model.checker.scopes import instances
from fateline_model.checker.systems import PipelineSystem
from fateline_oracle.conform.replay import Case
from fateline_oracle.render.explorer.lines import Line, Play, line_of_case, play_of, tables_of
from fateline_oracle.render.explorer.page import page
from fateline_oracle.render.explorer.tables import BEYOND
from tests.oracle.render.chromium import Texts, needs_browser, opened, with_script
from tests.oracle.render.the_law_asked import Shown, differences, of_tables

NESTED = "nested outer=best_effort inner=first"
SMALL = "untimed diamond policy=first timed=False"
WALKED = (
    SMALL,
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in (
            "retries attempts=3",
            "nested outer=require_all inner=first merge=union:fail",
            "leaving policy=require_all",
            "two batches",
            "batch in branch policy=require_all",
        )
    ),
)
HOSTILE = "</script><script>document.title = 'broken'</script><img src=x onerror=\"document.title = 'broken'\">'&"


@cache
def instance_called(name: str) -> tuple[PipelineSystem, dict[str, Any]]:
    instance = next(one for one in instances("standard") if one.name == name)
    assert isinstance(instance.system, PipelineSystem)
    return instance.system, dict(instance.document or {})


def tables_called(name: str, limit: int = 10_000) -> dict[str, Any]:
    """The tables of an instance, as a page has them."""
    made: dict[str, Any] = json.loads(
        json.dumps(tables_of(Line(instance_called(name)[0], (), (), "", name, ""), limit)[0])
    )
    return made


def written(folder: Path, name: str, tables: dict[str, Any]) -> Path:
    file = folder / "page.html"
    file.write_text(page(Play(name, "", instance_called(name)[1], tables)), encoding="utf-8")
    return file


# ------------------------------------------------------------------------------------------------- without a browser


@pytest.mark.parametrize("name", [*WALKED, pytest.param(NESTED, marks=pytest.mark.slow)])
def test_the_tables_are_the_law_in_every_state(name: str) -> None:
    shown = of_tables(tables_called(name))
    assert len(shown) > 50
    assert differences(instance_called(name)[0], shown) == []


@pytest.mark.parametrize(
    "what",
    [
        "a target",
        "a lawful stimulus",
        "a refusal",
        "a rule",
        "a record",
        "a law",
        "how a token stands",
        "a state too many",
    ],
)
def test_the_comparison_notices_a_change_of(what: str) -> None:
    tables = tables_called(SMALL)
    if what == "a target":
        tables["states"][1][3][0][1] = 1
    elif what == "a lawful stimulus":
        tables["states"][1][3].pop()
    elif what == "a refusal":
        tables["states"][1][4].pop()
    elif what == "a rule":
        tables["refused"][0][1] = "no_frame"
    elif what == "a record":
        tables["records"][0][1] += "!"
    elif what == "a law":
        tables["steps"][3][3].pop()
    elif what == "how a token stands":
        tables["tokens"][1][3] = "is elsewhere"
    else:
        tables["states"].append(tables["states"][0])
    assert differences(instance_called(SMALL)[0], of_tables(tables)) != []


def test_a_bound_is_said_and_what_is_within_it_is_the_law() -> None:
    system, _ = instance_called(NESTED)
    tables, reached = tables_of(Line(system, (), (), "", NESTED, ""), 100)
    assert reached
    assert len(tables["states"]) == 100
    assert any(target == BEYOND for *_, edges, _ in tables["states"] for _, target in edges)
    assert differences(system, of_tables(json.loads(json.dumps(tables)))) == []
    assert not tables_of(Line(system, (), (), "", NESTED, ""), 10_000)[1]


def test_a_nested_pipeline_takes_less_than_two_megabytes(tmp_path: Path) -> None:
    assert written(tmp_path, NESTED, tables_called(NESTED)).stat().st_size < 2_000_000


def hostile_case() -> Case:
    """A case in which every text that an engine chooses is an attack."""
    _, document = instance_called(SMALL)
    record = {"rec": "tokens", "token": HOSTILE, "row": HOSTILE, "group": HOSTILE}
    steps = [
        {"says": HOSTILE, "stimulus": {"do": "read", "row": 0, "verdict": "valid"}, "records": [record]},
        {
            "says": HOSTILE,
            "stimulus": {"do": "finish", "token": HOSTILE, "verdict": HOSTILE},
            "records": [{"rec": HOSTILE}],
        },
    ]
    attacked: dict[str, Any] = {"steps": steps, "title": HOSTILE, "pipeline": {**document, "name": HOSTILE}}
    attacked |= {"laws": [["F1", HOSTILE]], "engine": {"name": HOSTILE, "version": HOSTILE}, "differences": [HOSTILE]}
    return Case(attacked, "pipeline", HOSTILE, HOSTILE, ("F1",))


def hostile_page(folder: Path) -> tuple[Path, str]:
    """The page of that case, and the link to its end."""
    line = line_of_case(hostile_case())
    file = folder / "page.html"
    tables, _ = tables_of(line, 60)
    file.write_text(page(Play(line.title, line.about, line.document, tables, (HOSTILE,))), encoding="utf-8")
    return file, "#" + ".".join(str(one["edge"]) for one in tables["lines"][0]["line"])


def test_no_text_from_outside_becomes_html(tmp_path: Path) -> None:
    seen = Texts(hostile_page(tmp_path)[0].read_text(encoding="utf-8"))
    assert seen.scripts == 2
    assert all(tag != "img" for tag, _ in seen.tags)
    assert json.loads(seen.by_id["tables"])["steps"]


def test_the_script_makes_text_of_everything_and_fetches_nothing() -> None:
    script = files("fateline_oracle.render.explorer").joinpath("page.js").read_text(encoding="utf-8")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval",
        "fetch",
        "XMLHttpRequest",
        "import(",
    ):
        assert word not in script
    assert re.findall(r"https?://[^\"]*", script) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("machine", ["barrier", "lifecycle"])
def test_a_case_of_a_small_machine_is_played(machine: str) -> None:
    instance = [one for one in instances("small") if one.machine == machine][-1]
    state, says = instance.system.first(), list[str]()
    for _ in range(3):
        taken = next(one for one in instance.system.attempts(state) if one.after not in (None, state))
        assert taken.after is not None
        state = taken.after
        says.append(str(taken.stimulus))
    steps = [{"says": said, "stimulus": {}, "records": []} for said in says]
    case = {"title": "a case", "pipeline": None, "laws": [["F1", "two fates"]], "steps": steps}
    play = play_of(line_of_case(Case(case, machine, instance.name, "", ("F1",))), 40)
    at = 0
    for said, one in zip(says, play.tables["lines"][0]["line"], strict=True):
        place, at = play.tables["states"][at][3][one["edge"]]
        assert play.tables["steps"][place][0] == said
    assert "F1" in play.tables["laws"]
    assert page(play)


# ------------------------------------------------------------------------------------------------- in a browser


class WalkFailed(Exception):
    """A browser met something on the page that contradicts itself."""


def walked(file: Path) -> dict[int, Shown]:
    """What a browser shows in every state of a page, walked by its buttons."""
    told = with_script(file, (Path(__file__).parent / "walker.js").read_text(encoding="utf-8"))
    if not told.startswith("{"):
        raise WalkFailed(told[:2000])
    shown = {}
    for number, one in json.loads(told).items():
        lawful = {said: (to, records, laws) for said, to, records, laws in one["lawful"]}
        shown[int(number)] = Shown(lawful, one["refused"], one["tokens"])
    return shown


@needs_browser
@pytest.mark.parametrize("name", WALKED)
def test_a_browser_shows_the_law_in_every_state(name: str, tmp_path: Path) -> None:
    tables = tables_called(name)
    shown = walked(written(tmp_path, name, tables))
    assert len(shown) == len(tables["states"])
    system, _ = instance_called(name)
    # the page groups what is lawful by its kind
    assert differences(system, {number: by_kind_of_the_law(shown[number], tables, number) for number in shown}) == []


def by_kind_of_the_law(one: Shown, tables: dict[str, Any], number: int) -> Shown:
    """What is shown, in the order in which the law is asked."""
    order = [tables["steps"][place][0] for place, _ in tables["states"][number][3]]
    if sorted(order) != sorted(one.lawful):
        return one
    return one._replace(lawful={stimulus: one.lawful[stimulus] for stimulus in order})


MISTAKES = {
    "another rule": ("", ""),
    "a choice left out": (
        "function showLawful(edges, next) {",
        "function showLawful(edges, next) { edges = edges.slice(1);",
    ),
    "a record left out": ("list(places.map(", "list(places.slice(1).map("),
    "a refusal left out": (
        "function showRefused(refused) {",
        "function showRefused(refused) { refused = refused.slice(1);",
    ),
    "another state": ("  function take(place) {", "  function take(place) { place = place && place - 1;"),
}


@needs_browser
@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[pytest.mark.slow] * (what != "another rule")) for what in MISTAKES]
)
def test_the_browser_test_notices_a_page_with(what: str, tmp_path: Path) -> None:
    tables = tables_called(SMALL)
    if what == "another rule":
        tables["refused"][0][1] = "no_frame"
        tables["rules"]["no_frame"] = ""
    right, wrong = MISTAKES[what]
    file = written(tmp_path, SMALL, tables)
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong, 1) if right else text, encoding="utf-8")
    try:
        shown = walked(file)
        ordered = {number: by_kind_of_the_law(shown[number], tables, number) for number in shown}
    except WalkFailed:
        return
    assert differences(instance_called(SMALL)[0], ordered) != []


KEYS = """
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const seen = [];
for (const key of ["1", "1", "ArrowLeft", "ArrowRight", "Home", "ArrowRight", "9", "x"]) {
  press(key);
  seen.push(`${document.querySelectorAll("#steps li").length} of ${document.getElementById("where").textContent}`);
}
const out = document.createElement("pre");
out.id = "walked";
out.textContent = JSON.stringify([seen, document.documentElement.scrollWidth - document.documentElement.clientWidth]);
document.body.append(out);
"""


@needs_browser
def test_the_keys_step_and_nothing_is_wider_than_a_phone(tmp_path: Path) -> None:
    seen, too_wide = json.loads(with_script(written(tmp_path, SMALL, tables_called(SMALL)), KEYS))
    assert [one.partition(" ")[0] for one in seen] == ["1", "2", "1", "2", "0", "1", "1", "1"]
    assert seen[4] == "0 of step 0 of 2"
    assert too_wide <= 0


@needs_browser
def test_a_link_holds_a_position_and_a_bad_one_does_no_harm(tmp_path: Path) -> None:
    tables = tables_called(SMALL)
    file = written(tmp_path, SMALL, tables)
    wanted, at = [], 0
    for edge in (0, 0, 0, 0):
        place, at = tables["states"][at][3][edge]
        wanted.append(tables["steps"][place][0])
    seen = Texts(opened(file, "#0.0.0.0"))
    assert seen.body["data-state"] == str(at)
    assert seen.by_id["steps"] == "".join(wanted)
    assert seen.by_id["where"].startswith("step 4")
    for bad in ("#99.0", "#x<script>", "#-1", "#0.0.0.99999", "#" + "0." * 5000):
        assert Texts(opened(file, bad)).body["data-state"] is not None


@needs_browser
def test_a_case_is_shown_beside_the_law_and_runs_no_script(tmp_path: Path) -> None:
    html = opened(*hostile_page(tmp_path))
    seen = Texts(html)
    assert "<title>broken" not in html
    assert all(tag != "img" for tag, _ in seen.tags)
    assert HOSTILE in seen.by_id["step"]
    assert "The law refuses it: the run has no such token (unknown_token)" in seen.by_id["step"]
    assert LAWS["F1"].sentence in seen.by_id["step"]


@needs_browser
@pytest.mark.parametrize("size", ["1400,900", "390,844"])
def test_the_page_has_names_for_everything_that_can_be_used(size: str, tmp_path: Path) -> None:
    seen = Texts(opened(written(tmp_path, SMALL, tables_called(SMALL)), "#0.0.0", size=size))
    headings = {own.get("id") for tag, own in seen.tags if tag == "h2"}
    for tag, own in seen.tags:
        if tag == "section":
            assert own.get("aria-label") or own.get("aria-labelledby") in headings
        if tag == "svg":
            assert own.get("role") == "img"
            assert own.get("aria-label")
    assert seen.by_id["spoken"].startswith("Step 3, ")
