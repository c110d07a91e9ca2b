"""The engine: a real, small, durable engine that keeps an audit trail in SQLite.

What it is: the reference engine. It runs pipelines that fork and join rows, survives a crash, and its
database refuses what the law forbids.

What it is not: derived from the law. It was written from the text in ``specs/`` alone and imports neither
``fateline_model`` nor ``fateline_oracle``, so that where the two agree the agreement means something. A
helper that both seem to need is written twice.
"""
