"""What became of a session's beacons by the numbers its page gave them: in order, late, repeated, or never seen."""

from typing import Final, NamedTuple

MOST_SESSIONS: Final = 50_000
"""Sessions whose numbers are remembered, about 8 MB. Past it half of them are forgotten, those unused longest."""
REMEMBERED: Final = 64
"""Numbers below the highest that are told apart."""
_ALL: Final = (1 << REMEMBERED) - 1
MOST_MISSING: Final = 1000
"""A gap of one beacon counts as so many at most: the number is a stranger's word."""


class Numbered(NamedTuple):
    """What one beacon's number says."""

    state: str
    """`arrived`, `late` (it had been counted as missing) or `repeated`."""
    missing: int = 0
    """Numbers skipped before it, which may still come."""


_IN_ORDER: Final = Numbered("arrived")


class SessionGaps:
    """Numbers seen, by session: the first, the highest, and a bit for each of the last below that."""

    def __init__(self, most: int = MOST_SESSIONS) -> None:
        self._half = most // 2
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._seen_before: dict[str, tuple[int, int, int]] = {}

    def saw(self, session: str, number: int) -> Numbered:
        """Beacon `number` of a session came. The first that is seen of a session tells of no gap."""
        seen = self._seen
        numbers = seen.get(session)
        if numbers is None:
            if len(seen) >= self._half:
                self._seen_before, self._seen = seen, (seen := {})
            numbers = self._seen_before.get(session, (number, number, 0))
        first, highest, mask = numbers
        ahead = number - highest
        if ahead > 0:
            shifted = 0 if ahead >= REMEMBERED else mask << ahead & _ALL
            seen[session] = (first, number, shifted | 1)
            return _IN_ORDER if ahead == 1 else Numbered("arrived", min(ahead - 1, MOST_MISSING))
        bit = 1 << -ahead if -ahead < REMEMBERED else 0
        seen[session] = (min(first, number), highest, mask | bit)
        if number < first or not mask:
            return _IN_ORDER  # nothing was known of it, so it was not missed
        return Numbered("repeated" if mask & bit or not bit else "late")
