"""The audit: the laws once more, as queries, so that an audit database of any size is judged where it lies.

`sql/` is the audit: a file a law, that anybody can paste into a console of their own, a file an adapter, and the tables
that several laws share. `queries.py` reads those files, `source.py` opens what is to be audited and never writes to it,
`row_range.py` judges one range of rows, `whole.py` all of them, and `summary.py` says what was found. Not here: stepping
a trail through the law, which sees more and takes longer (`fateline_oracle.trails`).
"""
