"""Events of a stream to beacons, as the snippet would have sent them: ten events, or five seconds after the first."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from relay.demo.replay.streams import StreamEvent

FLUSH_SIZE: Final = 10
FLUSH_MS: Final = 5000


class DueBeacon(msgspec.Struct, frozen=True, gc=False):
    """Events of one session and user, and when in the stream's time they are sent."""

    due_ms: int
    session_id: str
    user_id: str | None
    events: tuple[StreamEvent, ...]


def pack(events: Iterable[StreamEvent]) -> Iterator[DueBeacon]:
    """Beacons in order of `due_ms`, of events in order of time: each event in one, in its session's order."""
    # Oldest first: a session comes in with its first event, and all wait equally long.
    waiting: dict[str, list[StreamEvent]] = {}
    for event in events:
        while waiting:
            oldest = next(iter(waiting.values()))
            due_ms = oldest[0].at_ms + FLUSH_MS
            if due_ms > event.at_ms:
                break
            yield _beacon(waiting.pop(oldest[0].session_id), due_ms)
        mine = waiting.get(event.session_id)
        if mine is not None and mine[-1].user_id != event.user_id:
            yield _beacon(waiting.pop(event.session_id), event.at_ms)
            mine = None
        if mine is None:
            mine = waiting[event.session_id] = []
        mine.append(event)
        if len(mine) == FLUSH_SIZE:
            yield _beacon(waiting.pop(event.session_id), event.at_ms)
    for rest in waiting.values():
        yield _beacon(rest, rest[0].at_ms + FLUSH_MS)


def _beacon(events: list[StreamEvent], due_ms: int) -> DueBeacon:
    return DueBeacon(due_ms, events[0].session_id, events[0].user_id, tuple(events))
