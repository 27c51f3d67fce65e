"""The loop that gets chunks to the service: paced, a few calls in flight, settled in the order of the file.

Nothing is skipped: what is settled is always a beginning of the file. Nothing is sent twice needlessly: after a
kill only the calls that were in flight are repeated, and a repeated record replaces itself.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from relay.core.clock import Clock
from relay.core.limits import PUT_RECORDS_CALLS_PER_S
from relay.personalize.errors import InvalidInputError, PersonalizeError, ResourceInUseError, ThrottledError
from relay.personalize.put.catalog import CatalogRecord
from relay.personalize.put.chunks import Chunk, Refusal
from relay.personalize.put.journal import Journal
from relay.personalize.put.problem import Problem
from relay.personalize.put.rows import Row

Put = Callable[[Sequence[CatalogRecord]], Awaitable[None]]
"""One call, once. Raises `PersonalizeError`."""

_SHARE_OF_QUOTA: Final = 0.98
"""How near to the quota calls are paced: a tenth of a second can arrive as less of one."""
_MAX_IN_FLIGHT: Final = 8
"""At 10 calls a second enough for answers that take 0.8 s."""
_FIRST_PAUSE_S: Final = 0.5
_MAX_PAUSE_S: Final = 20.0
_HOPELESS_AFTER: Final = 100
"""Rows refused by the service with none taken: the fault is not in the rows."""

Entry = tuple[Row, CatalogRecord]


class Pace:
    """Slots at an even distance; time nobody asked in is not made up for, so there is never a burst."""

    def __init__(self, calls_per_s: float, *, clock: Clock, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._interval_s = 1 / (calls_per_s * _SHARE_OF_QUOTA)
        self._clock = clock
        self._sleep = sleep
        self._next_s = clock.monotonic_s()

    async def slot(self) -> None:
        """Wait for one's turn."""
        now_s = self._clock.monotonic_s()
        mine_s = max(self._next_s, now_s)
        self._next_s = mine_s + self._interval_s
        if mine_s > now_s:
            await self._sleep(mine_s - now_s)

    def hold(self, pause_s: float) -> None:
        """No slot before that many seconds from now."""
        self._next_s = max(self._next_s, self._clock.monotonic_s() + pause_s)


class Counts(msgspec.Struct):
    """Figures of one run, for the progress bar."""

    calls: int = 0
    throttled: int = 0
    retried: int = 0


class Uploader:
    """Sends chunks until there are no more, or until it is stopped."""

    def __init__(
        self,
        *,
        put: Put,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random,
        calls_per_s: float = PUT_RECORDS_CALLS_PER_S,
        give_up_s: float = 300.0,
    ) -> None:
        """Make it; nothing happens yet.

        Args:
            put: Makes one call.
            clock: For pacing.
            sleep: How to wait.
            chance: For the jitter of pauses.
            calls_per_s: The quota of the dataset group.
            give_up_s: How long to go on when nothing gets through.
        """
        self._put = put
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._pace = Pace(calls_per_s, clock=clock, sleep=sleep)
        self._give_up_s = give_up_s
        self._last_taken_s = clock.monotonic_s()
        self._taken = 0
        self._stopped = False
        self.counts = Counts()

    def stop(self) -> None:
        """Read no more; what is in flight is settled."""
        self._stopped = True

    async def run(
        self,
        read: Callable[[], Awaitable[Chunk | None]],
        journal: Journal,
        on_progress: Callable[[Chunk], None] | None = None,
    ) -> bool:
        """Send everything `read` gives, and settle it in the journal in its order.

        Returns:
            Whether the end was reached; False when it was stopped before.

        Raises:
            PersonalizeError: the service refuses for a reason that lies in no row, or does not answer for
                `give_up_s` seconds. The journal says how far it came.
        """
        window: deque[tuple[Chunk, asyncio.Task[list[Refusal]]]] = deque()
        try:
            while not self._stopped and (chunk := await read()) is not None:
                while window and (
                    len(window) >= _MAX_IN_FLIGHT
                    or window[0][1].done()
                    or any(not chunk.ids.isdisjoint(earlier.ids) for earlier, _ in window)
                ):
                    await self._settle(window.popleft(), journal, on_progress)
                entries = list(chunk.records)
                window.append((chunk, asyncio.create_task(self._deliver(entries))))
            while window:
                await self._settle(window.popleft(), journal, on_progress)
        finally:
            for _, task in window:
                task.cancel()
            await asyncio.gather(*(task for _, task in window), return_exceptions=True)
        if self._stopped:
            return False
        journal.finish()
        return True

    async def _settle(
        self,
        sent: tuple[Chunk, asyncio.Task[list[Refusal]]],
        journal: Journal,
        on_progress: Callable[[Chunk], None] | None,
    ) -> None:
        chunk, task = sent
        refused = await task
        refusals = sorted([*chunk.refusals, *refused], key=lambda refusal: refusal.row.number)
        journal.commit(
            end=chunk.last.end,
            sha256=chunk.last.sha256,
            rows=chunk.last.number,
            sent=len(chunk.records) - len(refused),
            refusals=refusals,
        )
        if on_progress is not None:
            on_progress(chunk)
        if self._taken == 0 and journal.progress.sent == 0 and refused and journal.progress.rejected >= _HOPELESS_AFTER:
            said = f"the service refused every row so far, the last with: {refused[-1].problem.detail}"
            raise InvalidInputError(said)

    async def _deliver(self, entries: list[Entry]) -> list[Refusal]:
        """Send the records of one chunk; a refused call is halved until the bad record is alone."""
        refused: list[Refusal] = []
        parts = [entries] if entries else []
        while parts:
            part = parts.pop()
            try:
                await self._send([record for _, record in part])
            except InvalidInputError as error:
                if len(part) == 1:
                    refused.append(Refusal(part[0][0], Problem(error.code or "InvalidInputException", error.said)))
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
            else:
                self._taken += len(part)
        return refused

    async def _send(self, records: Sequence[CatalogRecord]) -> None:
        """One call, tried again as long as its records are not to blame."""
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._pace.slot()
            self.counts.calls += 1
            try:
                await self._put(records)
            except PersonalizeError as error:
                in_use = isinstance(error, ResourceInUseError)  # an import or an update of the dataset is running
                if not (error.transient or in_use):
                    if isinstance(error, InvalidInputError):
                        self._last_taken_s = self._clock.monotonic_s()  # an answer is an answer
                    raise
                if self._stopped or self._clock.monotonic_s() - self._last_taken_s > self._give_up_s:
                    raise
                self.counts.retried += 1
                if isinstance(error, ThrottledError):
                    self.counts.throttled += 1
                self._pace.hold(pause_s * self._chance.uniform(0.5, 1.0))
                pause_s = min(_MAX_PAUSE_S, pause_s * 2)
            else:
                self._last_taken_s = self._clock.monotonic_s()
                return
