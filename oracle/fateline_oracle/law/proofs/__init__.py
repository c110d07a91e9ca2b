"""Proves what the kernels of the law promise, for every integer, with CrossHair.

`gate.py` turns the output of CrossHair into verdicts, and accepts only what is certain. `obligations.py` lists what is
to be proved, each with witnesses and mutants. `settle.py` brings the two together. `restated.py` has claims that no
kernel makes by itself. Not here: reachability in the whole system, which is enumerated (`fateline_model.checker`), not
proved.
"""
