"""The engine: a real, small, durable engine that keeps an audit trail in SQLite.

It is the reference engine. It runs pipelines that fork and join rows, it survives a crash, and its database refuses what
the law forbids. It was written from the text in `specs/` alone and imports neither `fateline_model` nor
`fateline_oracle`, so that where engine and law agree, the agreement means something. A helper that both seem to need is
written twice. Not here: the law, and any judgement.
"""
