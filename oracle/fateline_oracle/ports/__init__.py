"""What an engine offers to be checked, and what stands between it and the judge.

The ports and what an engine declares: `port.py`. Nothing an adapter answers is believed before `validate.py` has looked
at it. Engines in other languages: `messages.py`, `process.py`, `process_engine.py`. What an engine does otherwise on
purpose: `profile.py`. Not here: any engine, and whether an answer is lawful.
"""
