"""A spool file that is moved into another spool: `MoveSource`."""

import hashlib
import itertools
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from relay.core.clock import Clock
from relay.core.model import Binding, Record
from relay.spool.administration import Buried
from relay.spool.schedule.ledger import BURIED_PREFIX, totals_of
from relay.spool.sqlite.admin.buried import list_intact
from relay.spool.sqlite.admin.inspection import reading
from relay.spool.sqlite.file.binding_table import read_bindings
from relay.spool.sqlite.file.erasure_table import erased_now
from relay.spool.sqlite.file.opening import read_flows
from relay.spool.sqlite.file.rows import COLUMNS, RecordRow
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.process_lock import ProcessLock

T = TypeVar("T")
AT_ONCE: Final = 500
"""Rows in one step of a move: what a kill may cost is that one is begun again."""
_RECORDS: Final = f"SELECT {COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608  a constant
_BESIDE: Final = (".lock", ".reserve")
"""Files that say something of one that is open, or is to be again."""
_logger = logging.getLogger(__name__)


class SqliteMoveSource:
    """See `MoveSource`."""

    def __init__(self, path: Path, *, salt: bytes, totals: Mapping[str, int], clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self.id = hashlib.blake2b(salt, digest_size=16).hexdigest()
        self.totals = totals
        self.is_retired = False

    async def erased(self) -> AsyncIterator[Sequence[str]]:
        """See `MoveSource.erased`."""
        with reading(self._path) as sql:
            found = sorted(erased_now(sql))
        for some in _chunks(found):
            yield some

    async def bindings(self) -> AsyncIterator[Sequence[Binding]]:
        """See `MoveSource.bindings`."""
        with reading(self._path) as sql:
            found = read_bindings(sql, self._clock.now_ms(), -1).bindings
        for some in _chunks(found[::-1]):
            yield some

    async def records(self, after: int) -> AsyncIterator[Sequence[Record]]:
        """See `MoveSource.records`."""
        with reading(self._path) as sql:
            flows = {number: (operation, name) for number, operation, name in read_flows(sql)}
            while rows := [RecordRow(*row) for row in sql.execute(_RECORDS, (after, AT_ONCE)).fetchall()]:
                after = rows[-1].seq
                found = [row.as_record(flows) for row in rows if row.is_intact() and row.flow in flows]
                if len(found) < len(rows):
                    _logger.error("spool damaged: %d records are not moved, and stay", len(rows) - len(found))
                if found:
                    yield found

    async def buried(self, after: int) -> AsyncIterator[Sequence[Buried]]:
        """See `MoveSource.buried`."""
        with reading(self._path) as sql:
            while (step := list_intact(sql, after=after, limit=AT_ONCE)) is not None:
                after, found = step
                if found:
                    yield found

    def retire(self) -> None:
        """See `MoveSource.retire`: the file gets another name."""
        self.is_retired = True


@asynccontextmanager
async def move_source(path: Path, *, clock: Clock) -> AsyncGenerator[SqliteMoveSource]:
    """See `SpoolAdministration.source`; a damaged file is mended as at any start, an older one brought up."""
    async with SqliteSpool(path, clock=clock, max_bytes=0) as spool:
        salt: bytes = await spool.work(lambda database: database.salt)
        totals = _left_for_good(path, totals_of(spool.stats()), pending=spool.stats().pending)
        source = SqliteMoveSource(path, salt=salt, totals=totals, clock=clock)
        yield source
    if source.is_retired:
        _retire(path)


def _left_for_good(path: Path, totals: dict[str, int], *, pending: int) -> dict[str, int]:
    totals["accepted"] -= pending
    after = 0
    with reading(path) as sql:
        while (step := list_intact(sql, after=after, limit=AT_ONCE)) is not None:
            after, found = step
            for one in found:
                totals["accepted"] -= 1
                totals[BURIED_PREFIX + one.reason] = totals.get(BURIED_PREFIX + one.reason, 0) - 1
    return totals


def retired_name(path: Path) -> Path:
    """Where a file lies that has been moved."""
    return path.with_name(path.name + ".moved")


def _retire(path: Path) -> None:
    with ProcessLock(path):
        new = retired_name(path)
        number = itertools.count(2)
        while new.exists():
            new = path.with_name(f"{path.name}.moved-{next(number)}")
        archive = path.with_name(path.name + ".archive")
        if archive.is_dir():
            archive.rename(new.with_name(new.name + ".archive"))
        path.rename(new)
        for ending in _BESIDE:
            path.with_name(path.name + ending).unlink(missing_ok=True)


def _chunks(found: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]
