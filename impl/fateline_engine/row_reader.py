"""`RowReader`: rows come in from the source, one at a time.

It shows the next record, and reads it. A valid record becomes a row and a root token. An invalid record is quarantined, and
so is one that no trail could keep or that is too large. Nothing is read twice: reading begins behind the last row in the
trail. Before a run is resumed, what was read is compared with what the source gives now. Not here: when a row is read
(`orchestrator.py`), and the records that are written (`token_manager.py`).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from fateline_engine.contracts import EMPTY, SchemaContract
from fateline_engine.errors import LimitExceeded, Refused
from fateline_engine.plugins import Contract, Source, SourceRecord
from fateline_engine.rows import NotJson, PipelineRow
from fateline_engine.token_manager import TokenManager
from fateline_engine.words import Refusal


class RowReader:
    """The rest of a source."""

    def __init__(self, source: Source | None, tokens: TokenManager) -> None:
        self.source = source
        self.tokens = tokens
        self._records: Iterator[SourceRecord] = iter(())
        self._peeked: SourceRecord | None = None
        self._last_contract: tuple[Contract | None, SchemaContract | None] = (None, None)

    def begin(self, ended: bool) -> None:
        """Begin behind the last row that was read."""
        self._peeked = None
        if self.source is not None and not ended:
            self._records = self.source.records(self.tokens.last_idx + 1)

    def peek(self) -> SourceRecord | None:
        """The next record, which stays the next; `None` at the end."""
        if self._peeked is None:
            self._peeked = next(self._records, None)
        return self._peeked

    def read(self) -> None:
        """Read the next record."""
        record = self.peek()
        if record is None:
            raise Refused(Refusal.SOURCE_ENDED, "the source has no more rows")
        row, error = self._taken(record)
        if error is None:
            self.tokens.initial(record.index, row)
        else:
            self.tokens.quarantine(record.index, row or _NOTHING, error)
        self._peeked = None

    def first_change(self, recorded: Iterable[tuple[int, int, bytes]]) -> int | None:
        """The index of the first row that the source does not give as it was read. `recorded`: index, valid, digest."""
        records = iter(()) if self.source is None else self.source.records(0)
        for index, valid, digest in recorded:
            record = next((record for record in records if record.index >= index), None)
            if record is None or record.index != index:
                return index
            row, error = self._taken(record)
            if (error is None, None if row is None else row.digest) != (bool(valid), digest):
                return index
        return None

    def _taken(self, record: SourceRecord) -> tuple[PipelineRow | None, str | None]:
        """What the trail keeps of a record, and why the record is invalid. Data that cannot be kept are replaced by no data."""
        error = record.error
        if error is None:
            try:
                return self._fitting(record, self._row(record)), None
            except (NotJson, LimitExceeded) as problem:
                error = str(problem)
        try:
            return self._fitting(record, PipelineRow.of(record.data, EMPTY)), error
        except (NotJson, LimitExceeded):
            return _NOTHING, error

    def _fitting(self, record: SourceRecord, row: PipelineRow | None) -> PipelineRow | None:
        if row is not None:
            self.tokens.fits(row, f"row {record.index}")
        return row

    def _row(self, record: SourceRecord) -> PipelineRow | None:
        if record.contract is None:
            return None
        declared, contract = self._last_contract
        if contract is None or declared != record.contract:
            contract = SchemaContract.declared(record.contract)
            self._last_contract = (dict(record.contract), contract)
        return PipelineRow.of(record.data, contract)


_NOTHING: Final = PipelineRow.of({})
