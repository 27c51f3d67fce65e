"""The link Personalize needs: an event with both session and user, where no event of the visitor's own has both.

What a visitor did before the login counts in training only if some event carries the old session id and the user.
Events that still wait at the login get the user, and so does whatever comes after it; but who looks, logs in and leaves
sends no such event. So for each session of which anonymous events were delivered, the youngest with an item is kept
here; if after the login none with the user is delivered in time, that event is sent once more, with the user.

The price is one interaction too many in training, so the repeat claims as little as it can: it leaves out what a
recommendation achieved (`recommendationId`, `impression`, `metricAttribution`), which the first copy has told. Its time
is one second later than the first copy's. With the very same second the two would be alike once the session is joined,
and the service keeps one of such twins; whether it leaves twins out before it joins sessions or after, it does not say,
and before would cost the link. Being later than every event kept here, the repeat is nobody else's twin either.

Guarantees:

1. At most one repeat a session: its event id follows from session and user, so even a second one would be left out.
2. No repeat for a session of which an item was delivered with the user, nor while such an event may still wait.
3. Bounded by `max_bytes`: the session untouched longest is forgotten, and its history waits for an event of its own.
4. A stop writes what is due later to the spool at once. What was not bound by then is forgotten, and so is all of it
   when the process dies: a link is then up to the visitor's next event.
"""

import asyncio
import hashlib
import logging
import math
from collections import OrderedDict
from types import TracebackType
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import Batch, Binding, NewRecord, Operation, SessionKey
from relay.core.telemetry import Metrics
from relay.spool.contract import Spool

MAX_BYTES: Final = 64 << 20
"""Memory for sessions that may need a link: some 80,000 of them."""
SESSION_BYTES: Final = 700
"""What a session costs beside its event, about."""
LOOK_AGAIN_S: Final = 1.0
"""How often to look whether deliveries have caught up, or the spool takes events again."""
MAX_PATIENCE_S: Final = 3600.0
"""For so long a link waits for deliveries that are behind; then it is made, needed or not."""
AT_ONCE: Final = 200
"""Repeats in one append."""

_LEFT_OUT: Final = ("recommendationId", "impression", "metricAttribution")
_logger = logging.getLogger(__name__)


class _Event(msgspec.Struct, rename="camel"):
    """What has to be known of a delivered event."""

    sent_at: int
    item_id: str | UnsetType = UNSET


_read: Final = msgspec.json.Decoder(_Event).decode


class _Session:
    """What is known of one session."""

    __slots__ = ("body", "is_linked", "sent_at", "user_id")

    def __init__(self) -> None:
        self.body = b""
        """Its youngest anonymous event with an item; empty while there is none, and when it is no longer needed."""
        self.sent_at = 0
        self.user_id: str | None = None
        """Whom it is bound to, while it is not linked."""
        self.is_linked = False

    @property
    def size(self) -> int:
        return SESSION_BYTES + len(self.body)


class Links(Background):
    """Watches deliveries and logins, and repeats an event where the link would be missing."""

    def __init__(
        self, spool: Spool, *, clock: Clock, metrics: Metrics, after_s: float, max_bytes: int = MAX_BYTES
    ) -> None:
        """Take what it needs.

        Args:
            spool: Where repeats go; open.
            clock: What time it is.
            metrics: What to count with.
            after_s: How long after the login an event of the visitor's own may come.
            max_bytes: Memory, about.
        """
        self._spool = spool
        self._clock = clock
        self._metrics = metrics
        self._after_s = after_s
        self._max_bytes = max_bytes
        self._sessions: OrderedDict[SessionKey, _Session] = OrderedDict()
        self._due_s: OrderedDict[SessionKey, float] = OrderedDict()
        """When the link of a session is to be made; in order, since all wait equally long."""
        self._bytes = 0
        self._bell = asyncio.Event()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        while keys := self._due(math.inf):
            if not await self._repeat(keys):
                _logger.warning("%d links to anonymous sessions are lost", len(self._due_s))
                return

    def __len__(self) -> int:
        return len(self._sessions)

    # ── what happens ────────────────────────────────────────────────────────────────────────────────────────

    def delivered(self, batch: Batch) -> None:
        """The service has taken these."""
        if batch.key.operation is not Operation.PUT_EVENTS:
            return
        youngest: tuple[int, bytes] | None = None
        for entry in batch.entries():
            try:
                event = _read(entry)
            except msgspec.DecodeError:  # whatever it is, it is no event to repeat
                continue
            if event.item_id is not UNSET and (youngest is None or event.sent_at >= youngest[0]):
                youngest = (event.sent_at, entry)
        if youngest is None:
            return  # without an item the service ignores it: that links nothing
        if batch.user_id is not None:
            self._linked(batch.key)
            return
        session = self._touch(batch.key)
        if not session.is_linked and youngest[0] >= session.sent_at:
            self._bytes += len(youngest[1]) - len(session.body)
            session.sent_at, session.body = youngest
        self._forget_oldest()
        self._schedule(batch.key)

    def bound(self, binding: Binding) -> None:
        """The session is a user's, and that is on disk."""
        key = SessionKey(Operation.PUT_EVENTS, binding.target, binding.session_id)
        session = self._touch(key)
        if not session.is_linked:
            session.user_id = binding.user_id
        self._forget_oldest()
        self._schedule(key)

    def forget(self, *, user_id: str | None = None, session_id: str | None = None) -> None:
        """An erasure: nothing of this user, or of this session, is repeated."""
        for key in [
            key
            for key, session in self._sessions.items()
            if (user_id is not None and session.user_id == user_id) or key.session_id == session_id
        ]:
            self._forget(key)

    # ── sessions ────────────────────────────────────────────────────────────────────────────────────────────

    def _touch(self, key: SessionKey) -> _Session:
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = _Session()
            self._bytes += session.size
        self._sessions.move_to_end(key)
        return session

    def _linked(self, key: SessionKey) -> None:
        """Remembered too, so that a later login of the session does not repeat anything."""
        session = self._touch(key)
        self._bytes -= len(session.body)
        session.body, session.user_id, session.is_linked = b"", None, True
        self._due_s.pop(key, None)
        self._forget_oldest()

    def _schedule(self, key: SessionKey) -> None:
        session = self._sessions.get(key)
        if session is None or not session.body or session.user_id is None or key in self._due_s:
            return
        self._due_s[key] = self._clock.monotonic_s() + self._after_s
        self._bell.set()

    def _forget_oldest(self) -> None:
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._sessions)))

    def _forget(self, key: SessionKey) -> None:
        self._bytes -= self._sessions.pop(key).size
        self._due_s.pop(key, None)

    # ── repeating ───────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            if not self._due_s:
                await self._bell.wait()
            now_s = self._clock.monotonic_s()
            keys = self._due(max(now_s - self._behind_s(), now_s - MAX_PATIENCE_S))
            if not keys or not await self._repeat(keys):
                next_s = next(iter(self._due_s.values()), now_s)
                await asyncio.sleep(next_s - now_s if next_s > now_s else LOOK_AGAIN_S)

    def _behind_s(self) -> float:
        """How old the oldest event is that waits: of sessions due before it was accepted, nothing waits any more."""
        oldest_ms = self._spool.stats().oldest_accepted_at_ms
        return 0.0 if oldest_ms is None else max(0, self._clock.now_ms() - oldest_ms + 1) / 1000

    def _due(self, until_s: float) -> list[SessionKey]:
        keys: list[SessionKey] = []
        for key, due_s in self._due_s.items():
            if due_s > until_s or len(keys) == AT_ONCE:
                break
            keys.append(key)
        return keys

    async def _repeat(self, keys: list[SessionKey]) -> bool:
        """Write these links; whether the spool took them."""
        records = [_repeated(key, self._sessions[key]) for key in keys]
        try:
            repeated = await self._spool.append(records)
        except SpoolError as error:
            _logger.warning("links to anonymous sessions have to wait: %s", error)
            return False
        self._metrics.link_events.inc(len(records) - len(repeated))
        for key in keys:
            if key in self._sessions:  # else it was erased meanwhile, the repeat with it
                self._linked(key)
        return True


def _repeated(key: SessionKey, session: _Session) -> NewRecord:
    entry: dict[str, Any] = msgspec.json.decode(session.body)
    parts = msgspec.json.encode((key.target, key.session_id, session.user_id))
    event_id = "link~" + hashlib.sha256(parts).hexdigest()
    entry |= {"eventId": event_id, "sentAt": session.sent_at + 1}
    for name in _LEFT_OUT:
        entry.pop(name, None)
    body = msgspec.json.encode(entry)
    return NewRecord(key, session.user_id, (event_id,), body, (len(body),))
