"""`python -m fateline_engine`: the engine's own command line."""

from fateline_console.start import start

start("fateline_engine.cli:commands", "python -m fateline_engine")
