"""Which session belongs to which user: remembered in memory, kept by the spool."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from relay.core.clock import Clock
from relay.core.model import Binding
from relay.identity.session_stitching import Links
from relay.spool.contract import MOST_BINDINGS_READ

MAX_BINDINGS: Final = MOST_BINDINGS_READ
"""Sessions remembered at once; about 80 MB. Past it the one unused longest is forgotten: its events go out without
a user until it shows its identity token again."""

WRITES_A_TTL: Final = 16
"""How often the use of a session reaches the disk, at most, in the time it stays bound. What is on disk lasts one such
step longer than the session was known to, so that a restart ends no binding early."""


class _Held(msgspec.Struct, gc=False):
    """What is remembered of a session."""

    user_id: str
    page_session: str | None
    until_ms: int
    """Bound until then, as of its last use."""
    saved_until_ms: int = 0
    """The same as the spool knows it, a step more; 0 while no save has succeeded."""


class Bindings:
    """Sessions and their users. What is on disk may be older than what is here, never newer."""

    def __init__(self, *, clock: Clock, ttl_s: float, most: int = MAX_BINDINGS, links: Links | None = None) -> None:
        """Take the settings.

        Args:
            clock: What time it is.
            ttl_s: How long a session that is not used stays bound.
            most: Bindings held at once.
            links: Is told which sessions are bound, and which are to be forgotten.
        """
        self._clock = clock
        self._ttl_ms = int(ttl_s * 1000)
        self._most = most
        self._links = links
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()

    def load(self, bindings: Iterable[Binding]) -> None:
        """Take what the spool kept, the soonest to expire first to go when there are too many."""
        for one in sorted(bindings, key=lambda one: one.expires_at_ms):
            until_ms = one.expires_at_ms
            self._hold((one.target, one.session_id), _Held(one.user_id, one.page_session, until_ms, until_ms))

    def user(self, target: str, session_id: str) -> str | None:
        """The user of a session that is used now, or None; it stays bound for its whole time again."""
        key = (target, session_id)
        held = self._held.get(key)
        if held is None:
            return None
        now_ms = self._clock.now_ms()
        if held.until_ms <= now_ms:
            return None
        held.until_ms = max(held.until_ms, now_ms + self._ttl_ms)
        self._held.move_to_end(key)
        return held.user_id

    def last_user(self, target: str, session_id: str) -> str | None:
        """The user of a session, also of one whose binding has ended, as long as it is remembered.

        Its events were sent with this user, so nobody else may have it: not now, and not after the binding's time.
        """
        held = self._held.get((target, session_id))
        return None if held is None else held.user_id

    def bind(self, target: str, session_id: str, user_id: str, *, page_session: str | None = None) -> None:
        """From now on the session is this user's; takes effect at once, `due` says what has to be saved.

        Args:
            target: The tracking id.
            session_id: The session.
            user_id: Its user.
            page_session: The session the page named, where this is one derived from it.
        """
        self._hold((target, session_id), _Held(user_id, page_session, self._clock.now_ms() + self._ttl_ms))

    def due(self, target: str, session_id: str) -> Binding | None:
        """The session's binding if it has to be saved with the next append.

        That is while no save of it has succeeded, and once it lasts longer than the spool knows: a binding in use
        lives on with `WRITES_A_TTL` writes each `RELAY_BINDING_TTL_S`, at most.
        """
        held = self._held.get((target, session_id))
        if held is None or held.until_ms <= held.saved_until_ms:
            return None
        until_ms = held.until_ms + self._ttl_ms // WRITES_A_TTL
        return Binding(target, session_id, held.user_id, until_ms, held.page_session)

    def saved(self, binding: Binding) -> None:
        """The spool has this one now."""
        held = self._held.get((binding.target, binding.session_id))
        if held is not None and held.user_id == binding.user_id:
            held.saved_until_ms = max(held.saved_until_ms, binding.expires_at_ms)
            if self._links is not None:
                self._links.bound(binding)

    def forget_user(self, user_id: str) -> None:
        """Drop every session of a user, for an erasure."""
        for key in [key for key, held in self._held.items() if held.user_id == user_id]:
            del self._held[key]
        if self._links is not None:
            self._links.forget(user_id=user_id)

    def forget_session(self, session_id: str | None) -> None:
        """Drop the bindings of a session, for an erasure."""
        for key in [key for key, held in self._held.items() if session_id in (key[1], held.page_session)]:
            del self._held[key]
        if self._links is not None:
            self._links.forget(session_id=session_id)

    def __len__(self) -> int:
        return len(self._held)

    def _hold(self, key: tuple[str, str], held: _Held) -> None:
        self._held[key] = held
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
