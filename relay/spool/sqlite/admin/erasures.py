"""Who was erased in a spool on disk, and all that goes with an erasure: file, memory, archive."""

from functools import partial
from pathlib import Path

from relay.archive.archive import Archive
from relay.core.clock import Clock
from relay.spool.schedule.bindings import Bindings
from relay.spool.schedule.erased_users import ErasedUsers, fingerprint_of
from relay.spool.schedule.ledger import Ledger
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.sqlite.admin.erasing import Erased, Whom, discard_waiting, erase
from relay.spool.sqlite.admin.working import Worker
from relay.spool.sqlite.file.erasure_table import note_erasure
from relay.spool.sqlite.read.reader import Reader
from relay.spool.sqlite.read.record_cache import RecordCache
from relay.spool.sqlite.recovery.recover import remove_damaged
from relay.spool.sqlite.write.database import Database


class Erasures:
    """Erases, and knows who is refused since."""

    def __init__(
        self,
        path: Path,
        database: Database,
        *,
        work: Worker,
        reader: Reader,
        index: PendingIndex,
        cache: RecordCache,
        ledger: Ledger,
        sessions: Bindings,
        archive: Archive,
        clock: Clock,
    ) -> None:
        self._path = path
        self._database = database
        self._work = work
        self._reader = reader
        self._index = index
        self._cache = cache
        self._ledger = ledger
        self._sessions = sessions
        self._archive = archive
        self._clock = clock
        self.erased = ErasedUsers()

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `Spool.erase`."""
        whom = Whom("session_id", session_id or "") if user_id is None else Whom("user_id", user_id)
        if user_id is not None:
            self.erased.add(user_id)
        self._sessions.forget(user_id=user_id, session_id=session_id)
        if user_id is not None:
            note = partial(note_erasure, fingerprint=fingerprint_of(user_id), at_ms=self._clock.now_ms())
            await self._work(lambda database: note(database.sql))
        remove_damaged(self._path)
        count = await erase(whom, self._database, reader=self._reader, do=lambda step: self._work(step, self._gone))
        await self._work(lambda database: database.wiping.begin_anew(database.sql), alone=True)
        while await self._work(lambda database: database.wiping.go_on(database.sql), alone=True):
            pass  # appends go in between
        return count + await self._archive.erase(user_id=user_id, session_id=session_id)

    async def discard_waiting(self, target: str) -> int:
        """See `SpoolAdministration.discard_waiting`."""
        return await discard_waiting(target, reader=self._reader, do=lambda step: self._work(step, self._gone))

    async def allow(self, user_id: str) -> bool:
        """See `Spool.allow`."""
        was = user_id in self.erased
        if was:
            lift = partial(note_erasure, fingerprint=fingerprint_of(user_id), at_ms=self._clock.now_ms(), lifted=True)
            await self._work(lambda database: lift(database.sql))
            self.erased.remove(user_id)
        return was

    def _gone(self, removed: Erased) -> None:
        by_session: dict[int, set[int]] = {}
        for session, seq, _ in removed.pending:
            by_session.setdefault(session, set()).add(seq)
            self._cache.drop(seq)
        for session, seqs in by_session.items():
            self._index.discard(session, seqs)
        self._ledger.erased += removed.count
