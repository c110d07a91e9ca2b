"""Inputs that nobody meant well: a fuzzer for each kind, bounded in `make test` and long in the slow tests."""
