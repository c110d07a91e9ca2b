"""Engines of others, measured: what each was found to do, when, by which command, and in which versions.

Not here: the engines (`adapters`), and the pages (`book/board.py`, `page.py`).
"""
