"""The protocol: the four ports as one JSON object a line, so that an engine in any language can be judged.

`messages.py` declares every message once, `process.py` speaks with a process that is not trusted, `engine.py` is that process
as an engine, and `serve.py` puts an engine written in Python behind the protocol. Not here: what is asked (`judge/`).
"""
