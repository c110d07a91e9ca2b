"""The law: what may happen to a token, as a deterministic machine.

What it is: pure Python over flat frozen data. Given a pipeline, a state and a stimulus, it says which state
follows and which records must be written, or refuses and names the rule. Every choice that a real engine
makes (scheduling, what a plugin answers, deadlines, crashes) is a stimulus, so exploring the law is
enumerating stimuli and judging a log is stepping through it.

What it is not: an engine. It reads no clock, draws no random number, does no input or output, needs nothing
but the standard library, and imports neither ``fateline_engine`` nor ``fateline_oracle``. Only its checker
may use NumPy, when that is there.
"""
