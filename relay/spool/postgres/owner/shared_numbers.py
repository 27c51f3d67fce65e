"""What became of numbered beacons, where those of a session meet several relays: counted by the one that delivers it.

Every stored record says the number of its beacon; the owner of its shard looks at it when the record leaves, once and
in the session's order, whichever relay took it. A beacon of which nothing was stored (a login alone, a repeat, one
that was rejected as a whole) has no record: the relay that took it writes its number to a small table, and the owner
takes it from there.

1. A number is counted by one relay: records leave once, a row of the table is taken by being deleted.
2. What is remembered goes by the shard's epoch: who has a shard again knows nothing of what went on meanwhile, and so
   takes no beacon of that time for missing.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from relay.core.background import Background
from relay.core.errors import SpoolError
from relay.core.model import Record, SessionKey
from relay.spool.contract import Numbered
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.owner.shards import Shards
from relay.spool.postgres.rows import shard_of
from relay.spool.postgres.statements import statement
from relay.spool.schedule.session_gaps import SessionGaps

EXCHANGE_S: Final = 3.0
MOST_WAITING: Final = 10_000
"""Numbers on their way to others; past it they are lost, and count as missing if their session goes on."""
_logger = logging.getLogger(__name__)


class SharedNumbers(Background):
    """See the module, and `relay.spool.contract.Numbers`."""

    def __init__(self, connection: DatabaseLink, *, shards: Shards, fingerprint: Callable[[SessionKey], int]) -> None:
        """Take what it works with.

        Args:
            connection: For the numbers of beacons without a record.
            shards: Which are this relay's.
            fingerprint: Of a session.
        """
        self._connection = connection
        self._shards = shards
        self._fingerprint = fingerprint
        self._gaps = SessionGaps()
        self._told: Callable[[str, Numbered], None] = _nobody
        self._for_others: list[tuple[int, int, str]] = []
        """Session, number, family of browsers."""

    def tell(self, told: Callable[[str, Numbered], None]) -> None:
        """See `Numbers.tell`."""
        self._told = told

    def took(self, key: SessionKey, page_session: str, number: int, browser: str, *, stored: bool) -> None:
        """See `Numbers.took`."""
        if stored:
            return  # its records tell
        session = self._fingerprint(key)
        if not self._saw(session, number, browser) and len(self._for_others) < MOST_WAITING:
            self._for_others.append((session, number, browser))

    def left(self, session: int, epoch: int, records: Iterable[Record]) -> None:
        """Records of a session have left, or events of them have; in the session's order."""
        for record in records:
            came = record.came
            if came is None or came.beacon_seq is None:
                continue
            found = self._gaps.saw_record((session, epoch), came.beacon_seq, record.seq)
            if found is not None:
                self._told(came.browser or "other", found)

    async def exchange(self) -> None:
        """Hand over the numbers that are others' to count, and take those that are this relay's.

        Raises:
            SpoolError: not now; what could not be handed over is, the next time.
        """
        await self.hand_over()
        mine = list(self._shards.mine)
        rows = await self._connection.fetch(statement("insight_numbers_take"), mine)
        for row in sorted(rows, key=lambda one: one["n"]):
            self._saw(row["session"], row["number"], row["browser"])

    async def hand_over(self) -> None:
        """The former alone; raises as `exchange`."""
        some, self._for_others = self._for_others, []
        if not some:
            return
        sessions, numbers, browsers = zip(*some, strict=True)
        try:
            await self._connection.fetch(statement("insight_numbers_give"), sessions, numbers, browsers)
        except SpoolError:
            self._for_others = (some + self._for_others)[:MOST_WAITING]
            raise

    def _saw(self, session: int, number: int, browser: str) -> bool:
        """Whether it is this relay's to count."""
        epoch = self._shards.mine.get(shard_of(session))
        if epoch is None:
            return False
        self._told(browser, self._gaps.saw((session, epoch), number))
        return True

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EXCHANGE_S)
            try:
                await self.exchange()
            except SpoolError as error:
                _logger.info("%s", error)


def _nobody(_browser: str, _numbered: Numbered) -> None:
    """Until somebody wants to be told."""
