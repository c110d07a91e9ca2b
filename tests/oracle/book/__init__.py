"""Tests of `fateline_oracle.book`."""
