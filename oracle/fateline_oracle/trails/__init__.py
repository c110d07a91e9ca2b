"""Records at rest, checked by stepping them through the law.

`reader.py` reads a trail, `pipeline.py` the pipeline that it is a run of, `reconstruct.py` finds the stimuli that its
records imply, `accept.py` steps them and consumes the records to the last one, `check.py` does so for a whole trail, and
`diff.py` compares two trails. Rows are stepped one by one, and those that share a batch together, so the work grows with the
trail and not with its square. Not here: the laws, and the same laws as queries (`audit/`).
"""
