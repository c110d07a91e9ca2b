"""Tests of `fateline_oracle.trails`."""
