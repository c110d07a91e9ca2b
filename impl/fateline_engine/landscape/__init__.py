"""The landscape: the engine's audit database.

`Landscape.open(path)` gives the file, `LandscapeRecorder` writes the trail of one run into it, and `GUARDS` lists what the
database refuses, whoever writes. Not here: the law. The guards were written from the same text as the law.
"""

from fateline_engine.landscape.guards import GUARDS, Guard
from fateline_engine.landscape.recorder import LandscapeRecorder, Resolution
from fateline_engine.landscape.store import APPLICATION_ID, SCHEMA_VERSION, Landscape

__all__ = ["APPLICATION_ID", "GUARDS", "SCHEMA_VERSION", "Guard", "Landscape", "LandscapeRecorder", "Resolution"]
