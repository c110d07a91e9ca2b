"""Checks records at rest by stepping them through the law.

`reader.py` reads a trail, `pipeline.py` reads the pipeline that a trail records, `reconstruct.py` finds the stimuli
that the records imply, `accept.py` steps them and consumes every record, `check.py` does so for a whole trail, and
`diff.py` compares two trails. Rows are stepped one by one, and rows that share a batch together, so the work grows with
the length of the trail. Not here: the laws, and the same laws as queries (`audit/`).
"""
