"""Drives engines through the graphs of the law, and concludes whether they keep it.

Which steps exist: `explore.py`, `edge_cover.py`. One step in the law and in the engine: `lockstep.py`. Whole graphs:
`batch_driver.py` for pipelines, `machine_driver.py` with `barrier_driver.py` and `lifecycle_driver.py` for the two
small machines, `free_run.py` for engines that keep their own schedule. Results: `instance.py`, `machine_instance.py`,
`campaign.py`, `verdict.py`, `result.py`. One case: `shrink.py`, `replay.py`. Random walks: `fuzz.py`. Not here: the
law, and any engine.
"""
