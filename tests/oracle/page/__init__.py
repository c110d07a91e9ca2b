"""Tests of `fateline_oracle.page`."""
