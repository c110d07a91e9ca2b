"""Tracing: a span a verdict, linked along the line of a token."""

import json
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fateline_engine import otel
from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.otel import SpanFactory, TracedProduction
from fateline_engine.plugins.registry import bind
from fateline_engine.settings import Pipeline, read_pipeline


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"n": n}) + "\n" for n in (1, 0)))
    nodes = [
        {"name": "s", "kind": "source", "to": "g", "plugin": "jsonl", "options": {"path": "in.jsonl"}},
        {"name": "g", "kind": "gate", "when": "'x'", "routes": {"x": "fork"}, "fork": {"a": "t", "b": "agg"}},
        {"name": "t", "kind": "transform", "to": "o", "plugin": "derive", "options": {"fields": {"m": "1 / n"}}},
        {"name": "agg", "kind": "aggregation", "to": "o", "plugin": "statistics"},
        {"name": "o", "kind": "sink", "plugin": "jsonl", "options": {"path": "out.jsonl"}},
    ]
    return read_pipeline({"name": "p", "nodes": nodes}, file=str(tmp_path / "p.yaml"))


def traced(pipeline: Pipeline) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    plugins = bind(pipeline)
    script = TracedProduction(plugins, SpanFactory(provider.get_tracer("test")))
    with Landscape.open(":memory:") as landscape:
        assert Orchestrator(pipeline, landscape, plugins=plugins, script=script).run().finished
    return list(exporter.get_finished_spans())


def test_each_verdict_is_a_span_that_names_node_and_token(pipeline: Pipeline) -> None:
    spans = traced(pipeline)
    visits = {
        (span.attributes["fateline.node"], span.attributes["fateline.token"]): span
        for span in spans
        if span.name == "fateline.visit" and span.attributes is not None
    }
    assert set(visits) == {("g", "0:0"), ("t", "0:1"), ("o", "0:1"), ("g", "1:0"), ("t", "1:1"), ("o", "0:3")}
    (batch,) = [span for span in spans if span.name == "fateline.batch"]
    assert dict(batch.attributes or {}) == {"fateline.node": "agg", "fateline.batch": 0, "fateline.members": 2}
    failed = visits["t", "1:1"]
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "m: column 3: / by zero")
    assert (failed.attributes or {})["fateline.verdict"] == "failure"


def test_spans_are_linked_along_the_line_of_a_token(pipeline: Pipeline) -> None:
    visits = {
        (str((span.attributes or {}).get("fateline.node")), str((span.attributes or {}).get("fateline.token"))): span
        for span in traced(pipeline)
    }

    def links(node: str, token: str) -> list[object]:
        return [link.context.span_id for link in visits[node, token].links]

    assert links("g", "0:0") == []
    assert links("t", "0:1") == [visits["g", "0:0"].context.span_id]
    assert links("o", "0:1") == [visits["t", "0:1"].context.span_id]


def test_memory_does_not_grow_with_the_run(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otel, "_REMEMBERED", 1)
    script = TracedProduction(bind(pipeline), SpanFactory())
    script._remember((0, 0), object())
    script._remember((1, 0), object())
    assert list(script._last) == [(1, 0)]
    assert len(traced(pipeline)) == 7
