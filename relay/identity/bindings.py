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
        self._held: OrderedDict[tuple[str, str], Binding] = OrderedDict()
        self._unsaved: set[tuple[str, str]] = set()

    def load(self, bindings: Iterable[Binding]) -> None:
        """Take what the spool kept, the soonest to expire first to go when there are too many."""
        for binding in sorted(bindings, key=lambda one: one.expires_at_ms):
            self._hold(binding)

    def user(self, target: str, session_id: str) -> str | None:
        """The user of a session, or None."""
        binding = self._held.get((target, session_id))
        if binding is None or binding.expires_at_ms <= self._clock.now_ms():
            return None
        self._held.move_to_end((target, session_id))
        return binding.user_id

    def last_user(self, target: str, session_id: str) -> str | None:
        """The user of a session, also of one whose binding has ended, as long as it is remembered.

        Its events were sent with this user, so nobody else may have it: not now, and not after the binding's time.
        """
        binding = self._held.get((target, session_id))
        return None if binding is None else binding.user_id

    def bind(self, target: str, session_id: str, user_id: str, *, page_session: str | None = None) -> None:
        """From now on the session is this user's; takes effect at once, `due` says what has to be saved.

        Args:
            target: The tracking id.
            session_id: The session.
            user_id: Its user.
            page_session: The session the page named, where this is one derived from it.
        """
        binding = Binding(target, session_id, user_id, self._clock.now_ms() + self._ttl_ms, page_session)
        self._hold(binding)
        self._unsaved.add((target, session_id))

    def due(self, target: str, session_id: str) -> Binding | None:
        """The session's binding if it has to be saved with the next append.

        That is while no save of it has succeeded, and once less than half of its time is left: a binding in use
        lives on with one write each half `RELAY_BINDING_TTL_S`.
        """
        key = (target, session_id)
        binding = self._held.get(key)
        if binding is None:
            return None
        now_ms = self._clock.now_ms()
        if key in self._unsaved or binding.expires_at_ms - now_ms < self._ttl_ms // 2:
            return msgspec.structs.replace(binding, expires_at_ms=now_ms + self._ttl_ms)
        return None

    def saved(self, binding: Binding) -> None:
        """The spool has this one now."""
        key = (binding.target, binding.session_id)
        held = self._held.get(key)
        if held is not None and held.user_id == binding.user_id:
            self._held[key] = binding
            self._unsaved.discard(key)
            if self._links is not None:
                self._links.bound(binding)

    def forget_user(self, user_id: str) -> None:
        """Drop every session of a user, for an erasure."""
        for key in [key for key, binding in self._held.items() if binding.user_id == user_id]:
            self._forget(key)
        if self._links is not None:
            self._links.forget(user_id=user_id)

    def forget_session(self, session_id: str | None) -> None:
        """Drop the bindings of a session, for an erasure."""
        for key in [key for key, one in self._held.items() if session_id in (one.session_id, one.page_session)]:
            self._forget(key)
        if self._links is not None:
            self._links.forget(session_id=session_id)

    def __len__(self) -> int:
        return len(self._held)

    def _hold(self, binding: Binding) -> None:
        key = (binding.target, binding.session_id)
        self._held[key] = binding
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._forget(next(iter(self._held)))

    def _forget(self, key: tuple[str, str]) -> None:
        del self._held[key]
        self._unsaved.discard(key)
