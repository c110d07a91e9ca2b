"""`python -m fateline_engine`: the engine's own command line."""

from fateline_engine.cli import main

main()
