"""What `fateline audit` says beside the law: whether a landscape is as it was written, and whether it is complete.

Three separate statements. *Unaltered* is what the chain of commits shows, and a head that was kept elsewhere. *Complete* is
what no chain can show: what an engine never wrote leaves no trace in it. *Lawful* is the verdict of the audit. Not here: the
chain itself (`fateline_engine.landscape.chain`); an engine that writes no landscape has none.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fateline_engine.landscape.chain import Chain
from fateline_engine.landscape.tampering import examine, has_chain

from ..audit.connect import BadSource, is_database, opened
from ..report.verdict import Verdict

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LISTED: Final = 1_000
"""The largest number of alterations in JSON."""


def chain_of(path: Path, kept: str | None) -> Chain | None:
    """The chain of the database; `None` if it has none. `BadSource` if a head was given and cannot be compared."""
    if kept is not None and not _DIGEST.fullmatch(kept):
        raise BadSource(f"--head {kept}: a head is 64 hexadecimal digits")
    if path.is_file() and is_database(path):
        with opened(path) as conn:
            if has_chain(conn):
                return examine(conn, kept)
    if kept is not None:
        raise BadSource(f"{path}: --head is for landscapes, whose commits are chained; this file has no chain")
    return None


def statements(chain: Chain, verdict: Verdict) -> Iterator[str]:
    """The three statements, a line each."""
    first = chain.first()
    if first is None:
        since = "" if chain.known is None else f"; the head that was kept is that of commit {chain.known:,}"
        yield f"Unaltered: yes, {chain.commits:,} commits{since}. The head is {chain.head}"
    else:
        more = f" (and {len(chain.found) - 1:,} more signs)" if len(chain.found) > 1 else ""
        yield f"Unaltered: no. {str(first).capitalize()}{more}."
    yield "Complete: no chain can say so; what was never written leaves no trace."
    yield f"Lawful: {'yes' if verdict is Verdict.HOLDS else verdict}."


def as_object(chain: Chain) -> dict[str, object]:
    """The same for `--json`."""
    return {
        "unaltered": chain.unaltered,
        "commits": chain.commits,
        "head": chain.head,
        "head_kept": chain.known,
        "alterations": [{"commit": one.number, "what": one.what} for one in chain.found[:_LISTED]],
    }
