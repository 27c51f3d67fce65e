"""A lease on its way, and how many of those look for bad events: who sends many of these leaves room for the others.

A call that looks for a bad event is made because of who sent it, and so is the next try of what found no room. Both are
of a quota that all share. So half of it at most goes to such calls, and half of the calls in flight; what finds no room
is tried again later. And nobody's events are held back for company because of them.
"""

from typing import Final

from relay.delivery.bisecting import Sending
from relay.delivery.routes import LOOKING, Route
from relay.sink.base import Unreachable
from relay.spool.contract import Lease

NO_ROOM: Final = Unreachable("TooManyRefused")
"""Why a lease with a bad event is tried again later."""


class Carried:
    """A lease on its way."""

    __slots__ = ("calls", "is_erased", "is_looking", "lease", "route", "sending")

    def __init__(self, lease: Lease, route: Route, sending: Sending) -> None:
        self.lease, self.route, self.sending = lease, route, sending
        self.calls = 0
        self.is_erased = False
        self.is_looking = False
        """Whether it is counted by `Looking`."""

    def take(self) -> None:
        """A call of it is made."""
        self.calls += 1
        is_looking = self.sending.is_looking
        self.route.pace.take(is_needless=is_looking or self.lease.attempt > 1)
        if is_looking:
            self.route.looking.take()


class Looking:
    """How many leases look for a bad event."""

    def __init__(self, max_in_flight: int) -> None:
        self._most = max(1, int(max_in_flight * LOOKING))
        self._count = 0

    def wait_s(self, carried: Carried) -> float | None:
        """Seconds until a further call of a lease may be made; None while too many others look."""
        route = carried.route
        if not carried.sending.is_looking:
            return route.pace.wait_s()
        if not carried.is_looking:
            if self._count >= self._most:
                return None
            carried.is_looking = True
            self._count += 1
        return max(route.pace.wait_s(), route.looking.wait_s())

    def end(self, carried: Carried) -> None:
        """It is settled."""
        self._count -= carried.is_looking
        carried.is_looking = False
