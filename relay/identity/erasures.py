"""Users who asked to be forgotten: erased wherever the relay holds anything of them, and refused from then on."""

from relay.archive.archive import Archive
from relay.core.clock import Clock
from relay.identity.bindings import Bindings
from relay.spool.contract import Spool


class Erasures:
    """Erases users, and knows whom it erased."""

    def __init__(self, *, spool: Spool, bindings: Bindings, clock: Clock, archive: Archive | None = None) -> None:
        self._spool = spool
        self._archive = archive
        self._bindings = bindings
        self._clock = clock

    def __contains__(self, user_id: object) -> bool:
        return isinstance(user_id, str) and user_id in self._spool.erased

    async def erase(self, user_id: str | None = None, *, session_id: str | None = None) -> int:
        """Remove what the relay holds of a user, or of a session; how many records and archived events went.

        From the first moment no new event of the user is taken; on return nothing is pending, buried, bound or
        archived, and all of that is on disk. A call in flight cannot be taken back. A session is not refused
        afterwards: it is nobody's, until it shows an identity token again.

        Raises:
            SpoolError: the disk refused; the user is refused until the next restart, erase again.
        """
        if user_id is None:
            self._bindings.forget_session(session_id)
            return await self._spool.erase(session_id=session_id) + await self._archived(session_id=session_id)
        self._bindings.forget_user(user_id)
        return await self._spool.erase(user_id=user_id) + await self._archived(user_id=user_id)

    async def allow(self, user_id: str) -> bool:
        """Refuse a user no longer who was erased; whether they were refused. On disk on return.

        Raises:
            SpoolError: the disk refused; the user stays refused.
        """
        return await self._spool.allow(user_id)

    async def _archived(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        return 0 if self._archive is None else await self._archive.erase(user_id=user_id, session_id=session_id)
