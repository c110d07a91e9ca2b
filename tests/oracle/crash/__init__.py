"""Tests of `fateline_oracle.crash`."""
