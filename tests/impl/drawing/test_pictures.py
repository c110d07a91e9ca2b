"""Pictures of pipelines: well-formed, complete, and safe whatever the pipeline says."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from fateline_engine.drawing import mermaid, svg
from fateline_engine.drawing.labels import caption
from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import load_pipeline, read_pipeline

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/pipeline.yaml"))
SVG = "{http://www.w3.org/2000/svg}"

NASTY = {
    "name": 'a <b> & "c"',
    "nodes": [
        {"name": "s", "kind": "source", "to": "g", "plugin": "x:<script>alert(1)</script>"},
        {
            "name": "g",
            "kind": "gate",
            "when": "a < 3 and b == '\"|;`#'",
            "routes": {"true": "o", "false": "fork"},
            "fork": {"l": "j", "r": "j"},
            "on_error": "o",
        },
        {"name": "j", "kind": "coalesce", "branches": ["l", "r"], "policy": "quorum", "quorum_count": 1, "to": "b"},
        {"name": "b", "kind": "aggregation", "to": "o", "count": 3, "timeout_seconds": 1.5},
        {"name": "o", "kind": "sink"},
    ],
}


def graph_of(data: object) -> ExecutionGraph:
    return ExecutionGraph.build(read_pipeline(data))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.parent.name)
def test_an_svg_has_every_box_every_edge_and_nothing_from_elsewhere(file: Path) -> None:
    graph = ExecutionGraph.build(load_pipeline(file))
    text = svg(graph)
    root = ElementTree.fromstring(text)
    names = [item.text for item in root.iter(f"{SVG}text") if item.get("class") == "name"]
    edges = [item for item in root.iter(f"{SVG}path") if str(item.get("class")).startswith("edge")]
    labels = [item.text for item in root.iter(f"{SVG}text") if item.get("class") == "label"]
    assert sorted(map(str, names)) == sorted(graph.nodes)
    assert len(edges) == len(graph.edges)
    number = r"-?\d+\.\d"
    for item in edges:
        assert re.fullmatch(rf"M{number} {number}( C{number}( {number}){{5}})+", str(item.get("d")))
    dashed = [item.get("class") == "edge error" for item in edges]
    assert dashed == [edge.label == "on_error" for edge in graph.edges]
    assert labels == [edge.label for edge in graph.edges if edge.label != "continue"]
    assert text.count("http") == 1, "only the name of the language"
    assert svg(graph) == text


def test_what_a_pipeline_says_cannot_break_out_of_the_picture() -> None:
    graph = graph_of(NASTY)
    root = ElementTree.fromstring(svg(graph))
    assert not list(root.iter(f"{SVG}script"))
    assert root.get("aria-label") == 'a <b> & "c"'
    for line in mermaid(graph).splitlines()[1:]:
        assert line.count('"') in (0, 2)
        assert "<script" not in line


def test_mermaid_has_a_line_for_every_node_and_edge() -> None:
    assert mermaid(graph_of(NASTY)).splitlines() == [
        "flowchart LR",
        '    n0(["s<br><small>source: x:#60;script#62;alert(1)#60;#47;scrip#8230;</small>"])',
        '    n1{{"g<br><small>gate: a #60; 3 and b #61;#61; #39;#34;#124;#59;#96;#35;#39;</small>"}}',
        '    n2[\\"j<br><small>coalesce: 1 of 2, union</small>"/]',
        '    n3[["b<br><small>batch: count 3 or 1.5 s</small>"]]',
        '    n4[("o<br><small>sink</small>")]',
        "    n0 --> n1",
        '    n1 -->|"true"| n4',
        '    n1 -->|"l"| n2',
        '    n1 -->|"r"| n2',
        '    n1 -.->|"on_error"| n4',
        "    n2 --> n3",
        "    n3 --> n4",
    ]


def test_a_caption_tells_what_is_particular() -> None:
    pipeline = read_pipeline(
        {
            "name": "p",
            "nodes": [
                {"name": "s", "kind": "source", "to": "t"},
                {"name": "t", "kind": "transform", "to": "g", "expands": True, "plugin": "explode"},
                {"name": "g", "kind": "gate", "routes": {"x": "fork"}, "fork": {"a": "j", "b": "j"}},
                {
                    "name": "j",
                    "kind": "coalesce",
                    "branches": ["a", "b"],
                    "merge": "select",
                    "select_branch": "a",
                    "to": "b",
                },
                {"name": "b", "kind": "aggregation", "to": "o", "condition": "batch_count > 12345 or batch_count > 3"},
                {"name": "o", "kind": "sink", "plugin": "csv"},
            ],
        }
    )
    assert [caption(node) for node in pipeline.nodes] == [
        "source",
        "explode (expands)",
        "gate",
        "coalesce: require_all, select a",
        "batch: batch_count > 12345 or bat…",
        "sink: csv",
    ]


def test_a_name_of_any_length_stays_in_its_box_and_can_be_read_whole() -> None:
    long = "from_the_old_system_" + "w" * 44
    data = {"name": "p", "nodes": [{"name": "s", "kind": "source", "to": long}, {"name": long, "kind": "sink"}]}
    root = ElementTree.fromstring(svg(graph_of(data)))
    box = next(item for item in root.iter(f"{SVG}rect") if item.get("data-node") == long)
    name = next(item for item in root.iter(f"{SVG}text") if "old_system" in str(item.text))
    assert len(str(name.text)) < 40
    assert name.findtext(f"{SVG}title") == long
    right = float(str(box.get("x"))) + float(str(box.get("width")))
    assert float(str(name.get("x"))) + float(str(name.get("textLength"))) <= right - 8
    short = next(item for item in root.iter(f"{SVG}text") if item.text == "s")
    assert short.get("textLength") is None
    assert short.find(f"{SVG}title") is None
