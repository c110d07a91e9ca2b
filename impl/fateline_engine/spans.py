"""``SpanFactory``: what the engine is doing, as spans for whoever traces it.

What it is: a thin door to OpenTelemetry's API. Where the API is not installed, or nobody configured a provider, spans
are one shared object that does nothing, and cost next to nothing.

What it is not: the audit trail. Spans may be sampled or lost; nothing may depend on them.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

Attributes = Mapping[str, str | int | float | bool]


class Span(Protocol):
    """One piece of work that is going on."""

    def set(self, name: str, value: str | int | float | bool) -> None:
        """Say something about it."""
        ...

    def fail(self, text: str) -> None:
        """Say that it went wrong."""
        ...

    @property
    def reference(self) -> object | None:
        """What a later span may give as a link; ``None`` if nothing is recorded."""
        ...


class _NoSpan:
    reference = None

    def set(self, name: str, value: str | int | float | bool) -> None:
        pass

    def fail(self, text: str) -> None:
        pass


NO_SPAN: Final = _NoSpan()


class _OpenTelemetrySpan:
    def __init__(self, span: Any) -> None:
        self._span = span

    def set(self, name: str, value: str | int | float | bool) -> None:
        self._span.set_attribute(f"fateline.{name}", value)

    def fail(self, text: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, text))

    @property
    def reference(self) -> object | None:
        context: object = self._span.get_span_context()
        return context


class SpanFactory:
    """Opens spans: ``with spans.span("visit", {"node": "score"}, links=[parent]) as span: …``

    ``tracer`` is OpenTelemetry's; without one nothing is recorded. Links name the spans of the tokens that a token
    continues, which for a merge are several.
    """

    def __init__(self, tracer: Any = None) -> None:
        self._tracer = tracer

    @classmethod
    def configured(cls) -> "SpanFactory":
        """A factory that records if OpenTelemetry is installed and a provider is set, and does nothing otherwise.

        A provider is set by code of this process, which has imported the API, or by an environment variable. Without
        either the API is not imported: that would take longer than a small run.
        """
        if "opentelemetry.trace" not in sys.modules and not os.environ.get("OTEL_PYTHON_TRACER_PROVIDER"):
            return cls()
        try:
            from opentelemetry import trace
        except ImportError:
            return cls()
        provider = trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
            return cls()
        return cls(provider.get_tracer("fateline_engine"))

    @property
    def recording(self) -> bool:
        return self._tracer is not None

    @contextmanager
    def span(self, name: str, attributes: Attributes | None = None, links: Iterable[object] = ()) -> Iterator[Span]:
        if self._tracer is None:
            yield NO_SPAN
            return
        from opentelemetry.trace import Link

        named = {f"fateline.{key}": value for key, value in (attributes or {}).items()}
        linked = [Link(reference) for reference in links if reference is not None]  # type: ignore[arg-type]
        with self._tracer.start_as_current_span(f"fateline.{name}", attributes=named, links=linked) as span:
            yield _OpenTelemetrySpan(span)
