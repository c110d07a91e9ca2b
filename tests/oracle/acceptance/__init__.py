"""Tests of `fateline_oracle.acceptance`."""
