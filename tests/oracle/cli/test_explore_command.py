"""`fateline explore` on pipelines, cases and trails, and what it says where that cannot be done."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fateline_model.checker.scopes import instance_called
from fateline_oracle.audit.any_trail import open_any
from fateline_oracle.book.landscapes import unpacked
from fateline_oracle.cli import main
from fateline_oracle.render.explorer.lines import ABSENT

PIPELINE = Path(__file__).parents[3] / "examples" / "quorum" / "pipeline.yaml"
LATE: dict[str, Any] = {
    "schema": "fateline.case/1",
    "law_version": "2",
    "title": "a row is read twice",
    "machine": "pipeline",
    "instance": "line",
    "pipeline": {
        "name": "line",
        "nodes": [{"name": "src", "kind": "source", "to": "out"}, {"name": "out", "kind": "sink"}],
    },
    "laws": [["Z1", "row 0 is read again"]],
    "steps": [
        {"says": "read(0, valid)", "stimulus": {"do": "read", "row": 0, "verdict": "valid"}, "records": []},
        {
            "says": "read(0, valid)",
            "stimulus": {"do": "read", "row": 0, "verdict": "valid"},
            "records": [{"rec": "rows", "run": "r", "row": "7"}],
        },
    ],
    "expected": "row_already_read",
    "reproduce": "fateline conform",
    "engine": {"name": "an engine", "version": "1"},
}


def asked(*words: str) -> Result:
    return CliRunner().invoke(main, ["explore", *words])


def tables_in(page: Path) -> dict[str, Any]:
    found = re.search(r'id="tables">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found is not None
    tables: dict[str, Any] = json.loads(found[1])
    return tables


def test_a_settings_file_and_an_instance_become_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = asked(str(PIPELINE), "--output", str(page), "--states", "50")
    assert done.exit_code == 0, done.output
    assert "50 states, the bound" in done.output
    assert "The page has 50 states" in page.read_text(encoding="utf-8")
    assert 'data-node="by_rules"' in page.read_text(encoding="utf-8")
    done = asked("retries attempts=3", "--output", str(page), "--crashes", "1")
    assert done.exit_code == 0, done.output
    assert "the bound" not in done.output
    assert any(step[0] == "crash()" for step in tables_in(page)["steps"])


def test_a_case_is_played_and_ends_with_what_the_law_refuses(tmp_path: Path) -> None:
    case, page = tmp_path / "case.json", tmp_path / "page.html"
    case.write_text(json.dumps(LATE), encoding="utf-8")
    assert asked("--case", str(case), "--output", str(page)).exit_code == 0
    tables = tables_in(page)
    assert tables["lines"][0]["side"] == "an engine 1"
    first, last = tables["lines"][0]["line"]
    assert first["edge"] == 0
    at = tables["states"][0][3][first["edge"]][1]
    step, target = tables["states"][at][3][last["edge"]]
    assert target == at
    assert tables["steps"][step][4] == "row_already_read"
    assert last["broken"] == [["Z1", "row 0 is read again"]]
    assert [(law, tables["records"][own][0]) for law, own, _ in last["rows"]] == [(ABSENT, "rows")]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"machine": "whole run"}, "fateline replay shows it"),
        ({"machine": "barrier", "instance": "none"}, "there is no instance 'none'"),
        ({"pipeline": {"name": "x", "nodes": []}}, "not well-formed"),
        ({"schema": "another"}, "this is not a case"),
    ],
)
def test_a_case_that_cannot_be_played_is_refused_with_the_reason(
    change: dict[str, Any], says: str, tmp_path: Path
) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps({**LATE, **change}), encoding="utf-8")
    done = asked("--case", str(case), "--output", str(tmp_path / "page.html"))
    assert done.exit_code == 3
    assert says in done.output
    assert not (tmp_path / "page.html").exists()


def test_a_row_of_another_engine_is_played_to_its_end(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with unpacked("jd_head-topology") as path:
        done = asked("--database", str(path), "--row", "3", "--output", str(page))
        assert done.exit_code == 0, done.output
        tables = tables_in(page)
        at = 0
        for one in tables["lines"][0]["line"]:
            _, at = tables["states"][at][3][one["edge"]]
        assert "completed" in tables["states"][at][0]
        assert all("differences" not in one for one in tables["lines"][0]["line"])
        assert asked("--database", str(path), "--row", "none").exit_code == 3


def test_a_row_that_the_law_does_not_accept_is_played_to_its_first_wrong_step(tmp_path: Path) -> None:
    trail, page = tmp_path / "trail.jsonl", tmp_path / "page.html"
    folder = Path(shutil.copytree(PIPELINE.parent, tmp_path / "quorum", ignore=shutil.ignore_patterns("*.db")))
    assert CliRunner().invoke(main, ["run", str(folder / "pipeline.yaml")]).exit_code == 0
    exported = CliRunner().invoke(main, ["export", str(folder / "pipeline.db"), "--output", str(trail)])
    assert exported.exit_code == 0, exported.output
    records = [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]
    hop = next(one for one in records if one["rec"] == "hops" and one.get("from_visit"))
    row = next(one["row"] for one in records if one["rec"] == "tokens" and one["token"] == hop["token"])
    hop["label"] = "elsewhere"
    trail.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    done = asked("--database", str(trail), "--row", row, "--output", str(page))
    assert done.exit_code == 0, done.output
    last = tables_in(page)["lines"][0]["line"][-1]
    assert last["broken"]
    assert any("elsewhere" in line for line in last["differences"])


def test_what_rests_on_an_inference_is_no_breach(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with unpacked("tb_head-agg") as path:
        with open_any(path) as trail:
            row = next(iter(trail.runs()[-1].rows))
        assert asked("--database", str(path), "--row", row, "--output", str(page)).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "Inferred or guessed, because not recorded: " in text
    assert "so this is no breach" in text
    assert tables_in(page)["lines"][0]["line"][-1]["differences"]
    assert tables_in(page)["lines"][0]["line"][-1]["broken"] == []


def test_a_row_that_cannot_be_stepped_is_played_by_its_records(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with unpacked("jd_head-mixed") as path:
        with open_any(path) as trail:
            run = trail.runs()[-1]
            row, records = next(iter(run.rows.items()))
        assert asked("--database", str(path), "--row", row, "--output", str(page)).exit_code == 0
    assert "The law cannot step this row" in page.read_text(encoding="utf-8")
    tables = tables_in(page)
    opened = sum(one["rec"] == "visits" and isinstance(one.get("opened"), int) for one in records)
    assert opened
    batches = {one["batch"] for one in records if one["rec"] == "members"}
    assert len(tables["lines"][0]["line"]) == len(records) + len(batches) + opened
    assert [tables["states"][place][3][0][1] for place in range(len(records))] == list(range(1, len(records) + 1))
    stands = [tables["tokens"][place] for place in tables["states"][-1][1]]
    fates = [one["outcome"] for one in records if one["rec"] == "outcomes" and one["outcome"] != "buffered"]
    assert sorted(said for *_, said in stands if "ended" in said) == sorted(f"has ended: {fate}" for fate in fates)
    assert tables["laws"] == {}


@pytest.mark.parametrize(
    "words, says",
    [
        ((), "give a PIPELINE"),
        (("--database", "x.db"), "belong together"),
        (("--case", "x", "--row", "1", "--database", "y"), "give --case alone"),
        (("no such instance",), "neither a file nor an instance"),
        (("missing.yaml",), "missing.yaml"),
        (("--case", "missing.json"), "missing.json"),
    ],
)
def test_wrong_usage_says_what_to_do(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = asked(*words, "--output", str(tmp_path / "page.html"))
    assert done.exit_code == 3
    assert says in done.output


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    done = asked("retries attempts=3", "--output", str(tmp_path / "none" / "page.html"))
    assert done.exit_code == 3
    assert "page.html: No such file" in done.output


def test_every_instance_that_the_page_about_the_explorer_names_is_one() -> None:
    page = (Path(__file__).parents[3] / "specs" / "explore.md").read_text(encoding="utf-8")
    named = re.findall(r"fateline explore '([^']*)'", page)
    assert named
    assert all(instance_called(name) is not None for name in named)
