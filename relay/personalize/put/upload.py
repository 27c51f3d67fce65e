"""The loop that gets chunks to the service: paced, a few calls in flight, settled in the order of the file.

Nothing is skipped: what is settled is always a beginning of the file. Nothing is sent twice needlessly: after a
kill only the calls that were in flight are repeated, and a repeated record replaces itself. Calls, pace and the search
for a bad record are those of the relay's delivery.
"""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from relay.core.backoff import full_jitter
from relay.core.clock import Clock
from relay.core.limits import PUT_RECORDS_CALLS_PER_S
from relay.core.model import Batch, Record, SessionKey
from relay.delivery.bisecting import Sending
from relay.delivery.token_bucket import Pace
from relay.personalize.errors import BadFileError, InvalidInputError, ResourceInUseError, error_of
from relay.personalize.put.catalog import CatalogKind, CatalogRecord
from relay.personalize.put.chunks import Chunk, RefusedRow
from relay.personalize.put.journal import Journal
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows import Row
from relay.sink.base import AwaitedSink, Delivered, Outcome, Refused, Throttled, Unreachable

_MAX_IN_FLIGHT: Final = 8
"""At 10 calls a second enough for answers that take 0.8 s."""
_MAX_PAUSE_S: Final = 20.0
_HOPELESS_AFTER: Final = 100
"""Rows refused by the service with none taken: the fault is not in the rows."""

Entry = tuple[Row, CatalogRecord]


class UploadCounts(msgspec.Struct):
    """Figures of one run, for the progress bar."""

    calls: int = 0
    throttled: int = 0
    retried: int = 0


class Uploader:
    """Sends chunks until there are no more, or until it is stopped."""

    def __init__(
        self,
        *,
        sink: AwaitedSink,
        kind: CatalogKind,
        dataset_arn: str,
        clock: Clock,
        chance: random.Random,
        calls_per_s: float = PUT_RECORDS_CALLS_PER_S,
        give_up_s: float = 300.0,
    ) -> None:
        """Make it; nothing happens yet.

        Args:
            sink: Makes the calls.
            kind: Users, items or actions.
            dataset_arn: Where they go.
            clock: For pacing.
            chance: For the jitter of pauses.
            calls_per_s: The quota of the dataset group.
            give_up_s: How long to go on when nothing gets through.
        """
        self._sink = sink
        self._kind = kind
        self._key = SessionKey(kind.operation, dataset_arn, "")
        self._clock = clock
        self._chance = chance
        self._pace = Pace(calls_per_s, clock=clock)
        self._turns = asyncio.Lock()
        self._give_up_s = give_up_s
        self._answered_s = clock.monotonic_s()
        self._taken = 0
        self._stopped = False
        self.counts = UploadCounts()

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
                `give_up_s` seconds; or the file is damaged. The journal says how far it came.
        """
        window: deque[tuple[Chunk, asyncio.Task[list[RefusedRow]]]] = deque()
        damage: BadFileError | None = None
        try:
            while not self._stopped:
                try:
                    chunk = await read()
                except BadFileError as error:  # of the file from here on: what was read before it is sent
                    damage = error
                    break
                if chunk is None:
                    break
                while window and (
                    len(window) >= _MAX_IN_FLIGHT
                    or window[0][1].done()
                    or any(not chunk.ids.isdisjoint(earlier.ids) for earlier, _ in window)
                ):
                    await self._settle(window.popleft(), journal, on_progress)
                window.append((chunk, asyncio.create_task(self._deliver(chunk.records))))
            while window:
                await self._settle(window.popleft(), journal, on_progress)
        finally:
            for _, task in window:
                task.cancel()
            await asyncio.gather(*(task for _, task in window), return_exceptions=True)
        if damage is not None:
            raise damage
        if self._stopped:
            return False
        journal.finish()
        return True

    async def _settle(
        self,
        sent: tuple[Chunk, asyncio.Task[list[RefusedRow]]],
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

    async def _deliver(self, entries: Sequence[Entry]) -> list[RefusedRow]:
        """Send the records of one chunk, until each is taken or refused by the service."""
        refused: list[RefusedRow] = []
        record = _at_rest(self._key, [entry.wire(self._kind) for _, entry in entries])
        attempt = 0
        while record.waiting:
            sending = Sending([record], doubt=lambda _, __: None)
            while (batch := sending.next()) is not None:
                sending.came(await self._send(batch))
            left = record.waiting
            for _, places in sending.delivered:
                left &= ~places
                self._taken += places.bit_count()
            for burial in sending.buried:
                left &= ~(1 << burial.place)
                refused.append(RefusedRow(entries[burial.place][0], RowProblem(burial.reason, burial.message)))
            if sending.stopped is not None:
                attempt = attempt + 1 if left == record.waiting else 1
                await self._wait(sending.stopped, attempt)
            record = msgspec.structs.replace(record, waiting=left)
        return refused

    async def _send(self, batch: Batch) -> Outcome:
        async with self._turns:  # who came first goes first: what is settled is a beginning of the file
            await self._pace.turn()
        self.counts.calls += 1
        outcome = await self._sink.deliver(batch)
        if isinstance(outcome, Delivered | Refused):
            self._answered_s = self._clock.monotonic_s()
        elif isinstance(outcome, Throttled):
            self.counts.throttled += 1
            self._pace.slow()
        return outcome

    async def _wait(self, outcome: Throttled | Unreachable, attempt: int) -> None:
        """Wait before the rest is tried again.

        Raises:
            PersonalizeError: it is no use: a person has something to do, or nothing got through for long.
        """
        error = error_of(outcome, self._key.operation)
        # An import or an update of the dataset that is running passes too.
        passes = error.transient or isinstance(error, ResourceInUseError)
        if not passes or self._stopped or self._clock.monotonic_s() - self._answered_s > self._give_up_s:
            raise error
        self.counts.retried += 1
        await asyncio.sleep(full_jitter(attempt, self._chance, cap_s=_MAX_PAUSE_S))


def _at_rest(key: SessionKey, entries: Sequence[bytes]) -> Record:
    """The entries of a chunk as what delivery sends."""
    ends = tuple(end - 1 for end in itertools.accumulate(len(entry) + 1 for entry in entries))
    return Record(0, key, None, b",".join(entries), ends, 0, (1 << len(entries)) - 1)
