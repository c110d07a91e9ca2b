"""Checks the law by itself: every scope is explored, its mutants are checked, its kernels are proved.

`verification.py` explores scopes and mutants in several processes, `patched.py` patches a module for a mutant,
`proofs/` proves the kernels for all integers. Not here: the law (`fateline_model`), and any engine.
"""
