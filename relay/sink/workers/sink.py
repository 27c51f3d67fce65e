"""A sink in several processes: what a call costs is paid on other cores than the relay's own.

The relay keeps spool, bindings and dispatcher, so nothing about order, duplicates or users changes. A process that
ends, for whatever reason, is started again; its calls come back as `Unreachable` and are tried again, like calls whose
connection broke. As then, the service may have taken them: a repeat carries the same `eventId`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from relay.core.clock import Clock
from relay.core.errors import RelayError
from relay.core.model import Batch
from relay.sink.base import Outcome, Unreachable, awaited
from relay.sink.wire import body_of
from relay.sink.workers.frames import Setup
from relay.sink.workers.sender_process import SenderProcess

STUCK_S: Final = 5.0
"""A process that has not answered so long after a call's deadline is killed."""
_LOOK_S: Final = 1.0
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0
_LIVED_S: Final = 10.0
"""A process that lived this long did not end because it cannot run here: the next one is started at once."""
_logger = logging.getLogger(__name__)


class WorkerSink:
    """See `relay.sink.base.Sink`: a `PersonalizeSink` in each of several processes.

    Not bounded by itself: as many calls are in flight as the caller makes, spread evenly.

    Args:
        workers: Processes; at least 1.
        regions: Region by tracking id, where it is not the account's own.
        max_in_flight: Connections of one process at most.
        deadline_s: Seconds a call may take.
        clock: Of this machine.
    """

    def __init__(
        self,
        *,
        workers: int,
        regions: Mapping[str, str] | None = None,
        max_in_flight: int = 32,
        deadline_s: float = 10.0,
        clock: Clock,
    ) -> None:
        self._workers = workers
        self._setup = Setup(dict(regions or {}), max_in_flight, deadline_s)
        self._clock = clock
        self._alive: list[SenderProcess] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Start all of them.

        Raises:
            RelayError: the first reason why one cannot take calls.
        """
        starts = [asyncio.create_task(SenderProcess.start(self._setup, self._clock)) for _ in range(self._workers)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        self._alive = [result for result in results if isinstance(result, SenderProcess)]
        for result in results:
            if isinstance(result, BaseException):
                await asyncio.gather(*[process.end() for process in self._alive])
                raise result
        await self._group.__aenter__()
        self._keepers = [self._group.create_task(self._keep(process)) for process in self._alive]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await self._group.__aexit__(kind, error, trace)
        await asyncio.gather(*[process.end() for process in self._alive])

    @property
    def pids(self) -> list[int]:
        """Of the processes that take calls now."""
        return [process.pid for process in self._alive]

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink.deliver`."""
        return await awaited(self.send, batch)

    def send(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        """See `Sink.send`."""
        if not self._alive:
            done(Unreachable("NoSender", "no sender process runs at the moment", "service"))
            return
        process = min(self._alive, key=lambda one: one.load)
        process.call(batch.key.operation, batch.key.target, body_of(batch), done)

    async def _keep(self, process: SenderProcess) -> None:
        """See that one process runs, this one or its successors."""
        wait_s = 0.0
        while True:
            since_s = self._clock.monotonic_s()
            await self._until_ended(process)
            self._alive.remove(process)
            code = await process.end()
            if self._clock.monotonic_s() - since_s >= _LIVED_S:
                wait_s = 0.0
            _logger.warning("sender process %d ended with %d and is started again", process.pid, code)
            process, wait_s = await self._start_again(wait_s)
            self._alive.append(process)

    async def _until_ended(self, process: SenderProcess) -> None:
        while not process.ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await process.ended.wait()
            if process.oldest_s() > self._setup.deadline_s + STUCK_S:
                _logger.error("sender process %d does not answer and is killed", process.pid)
                await process.end(at_once=True)

    async def _start_again(self, wait_s: float) -> tuple[SenderProcess, float]:
        """A new process, and how long to wait before the one after it."""
        while True:
            await asyncio.sleep(wait_s)
            wait_s = min(_LONGEST_WAIT_S, max(_FIRST_WAIT_S, wait_s * 2))
            try:
                return await SenderProcess.start(self._setup, self._clock), wait_s
            except RelayError as error:
                _logger.error("no sender process: %s", error)
