"""What a test suite of one's own imports: `class TestMyEngine(fateline.Conformance): engine = "module:factory"`.

Not here: anything else. The command line is `fateline`, the packages behind it are `fateline_model`, `fateline_engine` and
`fateline_oracle`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fateline_oracle.plugin import Conformance as Conformance

__all__ = ["Conformance"]


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: it needs pytest, and the judge."""
    if name != "Conformance":
        raise AttributeError(f"module 'fateline' has no attribute {name!r}")
    from fateline_oracle.plugin import Conformance

    return Conformance
