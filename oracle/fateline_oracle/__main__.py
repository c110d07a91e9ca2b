"""``python -m fateline_oracle``: the same command line as ``fateline``, and nothing more."""

from fateline_oracle.cli import main

main(prog_name="fateline")
