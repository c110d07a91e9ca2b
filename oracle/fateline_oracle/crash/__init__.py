"""Crash testing: an engine is stopped at every write boundary, and what remains and what resumes from it is checked.

`scenarios.py` makes the scenarios: walks that together take every step of a local graph, each to the end of its run.
`instance.py` runs them, restores each distinct crash state and resumes it. `check.py` compares both with the law.
`campaign.py` does so for a scope in several processes, `kill.py` kills real processes that run the example pipelines,
`verdict.py` concludes, `shard_results.py` carries results between machines. Not here: the laws, and any engine.
"""
