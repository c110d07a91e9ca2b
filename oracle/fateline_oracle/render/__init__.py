"""Renders results for people: pages, drawings and terminal text.

Not here: how a result is found, and the pages of the book (`book/`).
"""
