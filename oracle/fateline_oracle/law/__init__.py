"""The law checked by itself: every scope explored, its mutants judged, its kernels proved.

`verification.py` explores scopes and mutants in several processes, `patched.py` patches a module for a mutant, `proofs/`
proves the kernels for all integers. Not here: the law (`fateline_model`), and any engine.
"""
