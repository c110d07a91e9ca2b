"""Tests of `fateline_oracle.mutants`."""
