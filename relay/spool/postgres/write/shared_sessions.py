"""Which session belongs to which user, for all relays: the database decides, once; a yes is remembered here."""

from collections.abc import Awaitable

from relay.core.model import Binding
from relay.spool.postgres.write.claims import Claims
from relay.spool.schedule.bindings import Bindings


class SharedSessions:
    """See `relay.spool.contract.Sessions`.

    That a session is somebody's may be remembered for as long as it is nobody else's; that it is nobody's may not be,
    for another relay may be told otherwise the next moment.
    """

    def __init__(self, known: Bindings) -> None:
        self.known = known
        self.claims: Claims | None = None
        """Once the database is open."""

    def user(self, target: str, session_id: str) -> str | None:
        """See `Sessions.user`."""
        return self.known.user(target, session_id)

    def claim(
        self, target: str, session_id: str, user_id: str, *, page_session: str | None = None
    ) -> str | Awaitable[str]:
        """See `Sessions.claim`."""
        if self.known.knows(target, session_id) or self.claims is None:
            return self.known.claim(target, session_id, user_id, page_session=page_session)
        return self._asked(self.claims, target, session_id, user_id, page_session)

    def due(self, target: str, session_id: str) -> Binding | None:
        """See `Sessions.due`."""
        return self.known.due(target, session_id)

    def renewed(self, asked: Binding, found: Binding | None) -> None:
        """A binding that was due is in the database, or another one is."""
        if found is None:
            return
        if found.user_id == asked.user_id:
            self.known.saved(asked)
        else:
            self.known.learn(found)

    async def _asked(self, claims: Claims, target: str, session_id: str, user_id: str, page_session: str | None) -> str:
        asked = self.known.binding_of(target, session_id, user_id, page_session)
        found = await claims.ask(asked)
        if found is None:  # erased a moment ago: what comes under this name is stored without it
            return user_id
        if found.user_id == user_id:
            self.known.claim(target, session_id, user_id, page_session=page_session)
        self.renewed(asked, found)
        return found.user_id
