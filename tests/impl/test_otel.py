"""Spans: recorded where a provider is, and nothing at all where none is."""

import sys
from unittest.mock import patch

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fateline_engine.otel import NO_SPAN, SpanFactory


def test_without_a_provider_a_span_is_one_object_that_does_nothing() -> None:
    factory = SpanFactory.configured()
    with factory.span("visit", {"node": "x"}, links=[object()]) as span:
        span.set("rows", 3)
        span.fail("no")
        assert span is NO_SPAN
        assert span.reference is None
    assert not factory.recording


def test_without_opentelemetry_it_still_works() -> None:
    with patch.dict(sys.modules, {"opentelemetry": None}):
        assert not SpanFactory.configured().recording


def test_with_a_provider_spans_nest_and_link() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with patch("opentelemetry.trace.get_tracer_provider", return_value=provider):
        factory = SpanFactory.configured()
    assert factory.recording
    with factory.span("row", {"row": 3}) as row:
        pass
    with factory.span("merge"), factory.span("visit", links=[row.reference, None]) as visit:
        visit.set("node", "j")
        visit.fail("branch_lost")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"fateline.row", "fateline.merge", "fateline.visit"}
    inner = spans["fateline.visit"]
    assert dict(spans["fateline.row"].attributes or {}) == {"fateline.row": 3}
    assert dict(inner.attributes or {}) == {"fateline.node": "j"}
    assert (inner.status.status_code, inner.status.description) == (StatusCode.ERROR, "branch_lost")
    assert [link.context for link in inner.links] == [row.reference]
    assert inner.parent is not None
    assert inner.parent.span_id == spans["fateline.merge"].context.span_id
