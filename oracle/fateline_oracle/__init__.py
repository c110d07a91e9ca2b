"""The judge: says whether an engine, or a trail at rest, keeps the law, and shows why.

What it is: the part that knows the law (``fateline_model``) and meets engines, in any language, through
ports; the reference engine is one engine among others. It holds the command line, ``fateline``.

What it is not: a second law. Where it judges by other means than stepping the model (SQL over an audit
database, symbolic proof), those are held equal to the model by tests.
"""
