"""Acceptance: whole runs and trails at rest, judged by stepping what they tell through the law.

`trail.py` reads a trail, `settings.py` the pipeline that it was a run of, `rebuild.py` finds the stimuli that its records
tell of, and `accept.py` steps them and consumes the records to the last. Rows are judged one by one, those that met in a
batch together, so the work grows with the trail and not with its square. Not here: the laws.
"""
