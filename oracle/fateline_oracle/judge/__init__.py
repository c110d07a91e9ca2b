"""The judge: engines held against the law.

What an engine offers and says of itself: `port.py`, `offered.py`, `engines.py`, `guard.py`. One step in both: `names.py`,
`compare.py`, `data.py`, `lockstep.py`, `blame.py`. Through whole graphs: `graph.py`, `tour.py`, `packed.py` for pipelines,
`beside.py` with `lifecycle.py` and `barrier.py` for the smaller machines, `whole.py` for engines that keep their own
schedule. What is concluded: `instance.py`, `small.py`, `campaign.py`, `conform.py`, `result.py`, `profile.py`, `text.py`. A
case by itself: `shrink.py`, `replay.py`. Not here: the law, and any engine.
"""
