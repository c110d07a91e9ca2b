"""Tests of `fateline_oracle.zoo`."""
