"""Tests of `fateline_oracle.ports`."""
