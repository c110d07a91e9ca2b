"""The judge: engines held against the law, one stimulus at a time.

`port.py` says what an engine must offer, `names.py` derives the names of the law from an engine's records, `compare.py`
holds what an engine wrote against what the law writes, `lockstep.py` steps both side by side, `walk.py` chooses the
stimuli, and `reference.py` is the reference engine's adapter, written like anybody else's against its views. Not here:
the law, and any engine.
"""
