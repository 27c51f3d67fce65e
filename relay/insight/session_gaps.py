"""What became of a session's beacons by the numbers its page gave them: in order, late, repeated, or never seen."""

from collections import OrderedDict
from typing import Final, NamedTuple

MOST_SESSIONS: Final = 50_000
"""Sessions whose numbers are remembered, about 8 MB; past it the one unused longest is forgotten."""
REMEMBERED: Final = 64
"""Numbers below the highest that are told apart."""
MOST_MISSING: Final = 1000
"""A gap of one beacon counts as so many at most: the number is a stranger's word."""


class Numbered(NamedTuple):
    """What one beacon's number says."""

    state: str
    """`arrived`, `late` (it had been counted as missing) or `repeated`."""
    missing: int = 0
    """Numbers skipped before it, which may still come."""


class SessionGaps:
    """Numbers seen, by session."""

    def __init__(self, most: int = MOST_SESSIONS) -> None:
        self._most = most
        self._seen: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def saw(self, session: str, number: int) -> Numbered:
        """Beacon `number` of a session came. The first that is seen of a session tells of no gap."""
        first, highest, mask = self._seen.get(session, (number, number, 0))
        ahead = number - highest
        if ahead > 0:
            shifted = 0 if ahead >= REMEMBERED else mask << ahead & (1 << REMEMBERED) - 1
            self._keep(session, (first, number, shifted | 1))
            return Numbered("arrived", min(ahead - 1, MOST_MISSING))
        bit = 1 << -ahead if -ahead < REMEMBERED else 0
        self._keep(session, (min(first, number), highest, mask | bit))
        if number < first or not mask:
            return Numbered("arrived")  # nothing was known of it, so it was not missed
        return Numbered("repeated" if mask & bit or not bit else "late")

    def _keep(self, session: str, numbers: tuple[int, int, int]) -> None:
        self._seen[session] = numbers
        self._seen.move_to_end(session)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
