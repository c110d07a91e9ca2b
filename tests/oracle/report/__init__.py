"""Tests of `fateline_oracle.report`."""
