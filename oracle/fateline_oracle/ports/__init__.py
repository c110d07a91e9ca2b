"""Defines what an engine offers to be checked, and what separates it from the judge.

The ports and what an engine declares: `port.py`. Every answer of an adapter goes through `validate.py` first. Engines
in other languages: `messages.py`, `process.py`, `process_engine.py`. What an engine deliberately does not follow:
`profile.py`. Not here: any engine, and whether an answer is lawful.
"""
