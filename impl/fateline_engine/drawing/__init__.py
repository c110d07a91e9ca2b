"""Drawing: a pipeline as Mermaid text or as an SVG file.

The picture is made from the graph that the engine runs. Not here: the picture of a run.
"""

from fateline_engine.drawing.mermaid import mermaid
from fateline_engine.drawing.svg import svg

__all__ = ["mermaid", "svg"]
