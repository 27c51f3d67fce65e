"""Which session belongs to which user, as one process knows it: in memory, kept by its spool.

`claim` here decides at once, which is the whole truth where one process has the spool. A backend that several share
asks the others first, and tells it what they said (`learn`).
"""

from collections import OrderedDict
from collections.abc import Awaitable, Iterable
from typing import Final

import msgspec

from relay.core.clock import Clock
from relay.core.model import KEPT_MS, Binding
from relay.spool.contract import MOST_BINDINGS_READ, SessionWatcher

MAX_BINDINGS: Final = MOST_BINDINGS_READ
"""Sessions remembered at once; about 80 MB. Past it the one unused longest is forgotten: its events go out without
a user until it shows its identity token again."""

FORGOTTEN_AT_ONCE: Final = 64
"""Sessions that a save takes along, of those that were forgotten for want of room: so no commit is long."""
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
    is_kept: bool = False
    """Whether the spool has a binding of the session, this one or one before."""


class Bindings:
    """See `relay.spool.contract.Sessions`. What is on disk may be older than what is here, never newer."""

    def __init__(self, *, clock: Clock, ttl_s: float, most: int = MAX_BINDINGS, notes_forgotten: bool = False) -> None:
        """Take the settings.

        Args:
            clock: What time it is.
            ttl_s: How long a session that is not used stays bound.
            most: Bindings held at once.
            notes_forgotten: Whether somebody asks which are `forgotten`.
        """
        self._clock = clock
        self._ttl_ms = int(ttl_s * 1000)
        self._most = most
        self._watchers: list[SessionWatcher] = []
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._notes_forgotten = notes_forgotten
        self._forgotten: dict[tuple[str, str], None] = {}
        """Sessions that nobody is held of, and the spool has a binding of."""

    def watch(self, watcher: SessionWatcher) -> None:
        """From now on this too is told which sessions are bound, and which are to be forgotten."""
        self._watchers.append(watcher)

    def load(self, bindings: Iterable[Binding]) -> None:
        """Take what the spool kept, the soonest to expire first to go when there are too many."""
        for binding in sorted(bindings, key=lambda one: one.expires_at_ms):
            self.learn(binding)

    # ── of the contract ─────────────────────────────────────────────────────────────────────────────────────

    def user(self, target: str, session_id: str) -> str | None:
        """See `Sessions.user`; it is used now, and stays bound for its whole time again."""
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

    def claim(
        self, target: str, session_id: str, user_id: str, *, page_session: str | None = None
    ) -> str | Awaitable[str]:
        """See `Sessions.claim`; here it takes effect at once, and `due` says what has to be saved."""
        key = (target, session_id)
        held = self._held.get(key)
        if held is not None and held.user_id != user_id:
            return held.user_id
        until_ms = self._clock.now_ms() + self._ttl_ms
        if held is None:
            self._hold(key, _Held(user_id, page_session, until_ms))
        else:
            held.until_ms = max(held.until_ms, until_ms)
            self._held.move_to_end(key)
        return user_id

    def due(self, target: str, session_id: str) -> Binding | None:
        """See `Sessions.due`: while no save of it has succeeded, and once it lasts longer than the spool knows."""
        held = self._held.get((target, session_id))
        if held is None or held.until_ms <= held.saved_until_ms:
            return None
        until_ms = held.until_ms + self._ttl_ms // WRITES_A_TTL
        return Binding(target, session_id, held.user_id, until_ms, held.page_session)

    def knows(self, target: str, session_id: str) -> bool:
        """Whether the session is somebody's as far as is known here, and nobody else's."""
        held = self._held.get((target, session_id))
        return held is not None and held.until_ms + KEPT_MS > self._clock.now_ms()

    def binding_of(self, target: str, session_id: str, user_id: str, page_session: str | None) -> Binding:
        """As it is to be kept, if the session is used now."""
        until_ms = self._clock.now_ms() + self._ttl_ms
        return Binding(target, session_id, user_id, until_ms + self._ttl_ms // WRITES_A_TTL, page_session)

    # ── of the backend ──────────────────────────────────────────────────────────────────────────────────────

    def learn(self, binding: Binding) -> None:
        """Somebody else bound a session, or keeps it; that is durable, so that it need not be saved."""
        until_ms = binding.expires_at_ms
        self._hold(
            (binding.target, binding.session_id), _Held(binding.user_id, binding.page_session, until_ms, until_ms, True)
        )

    def held(self, binding: Binding) -> object | None:
        """What is remembered of its session now; for `saved`."""
        return self._held.get((binding.target, binding.session_id))

    def saved(self, binding: Binding, asked: object | None = None) -> None:
        """The spool has this one now, in place of any other of the session.

        `asked` is what was `held` when the save was asked for: of a session that was forgotten since then, and is
        somebody's again, the spool may have removed it by now.
        """
        held = self._held.get((binding.target, binding.session_id))
        if held is None:  # what the spool has of it goes when it has ended
            return
        held.is_kept = True
        if held.user_id != binding.user_id or (asked is not None and asked is not held):  # it has to be saved again
            held.saved_until_ms = 0
            return
        held.saved_until_ms = max(held.saved_until_ms, binding.expires_at_ms)
        for watcher in self._watchers:
            watcher.bound(binding)

    def forgotten(self) -> list[tuple[str, str]]:
        """Some of the sessions that were forgotten for want of room: theirs the next save is to remove."""
        left = self._forgotten
        return [left.popitem()[0] for _ in range(min(len(left), FORGOTTEN_AT_ONCE))] if left else []

    def give_back(self, forgotten: Iterable[tuple[str, str]]) -> None:
        """That save did not succeed."""
        for session in forgotten:
            held = self._held.get(session)
            if held is None:
                self._note(session)
            else:
                held.is_kept = True

    def forget(self, *, user_id: str | None = None, session_id: str | None = None) -> None:
        """Drop every session of a user, or one and those derived from it, for an erasure."""
        gone = [
            key
            for key, held in self._held.items()
            if (held.user_id == user_id if session_id is None else session_id in (key[1], held.page_session))
        ]
        for key in gone:
            del self._held[key]
        for watcher in self._watchers:
            watcher.forget(user_id=user_id, session_id=session_id)

    def __len__(self) -> int:
        return len(self._held)

    def _hold(self, key: tuple[str, str], held: _Held) -> None:
        if key in self._forgotten:
            del self._forgotten[key]
            held.is_kept = True
        self._held[key] = held
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            session, gone = self._held.popitem(last=False)
            if gone.is_kept:
                self._note(session)

    def _note(self, session: tuple[str, str]) -> None:
        if self._notes_forgotten:
            self._forgotten[session] = None
