"""Crashes an engine at every write boundary, and judges what is left and what becomes of it.

`scenarios.py` says what is run: walks that between them take every step of a local graph, each to the end of its run.
`instance.py` runs them, falls back to every distinct leftover and resumes; `judging.py` holds both against the law.
`campaign.py` does so for a scope in several processes, `kills.py` kills real processes that run the example pipelines,
`children.py` are those processes. Not here: the laws, and any engine.
"""
