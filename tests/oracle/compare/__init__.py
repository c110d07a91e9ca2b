"""Tests of `fateline_oracle.compare`."""
