"""A script that traces: each verdict is a span, linked to the span that made its token.

What it is: production with a ``SpanFactory``. A run that nobody traces does not use it, and pays nothing.

What it is not: the audit trail, nor a way to change a verdict.
"""

from collections import OrderedDict
from typing import Final

from fateline_engine.clock import Clock
from fateline_engine.plugins import Failure
from fateline_engine.plugins.registry import Plugins
from fateline_engine.script import BatchInfo, Production, Verdict
from fateline_engine.settings import Node
from fateline_engine.spans import Attributes, SpanFactory
from fateline_engine.tokens import TokenInfo

_REMEMBERED: Final = 10_000
"""Links to older tokens are left out: spans may be lost, memory must not grow with the run."""


class TracedProduction(Production):
    """``Production`` in spans called ``fateline.visit`` and ``fateline.batch``."""

    def __init__(self, plugins: Plugins | None, spans: SpanFactory, clock: Clock | None = None) -> None:
        super().__init__(plugins, clock)
        self._spans = spans
        self._last: OrderedDict[tuple[int, int], object] = OrderedDict()
        """The last span of each token of late."""

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
