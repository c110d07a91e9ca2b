"""``Intake``: rows come in from the source, one at a time.

What it is: a peek at the next record, and its reading: a valid row becomes row and root token, an invalid one (or one
that no trail could keep, or that is too large) is quarantined, and nothing is read twice, for it begins behind what
the trail has.

What it is not: when to read. It writes through the ``TokenManager``.
"""

from collections.abc import Iterator

from fateline_engine.contracts import SchemaContract
from fateline_engine.errors import LimitExceeded, Refused
from fateline_engine.plugins import Contract, Source, SourceRecord
from fateline_engine.rows import NotJson, PipelineRow
from fateline_engine.token_manager import TokenManager
from fateline_engine.words import Refusal


class Intake:
    """The rest of a source."""

    def __init__(self, source: Source | None, tokens: TokenManager) -> None:
        self.source = source
        self.tokens = tokens
        self._records: Iterator[SourceRecord] = iter(())
        self._peeked: SourceRecord | None = None
        self._told: tuple[Contract | None, SchemaContract | None] = (None, None)

    def begin(self, ended: bool) -> None:
        """Begin behind the last row that was read."""
        self._peeked = None
        if self.source is not None and not ended:
            self._records = self.source.records(self.tokens.last_idx + 1)

    def peek(self) -> SourceRecord | None:
        """The next record, which stays the next; ``None`` at the end."""
        if self._peeked is None:
            self._peeked = next(self._records, None)
        return self._peeked

    def read(self) -> None:
        """Take the next record in."""
        record = self.peek()
        if record is None:
            raise Refused(Refusal.SOURCE_ENDED, "the source has no more rows")
        if record.error is not None:
            self._quarantine(record, record.error)
        else:
            try:
                self.tokens.initial(record.index, self._row(record))
            except (NotJson, LimitExceeded) as error:
                self._quarantine(record, str(error))
        self._peeked = None

    def _row(self, record: SourceRecord) -> PipelineRow | None:
        if record.contract is None:
            return None
        told, contract = self._told
        if contract is None or told != record.contract:
            contract = SchemaContract.declared(record.contract)
            self._told = (dict(record.contract), contract)
        return PipelineRow.of(record.data, contract)

    def _quarantine(self, record: SourceRecord, error: str) -> None:
        """An invalid row; if not even its data can be kept, without them."""
        try:
            self.tokens.quarantine(record.index, record.data, error)
        except (NotJson, LimitExceeded):
            self.tokens.quarantine(record.index, {}, error)
