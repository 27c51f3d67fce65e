"""What a session's next call may hold: read from the database when it is leased, by session and in one snapshot.

Whoever sees record n + 1 sees n, for n was committed first; reading what was announced alone would not. The same look
says who has logged in since, who was erased, and what another owner has delivered already.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import asyncpg
import msgspec

from relay.core.errors import SpoolError
from relay.core.model import Record, first_bits
from relay.spool.contract import Lease
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.owner.owned import Owned
from relay.spool.postgres.owner.shards import Shards
from relay.spool.postgres.rows import record_of
from relay.spool.postgres.statements import statement
from relay.spool.schedule.claims import Claim
from relay.spool.schedule.erased_users import PREFIX, ErasedUsers, is_about

_RETRY_S: Final = 1.0


class Leased(Lease, frozen=True):
    """A lease, with where its records are."""

    claim: Claim
    parts: Mapping[int, int]
    """By seq: which table."""


class SessionReader:
    """TableTurns claims of the index into leases."""

    def __init__(
        self,
        connection: DatabaseLink,
        *,
        owned: Owned,
        shards: Shards,
        erased: ErasedUsers,
        call_events: int,
        refused: Callable[[int, int, Record], object],
    ) -> None:
        """Take what it works with.

        Args:
            connection: Its own.
            owned: Where claims come from and go back to.
            shards: Says whether they may still be sent.
            erased: Users about whom nothing is put: who they are is in the body, which the database does not read.
            call_events: Events a call takes.
            refused: Told of what is met of users who were erased: session, table, record.
        """
        self._connection = connection
        self._owned = owned
        self._shards = shards
        self._erased = erased
        self._call_events = call_events
        self._refused = refused

    async def lease(
        self, *, max_sessions: int, linger_s: float = 0.0, holds: Mapping[str, float] | None = None
    ) -> list[Lease]:
        """See `Spool.lease`."""
        while True:
            claims = await self._owned.waiter.claims(max_sessions=max_sessions, linger_s=linger_s, holds=holds)
            leases = await self._leases(claims)
            if leases:
                return leases

    async def _leases(self, claims: Sequence[Claim]) -> list[Lease]:
        """Perhaps none, where the index knew too much."""
        forgotten = self._owned.forgotten
        try:
            rows = await self._read(claims)
        except BaseException as error:
            for claim in claims:
                self._owned.put_back(claim, _RETRY_S if isinstance(error, SpoolError) else 0.0)
            raise
        if self._owned.forgotten != forgotten:  # perhaps it was read before
            for claim in claims:
                self._owned.put_back(claim)
            return []
        leases = [self._as_lease(claim, rows.get(claim.session, [])) for claim in claims]
        return [lease for lease in leases if lease is not None]

    async def _read(self, claims: Sequence[Claim]) -> dict[int, list[asyncpg.Record]]:
        sessions = [claim.session for claim in claims]
        gone = self._owned.gone(sessions)  # before the look: what is deleted meanwhile may be in its snapshot
        most = self._call_events + 1
        arguments = (sessions, list(gone), list(gone.values()), most, PREFIX)
        found: dict[int, list[asyncpg.Record]] = {}
        for row in await self._connection.fetch(statement("lease"), *arguments):
            found.setdefault(row["session"], []).append(row)
        for claim in claims:
            rows = found.get(claim.session, [])
            all_up_to = rows[-1]["seq"] if len(rows) == most else None
            self._owned.missing(claim, {row["seq"] for row in rows}, all_up_to=all_up_to)
        return found

    def _as_lease(self, claim: Claim, rows: Sequence[asyncpg.Record]) -> Leased | None:
        if not self._owned.may_take_out(claim):
            return None
        if not self._shards.is_valid:
            self._owned.put_back(claim, _RETRY_S)
            return None
        records: list[Record] = []
        parts: dict[int, int] = {}
        room = self._call_events
        for row in rows:
            record = record_of(row)
            if row["refused"] or is_about(record.key.operation, record.body, self._erased):
                self._refused(claim.session, row["part"], record)
                continue
            if room <= 0 or (records and (record.user_id, record.key) != (records[0].user_id, records[0].key)):
                break
            if record.size > room:
                record = msgspec.structs.replace(record, waiting=first_bits(record.waiting, room))
            records.append(record)
            parts[record.seq] = row["part"]
            room -= record.size
        if not records:
            self._owned.put_back(claim)
            return None
        self._owned.take_out(claim)
        return Leased(records[0].key, tuple(records), claim.attempt, claim, parts)
