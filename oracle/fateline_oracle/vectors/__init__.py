"""Vectors: sequences of stimuli, each with what the law records or the rule by which it refuses.

`make.py` makes them from the law, `store.py` writes and reads them, `run.py` runs them on an engine. They are published
in `specs/vectors/` and are part of the wheel. Not here: driving an engine through a graph (`conform/`), which checks
more.
"""
