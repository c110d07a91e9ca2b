"""The book: every page of `specs/` that can be generated, made from the law itself and from what the checker found.

`PAGES` maps a path below `specs/` to the function that writes it, so the index is generated too. Not here: the pages
that people write (`specs/README.md`, `specs/design.md`, `specs/decisions/`); the book only checks that they are there.
"""
