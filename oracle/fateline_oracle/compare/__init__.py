"""Compares one step of an engine with the law: names, records, data, and which laws a difference breaks.

`names.py` translates the ids of an engine, `records.py` compares records, `data_laws.py` checks digests and times,
`broken_laws.py` names the laws that a difference breaks, `capabilities.py` tells what an engine may be asked and which
laws its records can show. Not here: which steps are taken (`conform/`).
"""
