"""Rows packed into calls: at most ten records, never the same id twice, and what was refused on the way."""

from collections.abc import Iterator

import msgspec

from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.personalize.errors import BadFileError
from relay.personalize.put.catalog import CatalogRecord, CatalogRows
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows import Format, Row

_MAX_REFUSED: int = 100
"""Refused rows in one chunk: a file of nothing but bad rows must not gather in memory."""


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that is not in the dataset, and why."""

    row: Row
    problem: RowProblem


class Chunk(msgspec.Struct, frozen=True):
    """Consecutive rows: the records of one call, and the rows between them that make none."""

    records: tuple[tuple[Row, CatalogRecord], ...]
    refusals: tuple[RefusedRow, ...]
    last: Row
    """Where the next chunk goes on."""

    @property
    def ids(self) -> frozenset[str]:
        """Of its records."""
        return frozenset(record.id for _, record in self.records)


class ChunkReader:
    """Packs rows into chunks. A repeated id opens the next chunk: the later row must win, so it must come later."""

    def __init__(self, rows: Iterator[Row], catalog: CatalogRows, file_format: Format) -> None:
        self._rows = rows
        self._record_of = catalog.from_csv if file_format == "csv" else catalog.from_object
        self._held: tuple[Row, CatalogRecord] | None = None

    def next(self) -> Chunk | None:
        """The next chunk; None at the end. Reads, and so may block."""
        records: list[tuple[Row, CatalogRecord]] = []
        refusals: list[RefusedRow] = []
        ids: set[str] = set()
        last: Row | None = None
        if self._held is not None:
            records.append(self._held)
            ids.add(self._held[1].id)
            last = self._held[0]
            self._held = None
        for row in whole_rows(self._rows, has_some=last is not None):
            record = row.content if isinstance(row.content, RowProblem) else self._record_of(row.content)
            if isinstance(record, RowProblem):
                refusals.append(RefusedRow(row, record))
            elif record.id in ids:
                self._held = row, record
                break
            else:
                records.append((row, record))
                ids.add(record.id)
            last = row
            if len(records) == MAX_EVENTS_PER_CALL or len(refusals) == _MAX_REFUSED:
                break
        return None if last is None else Chunk(tuple(records), tuple(refusals), last)


def whole_rows(rows: Iterator[Row], *, has_some: bool = False) -> Iterator[Row]:
    """The rows up to damage, if there are some before it; the next one who asks is told of it."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except BadFileError:
            if not has_some:
                raise
            return
        has_some = True
        yield row
