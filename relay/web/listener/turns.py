"""Whose bytes are looked at next: those who ask much wait for each other, and nobody else waits for them.

A network that asks little is looked at as soon as its bytes are there, and so is one that asks much while nobody asks
little. Beyond that what a network asks, and what is pipelined, waits for a turn. Turns go round the networks, one
request each, and fill at most a moment of each look at the sockets: so the others are answered in between, whatever it
costs to answer those. Where there are no others every connection that waits gets its turn in each look: the more
beacons come together, the fewer commits they need.

While some wait and others do not, the interpreter changes threads sooner, too. To commit what the others sent the
spool's thread needs the interpreter half a dozen times, and waits the whole interval each time when this one is busy.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

from relay.web.listener import bounds

_SIZE_OF_ONE: Final = 14
"""Reads are counted, and every 16 KiB of one as one more."""


class TurnTaker(Protocol):
    """A connection with bytes that were not looked at."""

    def turn(self) -> None:
        """Look at some: one request at most is begun."""
        ...


class Turns:
    """Of one listener. A network is any key; a connection that speaks for many is one by itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, seconds: Callable[[], float] = time.perf_counter) -> None:
        """Take what runs it.

        Args:
            loop: Which looks at the sockets in between.
            seconds: A clock that goes on within one look.
        """
        self._loop = loop
        self._seconds = seconds
        self._asked: dict[object, int] = {}
        self._much = 0  # networks among these that ask much
        self._busy: frozenset[object] = frozenset()  # those that began this sweep as networks that ask much
        self._had_others = False  # whether some asked little in the sweep before
        self._by_network: dict[object, dict[TurnTaker, None]] = {}
        self._running = False
        self._pressed = False
        self._usual_s: float | None = None  # the interval, while it is shorter

    def is_free(self, network: object, size: int) -> bool:
        """Count a read of so many bytes; whether it may be looked at at once."""
        asked = self._asked
        before = asked.get(network, 0)
        asked[network] = now = before + 1 + (size >> _SIZE_OF_ONE)
        if now <= bounds.FREE_READS:
            return True
        if before <= bounds.FREE_READS:
            self._much += 1
        return not (self._by_network or self._had_others or len(asked) > self._much)

    def forget(self) -> None:
        """A further sweep: who asked little has asked nothing yet, who asked much asks much until it does less.

        Were all free again, all that ask much would be looked at at once, at the beginning of each sweep.
        """
        if self._asked:
            self._had_others = len(self._asked) > self._much
            free, busy = bounds.FREE_READS, self._busy
            much = [one for one, asked in self._asked.items() if asked > (2 * free + 1 if one in busy else free)]
            self._busy, self._much = frozenset(much), len(much)
            self._asked = dict.fromkeys(much, free + 1)
        if not self._pressed:
            self.end()
        self._pressed = False

    def end(self) -> None:
        """Let threads change as ever."""
        if self._usual_s is not None:
            sys.setswitchinterval(self._usual_s)
            self._usual_s = None

    def _press(self) -> None:
        self._pressed = True
        if self._usual_s is None:
            self._usual_s = sys.getswitchinterval()
            sys.setswitchinterval(min(self._usual_s, bounds.PRESSED_INTERVAL_S))

    def wait(self, network: object, one: TurnTaker) -> None:
        """A connection wants a turn; once is enough."""
        self._by_network.setdefault(network, {})[one] = None
        if not self._running:
            self._running = True
            self._loop.call_soon(self._go_round)

    def _go_round(self) -> None:
        waiting = self._by_network
        # Who ask little: they are not to wait for these. They may only be about to ask at the beginning of a sweep.
        others = self._had_others or len(self._asked) > max(self._much, len(waiting))
        if others:
            self._press()
        until_s = self._seconds() + bounds.TURNS_S
        left = bounds.MOST_TURNS if others else sum(map(len, waiting.values()))
        try:
            while waiting:
                self._first().turn()
                left -= 1
                if left <= 0 or (others and self._seconds() >= until_s):
                    break
        finally:  # a turn that fails is nobody else's end
            self._running = bool(waiting)
            if waiting:
                self._loop.call_soon(self._go_round)

    def _first(self) -> TurnTaker:
        """Whose turn it is; its network is behind the others then."""
        waiting = self._by_network
        network = next(iter(waiting))
        theirs = waiting.pop(network)
        one = next(iter(theirs))
        del theirs[one]
        if theirs:
            waiting[network] = theirs
        return one
