"""The judge: finds out whether an engine, or a trail at rest, keeps the law, and shows why.

It knows the law (`fateline_model`) and meets engines, in any language, through ports. The reference engine is one
engine among others. It has the command line `fateline`. Where it checks by other means than stepping the model (SQL
over an audit database, symbolic proof), tests hold these equal to the model. Not here: a second law.
"""
