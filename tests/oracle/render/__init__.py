"""Tests of `fateline_oracle.render`."""
