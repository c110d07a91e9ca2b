"""The checker: explores the law's machines exhaustively at named scopes and judges every step by every law.

`systems.py` puts the three machines behind one interface, `search.py` walks it (the naive search, and the judge of every
other), `symmetry.py` reduces interchangeable states, `rows.py` carries one row's result to any number of rows,
`scopes.py` reads the named instances of `scopes.toml`, `mutants/` breaks the law on purpose, and `verify.py` puts it
together. Not here: the law.
"""
