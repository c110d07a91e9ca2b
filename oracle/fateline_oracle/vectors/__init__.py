"""Vectors: sequences of stimuli with what the law writes, or by which rule it refuses, for engines that read and compare.

`making.py` makes them from the law, `keeping.py` writes and reads them, `running.py` asks an engine. They are published in
`specs/vectors/` and lie in the wheel. Not here: engines that are driven (`judge/`), which sees more.
"""
