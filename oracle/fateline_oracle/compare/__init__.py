"""One step of an engine compared with the law: names, records, data, and which laws a difference breaks.

`names.py` translates an engine's ids, `records.py` compares what was recorded, `data_laws.py` checks digests and times,
`broken_laws.py` names the laws that a difference breaks, `capabilities.py` says what may be asked of an engine and which
laws its records can show. Not here: which steps are taken (`conform/`).
"""
