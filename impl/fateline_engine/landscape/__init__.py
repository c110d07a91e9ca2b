"""The landscape: the engine's audit database.

What it is: the face of the package. ``Landscape.open(path)`` gives the file, ``LandscapeRecorder`` writes one run's
trail into it, ``GUARDS`` lists what the database refuses whoever asks.

What it is not: the law. It was written from the same text and agrees with it, or one of the two is wrong.
"""

from fateline_engine.landscape.guards import GUARDS, Guard
from fateline_engine.landscape.recorder import LandscapeRecorder, Resolution
from fateline_engine.landscape.store import APPLICATION_ID, SCHEMA_VERSION, Landscape

__all__ = ["APPLICATION_ID", "GUARDS", "SCHEMA_VERSION", "Guard", "Landscape", "LandscapeRecorder", "Resolution"]
