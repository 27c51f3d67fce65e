"""What one relay's end of the shared spool is made of: connections, and what works on them."""

import asyncio
import logging
import secrets
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.core.model import Record
from relay.spool.contract import BINDING_TTL_S
from relay.spool.postgres.flows import Flows
from relay.spool.postgres.link import DatabaseAwayError, Server
from relay.spool.postgres.lookout import Lookout
from relay.spool.postgres.migrate import migrate
from relay.spool.postgres.owner.arrivals import Arrivals
from relay.spool.postgres.owner.heartbeat import Heartbeat
from relay.spool.postgres.owner.owned import Owned
from relay.spool.postgres.owner.session_reader import SessionReader
from relay.spool.postgres.owner.shards import Shards
from relay.spool.postgres.owner.shared_numbers import SharedNumbers
from relay.spool.postgres.totals import Totals
from relay.spool.postgres.write.announcer import ERASED, SHARDS, Announcer
from relay.spool.postgres.write.appender import Appender, Group
from relay.spool.postgres.write.archiver import Archiver
from relay.spool.postgres.write.claims import Claims
from relay.spool.postgres.write.erasing import ErasedPass, Erasing
from relay.spool.postgres.write.settle_queue import SettleQueue
from relay.spool.postgres.write.shared_sessions import SharedSessions
from relay.spool.postgres.write.turns import TableTurns
from relay.spool.schedule.bindings import Bindings
from relay.spool.schedule.buried_bounds import BuriedBounds
from relay.spool.schedule.erased_users import ErasedUsers
from relay.spool.schedule.fingerprint import fingerprint

_HAND_OVER_S: Final = 5.0
_START_S: Final = 30.0
_AGAIN_S: Final = 0.5
_logger = logging.getLogger(__name__)


class Parts(ABC):
    """Opened on entering; on leaving everything is settled, and others have the shards at once."""

    def __init__(
        self,
        server: Server,
        *,
        clock: Clock,
        max_bytes: int,
        name: str | None = None,
        version: str = "",
        bounds: BuriedBounds | None = None,
        binding_ttl_s: float = BINDING_TTL_S,
        archive_bytes: int = 0,
        call_events: int = MAX_EVENTS_PER_CALL,
    ) -> None:
        """Take the settings; the database is asked on entering.

        Args:
            server: Where it is.
            clock: What time it is.
            max_bytes: What the whole spool may hold.
            name: Of this relay, different from all others; made up if None.
            version: Of this relay, for people to see.
            bounds: Over which of these a person should look at what is buried.
            binding_ttl_s: How long a session that is not used stays bound.
            archive_bytes: Most bytes of delivered events that are kept.
            call_events: Events a call takes: what a lease holds at most.
        """
        self.name = name or secrets.token_hex(6)
        self._clock = clock
        self._max_bytes = max_bytes
        self._version = version
        self._call_events = call_events
        self._archive_bytes = archive_bytes
        self._listens = not server.pooled
        unsynced = {"synchronous_commit": "off"}
        self._settling = server.connection(f"relay {self.name} settle", **unsynced)
        self._reading = server.connection(f"relay {self.name} lease", **unsynced)
        self._arriving = server.connection(f"relay {self.name} listen")
        self._beating = server.connection(f"relay {self.name} heartbeat")
        self._appending = server.connection(f"relay {self.name} append")
        self._claiming = server.connection(f"relay {self.name} claim")
        self._chores = server.connection(f"relay {self.name} watch")
        self._salt = b""
        self._flows = Flows()
        self._turns = TableTurns(clock)
        self._totals = Totals(self.name)
        self.erased = ErasedUsers()
        self._owned = Owned(clock=clock, call_events=call_events)
        self._shards = Shards(self._beating, name=self.name, version=version, holder=self._owned)
        self.sessions = SharedSessions(Bindings(clock=clock, ttl_s=binding_ttl_s))
        self._bounds = bounds or BuriedBounds()
        self._stack = AsyncExitStack()
        self._working: list[Background] = []
        self._make_parts()

    def _make_parts(self) -> None:
        self._settles = SettleQueue(
            self._settling, owned=self._owned, shards=self._shards, totals=self._totals, clock=self._clock
        )
        self.numbers = SharedNumbers(
            self._chores, shards=self._shards, fingerprint=lambda key: fingerprint(key, self._salt)
        )
        self._reader = SessionReader(
            self._reading,
            owned=self._owned,
            shards=self._shards,
            erased=self.erased,
            call_events=self._call_events,
            refused=self._remove_refused,
        )
        self._announcer = Announcer(self._reading)
        self._archiver = Archiver(self._settling, max_bytes=self._archive_bytes)
        self._arrivals = Arrivals(
            self._arriving,
            listens=self._listens,
            owned=self._owned,
            shards=self._shards,
            flows=self._flows,
            told=self._told,
        )
        self._lookout = Lookout(
            self._chores,
            turns=self._turns,
            totals=self._totals,
            erased=self.erased,
            clock=self._clock,
            forget=self._forget_here,
            erasure_seen=lambda: self._heartbeat.wake(),  # noqa: PLW0108  made after this
            max_bytes=self._max_bytes,
            bounds=self._bounds,
        )
        self._heartbeat = Heartbeat(self._shards, erased_seen=lambda: self._lookout.seen, changed=self._shards_changed)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for connection in (
                self._chores, self._claiming, self._appending, self._beating, self._arriving, self._reading,
                self._settling,
            ):  # fmt: skip
                stack.push_async_callback(connection.close)
            await self._open_patiently()
            writers: list[Background] = [self._settles, self._claims, self._appender, self._announcer, self._archiver]
            for part in writers:
                await stack.enter_async_context(part)
            stack.push_async_callback(self._stop)
            lookers: list[Background] = [self._lookout, self._heartbeat, self._arrivals, self.numbers]
            for part in lookers:
                await stack.enter_async_context(part)
            self._working = [*writers, *lookers]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open_patiently(self) -> None:
        """A database that is started at the same time may come a moment later."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _START_S
        was_said = False
        while True:
            try:
                await self._open()
            except DatabaseAwayError as error:
                if loop.time() > until_s:
                    raise
                if not was_said:
                    was_said = True
                    _logger.warning("not started yet, tried for %.0f s: %s", _START_S, error)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def _open(self) -> None:
        await migrate(self._chores, now_ms=self._clock.now_ms())
        self._salt = (await self._chores.fetch("SELECT salt FROM relay.meta"))[0]["salt"]
        self._archiver.salt = self._salt
        self.sessions.claims = self._claims = Claims(self._claiming, salt=self._salt, clock=self._clock)
        self._appender = Appender(
            self._appending,
            turns=self._turns,
            flows=self._flows,
            relay=self.name,
            salt=self._salt,
            clock=self._clock,
            stored=self._appended,
        )
        self._erasing = Erasing(
            self._chores,
            relay=self.name,
            salt=self._salt,
            flows=self._flows,
            minute=lambda: self._clock.now_ms() // 60_000,
            settled=self._settles.flush,
            announce=lambda: self._announcer.tell_at_once(ERASED),
            removed=self._removed,
        )
        await self._flows.load(self._chores)
        await self._lookout.look()
        await self._heartbeat.beat()
        await self._arrivals.look()

    async def _stop(self) -> None:
        """Settle what was settled, and let the others have the rest at once."""
        try:
            async with asyncio.timeout(_HAND_OVER_S):
                await self._appender.flush()
                await self._settles.flush()
                await self._archiver.flush()
                await self.numbers.hand_over()
                await self._shards.hand_over()
                await self._announcer.tell_at_once(SHARDS)
        except (SpoolError, TimeoutError) as error:
            _logger.warning("not handed over: other relays go on when the leases have run out: %s", error)

    # ── what happens ────────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def _appended(self, group: Group) -> None:
        """A group is committed."""

    @abstractmethod
    def _remove_refused(self, session: int, part: int, record: Record) -> None:
        """A record was met of somebody who was erased while it was under way."""

    @abstractmethod
    def _removed(self, removed: ErasedPass) -> None:
        """A pass of an erasure is on disk."""

    @abstractmethod
    def _forget_here(self, user_id: str | None, session_id: str | None) -> None:
        """Somebody was erased, perhaps by another relay."""

    @abstractmethod
    def _told(self, what: str) -> None:
        """Another relay says something."""

    @abstractmethod
    async def _shards_changed(self) -> None:
        """Shards were taken or given back."""
