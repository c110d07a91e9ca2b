"""Benchmarks that print ratios, each against a reference run in the same minute.

Each module here measures one thing and has a `main()` that prints its figures. They are not tests: nothing fails
because a machine is slow.
"""
