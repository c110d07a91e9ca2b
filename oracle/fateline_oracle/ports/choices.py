"""Drives an engine in its own way where its profile declares a choice, so that nothing stays hidden behind that choice.

R5: an engine that declares it may leave the visits that a crash cut off closed after a resume. The law opens them again in
the step of the resume. So the judge begins them right after the resume, and both the records and the state are those of the
law again. An engine that opens them by itself is not asked.
"""

from collections.abc import Callable
from typing import Final

from fateline_model import Stimulus
from fateline_model.stimuli import Do
from fateline_model.words import VisitStatus

from .port import RecordJson, Reply, Request

CUT_VISITS_LATER: Final = "R5"
DRIVEN_OTHERWISE: Final = frozenset({CUT_VISITS_LATER})
"""The laws that an engine is driven around if its profile declares them. No difference shows them then, so they do not hold."""

Asks = Callable[[Request], Reply]


def open_cut_visits(resumed: Reply, ask: Asks) -> Reply:
    """The reply to a resume, with the records of the visits that were begun after it, which need not be of its transaction."""
    visits = [record for record in resumed.records if record.get("rec") == "visits"]
    opened = {record.get("token") for record in visits if record.get("status") == VisitStatus.OPEN}
    cut = [record.get("token") for record in visits if record.get("status") == VisitStatus.INTERRUPTED]
    records: list[RecordJson] = list(resumed.records)
    for token in cut:
        if isinstance(token, str) and token not in opened:
            begun = ask(Request(Stimulus(Do.BEGIN, token=token))).records
            records += ({column: value for column, value in one.items() if column != "tx"} for one in begun)
    return resumed._replace(records=records)
