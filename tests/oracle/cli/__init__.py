"""Tests of `fateline_oracle.cli`."""
