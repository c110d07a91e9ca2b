"""Tests of `fateline_oracle.conform`."""
