"""Audits one file from its beginning to the report, as the command does.

Not here: the steps of it.
"""

from pathlib import Path

from .any_trail import prepared
from .postgresql import read_from
from .summary import AuditSummary, tell
from .whole import Wanted, audit

SHOWN = 3


def judged_file(path: Path, name: str) -> AuditSummary:
    """What the audit says of a database that it knows by its tables. `name` is what the report calls it."""
    with prepared(path) as (file, adapter), read_from(file, adapter) as source:
        return tell(audit(Wanted(file, adapter)), source, name, f"fateline audit {name}.db", SHOWN)
