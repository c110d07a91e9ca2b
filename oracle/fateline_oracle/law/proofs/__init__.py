"""The symbolic part of the judge: what the kernels of the law promise, confirmed for every integer.

`gate` turns what CrossHair says into verdicts and trusts nothing it does not say; `obligations` is the list of what is
to be proved, each with witnesses and mutants; `settle` brings the two together; `restated` holds claims that no kernel
makes by itself. Not here: whole-system reachability, which is enumerated (`fateline_model.checker`), not proved.
"""
