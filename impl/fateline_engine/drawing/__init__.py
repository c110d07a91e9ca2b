"""Drawing: a pipeline as Mermaid text or as an SVG of our own.

What it is not: the picture of a run. What is drawn is what runs, because both are the same graph.
"""

from fateline_engine.drawing.mermaid import mermaid
from fateline_engine.drawing.svg import svg

__all__ = ["mermaid", "svg"]
