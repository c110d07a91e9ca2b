"""OpenTelemetry: what a run is doing, as spans for whoever traces it.

`SpanFactory` opens spans through OpenTelemetry's API. Where the API is not installed, or no provider is set, every span is
one shared object that does nothing and costs next to nothing. `TracedProduction` is production with a span for each
verdict, linked to the span that made its token. A run that nobody traces uses neither.

Not here: the audit trail. Spans may be sampled or lost; nothing may depend on them.
"""

import os
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from fateline_engine.clock import Clock
from fateline_engine.plugins import Failure
from fateline_engine.plugins.registry import Plugins
from fateline_engine.script import BatchInfo, Production, Verdict
from fateline_engine.settings import Node
from fateline_engine.tokens import TokenInfo

Attributes = Mapping[str, str | int | float | bool]


class Span(Protocol):
    """One piece of work."""

    def set(self, name: str, value: str | int | float | bool) -> None:
        """Add an attribute."""
        ...

    def fail(self, text: str) -> None:
        """Mark the span as failed."""
        ...

    @property
    def reference(self) -> object | None:
        """What a later span may use as a link; `None` if nothing is recorded."""
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
    """Opens spans: `with spans.span("visit", {"node": "score"}, links=[parent]) as span: …`

    `tracer` is OpenTelemetry's; without one nothing is recorded. Links name the spans of the tokens that a token
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


_REMEMBERED: Final = 10_000
"""Links to older tokens are left out: spans may be lost, memory must not grow with the run."""


class TracedProduction(Production):
    """`Production` in spans called `fateline.visit` and `fateline.batch`."""

    def __init__(self, plugins: Plugins | None, spans: SpanFactory, clock: Clock | None = None) -> None:
        super().__init__(plugins, clock)
        self._spans = spans
        self._last: OrderedDict[tuple[int, int], object] = OrderedDict()
        """The last span of each recent token."""

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        if isinstance(token, BatchInfo):
            attributes: Attributes = {"node": token.node, "batch": token.number, "members": len(token.rows)}
            with self._spans.span("batch", attributes) as span:
                verdict = super().verdict(node, token, attempt)
                if isinstance(verdict, Failure):
                    span.fail(verdict.error)
            return verdict
        before = token.key if token.key in self._last or token.parent is None else (token.row, token.parent)
        links = [self._last[before]] if before in self._last else []
        named: Attributes = {"node": node.name, "row": token.row, "token": token.name, "attempt": attempt}
        with self._spans.span("visit", named, links) as span:
            verdict = super().verdict(node, token, attempt)
            span.set("verdict", type(verdict).__name__.lower())
            if isinstance(verdict, Failure):
                span.fail(verdict.error)
            if span.reference is not None:
                self._remember(token.key, span.reference)
        return verdict

    def _remember(self, key: tuple[int, int], reference: object) -> None:
        self._last[key] = reference
        self._last.move_to_end(key)
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
