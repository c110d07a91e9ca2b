"""The reference engine's adapters to the ports of the judge: they translate, and decide nothing.

Like anybody else's they read only the engine's views `trail_*`. All imports here are absolute, and of the engine and the
ports only, so that a copy of this package can stand before a copy of the engine. Not here: anything about the law.
"""
