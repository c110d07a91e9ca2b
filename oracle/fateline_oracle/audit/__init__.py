"""The audit: the laws as SQL queries, so that an audit database of any size is checked where it lies.

`sql/` has one file for each law, which anybody can paste into a console, one file for each adapter, and the tables that
several laws share. `queries.py` reads those files, `source.py` opens what is to be audited and never writes to it,
`row_range.py` checks one range of rows, `whole.py` checks all of them, and `summary.py` makes the report. Not here:
stepping a trail through the law, which sees more and takes longer (`fateline_oracle.trails`).
"""
