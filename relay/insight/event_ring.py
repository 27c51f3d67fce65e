"""The last things that happened, bounded in number, bytes and time; past 200 events a second a sample, told as such."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from zlib import crc32

MOST: Final = 20_000
"""Beacons and calls that are remembered."""
MOST_BYTES: Final = 32 << 20
"""What they take, about."""
KEPT_MS: Final = 3_600_000
"""For so long."""
ALL_BELOW: Final = 200
"""Events a second up to which all are kept. Past it those of an eighth of the sessions; past eight times that, none."""
_SHARE: Final = 8


class Happened(NamedTuple):
    """One beacon, refusal or call."""

    number: int
    """Grows by one with each."""
    at_ms: int
    session_id: str
    """Empty where there is none."""
    size: int
    """Bytes, about."""
    what: object


class EventRing:
    """Asked when something happens, added to by the digest, read by whoever looks."""

    def __init__(self) -> None:
        self._kept: deque[Happened] = deque()
        self._bytes = 0
        self._second = 0
        self._events = 0
        self.number = 0
        """Of the last one that was added."""
        self.left_out = 0
        """Events that were not kept, since there were too many at once."""

    def admits(self, at_ms: int, session_id: str, events: int) -> bool:
        """Whether what happens now is to be added: not if there is too much in this second and it is of no sample."""
        second = at_ms // 1000
        if second != self._second:
            self._second, self._events = second, 0
        self._events += events
        if self._events <= ALL_BELOW or self._is_in_sample(session_id):
            return True
        self.left_out += events
        return False

    def add(self, at_ms: int, session_id: str, size: int, what: object) -> None:
        """Keep one."""
        self.number += 1
        self._kept.append(Happened(self.number, at_ms, session_id, size, what))
        self._bytes += size
        while self._kept and (
            len(self._kept) > MOST or self._bytes > MOST_BYTES or self._kept[0].at_ms < at_ms - KEPT_MS
        ):
            self._bytes -= self._kept.popleft().size

    def forget(self, is_theirs: Callable[[Happened], bool]) -> int:
        """Remove some for good; how many."""
        kept = deque(one for one in self._kept if not is_theirs(one))
        gone = len(self._kept) - len(kept)
        self._kept, self._bytes = kept, sum(one.size for one in kept)
        return gone

    def __len__(self) -> int:
        return len(self._kept)

    def since_ms(self) -> int | None:
        """When the oldest of them happened."""
        return self._kept[0].at_ms if self._kept else None

    def newest_first(self) -> Iterator[Happened]:
        """All that are kept."""
        return reversed(self._kept)

    def after(self, number: int) -> list[Happened]:
        """Those with a greater number, oldest first."""
        found: list[Happened] = []
        for one in reversed(self._kept):
            if one.number <= number:
                break
            found.append(one)
        found.reverse()
        return found

    def _is_in_sample(self, session_id: str) -> bool:
        return self._events <= _SHARE * ALL_BELOW and crc32(session_id.encode(errors="replace")) % _SHARE == 0
