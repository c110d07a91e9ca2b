"""Tests of `fateline_oracle.law`."""
