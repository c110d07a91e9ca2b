"""Every page, drawing and text that a person reads of a result.

Not here: how a result is found, and the pages of the book (`book/`).
"""
