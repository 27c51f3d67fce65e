"""What became of a session's beacons by the numbers its page gave them: in order, late, repeated, or never seen."""

from typing import Final

import msgspec
from msgspec.structs import replace

from relay.spool.contract import Numbered

MOST_SESSIONS: Final = 50_000
"""Sessions whose numbers are remembered, about 8 MB. Past it half of them are forgotten, those unused longest."""
REMEMBERED: Final = 64
"""Numbers below the highest that are told apart."""
_ALL: Final = (1 << REMEMBERED) - 1
MOST_MISSING: Final = 1000
"""A gap of one beacon counts as so many at most: the number is a stranger's word."""


class _NumbersSeen(msgspec.Struct, frozen=True, gc=False):
    """Of a session."""

    first: int
    highest: int
    mask: int = 1
    """A bit for each of the last numbers, the highest first."""
    record: int = 0
    """The last stored record that was looked at."""


_IN_ORDER: Final = Numbered("arrived")


class SessionGaps:
    """Numbers seen, by session: the first, the highest, and a bit for each of the last below that."""

    def __init__(self, most: int = MOST_SESSIONS) -> None:
        self._half = most // 2
        self._seen: dict[object, _NumbersSeen] = {}
        self._seen_before: dict[object, _NumbersSeen] = {}

    def saw(self, session: object, number: int) -> Numbered:
        """Beacon `number` of a session came. The first that is seen of a session tells of no gap."""
        known = self._known(session)
        if known is None:
            self._seen[session] = _NumbersSeen(number, number)
            return _IN_ORDER
        first, highest, mask, record = known.first, known.highest, known.mask, known.record
        ahead = number - highest
        if ahead > 0:
            shifted = 0 if ahead >= REMEMBERED else mask << ahead & _ALL
            self._seen[session] = _NumbersSeen(first, number, shifted | 1, record)
            return _IN_ORDER if ahead == 1 else Numbered("arrived", min(ahead - 1, MOST_MISSING))
        bit = 1 << -ahead if -ahead < REMEMBERED else 0
        self._seen[session] = _NumbersSeen(min(first, number), highest, mask | bit, record)
        if number < first:
            return _IN_ORDER  # nothing was known of it, so it was not missed
        return Numbered("repeated" if mask & bit or not bit else "late")

    def saw_record(self, session: object, number: int, record: int) -> Numbered | None:
        """A stored record of beacon `number` was met; None where the beacon has been counted.

        A beacon may be several records, and a record may be met more than once, in parts. Records grow along a session.
        """
        known = self._known(session)
        if known is not None:
            if record <= known.record:
                return None
            behind = known.highest - number
            if 0 <= behind < REMEMBERED and known.mask >> behind & 1:
                self._seen[session] = replace(known, record=record)
                return None
        found = self.saw(session, number)
        self._seen[session] = replace(self._seen[session], record=record)
        return found

    def _known(self, session: object) -> _NumbersSeen | None:
        found = self._seen.get(session)
        if found is None:
            if len(self._seen) >= self._half:
                self._seen_before, self._seen = self._seen, {}
            found = self._seen_before.get(session)
        return found
