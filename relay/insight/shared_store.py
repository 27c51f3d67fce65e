"""Counts of relays on one database: each keeps its own in memory, writes them there, and adds the others' when asked.

A relay writes what it has counted in a minute and in an hour in all, under a name of its own, every few seconds: a
commit whose answer was lost is written again and counts nothing twice, and no row is hot. What is read is the others'
rows and this relay's memory; without a database it is the latter alone, and `coverage` says so. Rows of relays that
have ended count on until they are a day old.
"""

import asyncio
import json
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from types import TracebackType
from typing import Final, TypeVar

import asyncpg

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.insight.minute_rows import (
    HOUR_S,
    KEPT_S,
    MINUTE_S,
    OTHER,
    CountKey,
    Coverage,
    MemoryStore,
    RefusalRow,
    latest,
    merged,
)
from relay.insight.refusals import MOST_CAUSES
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.statements import statement

MOST_KEYS: Final = 2_000
"""Things one relay tells apart in an hour; more names than that count as `(others)`."""
MOST_KEY_BYTES: Final = 512
"""So does a name that is longer."""
CAUSES_KEPT_MS: Final = 7 * 24 * HOUR_S * 1000
"""A cause that was not met for so long is forgotten."""
MOST_CAUSE_ROWS: Final = 20_000
"""Of all relays together, those that have ended too."""
BETWEEN_WRITES_S: Final = 1.0
PATIENCE_S: Final = 3.0
"""How long who looks waits for the database."""
AWAY_S: Final = 5.0
"""For so long it is not asked again after it did not answer."""
ALIVE_S: Final = 15.0
_TIDY_EVERY: Final = 60
"""Writes."""
_LEDGER: Final = "ledger"
"""Counts of the spool's own ledger, which the database has for all relays anyway: they are not written."""
_logger = logging.getLogger(__name__)

T = TypeVar("T")


class SharedStore(Background):
    """See the module, and `InsightStore`."""

    def __init__(self, link: DatabaseLink, *, clock: Clock) -> None:
        """Take what it works with.

        Args:
            link: Its own, so that a page holds up nothing else; the schema is there.
            clock: Says what is old.
        """
        self._link = link
        self._clock = clock
        self._relay = secrets.token_hex(6)
        self._own = MemoryStore()
        self._hour: tuple[int, set[CountKey]] = (0, set())
        self._causes: dict[CountKey, RefusalRow] = {}
        self._unwritten: dict[tuple[int, int], dict[CountKey, int]] = {}
        """By unit and start: what has changed, with its count by now."""
        self._unwritten_causes: set[CountKey] = set()
        self._written_causes: set[CountKey] = set()
        self._bell = asyncio.Event()
        self._writes = 0
        self._away = ""
        self._away_until_s = 0.0

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self.write()
        await self._link.close()

    # ── own ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def add(self, at_s: int, counts: Mapping[CountKey, int], refusals: Iterable[RefusalRow]) -> None:
        """See `InsightStore.add`; it is written a moment later."""
        known: Counter[CountKey] = Counter()
        for key, count in counts.items():
            known[self._bounded(at_s, key)] += count
        await self._own.add(at_s, known, ())
        for unit_s in (MINUTE_S, HOUR_S):
            start_s = at_s - at_s % unit_s
            now = self._own.row(unit_s, start_s)
            changed = self._unwritten.setdefault((unit_s, start_s), {})
            changed.update({key: now[key] for key in known if key[0] != _LEDGER})
        for one in refusals:
            self._causes[one.key] = merged(self._causes.get(one.key), one)
            self._unwritten_causes.add(one.key)
        self._bell.set()

    def _bounded(self, at_s: int, key: CountKey) -> CountKey:
        """The key, or one for the rest of its kind: what strangers send does not fill the database."""
        hour, known = self._hour
        if hour != at_s // HOUR_S:
            known = set[CountKey]()
            self._hour = at_s // HOUR_S, known
        if key in known:
            return key
        if len(known) >= MOST_KEYS or len(_encoded(key)) > MOST_KEY_BYTES:
            key = (*key[:2], OTHER, *key[3:]) if len(key) > 2 else key
        known.add(key)
        return key

    # ── written ─────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self) -> bool:
        """Bring what has changed to the database; whether that went well. What did not is brought the next time."""
        rows, self._unwritten = self._unwritten, {}
        causes, self._unwritten_causes = self._unwritten_causes, set()
        self._causes = {one.key: one for one in latest(self._causes.values(), MOST_CAUSES // 2)}
        gone = self._written_causes - self._causes.keys()
        try:
            await self._write(rows, [self._causes[key] for key in causes & self._causes.keys()], gone)
        except BaseException as error:
            self._put_back(rows, causes)
            if not isinstance(error, SpoolError):
                raise
            self._is_away(error)
            return False
        self._written_causes = (self._written_causes | causes) & self._causes.keys()
        self._away_until_s = 0.0
        return True

    def _put_back(self, rows: Mapping[tuple[int, int], Mapping[CountKey, int]], causes: set[CountKey]) -> None:
        now_s = self._clock.now_ms() // 1000
        for (unit_s, start_s), counts in rows.items():
            if start_s >= now_s - KEPT_S[unit_s]:
                self._unwritten[unit_s, start_s] = {**counts, **self._unwritten.get((unit_s, start_s), {})}
        self._unwritten_causes |= causes

    async def _write(
        self,
        rows: Mapping[tuple[int, int], Mapping[CountKey, int]],
        causes: Sequence[RefusalRow],
        gone: Iterable[CountKey],
    ) -> None:
        counted = [
            (unit_s, start_s, key, count) for (unit_s, start_s), counts in rows.items() for key, count in counts.items()
        ]
        now_ms = self._clock.now_ms()
        async with self._link.transaction() as raw:
            if counted:
                units, starts, keys, counts = zip(*counted, strict=True)
                encoded = [_encoded(key) for key in keys]
                digests = [_digest(one) for one in encoded]
                await raw.execute(statement("insight_write"), self._relay, units, starts, digests, encoded, counts)
            if causes:
                keys, trusted, times, firsts, lasts = zip(*causes, strict=True)
                encoded = [_encoded(key) for key in keys]
                digests = [_digest(one) for one in encoded]
                await raw.execute(
                    statement("insight_causes_write"), self._relay, digests, encoded, trusted, times, firsts, lasts
                )
            if lost := [_digest(_encoded(key)) for key in gone]:
                await raw.execute(statement("insight_causes_gone"), self._relay, lost)
            if self._writes % _TIDY_EVERY == 0:
                for unit_s, kept_s in KEPT_S.items():
                    await raw.execute(statement("insight_forget"), unit_s, now_ms // 1000 - kept_s)
                await raw.execute(statement("insight_forget_causes"), now_ms - CAUSES_KEPT_MS, MOST_CAUSE_ROWS)
        self._writes += 1

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            if not await self.write():
                self._bell.set()
                await asyncio.sleep(AWAY_S)
            await asyncio.sleep(BETWEEN_WRITES_S)

    # ── asked ───────────────────────────────────────────────────────────────────────────────────────────────

    async def since(self, unit_s: int, start_s: int) -> Counter[CountKey]:
        """See `InsightStore.since`."""
        total = await self._own.since(unit_s, start_s)

        async def read() -> tuple[Sequence[asyncpg.Record], Sequence[asyncpg.Record]]:
            others = await self._link.fetch(statement("insight_counts"), unit_s, start_s, self._relay)
            return others, await self._link.fetch(statement("insight_ledger"), start_s // MINUTE_S)

        found = await self._asked(read)
        if found is not None:
            others, ledger = found
            total.update({_decoded(row["key"]): row["count"] for row in others})
            for key in [key for key in total if key[0] == _LEDGER]:
                del total[key]
            total.update({(_LEDGER, row["name"]): row["count"] for row in ledger})
        return total

    async def refusals(self, most: int) -> list[RefusalRow]:
        """See `InsightStore.refusals`."""
        rows = await self._asked(lambda: self._link.fetch(statement("insight_causes"), self._relay, most))
        causes = dict(self._causes)
        for row in rows or ():
            key = _decoded(row["key"])
            one = RefusalRow(key, row["trusted"], row["times"], row["first_ms"], row["last_ms"])
            causes[key] = merged(causes.get(key), one)
        return latest(causes.values(), most)

    async def coverage(self) -> Coverage:
        """See `InsightStore.coverage`."""
        rows = await self._asked(lambda: self._link.fetch(statement("insight_coverage"), ALIVE_S))
        if rows is None:
            return Coverage(away=self._away, is_shared=True)
        return Coverage(max(1, rows[0]["counting"]), rows[0]["others"], is_shared=True)

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the database says; None where it says nothing in time, or did not a moment ago."""
        if asyncio.get_running_loop().time() < self._away_until_s:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await ask()
        except (SpoolError, TimeoutError) as error:
            self._is_away(error)
            return None

    def _is_away(self, error: BaseException) -> None:
        self._away = str(error) or "the database does not answer"
        self._away_until_s = asyncio.get_running_loop().time() + AWAY_S
        _logger.info("insight: counts of other relays cannot be had: %s", self._away)


def _encoded(key: CountKey) -> bytes:
    return json.dumps(key, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _decoded(key: bytes) -> CountKey:
    return tuple(json.loads(key.decode("utf-8", "surrogatepass")))


def _digest(key: bytes) -> bytes:
    return blake2b(key, digest_size=16).digest()
