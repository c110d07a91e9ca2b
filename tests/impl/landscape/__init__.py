"""Tests of the landscape: schema, guards, recorder, export."""
