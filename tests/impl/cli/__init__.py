"""Tests of `fateline_engine.cli`."""
