"""Vectors: sequences of stimuli with what the law records, or by which rule it refuses.

`make.py` makes them from the law, `store.py` writes and reads them, `run.py` asks an engine. They are published in
`specs/vectors/` and are part of the wheel. Not here: engines that are driven (`conform/`), which checks more.
"""
